"""Two tablets of one shard, real mysqlctld, mysqld, vttablet and etcd."""

import json
import os
import signal
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
import pymysql
import pytest

from armillary.base.errors import ArmillaryError, PreconditionError, UnauthenticatedError
from armillary.model.tablet import TabletType
from armillary.rpc.mysqlctl_client import MysqlctlClient
from armillary.rpc.tablet_client import TabletManagerClient
from tests.integration.tablet.shard import Shard, TestTablet, running_shard, wait_gone
from tests.integration.tablet.shared import (
    Pair,
    reparent,
    replicating_pair,
    wait_rows,
)

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture
async def shard() -> AsyncIterator[Shard]:
    """For tests that begin with an empty shard, or leave ruins."""
    async with running_shard() as shard:
        yield shard


async def test_a_new_primary_is_followed_without_being_told(shard: Shard) -> None:
    _, first, second = await replicating_pair(shard)
    record = (await shard.topo.get_shard("commerce", "-80")).value
    assert record.primary_alias.uid == 1
    assert await shard.type_of(first) == TabletType.PRIMARY
    assert await shard.type_of(second) == TabletType.REPLICA
    assert second.scalar("SELECT @@global.read_only") == 1
    assert first.scalar("SELECT @@global.read_only") == 0
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)


async def test_a_demoted_primary_follows_though_nobody_tells_it(pair: Pair) -> None:
    """Whoever moved the primaryship died after promoting the other one."""
    shard, first, second = pair
    demoted = await shard.client.demote_primary(await shard.record(first))
    await shard.wait_healthz(first, 500, "demotion in progress")
    await shard.client.wait_for_position(await shard.record(second), demoted.position)
    await shard.promote(second)
    with second.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(first, 2)
    await shard.wait_healthy(first)
    assert await shard.type_of(first) == TabletType.REPLICA


async def test_primaryship_moves_and_the_old_primary_follows(pair: Pair) -> None:
    shard, first, second = pair
    await reparent(shard, first, second)
    assert first.scalar("SELECT @@global.read_only") == 1
    assert await shard.type_of(first) == TabletType.REPLICA
    assert (
        await shard.topo.get_shard("commerce", "-80")
    ).value.primary_alias.uid == second.alias.uid
    with second.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2), (3)")
    await wait_rows(first, 3)
    await reparent(shard, second, first)
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (4)")
    await wait_rows(second, 4)
    assert await shard.client.read_reparent_journal_info(await shard.record(first)) == 1


async def test_a_promotion_applies_first_what_was_received(pair: Pair) -> None:
    """A lock on the replica keeps its applier busy while the promotion is asked for."""
    shard, first, second = pair
    with second.sql(database="vt_commerce") as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        with first.sql(database="vt_commerce") as writer:
            writer.execute("INSERT INTO t VALUES (2)")
        await anyio.sleep(1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shard.promote, second)
            await anyio.sleep(1)
            cursor.execute("UNLOCK TABLES")
    assert second.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 2


async def test_a_demoted_primary_refuses_writes_and_ends_open_transactions(pair: Pair) -> None:
    shard, first, _ = pair
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO t VALUES (9)")
        await shard.client.demote_primary(await shard.record(first))
        with pytest.raises(Exception, match=r"read.only|gone away|Lost connection|killed"):
            cursor.execute("COMMIT")
    await shard.wait_healthz(first, 500, "demotion")
    with (
        first.sql("vt_app", database="vt_commerce") as cursor,
        pytest.raises(Exception, match="read-only"),
    ):
        cursor.execute("INSERT INTO t VALUES (10)")
    await shard.client.undo_demote_primary(await shard.record(first))
    await shard.wait_healthy(first)
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (11)")
    assert first.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 2


async def test_a_demoted_primary_lets_open_transactions_come_to_their_end(pair: Pair) -> None:
    shard, first, second = pair
    before = first.scalar("SELECT COUNT(*) FROM vt_commerce.t")
    demoted = []

    async def demote() -> None:
        demoted.append(await shard.client.demote_primary(await shard.record(first)))

    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO t VALUES (9)")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(demote)
            await shard.wait_healthz(first, 500, "demotion")
            cursor.execute("COMMIT")
    assert first.scalar("SELECT @@global.read_only") == 1
    assert first.scalar("SELECT COUNT(*) FROM vt_commerce.t") == before + 1
    await shard.client.wait_for_position(await shard.record(second), demoted[0].position)
    await wait_rows(second, before + 1)
    await shard.client.undo_demote_primary(await shard.record(first))
    await shard.wait_healthy(first)


async def test_a_client_that_locks_tables_does_not_hold_a_demotion_up(pair: Pair) -> None:
    shard, first, _ = pair
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        await shard.client.demote_primary(await shard.record(first), timeout_s=20)
        with pytest.raises(Exception, match=r"gone away|Lost connection|killed"):
            cursor.execute("INSERT INTO t VALUES (9)")
    assert first.scalar("SELECT @@global.read_only") == 1
    await shard.client.undo_demote_primary(await shard.record(first))
    await shard.wait_healthy(first)


async def test_a_killed_mysqld_of_the_primary_comes_back_with_everything(pair: Pair) -> None:
    shard, first, second = pair
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    os.kill(first.mysqld_pid(), signal.SIGKILL)
    assert await first.mysqlctld.wait() == 3
    first.mysqlctld.start()  # as the kubelet does
    await shard.wait_healthz(first, 500)
    await shard.wait_healthy(first)
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (3)")
    await wait_rows(second, 3)


async def test_a_killed_vttablet_comes_back_as_what_it_was(pair: Pair) -> None:
    shard, first, second = pair
    before = await shard.record(first)
    for tablet in (first, second):
        await tablet.vttablet.kill()
        tablet.vttablet.start()
    await shard.wait_healthy(first, second)
    assert await shard.record(first) == before
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)


async def test_a_primary_whose_mysqld_is_long_in_coming_gives_way_to_a_later_one(
    shard: Shard,
) -> None:
    _, first, second = await replicating_pair(shard)
    for process in (first.vttablet, first.mysqlctld):
        process.end()
    first.vttablet.log.unlink()
    first.vttablet.start()
    await shard.wait_healthz(first, 500, "starting")
    assert await shard.type_of(first) == TabletType.PRIMARY
    await shard.promote(second)
    first.mysqlctld.start()
    await shard.wait_healthy(first)
    assert await shard.type_of(first) == TabletType.REPLICA
    before, _, _ = first.vttablet.log.read_text().partition("replicating")
    assert "stepping down" in before
    assert "armillary.vttablet.health] serving" not in before, "it took writes for a moment"


async def test_a_killed_mysqld_of_the_replica_replicates_again(pair: Pair) -> None:
    shard, first, second = pair
    await second.mysqlctld.kill()
    await shard.wait_healthz(second, 500)
    second.mysqlctld.start()
    await shard.wait_healthy(second)
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)


async def test_a_vttablet_starts_a_mysqld_that_its_forerunner_left_stopped(pair: Pair) -> None:
    """As after a kill in the middle of an offline backup."""
    shard, _, tablet = pair
    await tablet.vttablet.kill()
    async with MysqlctlClient(tablet.dir / "mysqlctl.sock") as mysqlctl:
        await mysqlctl.shutdown()
    tablet.vttablet.start()
    await shard.wait_healthy(tablet)


async def test_mysqld_gets_the_passwords_of_the_credentials_file_at_each_start(
    shard: Shard,
) -> None:
    tablet = shard.add_tablet(1)
    shard.start(tablet)
    await shard.wait_started(tablet)
    tablet.mysqlctld.end()
    path = shard.dir / "db-credentials.json"
    path.write_text(path.read_text().replace("secret-of-vt_app", "another"))
    tablet.mysqlctld.start()
    with anyio.fail_after(60):
        while not tablet.socket.exists():  # noqa: ASYNC110  # a file tells nobody
            await anyio.sleep(0.05)
    await wait_gone(tablet.data_dir / "init-accounts.sql")
    with (
        pytest.raises(Exception, match="Access denied"),
        tablet.sql("vt_app"),
    ):
        pass
    with tablet.sql("vt_app", **{"password": "another"}) as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        assert cursor.fetchone() == ("vt_app@%",)


async def test_sigterm_says_not_serving_before_the_process_ends(pair: Pair) -> None:
    shard, first, _ = pair
    seen: list[tuple[bool, str]] = []
    stream = shard.client.stream_health(await shard.record(first))
    try:
        async for health in stream:
            seen.append((health.serving, health.realtime_stats.health_error))
            if len(seen) == 1:
                first.vttablet.signal(signal.SIGTERM)
    except ArmillaryError:
        pass
    assert seen[0] == (True, "")
    assert (False, "the tablet is shutting down") in seen
    assert await first.vttablet.wait() == 0
    assert first.scalar("SELECT @@global.read_only") == 0


async def test_sigterm_amid_a_look_at_mysqld_is_an_end_in_order(shard: Shard) -> None:
    """A tablet that always looks: the signal meets a look each time."""
    tablet = shard.add_tablet(1, "--health_check_interval=1ms")
    shard.start(tablet)
    await shard.wait_started(tablet)
    await shard.promote(tablet)
    for _ in range(3):
        await shard.wait_healthy(tablet)
        tablet.vttablet.signal(signal.SIGTERM)
        assert await tablet.vttablet.wait() == 0, shard.logs(tablet)
        tablet.vttablet.start()


async def test_a_stranger_may_call_nothing(pair: Pair) -> None:
    shard, tablet, _ = pair
    async with TabletManagerClient() as stranger:
        with pytest.raises(UnauthenticatedError):
            await stranger.ping(await shard.record(tablet))
    await shard.client.ping(await shard.record(tablet))


async def test_writes_that_nobody_else_has_are_an_error_not_a_replica(shard: Shard) -> None:
    _, first, second = await replicating_pair(shard)
    await shard.client.stop_replication(await shard.record(second))
    await wait_rows(second, 1)
    with second.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (100)")  # vt_dba may, though read-only
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(PreconditionError, match="errant GTID"):
        await shard.client.set_replication_source(
            await shard.record(second), (await shard.record(first)).alias
        )
    # Without a source it is behind of nobody, but it is no replica either: it says so.
    await shard.client.reset_replication_parameters(await shard.record(second))
    await shard.wait_healthz(second, 500, "errant GTID")


async def test_waiting_for_a_primary_is_no_busy_loop(shard: Shard) -> None:
    tablet = shard.add_tablet(1)
    shard.start(tablet)
    await shard.wait_started(tablet)

    async def looks() -> int:
        page = await tablet.page("/debug/vars")
        return int(json.loads(page[1])["HealthLooks"])

    before = await looks()
    await anyio.sleep(3)  # of which it looks once a second
    assert await looks() - before < 15


async def test_semi_sync_is_on_where_it_was_asked_for(pair: Pair) -> None:
    shard, first, second = pair
    first_record = await shard.record(first)
    await shard.client.promote_replica(first_record, semi_sync=True)
    await shard.client.set_replication_source(
        await shard.record(second), first_record.alias, semi_sync=True
    )
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    status = await shard.client.full_status(first_record)
    assert (status.semi_sync_primary_enabled, status.semi_sync_primary_clients) == (True, 1)
    assert (await shard.client.full_status(await shard.record(second))).semi_sync_replica_status
    # The shard is to do without, and the replica is told first: its primary still waits for it.
    await shard.client.set_replication_source(await shard.record(second), first_record.alias)
    with first.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (3)")
    await shard.client.promote_replica(first_record)
    assert not (await shard.client.full_status(first_record)).semi_sync_primary_enabled


async def test_a_replica_comes_to_a_primary_whose_commits_all_wait_for_it(pair: Pair) -> None:
    """MariaDB lists its binlogs only once the commits go on that wait for this replica."""
    shard, first, second = pair
    earlier = len(second.vttablet.log.read_text())
    primary, replica = await shard.record(first), await shard.record(second)
    await shard.client.promote_replica(primary, semi_sync=True)
    await shard.client.set_replication_source(replica, primary.alias, semi_sync=True)
    await shard.client.stop_replication(replica)

    def write(row: int) -> None:
        with first.sql("vt_app", database="vt_commerce") as cursor:
            cursor.execute("INSERT INTO t VALUES (%s)", (row,))

    async def write_in_thread(row: int) -> None:
        await anyio.to_thread.run_sync(write, row, abandon_on_cancel=True)

    async with anyio.create_task_group() as tasks:
        for row in (2, 3, 4):  # several: the first waits alone, and holds up nothing yet
            tasks.start_soon(write_in_thread, row)
        with anyio.fail_after(30):
            while commits_waiting(first) < 3:  # noqa: ASYNC110  # mysqld tells nobody
                await anyio.sleep(0.05)
        await shard.client.set_replication_source(
            replica, primary.alias, force_start=True, semi_sync=True
        )
    await wait_rows(second, 4)
    await shard.client.promote_replica(primary)
    await shard.client.set_replication_source(replica, primary.alias)
    assert "cannot compare with the primary" not in second.vttablet.log.read_text()[earlier:]


def commits_waiting(tablet: TestTablet) -> int:
    return int(
        tablet.scalar(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'vt_app' AND "
            "(state = 'Commit' OR state LIKE 'Waiting for semi-sync%')"
        )
    )


async def test_a_commit_without_acknowledgement_does_not_hold_a_demotion_up(shard: Shard) -> None:
    _, first, second = await replicating_pair(shard)
    record = await shard.record(first)
    await shard.client.promote_replica(record, semi_sync=True)
    await shard.client.set_replication_source(
        await shard.record(second), record.alias, semi_sync=True
    )
    await second.vttablet.kill()
    await second.mysqlctld.kill()

    def write() -> str:
        with first.sql("vt_app", database="vt_commerce") as cursor:
            cursor.execute("INSERT INTO t VALUES (2)")
        return "acknowledged"

    async with anyio.create_task_group() as tasks:

        async def try_to_write() -> None:
            with pytest.raises(pymysql.err.OperationalError, match="Lost connection"):
                await anyio.to_thread.run_sync(write)

        tasks.start_soon(try_to_write)
        await anyio.sleep(0.5)
        await shard.client.demote_primary(record, timeout_s=10)
    assert first.scalar("SELECT @@global.read_only") == 1


# What no account of applications may do: other databases, the server, its files, its binlog.
_ACCESS_DENIED = {1044, 1045, 1142, 1227, 1370, 1410}
_NEVER = (
    "SELECT * FROM mysql.user",
    "SELECT * FROM mysql.global_priv",
    "DELETE FROM mysql.db",
    "CREATE TABLE mysql.mine (a INT)",
    "CREATE DATABASE other",
    "DROP DATABASE mysql",
    "SET GLOBAL read_only = 0",
    "SET GLOBAL general_log_file = '/tmp/x.sql'",
    "SET sql_log_bin = 0",
    "SELECT 1 INTO OUTFILE '/tmp/never'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE vt_commerce.t",
    "CREATE USER intruder",
    "GRANT ALL ON *.* TO CURRENT_USER",
    "GRANT SELECT ON vt_commerce.* TO vt_monitor@localhost",
    "SET PASSWORD FOR vt_dba@localhost = PASSWORD('x')",
    "STOP SLAVE",
    "RESET MASTER",
    "PURGE BINARY LOGS BEFORE NOW()",
    "SHOW BINARY LOGS",
    "FLUSH TABLES WITH READ LOCK",
    "INSTALL SONAME 'x'",
    "SHUTDOWN",
)
_ONLY_READS = (
    "INSERT INTO vt_commerce.t VALUES (9)",
    "UPDATE vt_commerce.t SET id = 9",
    "DELETE FROM vt_commerce.t",
    "CREATE TABLE vt_commerce.mine (a INT)",
    "DROP TABLE vt_commerce.t",
)


@pytest.mark.parametrize("user", ["vt_app", "vt_appdebug", "vt_filtered"])
async def test_an_account_may_do_nothing_but_what_it_is_for(pair: Pair, user: str) -> None:
    _, first, _ = pair
    allowed = []
    for statement in (*_NEVER, *(_ONLY_READS if user == "vt_appdebug" else ())):
        with first.sql(user) as cursor:
            try:
                cursor.execute(statement)
            except pymysql.MySQLError as error:
                if error.args[0] in _ACCESS_DENIED:
                    continue
                allowed.append(f"{statement}: {error}")
            else:
                allowed.append(statement)
    assert allowed == []
    with first.sql(user) as cursor:
        cursor.execute("SELECT * FROM vt_commerce.t")
        assert cursor.fetchall() == ((1,),)
        cursor.execute("SHOW DATABASES")
        assert {row[0] for row in cursor.fetchall()} == {"information_schema", "vt_commerce"}


async def test_schema_changes_replicate_and_bad_ones_say_what_mysqld_says(pair: Pair) -> None:
    shard, first, second = pair
    record = await shard.record(first)
    sql = "CREATE TABLE u (a INT PRIMARY KEY, b VARCHAR(9)); CREATE INDEX i ON u (b);"
    await shard.client.apply_schema(record, sql)
    schema = await shard.client.get_schema(record, tables=("u",))
    assert [table.name for table in schema.table_definitions] == ["u"]
    assert list(schema.table_definitions[0].columns) == ["a", "b"]
    assert list(schema.table_definitions[0].primary_key_columns) == ["a"]
    with pytest.raises(ArmillaryError, match="1064"):
        await shard.client.apply_schema(record, "CREATE TABEL v (a INT)")
    with pytest.raises(ArmillaryError, match="belongs on the primary"):
        await shard.client.apply_schema(await shard.record(second), "CREATE TABLE w (a INT)")
    result = await shard.client.execute_fetch_as_dba(
        record, "SELECT a, 'x' FROM u RIGHT JOIN t ON 0"
    )
    assert list(result.rows[0].lengths) == [-1, 1]
    assert result.rows[0].values == b"x"
