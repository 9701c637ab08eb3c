"""Watch the primary of one shard, and have it replaced when it is dead. I/O."""

import logging
from typing import assert_never

from armillary.base.errors import ArmillaryError
from armillary.kube.kinds import KubeObject
from armillary.operator.shard.dead_primary import (
    Alive,
    LeaveToPerson,
    Replace,
    Suspected,
    Suspicion,
    judge_primary,
)
from armillary.operator.shard.repair_apply import ask_tablets
from armillary.operator.shard.reparent import emergency_reparent
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World

logger = logging.getLogger(__name__)


async def watch_primary(
    world: World, obj: KubeObject, shard: Shard, before: Suspicion | None
) -> Suspicion | None:
    """Return what is suspected now; act when the threshold is over.

    Raises:
        UnavailableError: the topology does not answer: nothing can be said then.
    """
    primary, tablets = await ask_tablets(world, shard)
    if primary is None:
        return None
    verdict = judge_primary(primary, tablets, shard.replication, before, now=world.now())
    match verdict:
        case Alive(reason):
            logger.debug("primary lives", extra={"tablet": str(primary), "reason": reason})
            return None
        case Suspected(suspicion, reason):
            world.recorder.record(obj, "PrimarySilent", reason, warning=True)
            return suspicion
        case LeaveToPerson(suspicion, reason):
            world.recorder.record(obj, "PrimaryDead", reason, warning=True)
            return suspicion
        case Replace(dead, reason):
            try:
                await emergency_reparent(world, shard, dead)
            except ArmillaryError as error:
                message = f"{reason}; not replaced: {error}"
                world.recorder.record(obj, "PrimaryDead", message, warning=True)
                return before
            world.recorder.record(obj, "RecoverDeadMaster", f"{reason}; another took over")
            return None
        case _:
            assert_never(verdict)
