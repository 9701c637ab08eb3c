"""Take online backups of a real server and restore them into another."""

from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.engines.choose import engine_named
from armillary.backup.restore import RestoreRequest, restore_backup
from armillary.backup.storage import BackupStorage
from armillary.backup.storage.file import FileStorage
from armillary.backup.take import TakeRequest, take_backup
from armillary.model.tablet import TabletAlias
from armillary.settings.backup import BackupFlags

from .servers import Box, running_box

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

SETTINGS = BackupFlags(xtrabackup_stripes=8)


def take_request(box: Box, uid: int = 1) -> TakeRequest:
    return TakeRequest(
        keyspace="main", shard="-80", alias=TabletAlias("zone1", uid), server=box.server
    )


async def fill(box: Box, rows: int = 2000) -> None:
    await box.sql(
        "CREATE DATABASE vt_main",
        "USE vt_main",
        "CREATE TABLE vt_main.users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200))",
        f"INSERT INTO vt_main.users (name) SELECT repeat(md5(seq), 5) FROM seq_1_to_{rows}",
    )


async def keep_writing(box: Box) -> None:
    while True:
        await box.sql("INSERT INTO vt_main.users (name) VALUES (md5(rand()))")


async def test_an_online_backup_under_writes_restores_to_its_position(
    short_dir: Path, template_cache: Path
) -> None:
    storage: BackupStorage = FileStorage(short_dir / "backups")
    engine = engine_named("xtrabackup", SETTINGS)
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep_writing, source)
            manifest = await take_backup(
                take_request(source), engine=engine, storage=storage, settings=SETTINGS
            )
            tasks.cancel_scope.cancel()
        async with running_box(short_dir, 2, cache=template_cache) as target:
            outcome = await restore_backup(
                RestoreRequest(
                    keyspace="main",
                    shard="-80",
                    server=target.server,
                    flavor=target.flavor,
                    database="vt_main",
                ),
                storage=storage,
                settings=SETTINGS,
                on_progress=print,
            )
            assert outcome.position == manifest.position
            # The restored server follows the source from there: equal data means equal position.
            await target.sql(
                f"CHANGE MASTER TO MASTER_HOST='{source.spec.bind_address}',"
                f"MASTER_PORT={source.spec.port}, MASTER_USER='vt_repl',"
                rf"""MASTER_PASSWORD='a secret \' " \\ # word', MASTER_USE_GTID=slave_pos""",
                "START SLAVE",
            )
            position = (await source.sql("SELECT @@gtid_binlog_pos"))[0][0]
            waited = await target.sql(f"SELECT MASTER_GTID_WAIT('{position}', 20)")
            assert waited == [(0,)], await target.sql("SHOW SLAVE STATUS")
            check = "CHECKSUM TABLE vt_main.users"
            assert await source.sql(check) == await target.sql(check)
        (record,) = await read_catalog(storage, "main", "-80")
        assert record.is_complete and record.raw_name == manifest.backup_name
