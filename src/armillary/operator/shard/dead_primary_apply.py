"""Watch the primary of one shard, and have it replaced when it is dead. I/O."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.shard.dead_primary import (
    Alive,
    LeaveToPerson,
    Primary,
    Replace,
    Suspected,
    Watched,
    judge_primary,
)
from armillary.operator.shard.repair_apply import ask_tablets
from armillary.operator.shard.reparent import emergency_reparent
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World

logger = logging.getLogger(__name__)


async def watch_primary(world: World, obj: KubeObject, shard: Shard, before: Watched) -> Watched:
    """Return what to remember for the next look; act when the threshold is over.

    Raises:
        UnavailableError: the topology does not answer: nothing can be said then.
    """
    primary, tablets = await ask_tablets(world, shard)
    if primary is None:
        return Watched()
    verdict = judge_primary(primary, tablets, shard.replication, before, now_s=monotonic_s())
    match verdict:
        case Alive(reason, semi_synced):
            logger.debug("primary lives", extra={"tablet": str(primary.alias), "reason": reason})
            return Watched(semi_synced)
        case Suspected(suspicion, reason):
            world.recorder.record(obj, "PrimarySilent", reason, warning=True)
            return replace(before, suspicion=suspicion)
        case LeaveToPerson(suspicion, reason):
            world.recorder.record(obj, "PrimaryDead", reason, warning=True)
            return replace(before, suspicion=suspicion)
        case Replace(dead, reason):
            try:
                await emergency_reparent(world, shard, dead)
            except ArmillaryError as error:
                await _tell_failure(world, obj, shard, dead, reason, error)
                return before
            world.recorder.record(obj, "RecoverDeadMaster", f"{reason}; another took over")
            return Watched()
        case _:
            assert_never(verdict)


async def _tell_failure(
    world: World, obj: KubeObject, shard: Shard, dead: TabletAlias, reason: str, error: Exception
) -> None:
    """An emergency reparent may fail after the promotion: say who is primary now."""
    now: Primary | None = None
    with suppress(ArmillaryError):
        now, _ = await ask_tablets(world, shard)
    if now is not None and now.alias != dead:
        message = f"{reason}; {now.alias} took over, and not all follow it yet: {error}"
        world.recorder.record(obj, "RecoverDeadMaster", message, warning=True)
    else:
        message = f"{reason}; not known to be replaced: {error}"
        world.recorder.record(obj, "PrimaryDead", message, warning=True)
