"""The status of a shard. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, is_condition_true, name_of, phase_of
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.parts import Orphan, ShardCondition
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardBackupLocationStatus, ShardStatus, TabletStatus
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.shard.backup_plan import SeenBackup
from armillary.operator.shard.observe import ShardSeen, ShardTopology
from armillary.operator.shard.overdue import Overdue
from armillary.operator.shard.situation import is_available
from armillary.operator.shard.tablets import Shard, WantedTablet, wanted_tablets


@dataclass(frozen=True, slots=True)
class Tale:
    """What else is to be told of the shard: its restores, and its backups."""

    conditions: Mapping[str, ShardCondition]
    overdue: Sequence[Overdue]


def build_shard_status(
    shard: Shard,
    obj: KubeObject,
    seen: ShardSeen,
    backups: Sequence[SeenBackup],
    orphans: Mapping[TabletAlias, Orphan],
    tale: Tale,
    *,
    now: datetime,
    available_after: timedelta,
) -> ShardStatus:
    wanted = wanted_tablets(shard)
    tablets = {
        str(tablet.alias): _tablet(tablet, seen, now=now, after=available_after)
        for tablet in wanted
    }
    cells = {tablet.alias.cell for tablet in wanted} | {alias.cell for alias in orphans}
    topology = seen.topology
    primary = topology.primary if topology else None
    return ShardStatus(
        observed_generation=shard.generation,
        tablets=tablets,
        orphaned_tablets={str(alias): orphan for alias, orphan in orphans.items()},
        cells=sorted(cells),
        has_master=has_primary(topology),
        serving_writes=_serving_writes(seen),
        master_alias=str(primary) if primary else "",
        semi_sync_master=read_status(obj, ShardStatus).semi_sync_master,
        has_initial_backup=has_initial_backup(shard, seen, backups),
        idle=_idle(topology),
        conditions={**_conditions(obj, tablets, now), **tale.conditions},
        backup_locations=_backup_locations(shard, backups, tale.overdue),
        lowest_pod_generation=_lowest_generation(seen),
    )


def tell_changes(before: ShardStatus, after: ShardStatus) -> list[tuple[str, str]]:
    """Return events, each a reason and a message, for what changed in a shard by itself."""
    events = []
    if after.has_initial_backup == "True" != before.has_initial_backup:
        events.append(
            ("InitialBackupFound", "there is a complete backup for tablets to start from")
        )
    known = after.has_master != "Unknown"  # else the topology does not answer
    if known and after.master_alias != before.master_alias and before.master_alias:
        now = after.master_alias or "nobody"
        message = f"the topology names {now} as primary; before it was {before.master_alias}"
        events.append(("PrimaryChanged", message))
    if after.serving_writes == "True" != before.serving_writes:
        events.append(("ServingWrites", f"the primary {after.master_alias} is ready"))
    elif before.serving_writes == "True" and after.serving_writes == "False":
        events.append(("NotServingWrites", "the shard has no primary that is ready"))
    return events


def has_primary(topology: ShardTopology | None) -> str:
    """Return True, False, or Unknown when the topology does not say or the record is gone."""
    if topology is None or not topology.has_record:
        return "Unknown"
    return "True" if topology.primary is not None else "False"


def has_initial_backup(shard: Shard, seen: ShardSeen, backups: Sequence[SeenBackup]) -> str:
    if any(backup.complete for backup in backups):
        return "True"
    name = names.initial_backup_name(shard.cluster, shard.keyspace, shard.name)
    phases = [phase_of(pod) for pod in seen.backup_pods if name_of(pod) == name]
    if "Succeeded" in phases:
        return "True"
    return "False" if "Failed" in phases else "Unknown"


def _tablet(
    tablet: WantedTablet, seen: ShardSeen, *, now: datetime, after: timedelta
) -> TabletStatus:
    pod = seen.pods.get(tablet.alias)
    claim = seen.claims.get(tablet.alias)
    found_type = seen.topology.types.get(tablet.alias) if seen.topology else None
    bound = "Unknown"
    if tablet.pool.data_volume_claim_template is not None:
        bound = "True" if claim is not None and phase_of(claim) == "Bound" else "False"
    if pod is None:
        return TabletStatus(
            pool_type=tablet.pool.type,
            index=tablet.index,
            running="False",
            ready="False",
            available="False",
            data_volume_bound=bound,
        )
    return TabletStatus(
        pool_type=tablet.pool.type,
        index=tablet.index,
        running=_flag(phase_of(pod) == "Running"),
        ready=_flag(is_condition_true(pod, "Ready")),
        available=_flag(is_available(pod, now=now, after=after)),
        data_volume_bound=bound,
        type=_type_name(found_type),
        pending_changes=annotations_of(pod).get(keys.ROLLOUT_SCHEDULED, ""),
    )


def _flag(value: bool) -> str:
    return "True" if value else "False"


def _type_name(tablet_type: TabletType | None) -> str:
    """Return the type in the words of the resource, which are those of 2020."""
    if tablet_type is None:
        return ""
    return "master" if tablet_type == TabletType.PRIMARY else tablet_type.name.lower()


def _serving_writes(seen: ShardSeen) -> str:
    """Whether the primary is ready, be it one that left the spec and still serves."""
    topology = seen.topology
    if topology is None or not topology.has_record:
        return "Unknown"
    pod = seen.pods.get(topology.primary) if topology.primary else None
    return _flag(pod is not None and is_condition_true(pod, "Ready"))


def _idle(topology: ShardTopology | None) -> str:
    if topology is None:
        return "Unknown"
    # Without a record nobody can be sent here.
    return _flag(not (topology.has_record and topology.is_serving))


def _conditions(
    obj: KubeObject, tablets: Mapping[str, TabletStatus], now: datetime
) -> dict[str, ShardCondition]:
    found = (obj.get("status") or {}).get("conditions") or {}
    waiting = sorted(alias for alias, tablet in tablets.items() if tablet.ready != "True")
    ready = ShardCondition(
        status="False" if waiting else "True",
        reason="TabletsNotReady" if waiting else "TabletsReady",
        message=f"Not ready: {', '.join(waiting)}." if waiting else "All tablets are ready.",
    )
    old = found.get("Ready") or {}
    since = old.get("lastTransitionTime") if old.get("status") == ready.status else None
    kept = {key: msgspec.convert(value, ShardCondition) for key, value in found.items()}
    ready = msgspec.structs.replace(ready, last_transition_time=since or rfc3339(now))
    return kept | {"Ready": ready}


def _backup_locations(
    shard: Shard, backups: Sequence[SeenBackup], overdue: Sequence[Overdue]
) -> list[ShardBackupLocationStatus]:
    result = []
    late = {one.location: one for one in overdue}
    for location in shard.spec.backup_locations:
        found = [backup for backup in backups if backup.location == location.name]
        times = [b.started_at for b in found if b.complete and b.started_at]
        result.append(
            ShardBackupLocationStatus(
                name=location.name,
                complete_backups=sum(1 for backup in found if backup.complete),
                incomplete_backups=sum(1 for backup in found if not backup.complete),
                latest_complete_backup_time=rfc3339(max(times)) if times else None,
                overdue_since=rfc3339(late[location.name].since) if location.name in late else None,
                overdue_reason=late[location.name].reason if location.name in late else "",
            )
        )
    return result


def _lowest_generation(seen: ShardSeen) -> int:
    generations = [
        int(annotations_of(pod).get(keys.OBSERVED_SHARD_GENERATION, 0))
        for pod in seen.pods.values()
    ]
    return min(generations, default=0)
