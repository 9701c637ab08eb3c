"""Carry out what `plan` decided for one shard. I/O."""

import logging
from typing import assert_never

from armillary.base.errors import ArmillaryError, ConflictError, NotFoundError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, name_of
from armillary.operator.objects.rollout import DeletePod, apply_pod, with_pod_hash
from armillary.operator.objects.steps import Steps
from armillary.operator.render import labels as keys
from armillary.operator.render.quantity import quantity
from armillary.operator.shard.actions import (
    Delete,
    EndCascade,
    MarkDrain,
    PlannedReparent,
    PruneShardCell,
    PruneTablet,
    Release,
    RemoveTablet,
    RollPod,
    ShardAction,
    ShardPlan,
    Tell,
)
from armillary.operator.shard.backup_pod import (
    WantedBackupJob,
    build_backup_claim,
    build_backup_pod,
)
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.pod import build_claim, build_pod
from armillary.operator.shard.reparent import planned_reparent
from armillary.operator.shard.tablet_pods import delete_unless_primary
from armillary.operator.shard.tablets import (
    Shard,
    WantedTablet,
    tablet_object_name,
    wanted_tablets,
)
from armillary.operator.world import World

logger = logging.getLogger(__name__)


async def apply_shard(
    world: World,
    obj: KubeObject,
    shard: Shard,
    seen: ShardSeen,
    jobs: tuple[WantedBackupJob, ...],
    plan: ShardPlan,
) -> Steps:
    """Make claims, tablets and backup runs so, and do what the plan says, in its order.

    A step that fails does not keep others from being done; the caller raises its error in the end.
    """
    steps = Steps()
    for tablet in wanted_tablets(shard):
        await steps.take(_ensure_claim(world, obj, shard, seen, tablet))
    for action in plan.actions:
        await steps.take(_apply(world, obj, shard, seen, action))
    for job in jobs:
        await steps.take(_ensure_job(world, obj, shard, job))
    await steps.take(_stamp_generation(world, shard, seen))
    return steps


async def _ensure_claim(
    world: World, obj: KubeObject, shard: Shard, seen: ShardSeen, tablet: WantedTablet
) -> None:
    claim = build_claim(shard, tablet)
    if claim is not None:
        found = await world.writer.ensure_exists(obj, claim, seen.claims.get(tablet.alias))
        await _grow_claim(world, shard, claim, found)


async def _grow_claim(world: World, shard: Shard, wanted: KubeObject, found: KubeObject) -> None:
    """Ask for more storage when the spec does, and may; a claim never shrinks."""
    strategy = shard.spec.update_strategy
    allowed = strategy.external.allow_resource_changes if strategy.external else []
    if strategy.type != "Immediate" and "storage" not in allowed:
        return
    wanted_size = _storage_of(wanted)
    if wanted_size is None or quantity(wanted_size) <= quantity(_storage_of(found) or "0"):
        return
    patch = {"spec": {"resources": {"requests": {"storage": wanted_size}}}}
    await world.client.merge_patch(
        kinds.PERSISTENT_VOLUME_CLAIM, name_of(found), shard.namespace, patch
    )


def _storage_of(claim: KubeObject) -> str | None:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    size = requests.get("storage")
    return None if size is None else str(size)


async def _apply(
    world: World, obj: KubeObject, shard: Shard, seen: ShardSeen, action: ShardAction
) -> None:
    match action:
        case RollPod():
            await _roll(world, obj, shard, seen, action)
        case Release(alias, reason):
            world.recorder.record(obj, "ReleasingTablet", f"tablet {alias}: {reason}")
            await world.writer.set_annotations(seen.pods[alias], {keys.ROLLOUT_RELEASED: reason})
        case MarkDrain(alias, changes, event, message):
            await _mark_drain(world, obj, seen.pods[alias], dict(changes), event, message)
        case PlannedReparent(avoid, successors, reason):
            await planned_reparent(
                world, obj, shard, avoid=avoid, successors=successors, reason=reason
            )
        case RemoveTablet(alias, pod, reason):
            await delete_unless_primary(world, obj, shard, alias, pod, reason)
        case Tell(event, message, warning):
            world.recorder.record(obj, event, message, warning=warning)
        case Delete(unwanted, reason):
            await world.writer.delete(obj, unwanted, reason=reason)
        case EndCascade(reason):
            await world.writer.set_annotations(obj, {keys.ROLLOUT_CASCADE: None})
            world.recorder.record(obj, "RollingRestartComplete", reason)
        case PruneTablet() | PruneShardCell():
            await _prune(world, shard, action)
        case _:
            assert_never(action)


async def _roll(
    world: World, obj: KubeObject, shard: Shard, seen: ShardSeen, action: RollPod
) -> None:
    tablet, decision = action.tablet, action.decision
    wanted = with_pod_hash(build_pod(shard, tablet))
    wanted["metadata"]["annotations"][keys.OBSERVED_SHARD_GENERATION] = str(shard.generation)
    found = seen.pods.get(tablet.alias)
    if isinstance(decision, DeletePod) and not action.may_be_primary:
        assert found is not None
        await world.writer.check_accepted(wanted)
        await delete_unless_primary(world, obj, shard, tablet.alias, found, decision.reason)
        return
    await apply_pod(world.writer, obj, wanted, found, decision)


async def _mark_drain(
    world: World,
    obj: KubeObject,
    pod: KubeObject,
    changes: dict[str, str | None],
    event: str,
    message: str,
) -> None:
    """Set drain annotations if the pod is still as it was seen: the protocol rests on that."""
    try:
        await world.writer.set_annotations(pod, changes, unchanged=True)
    except (ConflictError, NotFoundError) as error:
        logger.debug("drain not marked", extra={"pod": name_of(pod), "error": str(error)})
        return
    world.recorder.record(obj, event, message)


async def _prune(world: World, shard: Shard, action: PruneTablet | PruneShardCell) -> None:
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    if isinstance(action, PruneShardCell):
        await topo.delete_shard_replication(action.cell, shard.keyspace, shard.name)
        logger.info("pruned the shard's list in a cell", extra={"cell": action.cell})
        return
    try:
        tablet = (await topo.get_tablet(action.alias)).value
        if (tablet.keyspace, tablet.shard) != (shard.keyspace, shard.name):
            return  # the alias is another shard's by now
        await topo.delete_tablet(action.alias)
    except NotFoundError:
        return
    except ArmillaryError as error:
        logger.warning("tablet record not pruned", extra={"error": str(error)})
        return
    logger.info(
        "pruned tablet record", extra={"tablet": str(action.alias), "reason": action.reason}
    )


async def _ensure_job(world: World, obj: KubeObject, shard: Shard, job: WantedBackupJob) -> None:
    claim = build_backup_claim(shard, job)
    if claim is not None:
        found = world.get(kinds.PERSISTENT_VOLUME_CLAIM, shard.namespace, job.name)
        await world.writer.ensure_exists(obj, claim, found)
    found = world.get(kinds.POD, shard.namespace, job.name)
    await world.writer.ensure_exists(obj, build_backup_pod(shard, job), found)
    if found is None:
        what = "the first, empty backup" if job.kind == "init" else "a periodic backup"
        world.recorder.record(obj, "BackupStarted", f"{what} is made by Pod {job.name}")


async def _stamp_generation(world: World, shard: Shard, seen: ShardSeen) -> None:
    """Note on each pod up to which generation of the shard it was compared."""
    wanted = {tablet_object_name(shard, tablet) for tablet in wanted_tablets(shard)}
    generation = str(shard.generation)
    for pod in seen.pods.values():
        if name_of(pod) not in wanted:
            continue
        if annotations_of(pod).get(keys.OBSERVED_SHARD_GENERATION) != generation:
            try:
                await world.writer.set_annotations(
                    pod, {keys.OBSERVED_SHARD_GENERATION: generation}
                )
            except ArmillaryError as error:  # deleted meanwhile: its successor is stamped
                logger.debug("pod not stamped", extra={"error": str(error)})
