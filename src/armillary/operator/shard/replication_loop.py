"""Give every shard a primary, and keep its replication in order. I/O.

A controller of its own beside the shard's: asking tablets may take seconds, and creating pods
should not wait for that.
"""

import logging
from dataclasses import replace
from typing import assert_never

from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError, InputError
from armillary.base.news import News
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import generation_of, is_being_deleted, phase_of
from armillary.kube.workqueue import WorkQueue
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.shard.backup_plan import parse_backup
from armillary.operator.shard.dead_primary import Watched
from armillary.operator.shard.dead_primary_apply import watch_primary
from armillary.operator.shard.election import (
    Election,
    ElectRestored,
    InitializeEmpty,
    NoElection,
    ShardState,
    TabletSeen,
    Wait,
    plan_election,
)
from armillary.operator.shard.election_apply import elect_restored, is_empty_shard
from armillary.operator.shard.observe import ShardSeen, ShardTopology, observe_shard
from armillary.operator.shard.repair_apply import repair_replication
from armillary.operator.shard.reparent import init_primary
from armillary.operator.shard.semi_sync_seen import keep_semi_synced, recall_semi_synced
from armillary.operator.shard.status import has_initial_backup
from armillary.operator.shard.tablets import Shard, WantedTablet, parse_shard, wanted_tablets
from armillary.operator.world import ObjectKey, World

logger = logging.getLogger(__name__)

_WAIT_S = 2.0
_AFTER_ELECTION_S = 5.0
_WATCH_S = 5.0  # with recoverDeadMaster: how often a primary that lives is looked at
_SILENT_S = 1.0


class ReplicationLoop:
    def __init__(self, world: World) -> None:
        self._world = world
        self._watched: dict[ObjectKey, Watched] = {}
        self._waits: News[ObjectKey] = News()  # why the last pass had to wait

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        # The shard's own status changes whenever its pods, tablets or backups do.
        self._world.wake_on_self(kinds.VITESS_SHARD, queue)

    async def reconcile(self, key: ObjectKey) -> float | None:
        world = self._world
        obj = world.get(kinds.VITESS_SHARD, key.namespace, key.name)
        before = self._watched.pop(key, None)
        if obj is None or is_being_deleted(obj):
            self._waits.forget(key)
            return None
        if before is not None:  # a pass that does not look: a break
            self._watched[key] = replace(before, suspicion=None)
        try:
            shard = parse_shard(obj)
        except InputError:
            return None  # the shard's own controller tells it
        if read_status(obj, ShardStatus).observed_generation != generation_of(obj):
            return None  # its status follows, and wakes us
        wanted = wanted_tablets(shard)
        seen = await observe_shard(world, obj, shard)
        if seen.topology is None or not wanted:
            return _WAIT_S if wanted else world.settings.shard_resync.total_seconds()
        election = plan_election(_state(shard, seen, wanted))
        try:
            if not _watches_primary(shard, seen):
                self._watched[key] = Watched()
                await keep_semi_synced(world, obj, None)
            else:
                before = before or Watched(recall_semi_synced(obj, seen.pods))
                watched = self._watched[key] = await watch_primary(world, obj, shard, before)
                await keep_semi_synced(world, obj, watched.semi_synced)
                if watched.suspicion is not None:
                    silent_s = monotonic_s() - watched.suspicion.since_s
                    young = silent_s < shard.replication.dead_master_threshold_seconds
                    return _SILENT_S if young else _WATCH_S
            again_s = await self._act(obj, shard, wanted, seen.topology, election)
            self._waits.forget(key)
            return min(again_s, _WATCH_S) if _watches_primary(shard, seen) else again_s
        except ArmillaryError as error:
            self._tell_wait(key, shard, error)
            return _WAIT_S

    def _tell_wait(self, key: ObjectKey, shard: Shard, error: ArmillaryError) -> None:
        """Log what passes, as tablets that are just starting or a lock that is held, once."""
        facts = {"keyspace": shard.keyspace, "shard": shard.name, "error": str(error)}
        if self._waits.is_new(key, str(error)):
            logger.info("replication has to wait", extra=facts)

    async def _act(
        self,
        obj: KubeObject,
        shard: Shard,
        wanted: list[WantedTablet],
        topology: ShardTopology,
        election: Election,
    ) -> float:
        world = self._world
        match election:
            case Wait(reason):
                logger.debug("no election yet", extra={"shard": shard.name, "reason": reason})
                return _WAIT_S
            case ElectRestored(candidates):
                eligible = frozenset(t.alias for t in wanted if t.can_be_primary)
                await elect_restored(world, obj, shard, candidates, eligible)
                return _AFTER_ELECTION_S
            case InitializeEmpty(alias):
                problem = await is_empty_shard(world, shard, [t.alias for t in wanted])
                if problem:
                    world.recorder.record(obj, "InitShardBlocked", problem, warning=True)
                    return _WAIT_S
                await init_primary(world, shard, alias)
                world.recorder.record(obj, "PrimaryElected", f"tablet {alias} starts the shard")
                return _WAIT_S
            case NoElection():
                if shard.replication.recover_restarted_master:
                    await repair_replication(world, obj, shard, topology)
                return world.settings.shard_resync.total_seconds()
            case _:
                assert_never(election)


def _state(shard: Shard, seen: ShardSeen, wanted: list[WantedTablet]) -> ShardState:
    topology = seen.topology
    assert topology is not None
    backups = [parse_backup(backup) for backup in seen.backups]
    return ShardState(
        initialize=shard.replication.initialize_master,
        has_backups=shard.has_backups,
        has_initial_backup=has_initial_backup(shard, seen, backups) == "True",
        has_record=topology.has_record,
        is_snapshot=topology.is_snapshot,
        primary=topology.primary,
        tablets=[
            TabletSeen(
                alias=tablet.alias,
                running=_is_running(seen.pods.get(tablet.alias)),
                can_be_primary=tablet.can_be_primary,
                type=topology.types.get(tablet.alias),
            )
            for tablet in wanted
        ],
    )


def _watches_primary(shard: Shard, seen: ShardSeen) -> bool:
    topology = seen.topology
    return (
        shard.replication.recover_dead_master
        and topology is not None
        and topology.primary is not None
        and not topology.is_snapshot  # its tablets do not replicate, so there are no witnesses
    )


def _is_running(pod: KubeObject | None) -> bool:
    """Whether the pod runs and is to go on doing so: one that ends makes no primary."""
    return pod is not None and phase_of(pod) == "Running" and not is_being_deleted(pod)
