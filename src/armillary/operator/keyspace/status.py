"""The status of a keyspace, put together from its shards'. Pure."""

from collections.abc import Mapping, Sequence

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, generation_of
from armillary.operator.crd.keyspace import (
    KeyspacePartitioningStatus,
    KeyspaceShardStatus,
    KeyspaceSpec,
    KeyspaceStatus,
)
from armillary.operator.crd.parts import Condition, Orphan
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.keyspace.partition import shards_of
from armillary.operator.render import labels as keys

TURNDOWN_BLOCKED = "TurndownBlocked"
_LINES_MAX = 10


def build_keyspace_status(
    obj: KubeObject,
    spec: KeyspaceSpec,
    shards: Sequence[KubeObject],
    orphans: Mapping[str, Orphan],
    conditions: list[Condition],
) -> KeyspaceStatus:
    by_name = {shard["spec"]["name"]: _shard(shard) for shard in shards}
    partitionings = []
    for partitioning in spec.partitionings:
        wanted = [shard.name for shard in shards_of(partitioning)]
        found = [by_name[name] for name in wanted if name in by_name]
        partitionings.append(
            KeyspacePartitioningStatus(
                shard_names=wanted,
                serving_writes=_all_of([shard.serving_writes for shard in found]),
                desired_tablets=sum(shard.desired_tablets for shard in found),
                tablets=sum(shard.tablets for shard in found),
                ready_tablets=sum(shard.ready_tablets for shard in found),
                updated_tablets=sum(shard.updated_tablets for shard in found),
                desired_shards=len(wanted),
                ready_shards=sum(
                    1 for shard in found if shard.ready_tablets == shard.desired_tablets
                ),
            )
        )
    pools = [pool for shard in shards for pool in shard["spec"].get("tabletPools") or ()]
    return KeyspaceStatus(
        observed_generation=generation_of(obj),
        shards=by_name,
        orphaned_shards=dict(orphans),
        partitionings=partitionings,
        # Pools count, not replicas: a pool of none is still meant to come back.
        idle="False" if pools else "True",
        conditions=conditions,
    )


def wanted_shard_names(status: KeyspaceStatus) -> frozenset[str]:
    """Return the shards of the spec; two partitionings may share some."""
    return frozenset(name for part in status.partitionings for name in part.shard_names)


def _shard(obj: KubeObject) -> KeyspaceShardStatus:
    status = read_status(obj, ShardStatus)
    pools = obj["spec"].get("tabletPools") or ()
    tablets = status.tablets.values()
    return KeyspaceShardStatus(
        has_master=status.has_master,
        serving_writes=status.serving_writes,
        desired_tablets=sum(int(pool.get("replicas") or 0) for pool in pools),
        tablets=len(status.tablets),
        ready_tablets=sum(1 for tablet in tablets if tablet.ready == "True"),
        updated_tablets=sum(1 for tablet in tablets if not tablet.pending_changes),
        pending_changes=annotations_of(obj).get(keys.ROLLOUT_SCHEDULED, ""),
        cells=list(status.cells),
    )


def _all_of(statuses: list[str]) -> str:
    if statuses and all(status == "True" for status in statuses):
        return "True"
    return "False" if "False" in statuses else "Unknown"


def turndown_condition(
    keyspace: str, shards: Sequence[KubeObject], orphans: Mapping[str, Orphan]
) -> Condition:
    """Tell whether all shards and tablets that left the spec could go.

    A tablet that is being drained is on its way, and not told.
    """
    lines = [f"shard {keyspace}/{name}: {one.message}" for name, one in sorted(orphans.items())]
    for shard in shards:
        tablets = read_status(shard, ShardStatus).orphaned_tablets
        lines += [
            f"tablet {alias} of {keyspace}/{shard['spec']['name']}: {orphan.message}"
            for alias, orphan in sorted(tablets.items())
            if orphan.reason != "Draining"
        ]
    more = f" And {len(lines) - _LINES_MAX} more." if len(lines) > _LINES_MAX else ""
    return Condition(
        type=TURNDOWN_BLOCKED,
        status="True" if lines else "False",
        reason="NotIdle" if lines else "NothingLeft",
        message=f"{' '.join(lines[:_LINES_MAX])}{more}"
        or "Nothing that left the spec is still there.",
    )


def plan_shard_turndown(
    shards: Sequence[KubeObject], wanted: frozenset[str]
) -> tuple[list[KubeObject], dict[str, Orphan]]:
    """Return the shards that may go, and why others that left the spec stay."""
    delete, orphans = [], {}
    for shard in shards:
        name = shard["spec"]["name"]
        if name in wanted:
            continue
        status = read_status(shard, ShardStatus)
        pools = shard["spec"].get("tabletPools") or ()
        if status.idle == "True" or not pools:
            delete.append(shard)
        else:
            orphans[name] = Orphan(
                reason="Serving",
                message="The shard left the spec while it serves. Move its traffic to another "
                "partitioning first.",
            )
    return delete, orphans
