"""The table `_vt.reparent_journal`: the primary notes who became primary, replicas see it. I/O.

Source: Vitess `mysqlctl/reparent.go`.
"""

from armillary.base.errors import MysqlError
from armillary.mysqld.admin import SIDECAR_DATABASE, count_tables
from armillary.mysqld.connection import Connection

_POSITION_BYTES_MAX = 64000
_ABSENT = frozenset({1049, 1146})  # no database, no table

_CREATE_TABLE = f"""CREATE TABLE IF NOT EXISTS {SIDECAR_DATABASE}.reparent_journal (
  time_created_ns bigint unsigned NOT NULL,
  action_name varbinary(250) NOT NULL,
  primary_alias varbinary(32) NOT NULL,
  replication_position varbinary({_POSITION_BYTES_MAX}) DEFAULT NULL,
  PRIMARY KEY (time_created_ns)
) ENGINE=InnoDB"""


async def ensure_sidecar(connection: Connection) -> None:
    """Create the database and the table if they are missing; only a primary may."""
    if await count_tables(connection, SIDECAR_DATABASE) and await _exists(connection):
        return
    await connection.execute(f"CREATE DATABASE IF NOT EXISTS {SIDECAR_DATABASE}")
    await connection.execute(_CREATE_TABLE)


async def add_row(
    connection: Connection,
    *,
    time_created_ns: int,
    action_name: str,
    primary_alias: str,
    position: str,
) -> None:
    """Note a reparent. Again: the same row stays."""
    await ensure_sidecar(connection)
    await connection.execute(
        f"INSERT IGNORE INTO {SIDECAR_DATABASE}.reparent_journal "
        "(time_created_ns, action_name, primary_alias, replication_position) "
        "VALUES (%s, %s, %s, %s)",
        (time_created_ns, action_name, primary_alias, position[:_POSITION_BYTES_MAX]),
    )


async def has_row(connection: Connection, time_created_ns: int) -> bool:
    try:
        rows = await connection.query(
            f"SELECT 1 FROM {SIDECAR_DATABASE}.reparent_journal WHERE time_created_ns = %s",
            (time_created_ns,),
        )
    except MysqlError as error:
        if error.errno in _ABSENT:
            return False
        raise
    return bool(rows.values)


async def count_rows(connection: Connection) -> int:
    try:
        rows = await connection.query(f"SELECT COUNT(*) FROM {SIDECAR_DATABASE}.reparent_journal")
    except MysqlError as error:
        if error.errno in _ABSENT:
            return 0
        raise
    return int(rows.scalar())


async def _exists(connection: Connection) -> bool:
    rows = await connection.query(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
        (SIDECAR_DATABASE, "reparent_journal"),
    )
    return bool(rows.values)
