"""A damaged backup is found before any data is given up for it, and an older one restored."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.errors import DamagedBackupError, NoBackupError
from armillary.backup.manifest import Manifest
from armillary.backup.restore import is_restore_unfinished, restore_backup
from armillary.backup.restore_memory import RestoreMemory
from armillary.backup.storage.file import FileStorage
from armillary.backup.verify import verify_backup

from .damage import DAMAGES, files_of, flip_a_bit
from .servers import Box, fill, running_box
from .test_take_and_restore import SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@dataclass(frozen=True)
class Taken:
    backups: Path
    older: Manifest
    newer: Manifest


@pytest.fixture(scope="module")
async def taken(source: Box) -> Taken:
    """Two backups; a test takes a copy."""
    backups = source.spec.tablet.root / "backups"
    storage = FileStorage(backups)
    return Taken(backups, await take(source, storage), await take(source, storage))


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_backup_is_found_and_the_older_one_restored(
    short_dir: Path, template_cache: Path, taken: Taken, damage: Callable[[Path], None]
) -> None:
    """Three promises: verify tells; no fall-back leaves the data alone; fall-back restores."""
    shutil.copytree(taken.backups, short_dir / "backups")
    storage, sound, damaged = FileStorage(short_dir / "backups"), taken.older, taken.newer
    damage(files_of(short_dir, damaged))
    for record in await read_catalog(storage, "main", "-80"):
        report = await verify_backup(storage, "main", "-80", record)
        assert report.is_sound == (record.raw_name == sound.backup_name), report
    async with running_box(short_dir, 2, cache=template_cache) as target:
        await target.sql("CREATE DATABASE vt_mine")
        with pytest.raises(DamagedBackupError):
            await restore_backup(
                restore_request(target, fall_back=False), storage=storage, settings=SETTINGS
            )
        assert ("vt_mine",) in await target.sql("SHOW DATABASES")
        assert not is_restore_unfinished(target.server)
        outcome = await restore_backup(restore_request(target), storage=storage, settings=SETTINGS)
        assert outcome.raw_name == sound.backup_name
        assert outcome.passed_over == (damaged.backup_name,)
        assert await target.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


async def test_without_room_for_both_a_damaged_backup_is_found_before_the_data_goes(
    short_dir: Path, template_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        flip_a_bit(files_of(short_dir, await take(box, storage)))
        monkeypatch.setattr("armillary.backup.restore.SPACE_SPARE_BYTES", 1 << 60)
        with pytest.raises(NoBackupError, match="damaged"):
            await restore_backup(restore_request(box), storage=storage, settings=SETTINGS)
        assert not is_restore_unfinished(box.server)
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]


async def test_what_is_known_to_be_damaged_is_not_fetched_again(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    phases: list[str] = []
    memory = RestoreMemory()
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        flip_a_bit(files_of(short_dir, await take(box, storage)))
        for _ in range(3):
            with pytest.raises(NoBackupError, match="is damaged: file backup"):
                await restore_backup(
                    restore_request(box),
                    storage=storage,
                    settings=SETTINGS,
                    on_progress=lambda p: None if p.raw_bytes else phases.append(p.phase),
                    memory=memory,
                )
    assert phases.count("unpack") == 1
