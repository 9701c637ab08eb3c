"""EmergencyReparentShard: give a shard whose primary is lost another one. I/O.

First nobody receives anything any more, then the tablet that has received most is found, then it
applies what it has, then it is promoted. The lost primary is left alone: when it comes back, it
finds a later term in the shard's record and steps down.
"""

import logging
from dataclasses import replace

import anyio

from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias, TabletType
from armillary.topo.convert import alias_to_pb, primary_alias_of
from armillary.topo.server import TopoServer
from armillary.vtctld.reparent.emergency_plan import (
    EmergencyPlan,
    EmergencyRequest,
    plan_emergency_reparent,
    require_enough_answers,
)
from armillary.vtctld.reparent.observe import Records, observe_shard
from armillary.vtctld.reparent.shard_seen import ShardSeen, TabletSeen
from armillary.vtctld.reparent.steps import Reparent, Report, TabletCalls

logger = logging.getLogger(__name__)

_ANSWER_TIMEOUT_S = 15.0


async def emergency_reparent(
    topo: TopoServer,
    calls: TabletCalls,
    keyspace: str,
    shard: str,
    request: EmergencyRequest,
    *,
    report: Report,
    wait_replicas_s: float = 15.0,
) -> TabletAlias:
    """Promote the most advanced tablet that is left; returns who it is.

    Raises:
        PreconditionError: refused: too few answers or no candidate. Replication goes on.
        IntegrityError: tablets have diverged; a person must choose.
    """
    action = "EmergencyReparentShard"
    async with topo.lock_shard(keyspace, shard, action) as lock:
        old = primary_alias_of((await topo.get_shard(keyspace, shard)).value)
        seen, records = await observe_shard(
            topo, calls, keyspace, shard, timeout_s=_ANSWER_TIMEOUT_S
        )
        _check_request(seen, request, old)
        require_enough_answers(seen, request)
        await report(f"stopping replication on {len(seen.tablets)} tablets of {seen.path}")
        try:
            stopped = await _stop_all(calls, seen, records, request)
            reparent = Reparent(
                topo=topo,
                calls=calls,
                seen=stopped,
                records=records,
                lock=lock,
                report=report,
                wait_replicas_s=wait_replicas_s,
                action=action,
            )
            plan = plan_emergency_reparent(stopped, request, old_primary=old)
            await report(f"plan for {seen.path}: promote {plan.new}: it {plan.reason}")
            await _prepare(reparent, plan)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _start_again(calls, seen, records, old)
            raise
        await reparent.promote(plan.new, plan.followers, first=not seen.had_primary)
        return plan.new


def _check_request(seen: ShardSeen, request: EmergencyRequest, old: TabletAlias | None) -> None:
    if request.new_primary is not None:
        seen.require(request.new_primary)
    for alias in request.ignore:
        seen.require(alias)
    if request.expected_primary and request.expected_primary != old:
        raise PreconditionError(
            f"master of {seen.path}: expected {request.expected_primary}, found {old or 'none'}"
        )


async def _stop_all(
    calls: TabletCalls, seen: ShardSeen, records: Records, request: EmergencyRequest
) -> ShardSeen:
    """Stop what receives, demote who says that it is primary; returns what each has received."""
    stopped: dict[TabletAlias, TabletSeen] = dict(seen.tablets)

    async def stop(tablet: TabletSeen) -> None:
        record = records[tablet.alias]
        try:
            if tablet.tablet_type is TabletType.PRIMARY:
                status = await calls.demote_primary(record, timeout_s=_ANSWER_TIMEOUT_S)
                stopped[tablet.alias] = replace(tablet, position=Position.parse(status.position))
                return
            after = (
                await calls.stop_replication_and_get_status(
                    record, io_thread_only=True, timeout_s=_ANSWER_TIMEOUT_S
                )
            ).after
            position = Position.parse(after.relay_log_position or after.position)
            stopped[tablet.alias] = replace(tablet, position=position)
        except PreconditionError:
            # It replicates from nobody: what it has applied is all that it has.
            logger.info("tablet is no replica", extra={"tablet": str(tablet.alias)})
        except ArmillaryError as error:
            stopped[tablet.alias] = replace(tablet, problem=str(error) or "no answer")

    async with anyio.create_task_group() as tasks:
        for tablet in seen:
            if tablet.answers and not tablet.is_set_aside and tablet.alias not in request.ignore:
                tasks.start_soon(stop, tablet)
    return replace(seen, tablets=stopped)


async def _prepare(reparent: Reparent, plan: EmergencyPlan) -> None:
    """Wait until the tablet to promote has applied everything."""
    wanted = str(reparent.seen.tablets[plan.source].position)
    calls, records, wait_s = reparent.calls, reparent.records, reparent.wait_replicas_s
    if wanted:
        await reparent.report(f"{plan.source} applies what it has received")
        await calls.wait_for_position(records[plan.source], wanted, timeout_s=wait_s)
    if plan.source == plan.new:
        return
    await reparent.lock.check()
    await reparent.report(f"{plan.new} catches up with {plan.source}")
    await calls.set_replication_source(
        records[plan.new],
        alias_to_pb(plan.source),
        wait_position=wanted,
        force_start=True,
        timeout_s=wait_s,
    )


async def _start_again(
    calls: TabletCalls, seen: ShardSeen, records: Records, old: TabletAlias | None
) -> None:
    """Leave a refused shard as it was found, as far as that goes.

    A replica goes on asking for a primary that is dead: that one may come back.
    """
    durability = seen.durability
    for tablet in seen:
        alias = tablet.alias
        if not tablet.answers or tablet.is_set_aside:
            continue
        try:
            if tablet.tablet_type is TabletType.PRIMARY:
                await calls.undo_demote_primary(
                    records[alias], semi_sync=durability.primary_semi_sync
                )
            elif tablet.receives:
                acknowledges = old and durability.acknowledges(old, alias, tablet.tablet_type)
                await calls.start_replication(records[alias], semi_sync=bool(acknowledges))
        except ArmillaryError as error:
            logger.warning(
                "replication not started again",
                extra={"tablet": str(alias), "error": str(error)},
            )
