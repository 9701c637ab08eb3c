"""docs/formats.md holds: its commands restore our backups, and what Vitess writes restores here."""

import gzip
import json
import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from armillary.backup.errors import BackupToolError, DamagedBackupError
from armillary.backup.restore import restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import UnavailableError
from armillary.mysqld.connection import MysqlParams, connect
from armillary.settings.backup import BackupFlags

from .servers import PASSWORD, fill, running_box
from .test_take_and_restore import CHECK, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"


def commands(after: str) -> str:
    """Return the block of commands that follows a line of the document."""
    text = DOCUMENT.read_text().split(after, 1)[1]
    found = re.search(r"\n\n((?:    .*\n|\n)+)", text)
    assert found is not None
    return "".join(line.removeprefix("    ") for line in found[1].splitlines(keepends=True))


@pytest.mark.parametrize(
    ("stripes", "heading"), [(0, "One file (NumStripes 0 or 1):"), (8, "Several files, here 8:")]
)
async def test_the_documents_commands_restore_a_backup(
    short_dir: Path, template_cache: Path, stripes: int, heading: str
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("the program zstd is not installed; the commands were not tried")
    settings = BackupFlags(xtrabackup_stripes=stripes)
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        manifest = await take(source, FileStorage(short_dir / "backups"), settings=settings)
        expected = await source.sql(CHECK)
    restored = short_dir / "restored"
    pieces = short_dir / "pieces"
    prepare, start = commands("Then, for both:").strip().splitlines()
    script = "set -eo pipefail\n" + commands(heading) + prepare
    script = script.replace("/tmp/", f"{pieces}/").replace("-C /restore", f"-C {restored}")
    script = script.replace("=/restore", f"={restored}")

    def run() -> None:
        restored.mkdir()
        pieces.mkdir()
        folder = short_dir / "backups/main/-80" / manifest.backup_name
        subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)

    await anyio.to_thread.run_sync(run)
    async with started_by_hand(start.replace("=/restore", f"={restored}"), short_dir) as params:
        assert await eventually(params, CHECK) == expected


@asynccontextmanager
async def started_by_hand(command: str, folder: Path) -> AsyncIterator[MysqlParams]:
    """Run a command that starts a server, with words of its own for the dots at its end."""
    program, *words, dots = command.split()
    assert dots == "..."
    socket = folder / "by-hand.sock"
    words += ["--skip-networking", f"--socket={socket}", f"--pid-file={folder / 'by-hand.pid'}"]
    words += ["--user=root"] if os.geteuid() == 0 else []
    path = os.environ["PATH"] + ":/usr/sbin"
    async with await anyio.open_process(
        [shutil.which(program, path=path) or program, "--no-defaults", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield MysqlParams(user="vt_dba", password=PASSWORD, socket=socket)
        finally:
            server.terminate()


async def eventually(params: MysqlParams, query: str) -> list[tuple[Any, ...]]:
    """Return the answer of a server that is starting."""
    with anyio.fail_after(30):
        while True:
            try:
                async with await connect(params) as connection:
                    return list((await connection.query(query)).values)
            except UnavailableError:
                await anyio.sleep(0.1)


def as_vitess_would(folder: Path) -> None:
    """Rewrite a backup of ours into what Vitess stores: gzip, and nothing of our own."""
    manifest = json.loads((folder / "MANIFEST").read_text())
    del manifest["Armillary"]
    manifest["CompressionEngine"] = "pargzip"
    (folder / "CHUNKS").unlink()
    rename: Callable[[str], str] = lambda name: name.replace(".zst", ".gz")  # noqa: E731
    for path in sorted(folder.iterdir()):
        if path.name == "MANIFEST":
            continue
        raw = subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True).stdout
        # Several members in a row, as the parallel gzip writes them.
        middle = len(raw) // 2
        stored = gzip.compress(raw[:middle]) + gzip.compress(raw[middle:])
        path.unlink()
        (folder / rename(path.name)).write_bytes(stored)
        if "FileEntries" in manifest:
            manifest["FileEntries"][int(path.name)]["Hash"] = f"{zlib.crc32(stored):08x}"
    if "FileName" in manifest:
        manifest["FileName"] = rename(manifest["FileName"])
    (folder / "MANIFEST").write_text(json.dumps(manifest, indent=2))


@pytest.mark.parametrize("engine", ["xtrabackup", "builtin"])
async def test_a_backup_in_vitess_own_form_restores(
    short_dir: Path, template_cache: Path, engine: str
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("the program zstd is not installed; Vitess's form was not tried")
    settings = BackupFlags(xtrabackup_stripes=3)
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        manifest = await take(source, storage, engine, settings)
        expected = await source.sql(CHECK)
    await anyio.to_thread.run_sync(
        as_vitess_would, short_dir / "backups/main/-80" / manifest.backup_name
    )
    async with running_box(short_dir, 2, cache=template_cache) as target:
        outcome = await restore_backup(
            restore_request(target, database="vt_main"), storage=storage, settings=settings
        )
        assert outcome.manifest.integrity is None
        assert outcome.position == manifest.position
        assert await target.sql(CHECK) == expected


def flip_a_bit_of(stream: bytes) -> bytes:
    changed = bytearray(stream)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def cut_at_a_chunk(stream: bytes) -> bytes:
    return stream[: stream.index(b"XBSTCK01", len(stream) // 2)]


def zero_a_page(stream: bytes) -> bytes:
    """A stream that is whole and whose data is not: what a broken disk of the source leaves."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["mbstream", "-x", "-C", scratch], input=stream, check=True)
        with (Path(scratch) / "ibdata1").open("r+b") as file:
            file.write(bytes(16384))
        names = [str(p.relative_to(scratch)) for p in Path(scratch).rglob("*") if p.is_file()]
        return subprocess.run(
            ["mbstream", "-c", *names], cwd=scratch, check=True, capture_output=True
        ).stdout


DAMAGES: list[tuple[Callable[[bytes], bytes], str]] = [
    (cut_at_a_chunk, "the stream ends before the end of"),
    (zero_a_page, "wrong space ID"),
    (flip_a_bit_of, "CRC-32"),
]


async def test_damaged_backups_of_vitess_that_decode_make_room_for_the_older_one(
    short_dir: Path, template_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No table of chunks tells, and no decoder: only what is in the stream, and the tool."""
    storage = FileStorage(short_dir / "backups")
    settings = BackupFlags(backup_storage_compress=False)
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source, rows=10)
        older = (await take(source, storage, settings=settings)).backup_name
        newer = [(await take(source, storage, settings=settings)).backup_name for _ in DAMAGES]
    folder = short_dir / "backups/main/-80"

    def spoil() -> None:
        for name in (older, *newer):
            manifest = json.loads((folder / name / "MANIFEST").read_text())
            del manifest["Armillary"]
            (folder / name / "MANIFEST").write_text(json.dumps(manifest))
        for name, (damage, _) in zip(newer, DAMAGES, strict=True):
            stream = folder / name / "backup.xbstream"
            stream.write_bytes(damage(stream.read_bytes()))

    await anyio.to_thread.run_sync(spoil)
    async with running_box(short_dir, 2, cache=template_cache) as target:
        await target.sql("CREATE DATABASE vt_mine")
        with pytest.raises(DamagedBackupError, match="CRC-32"):
            await restore_backup(
                restore_request(target, fall_back=False), storage=storage, settings=settings
            )
        assert ("vt_mine",) in await target.sql("SHOW DATABASES")
        outcome = await restore_backup(restore_request(target), storage=storage, settings=settings)
        assert (outcome.raw_name, outcome.passed_over) == (older, tuple(reversed(newer)))
        assert await target.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
    told = [vars(r) for r in caplog.records if "trying the next older" in r.message]
    assert [line["backup"] for line in told] == newer[::-1]
    for line, (_, reason) in zip(reversed(told), DAMAGES, strict=True):
        assert reason in line["reason"]


async def test_a_tool_that_fails_for_another_reason_condemns_no_backup(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    tools = short_dir / "tools"
    tools.mkdir()
    (tools / "mbstream").symlink_to(shutil.which("mbstream") or "mbstream")
    settings = BackupFlags(xtrabackup_root_path=str(tools))
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        await take(box, storage)
        for said in (
            "echo 'InnoDB: Data structure corruption'; echo 'No space left on device'; exit 1",
            "echo 'InnoDB: Data structure corruption'; kill -9 $$",
            "echo 'something new'; exit 1",
        ):
            (tools / "mariadb-backup").write_text(f"#!/bin/bash\nexec >&2\n{said}\n")
            (tools / "mariadb-backup").chmod(0o755)
            with pytest.raises(BackupToolError, match="mariadb-backup"):
                await restore_backup(restore_request(box), storage=storage, settings=settings)
        assert await box.sql("SELECT COUNT(*) FROM vt_main.users") == [(10,)]
