"""Statements about a server and its databases that are not about replication. I/O."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import MysqlError
from armillary.mysqld.accounts import database_grant_statements
from armillary.mysqld.connection import Connection
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.spec import AccountNames

SIDECAR_DATABASE = "_vt"
_UNKNOWN_THREAD = 1094
_LOCK_WAIT_TIMEOUT = 1205
_LOCK_WAIT_S = 2
_LOCK_ATTEMPTS = 4
_TRANSACTIONS_REMEMBERED_S = 0.12  # who looks again within 0.1 s sees what was there before


def quote_name(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return "`" + name.replace("`", "``") + "`"


async def list_databases(connection: Connection) -> list[str]:
    return [str(name) for name in (await connection.query("SHOW DATABASES")).column()]


async def count_tables(connection: Connection, database: str) -> int:
    """Return how many tables and views `database` has; 0 when it does not exist."""
    rows = await connection.query(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s", (database,)
    )
    return int(rows.scalar())


async def create_database(connection: Connection, database: str) -> None:
    """Create `database` if it is missing; the binlog has it."""
    await connection.execute(f"CREATE DATABASE IF NOT EXISTS {quote_name(database)}")


async def ensure_grants(
    connection: Connection, flavor: Flavor, names: AccountNames, database: str
) -> None:
    """Let the accounts use `database`. Not in the binlog: each server has its own accounts.

    A replica of MySQL refuses even that while it is super-read-only, so it is read-only for all
    but us meanwhile.
    Again: grants the same again.
    """
    hosts = await connection.query("SELECT host FROM mysql.user WHERE user = %s", (names.app,))
    app_host = "%" if "%" in hosts.column() else "localhost"
    async with _writable_for_us(connection, flavor):
        await connection.execute("SET sql_log_bin = 0")
        try:
            for statement in database_grant_statements(names, app_host, database):
                await connection.execute(statement)
        finally:
            await connection.execute("SET sql_log_bin = 1")


@asynccontextmanager
async def _writable_for_us(connection: Connection, flavor: Flavor) -> AsyncIterator[None]:
    """Lift what keeps even privileged sessions from writing; read_only stays as it is."""
    if not flavor.super_read_only or not int(
        (await connection.query("SELECT @@global.super_read_only")).scalar()
    ):
        yield
        return
    await connection.execute("SET GLOBAL super_read_only = OFF")
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await connection.execute("SET GLOBAL super_read_only = ON")


async def is_read_only(connection: Connection) -> bool:
    return bool(int((await connection.query("SELECT @@global.read_only")).scalar()))


async def set_read_only(connection: Connection, flavor: Flavor, *, read_only: bool) -> None:
    """Refuse or allow writes. On MySQL privileged users are meant too."""
    if read_only and flavor.super_read_only:
        await connection.execute("SET GLOBAL super_read_only = ON")
    elif read_only:
        await connection.execute("SET GLOBAL read_only = ON")
    else:
        await connection.execute("SET GLOBAL read_only = OFF")  # MySQL: super_read_only follows


async def refuse_writes(connection: Connection, flavor: Flavor, users: Sequence[str]) -> None:
    """Turn read-only, in seconds, whatever the sessions of `users` are doing.

    The server waits for commits under way and for sessions that lock tables. A commit that waits
    for a semi-sync acknowledgement which never comes would make that for ever: after a moment the
    sessions at work are ended, and after another the idle ones too, since one of them has the
    tables. Their clients hear that the connection broke, not that the commit succeeded.

    Raises:
        MysqlError: 1205, when somebody else holds it up for too long.
    Again: ends the transactions that are still open.
    """
    await connection.execute(f"SET SESSION lock_wait_timeout = {_LOCK_WAIT_S}")
    for attempt in range(_LOCK_ATTEMPTS):
        try:
            await set_read_only(connection, flavor, read_only=True)
            break
        except MysqlError as error:
            if error.errno != _LOCK_WAIT_TIMEOUT or attempt == _LOCK_ATTEMPTS - 1:
                raise
        await _end_sessions(connection, users, idle=attempt > 0)
    await kill_open_transactions(connection, users)


async def _end_sessions(connection: Connection, users: Sequence[str], *, idle: bool) -> None:
    wanted = ", ".join(["%s"] * len(users))
    rows = await connection.query(
        "SELECT id FROM information_schema.processlist "
        f"WHERE (command <> 'Sleep' OR {idle:d}) AND user IN ({wanted})",
        tuple(users),
    )
    await _kill(connection, rows.column())


async def wait_for_transactions(
    connection: Connection, users: Sequence[str], *, timeout_s: float
) -> bool:
    """Let the sessions of `users` end what they have open; whether none is left.

    Whoever calls has made sure that no new ones come. It takes two looks' time at least, so that
    those who were on their way are seen, and so that the next look is not answered from memory.
    """
    deadline_s = monotonic_s() + timeout_s
    is_quiet = False
    while not is_quiet and monotonic_s() < deadline_s:
        await anyio.sleep(_TRANSACTIONS_REMEMBERED_S)
        is_quiet = not await _sessions_in_transactions(connection, users)
    await anyio.sleep(_TRANSACTIONS_REMEMBERED_S)
    return is_quiet


async def kill_open_transactions(connection: Connection, users: Sequence[str]) -> int:
    """End the sessions of `users` that hold a transaction open; return how many.

    A transaction that was open when the server turned read-only can never commit, but its locks
    would stop replication.
    """
    session_ids = await _sessions_in_transactions(connection, users)
    await _kill(connection, session_ids)
    return len(session_ids)


async def _sessions_in_transactions(connection: Connection, users: Sequence[str]) -> list[int]:
    wanted = ", ".join(["%s"] * len(users))
    rows = await connection.query(
        "SELECT p.id FROM information_schema.innodb_trx t "
        "JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id "
        f"WHERE p.user IN ({wanted})",
        tuple(users),
    )
    return [int(session_id) for session_id in rows.column()]


async def _kill(connection: Connection, session_ids: Sequence[int]) -> None:
    for session_id in session_ids:
        try:
            await connection.execute(f"KILL {int(session_id)}")
        except MysqlError as error:
            if error.errno != _UNKNOWN_THREAD:
                raise
