"""InitShardPrimary: start a shard anew around one tablet, forgetting all history. I/O."""

import anyio

from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.tablet import TabletAlias
from armillary.topo.server import TopoServer
from armillary.vtctld.reparent.observe import Records, observe_shard
from armillary.vtctld.reparent.steps import Reparent, Report, TabletCalls

_OBSERVE_TIMEOUT_S = 15.0


async def init_shard_primary(
    topo: TopoServer,
    calls: TabletCalls,
    keyspace: str,
    shard: str,
    alias: TabletAlias,
    *,
    force: bool,
    report: Report,
    wait_replicas_s: float = 15.0,
) -> None:
    """Make `alias` the shard's primary and the others its replicas, all from an empty history.

    For a new shard whose tablets hold the same data, usually none. On a shard that has a primary
    it needs `force`, and what the tablets have that others lack diverges for ever.

    Raises:
        PreconditionError: a tablet does not answer; or the shard has had a primary and there is no
            `force`. Nothing has been changed.
    """
    action = "InitShardPrimary"
    async with topo.lock_shard(keyspace, shard, action) as lock:
        seen, records = await observe_shard(
            topo, calls, keyspace, shard, timeout_s=_OBSERVE_TIMEOUT_S
        )
        seen.require(alias)
        current = seen.current_primary()
        if (seen.had_primary or current) and not force:
            raise PreconditionError(
                f"shard {seen.path} has or had a master ({current.alias if current else 'gone'}); "
                "PlannedReparentShard moves it, -force starts the shard anew"
            )
        for tablet in seen:
            if not tablet.answers:
                raise PreconditionError(f"tablet {tablet.alias} does not answer: {tablet.problem}")
        await lock.check()
        await report(f"forgetting the history of {len(records)} tablets of {seen.path}")
        await _reset_all(calls, records)
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
        await reparent.promote(alias, seen.followers(alias), first=True)


async def _reset_all(calls: TabletCalls, records: Records) -> None:
    """Make every tablet forget its source, binlogs and position.

    Raises:
        PreconditionError: some did not.
    """
    problems: list[str] = []

    async def reset(alias: TabletAlias) -> None:
        try:
            await calls.reset_replication(records[alias])
        except ArmillaryError as error:
            problems.append(f"{alias}: {error}")

    async with anyio.create_task_group() as tasks:
        for alias in records:
            tasks.start_soon(reset, alias)
    if problems:
        raise PreconditionError(f"reset failed: {'; '.join(sorted(problems))}")
