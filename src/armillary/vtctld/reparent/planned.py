"""PlannedReparentShard: hand a shard over without losing a write. I/O.

Why no write is lost and none is made twice: the old primary refuses writes before its last position
is read, the new one takes writes only after it has applied that position, and if anything fails in
between, the old one takes writes again, unless the new one may have been promoted.
"""

import logging
from typing import assert_never

import anyio

from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.topo.convert import alias_to_pb, type_of
from armillary.topo.server import TopoServer
from armillary.vtctld.reparent.observe import observe_shard
from armillary.vtctld.reparent.planned_plan import (
    FirstPrimary,
    HandOver,
    NothingToDo,
    PlannedRequest,
    Promote,
    Repair,
    plan_planned_reparent,
)
from armillary.vtctld.reparent.steps import Reparent, Report, TabletCalls

logger = logging.getLogger(__name__)

_OBSERVE_TIMEOUT_S = 15.0
_DEMOTE_TIMEOUT_S = 30.0
_UNDO_TIMEOUT_S = 30.0


async def planned_reparent(
    topo: TopoServer,
    calls: TabletCalls,
    keyspace: str,
    shard: str,
    request: PlannedRequest,
    *,
    report: Report,
    wait_replicas_s: float = 15.0,
) -> TabletAlias:
    """Give the shard the primary that `request` asks for; returns who it is now.

    Raises:
        PreconditionError: refused, with nothing changed; or some followers need a retry.
        UnavailableError: a tablet or the topology stopped answering; the message says where it
            stands. Calling again is safe.
    """
    action = "PlannedReparentShard"
    async with topo.lock_shard(keyspace, shard, action) as lock:
        seen, records = await observe_shard(
            topo, calls, keyspace, shard, timeout_s=_OBSERVE_TIMEOUT_S
        )
        plan = plan_planned_reparent(seen, request)
        await report(f"plan for {seen.path}: {describe(plan)}")
        reparent = Reparent(
            topo=topo,
            calls=calls,
            seen=seen,
            records=records,
            lock=lock,
            report=report,
            wait_replicas_s=wait_replicas_s,
            action=action,
        )
        match plan:
            case NothingToDo(primary, _):
                return primary
            case FirstPrimary(new, followers, _):
                await reparent.promote(new, followers, first=True)
                return new
            case Promote(new, followers, _):
                await reparent.promote(new, followers)
                return new
            case Repair(primary, followers, _):
                await _repair(reparent, primary, followers)
                return primary
            case HandOver():
                await _hand_over(reparent, plan)
                return plan.new
            case _:
                assert_never(plan)


def describe(
    plan: NothingToDo | FirstPrimary | Promote | Repair | HandOver,
) -> str:
    """Return one line that says what happens and why."""
    match plan:
        case NothingToDo(_, reason):
            return f"nothing to do: {reason}"
        case FirstPrimary(new, _, reason):
            return f"make {new} the first master: {reason}"
        case Promote(new, _, reason):
            return f"promote {new}: {reason}"
        case Repair(primary, _, reason):
            return f"repair replication from {primary}: {reason}"
        case HandOver(old, new, _, reason):
            return f"hand over from {old} to {new}: {reason}"


async def _repair(
    reparent: Reparent, primary: TabletAlias, followers: tuple[TabletAlias, ...]
) -> None:
    await reparent.lock.check()
    # Promoting a primary changes no term: it opens it for writes, also after a lost demotion.
    await reparent.promote(primary, followers)


async def _hand_over(reparent: Reparent, plan: HandOver) -> None:
    calls, records = reparent.calls, reparent.records
    old, new = records[plan.old], records[plan.new]
    position = str(reparent.seen.tablets[plan.old].position)
    await reparent.report(f"{plan.new} catches up with {plan.old}")
    await calls.set_replication_source(
        new,
        alias_to_pb(plan.old),
        wait_position=position,
        force_start=True,
        semi_sync=reparent.semi_sync(plan.old, plan.new),
        timeout_s=reparent.wait_replicas_s,
    )
    await reparent.lock.check()
    asked_to_promote = False
    try:
        await reparent.report(f"{plan.old} stops writing")
        status = await calls.demote_primary(old, timeout_s=_DEMOTE_TIMEOUT_S)
        await calls.wait_for_position(new, status.position, timeout_s=reparent.wait_replicas_s)
        await reparent.lock.check()
        asked_to_promote = True
        await reparent.promote(plan.new, plan.followers)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            if not asked_to_promote or await _is_surely_not_promoted(reparent, plan.new, error):
                await _undo(reparent, plan.old)
        raise


async def _is_surely_not_promoted(
    reparent: Reparent, alias: TabletAlias, error: BaseException
) -> bool:
    """Whether the new primary refused: it answered with an error, and is no primary.

    When it did not answer, it may be promoted this very moment, and the old one must not write.
    """
    if isinstance(error, UnavailableError) or not isinstance(error, ArmillaryError):
        return False
    try:
        tablet = (await reparent.topo.get_tablet(alias)).value
    except ArmillaryError:
        return False
    return type_of(tablet) is not TabletType.PRIMARY


async def _undo(reparent: Reparent, old: TabletAlias) -> None:
    try:
        await reparent.calls.undo_demote_primary(
            reparent.records[old],
            semi_sync=reparent.semi_sync(old, old),
            timeout_s=_UNDO_TIMEOUT_S,
        )
        logger.info("the old primary writes again", extra={"tablet": str(old)})
    except ArmillaryError as error:
        logger.error(
            "the old primary may be left read-only: run PlannedReparentShard with it",
            extra={"tablet": str(old), "error": str(error)},
        )
