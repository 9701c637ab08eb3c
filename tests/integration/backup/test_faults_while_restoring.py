"""Whatever breaks while a backup is restored: the old data stays, or the restore is made up for."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from armillary.backup.engines.datadir import DataFile
from armillary.backup.errors import NoBackupError
from armillary.backup.progress import Progress
from armillary.backup.restore import is_restore_unfinished, restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import UnavailableError
from armillary.settings.backup import BackupFlags

from .damage import files_of
from .servers import fill, running_box
from .test_take_and_restore import SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


class InterruptedError_(Exception):
    """Stands for a crash at a given phase."""


def crash_at(phase: str) -> Callable[[Progress], None]:
    def look(progress: Progress) -> None:
        if progress.phase == phase:
            raise InterruptedError_

    return look


@pytest.mark.parametrize("phase", ["unpack", "prepare", "install"])
async def test_a_restore_that_dies_early_leaves_the_old_data(
    short_dir: Path, template_cache: Path, phase: str
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        await take(box, storage)
        await box.sql("INSERT INTO vt_main.users (name) VALUES ('later')")
        with pytest.raises(InterruptedError_):
            await restore_backup(
                restore_request(box),
                storage=storage,
                settings=SETTINGS,
                on_progress=crash_at(phase),
            )
        assert not is_restore_unfinished(box.server)
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(11,)]


async def test_a_restore_that_dies_late_is_known_to_be_unfinished_and_resumes(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        manifest = await take(box, storage)
        with pytest.raises(InterruptedError_):
            await restore_backup(
                restore_request(box),
                storage=storage,
                settings=SETTINGS,
                on_progress=crash_at("start"),
            )
        assert is_restore_unfinished(box.server)
        outcome = await restore_backup(restore_request(box), storage=storage, settings=SETTINGS)
        assert outcome.raw_name == manifest.backup_name
        assert not is_restore_unfinished(box.server)
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


async def test_a_disk_without_room_for_both_gives_up_the_old_data_first(
    short_dir: Path, template_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FileStorage(short_dir / "backups")
    phases: list[tuple[str, bool]] = []
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        await take(box, storage)
        monkeypatch.setattr("armillary.backup.restore.SPACE_SPARE_BYTES", 1 << 60)

        def note(progress: Progress) -> None:
            phases.append((progress.phase, is_restore_unfinished(box.server)))

        await restore_backup(
            restore_request(box), storage=storage, settings=SETTINGS, on_progress=note
        )
        assert ("unpack", True) in phases
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


async def test_an_error_of_the_system_is_told_as_one_of_ours(
    short_dir: Path, template_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a file that cannot be read: who asked hears it, not a stack of groups."""
    storage = FileStorage(short_dir / "backups")
    settings = BackupFlags(backup_engine_implementation="builtin")

    def full(progress: Progress) -> None:
        if progress.phase == "install":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/vt/data")

    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        manifest = await take(box, storage, "builtin", settings)
        with pytest.raises(UnavailableError, match="No space left on device: /vt/data"):
            await restore_backup(
                restore_request(box), storage=storage, settings=SETTINGS, on_progress=full
            )
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
        missing = [DataFile("Data", "vt_main/gone.ibd")]
        monkeypatch.setattr("armillary.backup.engines.builtin.data_files", lambda dirs: missing)
        with pytest.raises(UnavailableError, match=r"No such file or directory.*gone\.ibd"):
            await take(box, storage, "builtin", settings)
        assert await storage.list_backups("main/-80") == [manifest.backup_name]
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


async def test_a_backup_that_is_removed_while_it_is_restored_is_called_that(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        manifest = await take(box, storage)

        def remove(progress: Progress) -> None:
            if progress.phase == "unpack":
                shutil.rmtree(files_of(short_dir, manifest))

        with pytest.raises(NoBackupError, match="was removed while it was being restored"):
            await restore_backup(
                restore_request(box), storage=storage, settings=SETTINGS, on_progress=remove
            )
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
