"""The wire to the store is cut in the middle of a backup, and of a restore."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.errors import StorageUnavailableError
from armillary.backup.restore import is_restore_unfinished, restore_backup
from armillary.backup.storage import BackupStorage, open_storage
from armillary.settings.backup import BackupStorageSettings
from tests.fakes.cut_relay import CutRelay, cut_relay
from tests.fakes.object_stores import s3_store

from .servers import fill, running_box
from .test_take_and_restore import CHECK, SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

CUT_AFTER_BYTES = 200_000


@pytest.fixture(scope="module")
def store() -> Iterator[BackupStorageSettings]:
    with s3_store() as settings:
        yield settings


@asynccontextmanager
async def behind_a_relay(
    store: BackupStorageSettings, root: str
) -> AsyncIterator[tuple[BackupStorage, CutRelay]]:
    url = urlsplit(store.s3_backup_aws_endpoint)
    assert url.hostname and url.port
    async with cut_relay((url.hostname, url.port)) as (relay, address, port):
        settings = replace(
            store,
            s3_backup_aws_endpoint=f"http://{address}:{port}",
            s3_backup_storage_root=root,
            s3_backup_aws_retries=2,
        )
        async with open_storage(settings) as storage:
            yield storage, relay


async def test_a_backup_whose_wire_is_cut_fails_and_the_next_one_works(
    short_dir: Path, template_cache: Path, store: BackupStorageSettings
) -> None:
    async with (
        behind_a_relay(store, "backup") as (storage, relay),
        running_box(short_dir, 1, cache=template_cache) as source,
    ):
        await fill(source, rows=20000)
        relay.bytes_left = CUT_AFTER_BYTES
        with pytest.raises(StorageUnavailableError):
            await take(source, storage)
        assert relay.cuts > 1  # it was tried again
        await source.sql("INSERT INTO vt_main.users (name) VALUES ('not blocked')")
        relay.bytes_left = None
        records = await read_catalog(storage, "main", "-80")
        assert [record for record in records if record.is_complete] == []
        manifest = await take(source, storage)
        outcome = await restore_backup(restore_request(source), storage=storage, settings=SETTINGS)
        assert outcome.raw_name == manifest.backup_name
        assert await source.sql("SELECT COUNT(*) FROM vt_main.users") == [(20001,)]


async def test_a_restore_whose_wire_is_cut_leaves_the_old_data_and_works_later(
    short_dir: Path, template_cache: Path, store: BackupStorageSettings
) -> None:
    async with (
        behind_a_relay(store, "restore") as (storage, relay),
        running_box(short_dir, 1, cache=template_cache) as source,
        running_box(short_dir, 2, cache=template_cache) as target,
    ):
        await fill(source, rows=20000)
        await take(source, storage)
        await target.sql("CREATE DATABASE vt_mine")
        relay.bytes_left = CUT_AFTER_BYTES
        with pytest.raises(StorageUnavailableError):
            await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        assert relay.cuts > 1
        assert ("vt_mine",) in await target.sql("SHOW DATABASES")
        assert not is_restore_unfinished(target.server)
        relay.bytes_left = None
        await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        assert await target.sql(CHECK) == await source.sql(CHECK)
