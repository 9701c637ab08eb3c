"""Take backups of a real server and restore them into another."""

import json
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.engines.choose import engine_named
from armillary.backup.errors import NoBackupError, RestoreMismatchError
from armillary.backup.manifest import Manifest
from armillary.backup.restore import RestoreRequest, restore_backup
from armillary.backup.restore_memory import RestoreMemory
from armillary.backup.storage import BackupStorage
from armillary.backup.storage.file import FileStorage
from armillary.backup.take import TakeRequest, take_backup
from armillary.backup.verify import verify_backup
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias
from armillary.mysqld import replication
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.flavor import ReplicationSource
from armillary.settings.backup import BackupFlags

from .servers import PASSWORD, Box, fill, let_write, running_box

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SETTINGS = BackupFlags(xtrabackup_stripes=8)
CHECK = "CHECKSUM TABLE vt_main.users"


async def take(
    box: Box, storage: BackupStorage, engine: str = "xtrabackup", settings: BackupFlags = SETTINGS
) -> Manifest:
    request = TakeRequest(
        keyspace="main",
        shard="-80",
        alias=TabletAlias("zone1", box.spec.tablet.uid),
        server=box.server,
    )
    return await take_backup(
        request, engine=engine_named(engine, settings), storage=storage, settings=settings
    )


def restore_request(box: Box, **more: object) -> RestoreRequest:
    return RestoreRequest(
        keyspace="main",
        shard="-80",
        server=box.server,
        flavor=box.flavor,
        **more,  # type: ignore[arg-type]
    )


async def follow(replica: Box, source: Box) -> None:
    """Replicate from `source` and wait until it is reached; fails if the data does not fit."""
    async with await connect(replica.spec.dba_params()) as connection:
        where = ReplicationSource(
            host=source.spec.bind_address,
            port=source.spec.port,
            user="vt_repl",
            password=PASSWORD,
        )
        await replication.set_source(connection, replica.flavor, where)
        await replication.start_replication(connection, replica.flavor)
    await reach(replica, source)


async def reach(replica: Box, source: Box) -> None:
    async with await connect(replica.spec.dba_params()) as connection:
        await replication.wait_for_position(
            connection, replica.flavor, await executed(source), timeout_s=20
        )


async def executed(box: Box) -> Position:
    async with await connect(box.spec.dba_params()) as connection:
        return await replication.executed_position(connection, box.flavor)


@pytest.mark.parametrize("stripes", [0, 8])
async def test_an_online_backup_under_writes_restores_to_its_position(
    short_dir: Path, template_cache: Path, stripes: int
) -> None:
    """The proof of the position: the restored server follows its source and ends up equal."""
    storage = FileStorage(short_dir / "backups")
    settings = BackupFlags(xtrabackup_stripes=stripes)

    async def keep_writing(box: Box) -> None:
        while True:
            await box.sql(*["INSERT INTO vt_main.users (name) VALUES (md5(rand()))"] * 50)

    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_writing, source)
            manifest = await take(source, storage, settings=settings)
            await anyio.sleep(0.2)
            tasks.cancel_scope.cancel()
        async with running_box(short_dir, 2, cache=template_cache) as target:
            outcome = await restore_backup(
                restore_request(target, database="vt_main"), storage=storage, settings=settings
            )
            assert outcome.position == manifest.position
            assert await source.sql("SELECT COUNT(*) FROM vt_main.users") != await target.sql(
                "SELECT COUNT(*) FROM vt_main.users"
            ), "nothing was written after the backup: the test proves little"
            await follow(target, source)
            assert await source.sql(CHECK) == await target.sql(CHECK)
        (record,) = await read_catalog(storage, "main", "-80")
        assert record.is_complete and record.raw_name == manifest.backup_name
        report = await verify_backup(storage, "main", "-80", record)
        assert report.is_sound, report.problems


async def test_an_offline_backup_restores_and_the_server_goes_on(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        manifest = await take(source, storage, "builtin")
        await source.sql("INSERT INTO vt_main.users (name) VALUES ('after the backup')")
        (record,) = await read_catalog(storage, "main", "-80")
        report = await verify_backup(storage, "main", "-80", record)
        assert report.is_sound, report.problems
        async with running_box(short_dir, 2, cache=template_cache) as target:
            outcome = await restore_backup(
                restore_request(target, database="vt_main"), storage=storage, settings=SETTINGS
            )
            assert outcome.position == manifest.position
            await follow(target, source)
            assert await source.sql(CHECK) == await target.sql(CHECK)


@pytest.mark.parametrize("engine", ["xtrabackup", "builtin"])
async def test_a_replicas_backup_has_the_position_that_it_applied(
    short_dir: Path, template_cache: Path, engine: str
) -> None:
    """Three generations: a primary, its replica, and a server restored from the replica."""
    storage = FileStorage(short_dir / "backups")
    async with (
        running_box(short_dir, 1, cache=template_cache) as primary,
        running_box(short_dir, 2, cache=template_cache) as replica,
    ):
        await fill(primary)
        await take(primary, storage)
        await restore_backup(restore_request(replica), storage=storage, settings=SETTINGS)
        await follow(replica, primary)
        await primary.sql("INSERT INTO vt_main.users (name) VALUES ('one more')")
        await reach(replica, primary)
        manifest = await take(replica, storage, engine)
        assert manifest.position == await executed(primary)
        # The replica goes on: it replicates what comes after its own backup.
        await primary.sql("INSERT INTO vt_main.users (name) VALUES ('two more')")
        await reach(replica, primary)
        async with running_box(short_dir, 3, cache=template_cache) as third:
            outcome = await restore_backup(
                restore_request(third), storage=storage, settings=SETTINGS
            )
            assert outcome.raw_name == manifest.backup_name
            await follow(third, primary)
            assert await primary.sql(CHECK) == await third.sql(CHECK)


async def test_a_restored_server_that_took_writes_can_be_backed_up(
    short_dir: Path, template_cache: Path
) -> None:
    """Its own first GTID follows the backup's, in the same domain."""
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        await take(source, storage)
    async with running_box(short_dir, 2, cache=template_cache) as target:
        outcome = await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        await let_write(target)
        await target.sql("INSERT INTO vt_main.users (name) VALUES ('mine')")
        manifest = await take(target, storage)
        assert manifest.position != outcome.position
        assert manifest.position.at_least(outcome.position)


async def test_the_newest_backup_before_the_time_asked_is_restored(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        first = await take(source, storage)
        await source.sql("INSERT INTO vt_main.users (name) VALUES ('later')")
        second = await take(source, storage)
    assert second.backup_time > first.backup_time
    async with running_box(short_dir, 2, cache=template_cache) as target:
        outcome = await restore_backup(
            restore_request(target, at=first.backup_time), storage=storage, settings=SETTINGS
        )
        assert outcome.raw_name == first.backup_name
        assert await target.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
        too_early = first.backup_time.replace(year=2001)
        with pytest.raises(NoBackupError, match="later"):
            await restore_backup(
                restore_request(target, at=too_early), storage=storage, settings=SETTINGS
            )
        assert await target.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


def forget_databases(manifest_file: Path) -> None:
    """Make a MANIFEST one of those that do not name the databases inside."""
    fields = json.loads(manifest_file.read_text())
    assert "vt_main" in fields["Armillary"].pop("Databases")
    del fields["Armillary"]["ManifestHash"]
    manifest_file.write_text(json.dumps(fields))


@pytest.mark.parametrize(("is_named", "unpacked"), [(True, 0), (False, 1)])
async def test_a_backup_of_another_database_is_refused_before_data_is_lost(
    short_dir: Path, template_cache: Path, is_named: bool, unpacked: int
) -> None:
    """A MANIFEST names its databases, so nothing is fetched; an older one does not: once then."""
    storage = FileStorage(short_dir / "backups")
    phases: list[str] = []
    memory = RestoreMemory()
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        manifest = await take(source, storage)
    if not is_named:
        forget_databases(short_dir / "backups/main/-80" / manifest.backup_name / "MANIFEST")
    async with running_box(short_dir, 2, cache=template_cache) as target:
        await target.sql("CREATE DATABASE vt_restore")
        for _ in range(3):
            with pytest.raises(RestoreMismatchError, match=r"vt_restore.*vt_main"):
                await restore_backup(
                    restore_request(target, database="vt_restore"),
                    storage=storage,
                    settings=SETTINGS,
                    on_progress=lambda p: None if p.raw_bytes else phases.append(p.phase),
                    memory=memory,
                )
        assert phases.count("unpack") == unpacked
        assert ("vt_restore",) in await target.sql("SHOW DATABASES")
        assert not target.spec.tablet.restore_in_progress.exists()
        outcome = await restore_backup(
            restore_request(target, database="vt_main"), storage=storage, settings=SETTINGS
        )
        assert outcome.raw_name == manifest.backup_name


async def test_the_system_tables_of_an_older_series_are_brought_up_to_this_server(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        await box.sql("SET sql_log_bin = 0", "DROP TABLE mysql.help_topic")
        manifest = await take(box, storage)
        path = anyio.Path(short_dir / "backups/main/-80" / manifest.backup_name / "MANIFEST")
        lines = [
            line for line in (await path.read_text()).splitlines() if "ManifestHash" not in line
        ]
        await path.write_text("\n".join(lines).replace("Ver 10.11.", "Ver 10.6."))
        outcome = await restore_backup(restore_request(box), storage=storage, settings=SETTINGS)
        assert outcome.position == manifest.position
        assert await box.sql("SHOW TABLES FROM mysql LIKE 'help_topic'") == [("help_topic",)]
        stamps = [file.read_text() for file in box.spec.tablet.data.glob("*_upgrade_info")]
        assert any(stamp.startswith("10.11.") for stamp in stamps)
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
