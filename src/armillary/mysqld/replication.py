"""Replication of one server: status, positions, source, start and stop. I/O.

Statements come from the flavor; the order of steps and what is read back is decided here.
"""

from dataclasses import replace

from armillary.base.errors import DeadlineError, MysqlError
from armillary.model.gtid import Position
from armillary.mysqld.connection import Connection
from armillary.mysqld.flavors.flavor import (
    Flavor,
    ReplicationSource,
    ReplicationStatus,
    ThreadState,
)

_UNKNOWN_VARIABLE = 1193


async def executed_position(connection: Connection, flavor: Flavor) -> Position:
    """Return the position of everything that this server has committed or applied."""
    position = Position()
    for query in flavor.executed_queries():
        gtids = flavor.parse_gtids(str((await connection.query(query)).scalar() or ""))
        position = _union(position, Position(gtids or None))
    return position


async def purged_position(connection: Connection, flavor: Flavor) -> Position:
    """Return what is executed but no longer in the binlogs; empty where that is not kept."""
    text = str((await connection.query(flavor.purged_query())).scalar() or "")
    return Position(flavor.parse_gtids(text) or None)


async def replication_status(connection: Connection, flavor: Flavor) -> ReplicationStatus | None:
    """Return the replica's status; None when no source is configured."""
    row = (await connection.query(flavor.status_query())).first()
    if row is None:
        return None
    status = flavor.parse_status(row)
    executed = await executed_position(connection, flavor)
    return replace(
        status, position=executed, relay_position=_union(status.relay_position, executed)
    )


async def replication_health(connection: Connection, flavor: Flavor) -> ReplicationStatus | None:
    """Return the status with one query: its positions are only what that query tells."""
    row = (await connection.query(flavor.status_query())).first()
    return None if row is None else flavor.parse_status(row)


async def set_source(connection: Connection, flavor: Flavor, source: ReplicationSource) -> None:
    """Replicate from `source`, from where this server stands. Replication must be stopped.

    Statements with the password never reach the log: MySQL and MariaDB blank it out themselves.
    """
    executed = await executed_position(connection, flavor)
    for statement in flavor.set_source_statements(source, executed, connection.escape):
        await connection.execute(statement)


async def start_replication(connection: Connection, flavor: Flavor) -> None:
    await connection.execute(flavor.start_replication())


async def stop_replication(connection: Connection, flavor: Flavor) -> None:
    """Stop both threads. Again: does nothing, also where no source is configured."""
    await connection.execute(flavor.stop_replication())


async def stop_io_thread(connection: Connection, flavor: Flavor) -> None:
    await connection.execute(flavor.stop_io_thread())


async def reconnect_receiver(connection: Connection, flavor: Flavor) -> None:
    """Let the IO thread connect anew, if it runs: some settings take effect only then."""
    status = await replication_health(connection, flavor)
    if status is None or status.io_state == ThreadState.STOPPED:
        return
    await connection.execute(flavor.stop_io_thread())
    await connection.execute(flavor.start_io_thread())


async def reset_replication(connection: Connection, flavor: Flavor) -> None:
    """Stop replication and forget the source; the position stays."""
    await connection.execute(flavor.stop_replication())
    await connection.execute(flavor.reset_replication())


async def set_position(connection: Connection, flavor: Flavor, position: Position) -> None:
    """Make `position` what this server has executed: forget the source, start new binlogs.

    For a server whose data is exactly the state at `position`, that is after a restore.
    """
    for statement in flavor.set_position_statements(position):
        await connection.execute(statement)


async def wait_for_position(
    connection: Connection, flavor: Flavor, position: Position, *, timeout_s: float
) -> None:
    """Return once everything in `position` is applied.

    Raises:
        DeadlineError: it is not after `timeout_s`.
    """
    if (await executed_position(connection, flavor)).at_least(position):
        return
    rows = await connection.query(flavor.wait_query(position, timeout_s))
    if rows.scalar() is not None and int(rows.scalar()) == 0:
        return
    found = await executed_position(connection, flavor)
    if not found.at_least(position):
        raise DeadlineError(f"waited {timeout_s:g} s for position {position}, found {found}")


async def set_semi_sync(
    connection: Connection, flavor: Flavor, *, primary: bool, replica: bool
) -> None:
    """Switch both sides of semi-synchronous replication.

    The replica side takes effect when its IO thread connects: one that runs connects anew.
    """
    names = flavor.semi_sync
    _, was_replica = await semi_sync_enabled(connection, flavor)
    await connection.execute(f"SET GLOBAL {names.primary_enabled} = {int(primary)}")
    await connection.execute(f"SET GLOBAL {names.replica_enabled} = {int(replica)}")
    if replica != was_replica:
        await reconnect_receiver(connection, flavor)


async def semi_sync_enabled(connection: Connection, flavor: Flavor) -> tuple[bool, bool]:
    """Return whether the primary side and the replica side are switched on."""
    names = flavor.semi_sync
    try:
        row = await connection.query(
            f"SELECT @@global.{names.primary_enabled}, @@global.{names.replica_enabled}"
        )
    except MysqlError as error:
        if error.errno == _UNKNOWN_VARIABLE:
            return (False, False)  # the plugins are not loaded
        raise
    primary, replica = row.values[0]
    return bool(int(primary)), bool(int(replica))


def _union(left: Position, right: Position) -> Position:
    if left.gtids is None:
        return right
    if right.gtids is None:
        return left
    return Position(left.gtids.union(right.gtids))  # type: ignore[arg-type]
