"""The first backup of a new shard: an empty server with the shard's database. I/O."""

from armillary.mysqld import admin, replication
from armillary.mysqld.connection import connect
from armillary.mysqld.process import MysqldProcess


async def make_empty_shard(process: MysqldProcess, database: str) -> None:
    """Start a new server that holds what every tablet of a new shard starts from.

    Its binlog begins with the two databases, so that its position is not empty: replicas could
    not tell an empty position from an unknown one.
    """
    await process.start()
    async with await connect(process.spec.dba_params()) as connection:
        await admin.set_read_only(connection, process.flavor, read_only=False)
        await replication.reset_replication(connection, process.flavor)
        await connection.execute(process.flavor.reset_binlogs())
        await admin.create_database(connection, admin.SIDECAR_DATABASE)
        await admin.create_database(connection, database)
