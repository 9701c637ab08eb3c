"""Everything that may break while a backup is taken or restored, on real servers and files."""

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.engines.datadir import DataFile
from armillary.backup.errors import (
    BackupToolError,
    DamagedBackupError,
    NoBackupError,
    StorageUnavailableError,
)
from armillary.backup.manifest import Manifest
from armillary.backup.progress import Progress
from armillary.backup.restore import is_restore_unfinished, restore_backup
from armillary.backup.restore_memory import RestoreMemory
from armillary.backup.storage.file import FileStorage
from armillary.backup.verify import verify_backup
from armillary.base.errors import InvariantError, UnavailableError
from armillary.settings.backup import BackupFlags

from .servers import Box, running_box
from .test_take_and_restore import SETTINGS, fill, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(scope="module")
async def source(template_cache: Path) -> AsyncIterator[Box]:
    """A server with ten rows, for tests that leave it as it is."""
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as folder:
        async with running_box(Path(folder), 1, cache=template_cache) as box:
            await fill(box, rows=10)
            yield box


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


def files_of(root: Path, manifest: Manifest) -> Path:
    return root / "backups" / "main" / "-80" / manifest.backup_name


def flip_a_bit(folder: Path) -> None:
    path = folder / "backup.xbstream.zst-003"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_a_stripe(folder: Path) -> None:
    path = folder / "backup.xbstream.zst-003"
    os.truncate(path, path.stat().st_size - 1)


def lengthen_a_stripe(folder: Path) -> None:
    with (folder / "backup.xbstream.zst-003").open("ab") as file:
        file.write(b"more")


def lose_a_stripe(folder: Path) -> None:
    (folder / "backup.xbstream.zst-003").unlink()


def swap_two_stripes(folder: Path) -> None:
    (folder / "backup.xbstream.zst-003").rename(folder / "x")
    (folder / "backup.xbstream.zst-004").rename(folder / "backup.xbstream.zst-003")
    (folder / "x").rename(folder / "backup.xbstream.zst-004")


def lose_the_table(folder: Path) -> None:
    (folder / "CHUNKS").unlink()


def change_the_table(folder: Path) -> None:
    lines = (folder / "CHUNKS").read_bytes().splitlines(keepends=True)
    (folder / "CHUNKS").write_bytes(b"".join(lines[:-1]))


def change_a_digit_of_the_position(folder: Path) -> None:
    """All of it is still good JSON, and a position like any other."""
    text = (folder / "MANIFEST").read_text()
    position = json.loads(text)["Position"]
    other = position[:-1] + ("1" if position[-1] != "1" else "2")
    (folder / "MANIFEST").write_text(
        text.replace(f'"Position": "{position}"', f'"Position": "{other}"')
    )


def lose_half_the_manifest(folder: Path) -> None:
    data = (folder / "MANIFEST").read_bytes()
    (folder / "MANIFEST").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize(
    "damage",
    [
        change_a_digit_of_the_position,
        lose_half_the_manifest,
        flip_a_bit,
        cut_a_stripe,
        lengthen_a_stripe,
        lose_a_stripe,
        swap_two_stripes,
        lose_the_table,
        change_the_table,
    ],
)
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


@pytest.fixture
def tool_directory(short_dir: Path) -> Path:
    folder = short_dir / "tools"
    folder.mkdir()
    return folder


def make_tool(folder: Path, script: str) -> BackupFlags:
    path = folder / "mariadb-backup"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return BackupFlags(xtrabackup_stripes=8, xtrabackup_root_path=str(folder))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        # kill -9 in the middle of the stream
        ('/usr/bin/mariadb-backup "$@" | head -c 3000000; kill -9 $$', "killed by signal 9"),
        # the stream ends early and in good order, at any byte, but the tool does not notice
        ('/usr/bin/mariadb-backup "$@" 2>/dev/null | head -c 3000000; exit 0', "it said nothing"),
        ('/usr/bin/mariadb-backup "$@"; exit 3', "exited with 3"),
        ("exit 0", "it said nothing"),
        # all is well but for the file with the position
        (
            'for a in "$@"; do case $a in --extra-lsndir=*) d=${a#*=};; esac; done\n'
            '/usr/bin/mariadb-backup "$@"; rm -f $d/*info; echo completed OK! >&2',
            "xtrabackup_info",
        ),
    ],
)
async def test_a_tool_that_fails_in_any_way_leaves_no_backup(
    short_dir: Path, source: Box, tool_directory: Path, script: str, message: str
) -> None:
    storage = FileStorage(short_dir / "backups")
    with pytest.raises(BackupToolError, match=message):
        await take(source, storage, settings=make_tool(tool_directory, script))
    assert await storage.list_backups("main/-80") == []
    assert list(source.spec.tablet.tmp.glob("backup-*")) == []
    await source.sql("INSERT INTO vt_main.users (name) VALUES ('not blocked')")
    await source.sql("DELETE FROM vt_main.users WHERE name = 'not blocked'")


async def test_the_password_is_in_no_argument_and_no_file_left(
    short_dir: Path, source: Box, tool_directory: Path
) -> None:
    settings = make_tool(
        tool_directory,
        f'echo "$@" > {tool_directory}/argv; env > {tool_directory}/env\n'
        f"cp -p ${{1#--defaults-file=}} {tool_directory}/defaults\n"
        'exec /usr/bin/mariadb-backup "$@"',
    )
    await take(source, FileStorage(short_dir / "backups"), settings=settings)
    assert "secret" not in (tool_directory / "argv").read_text()
    assert "secret" not in (tool_directory / "env").read_text()
    defaults = tool_directory / "defaults"
    assert "secret" in defaults.read_text() and defaults.stat().st_mode & 0o077 == 0
    found = await anyio.run_process(
        ["grep", "-rl", "a secret", str(short_dir / "backups"), str(source.spec.tablet.tmp)],
        check=False,
    )
    assert found.stdout == b""


TAKER = """
import sys, anyio
from pathlib import Path
from armillary.backup.storage.file import FileStorage
from tests.integration.backup.servers import running_box
from tests.integration.backup.test_take_and_restore import fill, take

class Stuck(FileStorage):
    async def put_if_absent(self, directory, name, file, data):
        print("all but the MANIFEST is stored", flush=True)
        await anyio.sleep_forever()

class StuckAtOnce(FileStorage):
    async def put(self, directory, name, file, source):
        async def first():
            async for piece in source:
                yield piece
                print("some bytes are stored", flush=True)
                await anyio.sleep_forever()
        return await super().put(directory, name, file, first())

async def main(root, cache, when):
    async with running_box(root, 1, cache=cache) as box:
        await fill(box, rows=10)
        await take(box, {"early": StuckAtOnce, "late": Stuck}[when](root / "backups"))

anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.parametrize("when", ["early", "late"])
async def test_a_killed_taker_leaves_nothing_that_looks_complete(
    short_dir: Path, template_cache: Path, when: str
) -> None:
    """kill -9 of the whole process; then the next backup works and restores."""
    command = [sys.executable, "-c", TAKER, str(short_dir), str(template_cache), when]
    root = Path(__file__).parents[3]
    async with await anyio.open_process(command, cwd=root, stderr=None) as taker:
        assert taker.stdout is not None
        with anyio.fail_after(40):
            assert b"stored" in await taker.stdout.receive()
        taker.kill()
        await taker.wait()
    storage = FileStorage(short_dir / "backups")
    (record,) = await read_catalog(storage, "main", "-80")
    assert not record.is_complete and "MANIFEST" in record.problem
    async with running_box(short_dir, 1, cache=template_cache) as source:
        manifest = await take(source, storage)
        outcome = await restore_backup(restore_request(source), storage=storage, settings=SETTINGS)
        assert outcome.raw_name == manifest.backup_name
    swept = await storage.sweep_leftovers(older_than_s=0)
    assert swept == (8 if when == "early" else 0)


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


async def test_a_store_that_refuses_in_the_middle_leaves_no_backup(
    short_dir: Path, template_cache: Path
) -> None:
    """One stripe of eight is refused after its first bytes; the others are whole."""

    class Refusing(FileStorage):
        async def put(
            self, directory: str, name: str, file: str, source: AsyncIterator[bytes]
        ) -> int:
            if not file.endswith("-005"):
                return await super().put(directory, name, file, source)
            async for _ in source:
                raise StorageUnavailableError("over quota")
            raise AssertionError("the stripe was empty")

    storage = Refusing(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        with pytest.raises(StorageUnavailableError, match="over quota"):
            await take(source, storage)
        assert await storage.list_backups("main/-80") == []
        await source.sql("INSERT INTO vt_main.users (name) VALUES ('not blocked')")


async def test_a_backup_that_somebody_removes_from_while_it_is_made_does_not_complete(
    short_dir: Path, template_cache: Path
) -> None:
    """As retention may that takes it for one that died long ago."""

    class Removed(FileStorage):
        async def put(
            self, directory: str, name: str, file: str, source: AsyncIterator[bytes]
        ) -> int:
            size = await super().put(directory, name, file, source)
            if file == "CHUNKS":
                (short_dir / "backups" / directory / name / "backup.xbstream.zst-002").unlink()
            return size

    storage = Removed(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        with pytest.raises(UnavailableError, match="zst-002 is gone"):
            await take(source, storage)
        assert await storage.list_backups("main/-80") == []


async def test_a_commit_whose_answer_was_lost_is_a_commit(
    short_dir: Path, template_cache: Path
) -> None:
    """The client of a bucket asks again then, and hears that the MANIFEST is there already."""

    class Forgetful(FileStorage):
        async def put_if_absent(self, directory: str, name: str, file: str, data: bytes) -> bool:
            await super().put_if_absent(directory, name, file, data)
            return await super().put_if_absent(directory, name, file, data)

    class Occupied(FileStorage):
        async def put_if_absent(self, directory: str, name: str, file: str, data: bytes) -> bool:
            await super().put_if_absent(directory, name, file, b"somebody else's")
            return await super().put_if_absent(directory, name, file, data)

    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        storage = Forgetful(short_dir / "backups")
        manifest = await take(source, storage)
        (record,) = await read_catalog(storage, "main", "-80")
        assert record.raw_name == manifest.backup_name and record.is_complete
        with pytest.raises(InvariantError, match="MANIFEST already"):
            await take(source, Occupied(short_dir / "others"))


async def test_two_backups_in_one_second_get_two_names(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    manifests: list[Manifest] = []

    async def one(box: Box) -> None:
        manifests.append(await take(box, storage))

    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one, box)
            tasks.start_soon(one, box)
    assert len({manifest.backup_name for manifest in manifests}) == 2
