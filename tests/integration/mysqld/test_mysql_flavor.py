"""The same server code with Oracle's MySQL, from Debian's packages."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.gtid import MysqlGtidSet, Position
from armillary.model.tablet import TabletType
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import MysqlParams, connect
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.flavors.flavor import Flavor, ReplicationSource
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.spec import AccountNames, ServerSpec
from tests.addresses import block
from tests.integration.mysqld.mysql_tree import CannotGetMysql, config_lines, mysql_root
from tests.integration.tablet.shard import PASSWORDS, TEMPLATE_CACHE, Shard, running_shard
from tests.integration.tablet.shared import reparent, replicating_pair, wait_rows, wait_value
from tests.integration.tablet.test_backup_and_restore import back_up

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.timeout(700)]

Make = Callable[[int], MysqldProcess]


@pytest.fixture(scope="module")
async def root() -> Path:
    try:
        return await anyio.to_thread.run_sync(mysql_root)
    except CannotGetMysql as error:
        pytest.skip(f"MySQL is not tested here: {error}")


@pytest.fixture
async def flavor(root: Path) -> Flavor:
    return await detect_flavor(mysql_root=str(root), wanted="MySQL80")


@pytest.fixture
async def make(flavor: Flavor, root: Path) -> AsyncIterator[Make]:
    made: list[MysqldProcess] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="armh4-")))
        network = block()

        def make_one(uid: int) -> MysqldProcess:
            spec = ServerSpec(
                tablet=TabletDir(folder, uid),
                socket=folder / f"{uid}.sock",
                bind_address=f"{network}.{uid}",
                credentials=Credentials(PASSWORDS),
                template_cache=TEMPLATE_CACHE,
                extra_cnf=config_lines(root),
                start_timeout_s=60,
            )
            made.append(MysqldProcess(flavor, spec))
            return made[-1]

        yield make_one
        for server in reversed(made):
            if server.is_running:
                await server.shutdown(timeout_s=60)
            server.release()


async def test_a_pair_replicates_by_gtid_and_refuses_writes_on_the_replica(make: Make) -> None:
    first, second = make(1), make(2)
    assert first.flavor.name == "MySQL"
    await first.start()
    await second.start()
    names = AccountNames()
    async with (
        await connect(first.spec.dba_params()) as primary,
        await connect(second.spec.dba_params()) as replica,
    ):
        with pytest.raises(MysqlError, match="read-only"):
            await replica.execute("CREATE DATABASE errant")
        assert await replication.executed_position(replica, second.flavor) == Position()
        await admin.set_read_only(primary, first.flavor, read_only=False)
        await admin.create_database(primary, "vt_main")
        await admin.ensure_grants(primary, first.flavor, names, "vt_main")
        await replication.set_semi_sync(primary, first.flavor, primary=True, replica=False)
        await replication.set_semi_sync(replica, second.flavor, primary=False, replica=True)
        source = ReplicationSource(
            host=first.spec.bind_address,
            port=3306,
            user="vt_repl",
            password=PASSWORDS["vt_repl"],
        )
        await replication.set_source(replica, second.flavor, source)
        await replication.start_replication(replica, second.flavor)
        await primary.execute("CREATE TABLE vt_main.t (id INT PRIMARY KEY)")
        position = await replication.executed_position(primary, first.flavor)
        assert isinstance(position.gtids, MysqlGtidSet)
        await replication.wait_for_position(replica, second.flavor, position, timeout_s=20)
        status = await replication.replication_status(replica, second.flavor)
        assert status is not None
        assert (status.is_healthy, status.position) == (True, position)
        assert await replication.semi_sync_enabled(primary, first.flavor) == (True, False)
    async with await connect(
        MysqlParams(
            user="vt_app",
            password=PASSWORDS["vt_app"],
            host=first.spec.bind_address,
            database="vt_main",
        )
    ) as app:
        await app.execute("INSERT INTO t VALUES (1)")


async def test_a_position_is_set_and_goes_on(make: Make) -> None:
    server = make(1)
    await server.start()
    restored = Position.parse("MySQL56/00000000-0000-0000-0000-00000000000a:1-5")
    async with await connect(server.spec.dba_params()) as connection:
        await admin.set_read_only(connection, server.flavor, read_only=False)
        await replication.set_position(connection, server.flavor, restored)
        assert await replication.executed_position(connection, server.flavor) == restored
        assert await replication.purged_position(connection, server.flavor) == restored
        await admin.create_database(connection, "one")
        after = await replication.executed_position(connection, server.flavor)
        assert after.at_least(restored)
        assert not restored.at_least(after)


async def test_accounts_have_passwords_after_a_restart_too(make: Make) -> None:
    server = make(1)
    await server.start()
    await server.shutdown()
    await server.start()
    for user in (*PASSWORDS, "root"):
        with pytest.raises(MysqlError):
            await connect(MysqlParams(user=user, socket=server.spec.socket))


@pytest.fixture
async def shard(root: Path, tmp_path: Path) -> AsyncIterator[Shard]:
    """A shard whose tablets run MySQL, with backups in a directory."""
    options = tmp_path / "tree.cnf"
    await anyio.Path(options).write_text("\n".join(config_lines(root)) + "\n")
    async with running_shard() as shard:
        shard.extra_env = {
            "VT_MYSQL_ROOT": str(root),
            "MYSQL_FLAVOR": "MySQL80",
            "EXTRA_MY_CNF": str(options),
        }
        shard.extra_flags = (
            "--backup_storage_implementation=file",
            f"--file_backup_storage_root={shard.dir}/backups",
        )
        yield shard


async def test_tablets_of_mysql_move_their_primaryship(shard: Shard) -> None:
    """The whole tablet: register, promote, follow, demote, follow the other way."""
    _, first, second = await replicating_pair(shard)
    assert first.scalar("SELECT @@global.super_read_only") == 0
    assert second.scalar("SELECT @@global.super_read_only") == 1
    await reparent(shard, first, second)
    assert first.scalar("SELECT @@global.super_read_only") == 1
    with second.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(first, 2)


async def test_a_mysql_tablet_is_backed_up_offline_and_restored(shard: Shard) -> None:
    _, first, second = await replicating_pair(shard)
    if not shutil.which("xtrabackup"):
        with pytest.raises(ArmillaryError, match="the program xtrabackup is not installed"):
            await back_up(shard, second, engine="xtrabackup")
        assert await shard.type_of(second) == TabletType.REPLICA
        assert list((shard.dir / "backups").rglob("MANIFEST")) == []
    with first.sql(database="vt_commerce") as cursor:
        # The MySQL of a backup may have users of its own; a restored tablet has this cluster's.
        cursor.execute("SET sql_log_bin = 0")
        cursor.execute("ALTER USER 'vt_app'@'%' IDENTIFIED BY 'of another cluster'")
        cursor.execute("SET sql_log_bin = 1")
        cursor.execute("CREATE PROCEDURE p() SELECT 1")
        # Before its first table there is nothing of it but a folder.
        cursor.execute("CREATE DATABASE vt_empty")
    await wait_value(second, "SHOW DATABASES LIKE 'vt_empty'", "vt_empty")
    lines = await back_up(shard, second)
    assert "is complete at position MySQL56/" in lines[-1]
    position = MysqlGtidSet.parse(lines[-1].rpartition("MySQL56/")[2])
    await shard.wait_healthy(second)
    assert await shard.type_of(second) == TabletType.REPLICA
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)

    third = shard.add_tablet(3, "--restore_from_backup=true", "--wait_for_backup_interval=2s")
    shard.start(third)
    await shard.wait_healthy(third)
    await wait_rows(third, 2)
    assert await shard.type_of(third) == TabletType.REPLICA
    # Its own binlogs begin after what the backup held.
    assert MysqlGtidSet.parse(third.scalar("SELECT @@global.gtid_purged")) == position
    assert third.scalar("SELECT @@global.super_read_only") == 1
    uuids = {tablet.scalar("SELECT @@global.server_uuid") for tablet in (first, second, third)}
    assert len(uuids) == 3
    for user in PASSWORDS:
        with third.sql(user) as cursor:
            cursor.execute("SELECT 1")

    # The restored tablet can lead, and one that has never seen it can follow.
    await reparent(shard, first, third)
    with third.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (3)")
        cursor.execute("CALL p()")
    with third.sql(database="vt_empty") as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    await wait_rows(first, 3)

    record = await shard.record(second)
    restored = [event.value async for event in shard.client.restore_from_backup(record)]
    assert restored[-1].startswith("restored ")
    await shard.wait_healthy(second)
    await wait_rows(second, 3)
