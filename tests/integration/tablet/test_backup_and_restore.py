"""Tablets that fill themselves from backups; storage is a directory."""

import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.tablet import TabletType
from armillary.pb import topodata_pb2
from armillary.topo import convert
from tests.integration.tablet.shard import Shard, TestTablet, running_shard
from tests.integration.tablet.shared import (
    Pair,
    SharedShard,
    replicating_pair,
    shared_shard,
    wait_rows,
)

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

ONLINE = "--backup_engine_implementation=xtrabackup"
RESTORING = (
    "--restore_from_backup=true",
    "--wait_for_backup_interval=2s",
    "--restore_concurrency=2",
)


def keep_backups(shard: Shard) -> None:
    shard.extra_flags = (
        "--backup_storage_implementation=file",
        f"--file_backup_storage_root={shard.dir}/backups",
        "--xtrabackup_user=vt_dba",
        "--xtrabackup_stripes=2",
        ONLINE,
    )


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[SharedShard]:
    async with shared_shard(keep_backups) as shared:
        yield shared


@pytest.fixture
async def pair(shared: SharedShard) -> Pair:
    """For tests that leave a primary and a replica behind; backups of earlier tests are there."""
    return await shared.pair()


@pytest.fixture
async def shard() -> AsyncIterator[Shard]:
    """For tests that begin with an empty shard."""
    async with running_shard() as shard:
        keep_backups(shard)
        yield shard


async def back_up(shard: Shard, tablet: TestTablet, engine: str | None = None) -> list[str]:
    record = await shard.record(tablet)
    return [event.value async for event in shard.client.backup(record, backup_engine=engine)]


async def acknowledges(shard: Shard, replica: TestTablet) -> bool:
    """Whether the replica comes to be one that a primary with semi-sync may count on."""
    record = await shard.record(replica)
    for _ in range(100):
        if (await shard.client.full_status(record)).semi_sync_replica_status:
            return True
        await anyio.sleep(0.1)
    return False


async def test_a_new_tablet_restores_and_then_follows(pair: Pair) -> None:
    shard, first, second = pair
    lines = await back_up(shard, second)
    assert "is complete at position" in lines[-1]
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    third = shard.add_tablet(3, *RESTORING, "--enable_semi_sync=true")
    shard.start(third)
    await shard.wait_healthy(third)
    await wait_rows(third, 2)
    assert await shard.type_of(third) == TabletType.REPLICA
    assert await acknowledges(shard, third), "it followed before it was a replica"
    assert not (third.data_dir / "restore_in_progress").exists()
    with third.sql("vt_app") as cursor:
        cursor.execute("SELECT CURRENT_USER()")


async def test_a_restored_tablet_does_not_serve_as_if_it_were_up_to_date(pair: Pair) -> None:
    """Replication that has received nothing yet says that it is 0 s behind."""
    shard, first, second = pair
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t SELECT seq FROM seq_2_to_150000")  # takes its time there too
    third = shard.add_tablet(3, *RESTORING)
    shard.start(third)
    await shard.wait_healthy(third)
    assert third.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 150_000


async def test_a_tablet_waits_for_the_first_backup_of_its_shard(shard: Shard) -> None:
    waiting = shard.add_tablet(3, *RESTORING)
    shard.start(waiting)
    await shard.wait_healthz(waiting, 500, "cannot restore: nothing to restore")
    assert await shard.type_of(waiting) == TabletType.RESTORE
    with pytest.raises(PreconditionError, match="is being restored"):
        await shard.promote(waiting)


async def test_the_offline_engine_takes_the_tablet_out_of_service(shard: Shard) -> None:
    shard.extra_flags = (
        *(flag for flag in shard.extra_flags if flag != ONLINE),
        "--enable_semi_sync=true",
    )
    _, first, second = await replicating_pair(shard)
    seen: set[int] = set()
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            async for health in shard.client.stream_health(await shard.record(second)):
                seen.add(health.target.tablet_type)

        tasks.start_soon(watch)
        await back_up(shard, second)
        tasks.cancel_scope.cancel()
    assert TabletType.BACKUP in seen
    await shard.wait_healthy(second)
    assert await shard.type_of(second) == TabletType.REPLICA
    assert await acknowledges(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)
    with pytest.raises(PreconditionError, match="PRIMARY cannot take backup"):
        await back_up(shard, first)


async def test_a_tablet_is_restored_when_asked_but_not_a_primary(pair: Pair) -> None:
    shard, first, second = pair
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    with pytest.raises(PreconditionError, match="PRIMARY cannot restore"):
        _ = [e async for e in shard.client.restore_from_backup(await shard.record(first))]
    record = await shard.record(second)
    said = [e.value async for e in shard.client.restore_from_backup(record, dry_run=True)]
    assert len(said) == 1 and said[0].startswith("dry run, nothing changes: commerce/-80: ")
    assert str(second.alias) in said[0], "the backup that would be restored"
    await wait_rows(second, 2)
    lines = [event.value async for event in shard.client.restore_from_backup(record)]
    assert lines[-1].startswith("restored ")
    await shard.wait_healthy(second)
    await wait_rows(second, 2)


async def test_a_replica_without_tables_goes_on_after_a_restart_and_restores_nothing(
    pair: Pair,
) -> None:
    """So it is in a new shard before anybody has made a table."""
    shard, first, second = pair
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("DROP TABLE t")
    with anyio.fail_after(30):
        count = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'vt_commerce'"
        while second.scalar(count):  # noqa: ASYNC110  # nobody tells
            await anyio.sleep(0.05)
    second.vttablet.end()
    second.mysqlctld.end()
    before = second.vttablet.log.read_text()
    second.vttablet.command.append("--restore_from_backup=true")
    shard.start(second)
    await shard.wait_healthy(second)
    said = second.vttablet.log.read_text().removeprefix(before)
    assert "this replica goes on following its primary" in said
    assert "restore starts" not in said
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
    await wait_rows(second, 1)


async def test_a_former_primary_gets_its_own_writes_back_after_a_restore(pair: Pair) -> None:
    """A replica skips what carries its own server id, so data filled anew needs a new one."""
    shard, first, second = pair
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)
    await shard.client.demote_primary(await shard.record(first))
    await shard.promote(second)
    with anyio.fail_after(30):
        while await shard.type_of(first) != TabletType.REPLICA:  # noqa: ASYNC110  # nobody tells
            await anyio.sleep(0.1)
    record = await shard.record(first)
    _ = [event async for event in shard.client.restore_from_backup(record)]
    await shard.wait_healthy(first)
    await wait_rows(first, 2)


async def make_snapshot(shard: Shard, at: datetime) -> None:
    """What DeleteKeyspace -recursive and CreateKeyspace -keyspace_type=SNAPSHOT do."""
    topo = shard.topo
    for alias in await topo.tablets_of_shard("restore", "-80"):
        await topo.delete_tablet(alias)
    await topo.delete_shard("restore", "-80")
    await topo.delete_keyspace("restore")
    await anyio.sleep(1.5)  # long enough for a tablet that would make it again
    await topo.create_keyspace(
        "restore",
        topodata_pb2.Keyspace(
            keyspace_type=topodata_pb2.SNAPSHOT,
            base_keyspace="commerce",
            snapshot_time=convert.time_to_pb(at),
        ),
    )


async def test_a_recreated_snapshot_keyspace_gets_the_older_backup(pair: Pair) -> None:
    shard, first, second = pair
    beside = replace(shard, keyspace="restore")
    restored = beside.add_tablet(5, "--init_db_name_override=vt_commerce", *RESTORING)
    restored.vttablet.command.remove("--restore_from_backup=true")
    beside.start(restored)
    await shard.wait_started(restored)
    await shard.promote(restored)  # its vt_commerce exists, without tables
    restored.vttablet.command.append("--restore_from_backup=true")

    await back_up(shard, second)
    at = datetime.now(UTC)
    await anyio.sleep(1.1)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)
    await back_up(shard, second)

    restored.vttablet.end()
    await make_snapshot(shard, at)
    restored.vttablet.start()
    await shard.wait_healthy(restored)
    assert await shard.type_of(restored) == TabletType.REPLICA
    assert (await shard.record(restored)).keyspace == "restore"
    assert restored.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 1
    with restored.sql() as cursor:
        cursor.execute("SHOW SLAVE STATUS")
        assert cursor.fetchone() is None
    await shard.promote(restored)
    await shard.wait_healthy(restored)
    await restored.vttablet.kill()
    restored.vttablet.start()
    await shard.wait_healthy(restored)
    assert await shard.type_of(restored) == TabletType.PRIMARY
    assert restored.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 1

    # Another time: the data of the first one is not what is asked for.
    restored.vttablet.end()
    await make_snapshot(shard, datetime.now(UTC))
    restored.vttablet.start()
    await shard.wait_healthy(restored)
    assert restored.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 2


async def test_tables_that_no_backup_brought_are_not_deleted_for_a_snapshot(pair: Pair) -> None:
    shard, _, second = pair
    await back_up(shard, second)
    beside = replace(shard, keyspace="restore")
    tablet = beside.add_tablet(5, "--init_db_name_override=vt_commerce")
    beside.start(tablet)
    await shard.wait_started(tablet)
    await shard.promote(tablet)
    with tablet.sql(database="vt_commerce") as cursor:
        cursor.execute("CREATE TABLE own (id INT PRIMARY KEY)")
    tablet.vttablet.end()
    tablet.vttablet.command += RESTORING
    await make_snapshot(shard, datetime.now(UTC))
    tablet.vttablet.start()
    await shard.wait_healthz(tablet, 500, "cannot restore: mysqld contains 1 tables of vt_commerce")
    assert await shard.type_of(tablet) == TabletType.RESTORE
    record = await shard.record(tablet)
    with anyio.fail_after(30), pytest.raises(PreconditionError, match="contains 1 tables"):
        _ = [event async for event in shard.client.restore_from_backup(record)]
    with tablet.sql(database="vt_commerce") as cursor:
        cursor.execute("DROP TABLE own")
    await shard.wait_healthy(tablet)
    assert tablet.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 1


async def test_a_time_before_the_first_backup_leaves_the_tablet_unready(pair: Pair) -> None:
    shard, _, second = pair
    await back_up(shard, second)
    early = datetime.now(UTC) - timedelta(days=1)
    await shard.topo.create_keyspace(
        "restore",
        topodata_pb2.Keyspace(
            keyspace_type=topodata_pb2.SNAPSHOT,
            base_keyspace="commerce",
            snapshot_time=convert.time_to_pb(early),
        ),
    )
    beside = replace(shard, keyspace="restore")
    tablet = beside.add_tablet(5, "--init_db_name_override=vt_commerce", *RESTORING)
    beside.start(tablet)
    reason = await shard.wait_healthz(tablet, 500, "all complete backups are later")
    assert "later than" in reason
    assert await shard.type_of(tablet) == TabletType.RESTORE
    with pytest.raises(ArmillaryError, match="restored"):
        await shard.promote(tablet)


async def test_a_deleted_keyspace_is_not_made_again_by_its_tablets(shard: Shard) -> None:
    tablet = shard.add_tablet(1)
    shard.start(tablet)
    await shard.wait_started(tablet)
    await shard.topo.delete_tablet(tablet.alias)
    await shard.topo.delete_shard("commerce", "-80")
    await shard.topo.delete_keyspace("commerce")
    assert await tablet.vttablet.wait(60) == 1  # its record is gone
    tablet.vttablet.start()
    await shard.wait_healthz(tablet, 500, "keyspace commerce was deleted")
    await anyio.sleep(1.5)
    assert await shard.topo.list_keyspaces() == []
    await shard.topo.create_keyspace("commerce", topodata_pb2.Keyspace())
    await shard.wait_started(tablet)


async def test_an_interrupted_restore_begins_anew(pair: Pair) -> None:
    """Kill vttablet and mysqlctld right after the data was given up."""
    shard, _, second = pair
    await back_up(shard, second)
    third = shard.add_tablet(3, *RESTORING)
    shard.start(third)
    sentinel = third.data_dir / "restore_in_progress"
    with anyio.fail_after(20):
        while not sentinel.exists():  # noqa: ASYNC110  # a file tells nobody
            await anyio.sleep(0.001)
    third.vttablet.signal(signal.SIGKILL)
    third.mysqlctld.signal(signal.SIGKILL)
    await third.vttablet.wait()
    await third.mysqlctld.wait()
    shard.start(third)
    await shard.wait_healthy(third)
    await wait_rows(third, 1)
    assert not sentinel.exists()


async def test_a_tablet_whose_only_backup_is_damaged_neither_starts_empty_nor_is_promoted(
    shard: Shard,
) -> None:
    """Also where nobody told it to wait for a backup: that is for shards that have none."""
    _, _, second = await replicating_pair(shard)
    await back_up(shard, second)
    (stripe,) = (shard.dir / "backups").rglob("backup.xbstream*-000")
    data = bytearray(stripe.read_bytes())
    data[len(data) // 2] ^= 1
    stripe.write_bytes(data)
    third = shard.add_tablet(3, "--restore_from_backup=true")
    shard.start(third)
    await shard.wait_healthz(third, 500, "every backup that fits is damaged")
    assert await shard.type_of(third) == TabletType.RESTORE
    with pytest.raises(PreconditionError, match="is being restored"):
        await shard.promote(third)
