"""Keep VitessShards as wanted: look, decide, act, tell. I/O."""

from collections.abc import Sequence

import msgspec

from armillary.base.errors import InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import created_at, is_being_deleted, labels_of, namespace_of
from armillary.kube.workqueue import WorkQueue
from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.crd.parts import ShardCondition
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.objects.status import write_status
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.shard.apply import apply_shard
from armillary.operator.shard.backup_plan import SeenBackup, parse_backup, plan_backups
from armillary.operator.shard.observe import ShardSeen, observe_shard
from armillary.operator.shard.overdue import (
    Overdue,
    find_overdue,
    overdue_condition,
    overdue_event,
    told_before,
)
from armillary.operator.shard.plan import plan_shard
from armillary.operator.shard.restoring import (
    RESTORE_BLOCKED,
    restore_conditions,
    restore_events,
)
from armillary.operator.shard.restoring_seen import ask_restoring, older_restored
from armillary.operator.shard.status import Tale, build_shard_status, has_primary, tell_changes
from armillary.operator.shard.tablets import Shard, parse_shard
from armillary.operator.world import ObjectKey, World


class ShardLoop:
    def __init__(self, world: World) -> None:
        self._world = world

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        world = self._world
        world.wake_on_self(kinds.VITESS_SHARD, queue)
        world.wake_on_children(kinds.POD, kinds.VITESS_SHARD, queue)
        world.wake_on_children(kinds.PERSISTENT_VOLUME_CLAIM, kinds.VITESS_SHARD, queue)
        world.wake_on(kinds.VITESS_BACKUP, queue, shard_keys_of)

    async def reconcile(self, key: ObjectKey) -> float | None:
        world, settings = self._world, self._world.settings
        obj = world.get(kinds.VITESS_SHARD, key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            return None
        try:
            shard = parse_shard(obj)
        except InputError as error:
            world.recorder.record(obj, "InvalidSpec", str(error), warning=True)
            return None
        seen = await observe_shard(world, obj, shard)
        backups = [parse_backup(backup) for backup in seen.backups]
        now = world.now()
        backup_plan = plan_backups(
            shard,
            _policy(shard),
            backups,
            has_primary=has_primary(seen.topology) == "True",
            is_snapshot=bool(seen.topology and seen.topology.is_snapshot),
            now=now,
        )
        plan = plan_shard(
            shard,
            obj,
            seen,
            backup_plan.jobs,
            now=now,
            available_after=settings.available_after,
        )
        steps = await apply_shard(world, obj, shard, seen, backup_plan.jobs, plan)
        overdue = self._find_overdue(obj, shard, seen, backups)
        conditions = await self._tell_restores(obj, shard, seen)
        conditions |= self._tell_backups(obj, overdue)
        status = build_shard_status(
            shard,
            obj,
            seen,
            backups,
            plan.orphans,
            Tale(conditions, overdue),
            now=now,
            available_after=settings.available_after,
        )
        for event, message in tell_changes(read_status(obj, ShardStatus), status):
            world.recorder.record(obj, event, message)
        await write_status(world.client, obj, status)
        steps.raise_first()
        waits = [settings.shard_resync.total_seconds(), plan.look_again_s]
        if status.has_master != "True":
            waits.append(_NO_PRIMARY_S)
        return min(*[wait for wait in (*waits, backup_plan.look_again_s) if wait is not None], 3600)

    async def _tell_restores(
        self, obj: KubeObject, shard: Shard, seen: ShardSeen
    ) -> dict[str, ShardCondition]:
        """Return what tablets say of their restores, and record what a person must hear."""
        found = (obj.get("status") or {}).get("conditions") or {}
        restoring = await ask_restoring(self._world, shard, seen)
        older = older_restored(seen.topology.records if seen.topology else {})
        now = self._world.now()
        tale = restore_conditions(found, restoring, older, now=now)
        for reason, message in restore_events(found, tale, now=now):
            self._world.recorder.record(obj, reason, message, warning=True)
            for alias in restoring if reason == RESTORE_BLOCKED else older:
                if alias in seen.pods:
                    self._world.recorder.record(seen.pods[alias], reason, message, warning=True)
        return tale

    def _find_overdue(
        self, obj: KubeObject, shard: Shard, seen: ShardSeen, backups: Sequence[SeenBackup]
    ) -> tuple[Overdue, ...]:
        topology = seen.topology
        is_known = topology is not None and topology.has_record
        overdue = find_overdue(
            shard,
            _policy(shard),
            backups,
            seen.backup_pods,
            shard_made_at=created_at(obj),
            has_primary=has_primary(topology) == "True",
            is_snapshot=topology.is_snapshot if topology is not None and is_known else None,
            now=self._world.now(),
        )
        if overdue or is_known:
            return overdue
        return told_before(read_status(obj, ShardStatus), backups)

    def _tell_backups(
        self, obj: KubeObject, overdue: Sequence[Overdue]
    ) -> dict[str, ShardCondition]:
        """Return what is to be said of backups that do not come, and record what is new in it."""
        found = (obj.get("status") or {}).get("conditions") or {}
        tale = overdue_condition(found, overdue, now=self._world.now())
        event = overdue_event(found, tale)
        if event is not None:
            reason, message, is_warning = event
            self._world.recorder.record(obj, reason, message, warning=is_warning)
        return tale


_NO_PRIMARY_S = 3.0


def _policy(shard: Shard) -> BackupPolicy | None:
    found = shard.spec.backup_policy
    return msgspec.convert(found, BackupPolicy) if found is not None else None


def shard_keys_of(obj: KubeObject) -> list[ObjectKey]:
    """Return the key of the shard that an object's labels speak of."""
    labels = labels_of(obj)
    cluster, keyspace, safe = (
        labels.get(label, "") for label in (keys.CLUSTER, keys.KEYSPACE, keys.SHARD)
    )
    if not (cluster and keyspace and safe):
        return []
    name = names.shard_object_name(cluster, keyspace, safe)
    return [ObjectKey(kinds.VITESS_SHARD.kind, namespace_of(obj), name)]
