"""Stores that speak S3 and know no conditional put, or take it and do not mind it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.restore import restore_backup
from armillary.backup.storage import BackupStorage, open_storage
from armillary.backup.storage.contract import MANIFEST_FILE
from armillary.base.errors import AlreadyExistsError
from armillary.settings.backup import BackupStorageSettings
from tests.fakes.object_stores import s3_store
from tests.fakes.plain_s3 import without_conditions

from .servers import fill, running_box
from .test_take_and_restore import CHECK, SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

DIRECTORY = "main/-80"


@pytest.fixture(scope="module")
def store() -> Iterator[BackupStorageSettings]:
    with s3_store() as settings:
        yield settings


@pytest.mark.parametrize("kind", ["ignores", "refuses"])
async def test_a_manifest_is_never_written_over_and_a_name_has_one_owner(
    store: BackupStorageSettings, kind: Literal["ignores", "refuses"]
) -> None:
    with without_conditions(store, kind) as where:
        async with open_storage(where) as storage, open_storage(where) as other:
            assert await storage.put_if_absent(DIRECTORY, f"kept-{kind}", MANIFEST_FILE, b"first")
            assert not await other.put_if_absent(DIRECTORY, f"kept-{kind}", MANIFEST_FILE, b"no")
            found = await other.read_small(DIRECTORY, f"kept-{kind}", MANIFEST_FILE)
            assert found == b"first"
            owners: list[str] = []

            async def claim(by: BackupStorage, name: str) -> None:
                try:
                    await by.start_backup(DIRECTORY, name)
                except AlreadyExistsError:
                    return
                owners.append(name)

            names = [f"claimed-{kind}-{number}" for number in range(10)]
            async with anyio.create_task_group() as tasks:
                for name in names:
                    for by in (storage, other, storage):
                        tasks.start_soon(claim, by, name)
            assert len(owners) == len(set(owners)), "a name with two owners"
            for name in owners:
                with pytest.raises(AlreadyExistsError):
                    await other.start_backup(DIRECTORY, name)
                assert await other.list_files(DIRECTORY, name) == []
            for name in {*names} - {*owners}:
                await other.start_backup(DIRECTORY, name)  # nobody's claim was left behind


async def test_whole_backups_go_there_and_come_back(
    store: BackupStorageSettings, short_dir: Path, template_cache: Path
) -> None:
    with without_conditions(store, "refuses") as where:
        async with (
            open_storage(where) as storage,
            running_box(short_dir, 1, cache=template_cache) as box,
        ):
            await fill(box, rows=100)
            manifest = await take(box, storage)
            expected = await box.sql(CHECK)
            await box.sql("DELETE FROM vt_main.users")
            outcome = await restore_backup(restore_request(box), storage=storage, settings=SETTINGS)
            assert outcome.raw_name == manifest.backup_name
            assert await box.sql(CHECK) == expected
            await storage.remove_backup(DIRECTORY, manifest.backup_name)
            names = [r.raw_name for r in await read_catalog(storage, "main", "-80")]
            assert manifest.backup_name not in names
