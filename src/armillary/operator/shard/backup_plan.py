"""Which vtbackup runs a shard wants now. Pure.

The first run makes an empty backup that tablets start from; only while nothing else can give them
data: the shard has neither a complete backup nor a primary. Later runs follow the policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import created_at, labels_of
from armillary.model.backup_name import CLOCKS_APART_MAX
from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.shard.backup_pod import WantedBackupJob
from armillary.operator.shard.tablets import Shard


@dataclass(frozen=True, slots=True)
class SeenBackup:
    location: str
    complete: bool
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class BackupPlan:
    jobs: tuple[WantedBackupJob, ...]
    look_again_s: float | None = None  # when the next periodic backup is due


def parse_backup(obj: KubeObject) -> SeenBackup:
    status = obj.get("status") or {}
    started = status.get("startTime")
    return SeenBackup(
        location=labels_of(obj).get(keys.BACKUP_LOCATION, ""),
        complete=bool(status.get("complete")),
        started_at=datetime.fromisoformat(started) if started else None,
    )


def plan_backups(
    shard: Shard,
    policy: BackupPolicy | None,
    backups: Sequence[SeenBackup],
    *,
    has_primary: bool,
    is_snapshot: bool,
    now: datetime,
) -> BackupPlan:
    """Return the wanted runs.

    Args:
        is_snapshot: the keyspace is a restored image of another one: it has no history of its own
            to go on with, so the policy does not apply.
    """
    if not any(backup.complete for backup in backups):
        initial = _initial_job(shard)
        wants_initial = initial is not None and not has_primary and not is_snapshot
        return BackupPlan((initial,) if initial is not None and wants_initial else ())
    if policy is None or is_snapshot or not has_primary:
        return BackupPlan(())
    return _periodic(shard, policy, backups, now)


def _initial_job(shard: Shard) -> WantedBackupJob | None:
    """Return the first run; None when the spec does not ask for one."""
    pools = shard.spec.tablet_pools
    if not pools or not shard.replication.initialize_backup:
        return None
    if any(pool.external_datastore is not None for pool in pools):
        return None
    location = shard.location_of(pools[0])
    if location is None:
        return None
    name = names.initial_backup_name(shard.cluster, shard.keyspace, shard.name)
    return WantedBackupJob(name=name, kind="init", pool=pools[0], location=location)


def complete_times(backups: Sequence[SeenBackup], location: str) -> list[datetime]:
    """Return when the complete backups of a location were started."""
    return [b.started_at for b in backups if b.complete and b.started_at and b.location == location]


def newest_dated(times: Sequence[datetime], *, now: datetime) -> datetime | None:
    """Return the newest time that a clock in order may have given; None if there is none.

    A backup that a wrong clock dated a year ahead must not end all backups for a year.
    """
    return max((at for at in times if at <= now + CLOCKS_APART_MAX), default=None)


def _periodic(
    shard: Shard, policy: BackupPolicy, backups: Sequence[SeenBackup], now: datetime
) -> BackupPlan:
    interval = timedelta(hours=policy.backup_interval_hours)
    jobs: dict[str, WantedBackupJob] = {}
    due_in_s: list[float] = []
    for pool in shard.spec.tablet_pools:
        location = shard.location_of(pool)
        if location is None or location.name in jobs:
            continue
        times = complete_times(backups, location.name)
        if not times:
            continue  # nothing to go on from in this location
        latest_at = newest_dated(times, now=now)
        if latest_at is not None:
            age = now - latest_at  # a sum with a long interval would be no date
            if age < interval:
                due_in_s.append((interval - age).total_seconds())
                continue
        jobs[location.name] = WantedBackupJob(
            name=names.periodic_backup_name(
                shard.cluster, shard.keyspace, shard.name, location.name, latest_at or max(times)
            ),
            kind="update",
            pool=pool,
            location=location,
            min_backup_interval=interval,
            min_retention_time=timedelta(hours=policy.min_retention_hours),
            min_retention_count=policy.min_retention_count,
        )
    return BackupPlan(tuple(jobs.values()), min(due_in_s, default=None))


def run_ended_at(pod: KubeObject, now: datetime) -> datetime:
    """Return when a pod ended; when it was made, if its machine's clock is wrong or does not say.

    A pod that is refused as a whole never has a container.
    """
    states = [
        one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or ()
    ]
    texts = [(state.get("terminated") or {}).get("finishedAt") for state in states]
    times = [datetime.fromisoformat(text) for text in texts if text]
    return max((at for at in times if at <= now + CLOCKS_APART_MAX), default=created_at(pod))
