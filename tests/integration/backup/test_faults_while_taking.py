"""Whatever breaks while a backup is taken: nothing incomplete counts, and the server goes on."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.errors import BackupToolError, StorageUnavailableError
from armillary.backup.manifest import Manifest
from armillary.backup.restore import restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import InvariantError, UnavailableError
from armillary.settings.backup import BackupFlags

from .servers import Box, fill, running_box
from .test_take_and_restore import SETTINGS, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


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
from tests.integration.backup.servers import fill, running_box
from tests.integration.backup.test_take_and_restore import take

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
