"""Whole backups through object stores: SeaweedFS for S3, fake-gcs-server for GCS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.restore import restore_backup
from armillary.backup.storage import open_storage
from armillary.backup.verify import verify_backup
from armillary.settings.backup import BackupStorageSettings
from tests.fakes.object_stores import gcs_store, s3_store

from .servers import running_box
from .test_take_and_restore import CHECK, SETTINGS, fill, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(scope="module")
def s3_settings() -> Iterator[BackupStorageSettings]:
    with s3_store() as settings:
        yield settings


@pytest.fixture(scope="module")
def gcs_settings() -> Iterator[BackupStorageSettings]:
    with gcs_store() as settings:
        yield settings


@pytest.mark.parametrize("engine", ["xtrabackup", "builtin"])
@pytest.mark.parametrize("store", ["s3", "gcs"])
async def test_a_backup_goes_into_the_store_and_comes_back(
    short_dir: Path,
    template_cache: Path,
    request: pytest.FixtureRequest,
    store: str,
    engine: str,
) -> None:
    where: BackupStorageSettings = request.getfixturevalue(f"{store}_settings")
    async with (
        open_storage(where) as storage,
        running_box(short_dir, 1, cache=template_cache) as source,
        running_box(short_dir, 2, cache=template_cache) as target,
    ):
        await fill(source, rows=20000)
        manifest = await take(source, storage, engine)
        record = (await read_catalog(storage, "main", "-80"))[-1]
        assert record.raw_name == manifest.backup_name
        report = await verify_backup(storage, "main", "-80", record)
        assert report.is_sound, report.problems
        await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        assert await target.sql(CHECK) == await source.sql(CHECK)
