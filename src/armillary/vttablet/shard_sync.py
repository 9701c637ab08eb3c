"""Keep a tablet and its shard's record in agreement. I/O.

A primary whose term is newest writes itself into the record; one that finds a later term there has
been replaced and steps down. A replica that has lost its source, or whose threads a restart of
mysqld stopped, follows the primary that the record names.
"""

import logging

import anyio

from armillary.base.errors import ArmillaryError, NotFoundError, PreconditionError
from armillary.model.gtid import MariadbGtidSet, MysqlGtidSet, Position
from armillary.model.tablet import TabletType
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import Connection
from armillary.mysqld.errant import errant_mariadb, errant_mysql
from armillary.mysqld.flavors.flavor import ReplicationSource
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.vttablet.agent import Agent
from armillary.vttablet.plan import MysqldSeen

logger = logging.getLogger(__name__)

_MOVES_WITHIN_S = 10.0
_MOVES_POLL_S = 0.05


async def keep_shard_record(agent: Agent, seen: MysqldSeen) -> None:
    """Claim the shard, or step down; then open a primary that came back read-only.

    One that was demoted steps down as well: whoever demoted it may have died before telling it.
    """
    is_closed = seen.reachable and seen.read_only
    if not is_closed and agent.watched.shard.shows(lambda shard: _names(shard, agent)):
        return
    try:
        shard = await agent.shard_record()
    except NotFoundError:
        return  # somebody deletes the keyspace: never make it again from here
    if _has_later_primary(agent, shard):
        await step_down(agent)
        return
    if agent.flags.held_off:
        return  # it gives its primaryship up: whoever asked for that, or a person, decides
    if not _names(shard, agent):
        await agent.claim_shard()
    if is_closed:
        async with agent.action("open the primary for writes"), await agent.dba() as connection:
            if agent.role.tablet_type == TabletType.PRIMARY and not agent.flags.held_off:
                await agent.open_for_writes(connection)
                logger.info("primary was read-only and is open for writes again")


def _names(shard: topodata_pb2.Shard, agent: Agent) -> bool:
    """Whether the shard's record names this tablet and its term already."""
    term = agent.role.term_started_at
    return (
        term is not None
        and convert.primary_alias_of(shard) == agent.identity.alias
        and shard.primary_term_start_time == convert.time_to_pb(term)
    )


def _has_later_primary(agent: Agent, shard: topodata_pb2.Shard) -> bool:
    alias = convert.primary_alias_of(shard)
    if alias is None or alias == agent.identity.alias:
        return False
    mine = agent.role.term_started_at
    return mine is None or convert.time_from_pb(shard.primary_term_start_time) > mine


async def give_way(agent: Agent, connection: Connection) -> bool:
    """Be primary no more if the shard's record names a later one; return whether that was so."""
    shard = await agent.shard_record()
    if not _has_later_primary(agent, shard):
        return False
    logger.warning(
        "another tablet is primary since later; stepping down",
        extra={"primary": str(convert.primary_alias_of(shard))},
    )
    await make_read_only(agent, connection)
    await agent.change_role(
        agent.identity.base_type, reason="the shard's record names a later primary"
    )
    return True


async def step_down(agent: Agent) -> None:
    """Turn read-only, then follow the primary that took over."""
    async with agent.action("step down for a newer primary"):
        async with await agent.dba() as connection:
            if not await give_way(agent, connection):
                return
        agent.flags.busy = ""
        await follow_primary(agent)


async def make_read_only(agent: Agent, connection: Connection) -> None:
    """Refuse writes from now on, and end transactions that could not commit any more."""
    await admin.refuse_writes(connection, agent.flavor, _writers(agent))


async def let_transactions_end(agent: Agent, connection: Connection, *, timeout_s: float) -> None:
    """Wait a moment for what clients have open; the tablet holds new queries off already."""
    if not await admin.wait_for_transactions(connection, _writers(agent), timeout_s=timeout_s):
        logger.info("transactions stay open", extra={"waited_s": timeout_s})


def _writers(agent: Agent) -> tuple[str, ...]:
    return (agent.accounts.app, agent.accounts.allprivs, agent.accounts.filtered)


async def follow_shard(agent: Agent, seen: MysqldSeen) -> None:
    """Mend replication that nobody stopped on purpose."""
    flags = agent.flags
    if flags.is_snapshot or flags.replication_stopped or agent.settings.disable_active_reparents:
        return
    if not seen.reachable:
        return
    if seen.has_source and not seen.stopped:
        if flags.semi_sync_is_behind:
            async with agent.action("acknowledge as the type does", is_news=False):
                await _tell_type(agent)
        return
    # The health loop asks for this at each look: only success may make it look again at once.
    async with agent.action("follow the shard's primary", is_news=False):
        follows = await follow_primary(agent)
    if follows:
        agent.look_now()


async def follow_primary(agent: Agent) -> bool:
    """Replicate from the primary that the shard's record names; False when it names none.

    Raises:
        PreconditionError: this server has transactions that the primary has not.
    """
    try:
        alias = convert.primary_alias_of(await agent.shard_record())
        if alias is None or alias == agent.identity.alias:
            return False
        primary = (await agent.topo.get_tablet(alias)).value
    except NotFoundError:
        return False
    async with await agent.dba() as connection:
        await replicate_from(agent, connection, primary, start=True)
    logger.info("replicating", extra={"primary": str(alias)})
    return True


async def join_again(agent: Agent, tablet_type: TabletType, *, reason: str) -> None:
    """Become `tablet_type` after a time as RESTORE or BACKUP, and acknowledge as that type does.

    Replication may run already; it began while the type was one that acknowledges nothing. What
    fails here is done by the health loop.
    """
    agent.flags.semi_sync_is_behind = True
    await _wait_until_lag_is_known(agent)
    await agent.change_role(tablet_type, reason=reason)
    await _tell_type(agent)


async def _wait_until_lag_is_known(agent: Agent) -> None:
    """Wait a moment until replication moves, unless there is nothing to get.

    A replica that has received nothing yet says that it is 0 s behind, however old its data are.
    """
    try:
        with anyio.move_on_after(_MOVES_WITHIN_S):
            await _wait_until_it_moves(agent)
    except ArmillaryError as error:
        logger.info("cannot compare with the primary", extra={"reason": str(error)})


async def _wait_until_it_moves(agent: Agent) -> None:
    alias = convert.primary_alias_of(await agent.shard_record())
    if alias is None or alias == agent.identity.alias:
        return
    async with await agent.dba() as connection:
        start = await replication.executed_position(connection, agent.flavor)
        status = await replication.replication_health(connection, agent.flavor)
        if status is None or status.is_stopped:
            return
        primary = (await agent.topo.get_tablet(alias)).value
        goal = Position.parse(await agent.tablets.primary_position(primary))
        while not start.at_least(goal):
            await anyio.sleep(_MOVES_POLL_S)
            if await replication.executed_position(connection, agent.flavor) != start:
                return


async def _tell_type(agent: Agent) -> None:
    async with await agent.dba() as connection:
        await agent.set_semi_sync(connection)
    agent.flags.semi_sync_is_behind = False


async def replicate_from(
    agent: Agent, connection: Connection, primary: topodata_pb2.Tablet, *, start: bool
) -> None:
    """Make `primary` the source. The action lock is held.

    Raises:
        PreconditionError: errant transactions; replication stays stopped.
    """
    source = source_of(agent, primary)
    await replication.stop_replication(connection, agent.flavor)
    await agent.set_semi_sync(connection)
    try:
        await refuse_errant(agent, connection, primary)
    except PreconditionError as error:
        agent.flags.replication_refused = str(error)
        raise
    agent.flags.replication_refused = ""
    await admin.set_read_only(connection, agent.flavor, read_only=True)
    await replication.set_source(connection, agent.flavor, source)
    if start:
        await replication.start_replication(connection, agent.flavor)
        agent.flags.replication_stopped = False


def source_of(agent: Agent, primary: topodata_pb2.Tablet) -> ReplicationSource:
    """Return how to replicate from the tablet `primary`.

    Raises:
        PreconditionError: its record does not say where its mysqld is.
    """
    if not primary.mysql_hostname:
        alias = convert.alias_of(primary)
        raise PreconditionError(f"tablet {alias} has no mysql_hostname in its record")
    return ReplicationSource(
        host=primary.mysql_hostname,
        port=primary.mysql_port or 3306,
        user=agent.accounts.repl,
        password=agent.credentials.password(agent.accounts.repl),
    )


async def refuse_errant(agent: Agent, connection: Connection, primary: topodata_pb2.Tablet) -> None:
    """Raise when this server has transactions that `primary` has not.

    A primary that does not answer is taken at its word: its binlog refuses a stranger by itself.
    """
    executed = await replication.executed_position(connection, agent.flavor)
    if executed.gtids is None:
        return
    try:
        errant = await _errant(agent, executed, primary)
    except ArmillaryError as error:
        logger.warning("cannot compare with the primary", extra={"reason": str(error)})
        return
    if errant:
        raise PreconditionError(
            f"errant GTID detected: {errant} is here and not on the primary "
            f"{convert.alias_of(primary)}; rebuild this tablet from a backup: "
            f"vtctlclient RestoreFromBackup {agent.identity.alias}"
        )


async def _errant(agent: Agent, executed: Position, primary: topodata_pb2.Tablet) -> str:
    match executed.gtids:
        case MysqlGtidSet() as mine:
            theirs = Position.parse(await agent.tablets.primary_position(primary)).gtids
            if isinstance(theirs, MysqlGtidSet):
                return str(errant_mysql(mine, theirs))
        case MariadbGtidSet() as mine:
            return await _errant_mariadb(agent, mine, primary)
    return ""


async def _errant_mariadb(agent: Agent, mine: MariadbGtidSet, primary: topodata_pb2.Tablet) -> str:
    """Ask where the binlogs begin only when it matters: MariaDB says it once commits move on, and
    those of a primary with semi-sync wait for the very replica that asks."""
    state = await _ask(agent, primary, "SELECT @@global.gtid_binlog_state")
    if not errant_mariadb(mine, state, MariadbGtidSet()).domains:
        return ""
    oldest = (await _ask(agent, primary, "SHOW BINARY LOGS")).replace("'", "")
    base = await _ask(agent, primary, f"SELECT BINLOG_GTID_POS('{oldest}', 4)")
    return str(errant_mariadb(mine, state, MariadbGtidSet.parse(base)))


async def _ask(agent: Agent, primary: topodata_pb2.Tablet, query: str) -> str:
    """Return the first value of the primary's answer; empty for no row and for NULL."""
    result = await agent.tablets.execute_fetch_as_dba(primary, query, db_name="")
    if not result.rows:
        return ""
    return bytes(result.rows[0].values)[: max(0, result.rows[0].lengths[0])].decode()
