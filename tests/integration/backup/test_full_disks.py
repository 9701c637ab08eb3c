"""Disks that are full, or fill up, while a backup is taken or restored."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from armillary.backup.errors import StorageUnavailableError
from armillary.backup.progress import Progress
from armillary.backup.restore import is_restore_unfinished, restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import ArmillaryError
from armillary.vttablet.health import disk_problem

from .servers import fill, running_box
from .small_disk import small_disk
from .test_take_and_restore import SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture
def tiny_disk(short_dir: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    with small_disk(short_dir / "tiny", "256k") as path:
        yield path


async def test_a_full_disk_fails_the_backup_and_leaves_none(
    short_dir: Path, template_cache: Path, tiny_disk: Path
) -> None:
    storage = FileStorage(tiny_disk / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=20000)
        with pytest.raises(StorageUnavailableError, match="No space left"):
            await take(source, storage)
        assert await storage.list_backups("main/-80") == []
        await source.sql("INSERT INTO vt_main.users (name) VALUES ('not blocked')")


async def test_a_disk_that_fills_up_during_a_restore_leaves_the_old_data(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=20000)
        await take(source, storage)
    with small_disk(short_dir / "disk", "600m") as disk:
        ballast = disk / "ballast"

        def fill_up(progress: Progress) -> None:
            if progress.phase == "unpack" and not ballast.exists():
                with ballast.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - (1 << 20))

        async with running_box(disk, 2, cache=template_cache) as target:
            await target.sql("CREATE DATABASE vt_mine")
            with pytest.raises(ArmillaryError, match="No space left"):
                await restore_backup(
                    restore_request(target),
                    storage=storage,
                    settings=SETTINGS,
                    on_progress=fill_up,
                )
            assert ballast.exists() and not is_restore_unfinished(target.server)
            assert ("vt_mine",) in await target.sql("SHOW DATABASES")
            ballast.unlink()
            await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
            assert await target.sql("SELECT COUNT(*) FROM vt_main.users") == [(20000,)]


def test_a_tablet_tells_that_its_disk_is_full(short_dir: Path) -> None:
    assert disk_problem(short_dir) == ""
    with small_disk(short_dir / "tiny", "256k") as path:
        assert f"the disk of {path} is full" in disk_problem(path)
