"""The offline engine: stop mysqld, copy its files, start it again. I/O.

Needs no tool, works for every server. The files and their order are Vitess's; for MariaDB the logs
of the Aria engine come along, because the system tables live in it.
"""

import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio
from anyio import to_thread

from armillary.backup.content import BackupReader, BackupWriter
from armillary.backup.engines.contract import Server, Taken
from armillary.backup.engines.datadir import (
    DataFile,
    base_path,
    data_files,
    database_names,
    empty_folders,
)
from armillary.backup.errors import DamagedBackupError, first_error
from armillary.backup.manifest import BUILTIN, FileEntry, FilesContent
from armillary.base.errors import IntegrityError, UnsupportedError
from armillary.model.gtid import Position
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.flavor import Flavor, ServerVersion
from armillary.mysqld.flavors.mariadb import MariadbFlavor
from armillary.mysqld.flavors.mysql import MysqlFlavor
from armillary.mysqld.layout import TabletDir
from armillary.settings.backup import BackupFlags

logger = logging.getLogger(__name__)

COPIES_AT_ONCE = 4
_BASES = ("InnoDBData", "InnoDBLog", "Data")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What the server was doing, to be resumed."""

    position: Position
    purged_position: Position
    was_replicating: bool
    was_read_only: bool


class BuiltinEngine:
    """Engine that copies a stopped server's files."""

    method = BUILTIN

    def __init__(self, settings: BackupFlags) -> None:
        self._timeout_s = settings.builtinbackup_mysqld_timeout.total_seconds()
        self._restore_at_once = max(settings.restore_concurrency, 1)

    def require_tools(self, version_line: str) -> None:
        return None

    async def take(self, server: Server, writer: BackupWriter) -> Taken:
        flavor = flavor_of(await server.control.version())
        async with self._stopped(server, flavor, writer) as before:
            files = await to_thread.run_sync(data_files, server.dirs)
            folders = await to_thread.run_sync(empty_folders, server.dirs)
            entries = await _copy(files, server.dirs, writer)
        return Taken(
            method=self.method,
            content=FilesContent(entries=entries, empty_folders=tuple(folders)),
            position=before.position,
            purged_position=before.purged_position,
            upgrade_safe=False,
        )

    async def unpack(self, reader: BackupReader, staging: Path) -> None:
        content = reader.manifest.content
        assert isinstance(content, FilesContent)
        integrity = reader.manifest.integrity
        reader.meter.start("unpack", raw_bytes_total=integrity.raw_bytes if integrity else None)
        targets = [_target(staging, e.base, e.name, reader) for e in content.entries]
        for folder in content.empty_folders:
            _target(staging, "Data", folder, reader).mkdir(parents=True, exist_ok=True)
        slots = anyio.Semaphore(self._restore_at_once)

        async def fetch(index: int, entry: FileEntry, target: Path) -> None:
            async with slots:
                await _fetch(reader, str(index), entry, target)

        try:
            async with anyio.create_task_group() as tasks:
                for index, entry in enumerate(content.entries):
                    tasks.start_soon(fetch, index, entry, targets[index])
        except BaseExceptionGroup as group:
            raise first_error(group) from group

    def databases(self, staging: Path) -> frozenset[str]:
        return database_names(staging / "Data")

    async def install(self, staging: Path, dirs: TabletDir) -> None:
        def move() -> None:
            for base in _BASES:
                if (staging / base).is_dir():
                    for path in (staging / base).iterdir():
                        shutil.move(path, base_path(dirs, base) / path.name)

        await to_thread.run_sync(move)

    @asynccontextmanager
    async def _stopped(
        self, server: Server, flavor: Flavor, writer: BackupWriter
    ) -> AsyncIterator[_Before]:
        """Keep the server stopped, and start it again whatever happens."""
        before = await _come_to_rest(server, flavor)
        try:
            writer.meter.start("stop")
            await server.control.shutdown(wait=True, timeout_s=self._timeout_s)
            writer.meter.start("copy")
            yield before
        finally:
            with anyio.CancelScope(shield=True):
                writer.meter.start("start")
                with anyio.fail_after(self._timeout_s):
                    await server.control.start()
                    await _resume(server, flavor, before)


async def _come_to_rest(server: Server, flavor: Flavor) -> _Before:
    """Let nothing change the server's position any more, and read it."""
    async with await connect(server.params) as connection:
        status = await replication.replication_status(connection, flavor)
        was_read_only = await admin.is_read_only(connection)
        if status is not None:
            await replication.stop_replication(connection, flavor)
        await admin.set_read_only(connection, flavor, read_only=True)
        return _Before(
            position=await replication.executed_position(connection, flavor),
            purged_position=await replication.purged_position(connection, flavor),
            was_replicating=status is not None and not status.is_stopped,
            was_read_only=was_read_only,
        )


async def _resume(server: Server, flavor: Flavor, before: _Before) -> None:
    async with await connect(server.params) as connection:
        found = await replication.executed_position(connection, flavor)
        if not before.was_read_only:
            await admin.set_read_only(connection, flavor, read_only=False)
        if before.was_replicating:
            await replication.start_replication(connection, flavor)
    if not before.position.at_least(found):
        raise IntegrityError(
            f"the server went on from {before.position} to {found} before it stopped: "
            f"the copied files are not at the position that was read"
        )


async def _copy(
    files: list[DataFile], dirs: TabletDir, writer: BackupWriter
) -> tuple[FileEntry, ...]:
    entries: dict[int, FileEntry] = {}
    slots = anyio.Semaphore(COPIES_AT_ONCE)

    async def copy(index: int, file: DataFile) -> None:
        async with slots:
            path = base_path(dirs, file.base) / file.name
            written = await writer.write_file(str(index), path)
            entries[index] = FileEntry(base=file.base, name=file.name, hash=f"{written.crc32:08x}")

    try:
        async with anyio.create_task_group() as tasks:
            for index, file in enumerate(files):
                tasks.start_soon(copy, index, file)
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    return tuple(entries[index] for index in range(len(files)))


async def _fetch(reader: BackupReader, stored: str, entry: FileEntry, target: Path) -> None:
    await to_thread.run_sync(lambda: target.parent.mkdir(parents=True, exist_ok=True))
    async with (
        await anyio.open_file(target, "xb") as file,
        aclosing(await reader.read_file(stored, crc32=entry.hash)) as pieces,
    ):
        async for piece in pieces:
            await file.write(piece)
            reader.meter.add(len(piece))


def _target(staging: Path, base: str, text: str, reader: BackupReader) -> Path:
    """Return where a file goes; a name from storage may not lead out of the directory."""
    name = PurePosixPath(text)
    if base not in _BASES:
        raise UnsupportedError(f"backup {reader.label} has a file of base {base!r}")
    if name.is_absolute() or ".." in name.parts or not name.parts or "\0" in text:
        raise DamagedBackupError(reader.label, text, "its name leads elsewhere")
    return staging / base / name


def flavor_of(version_line: str) -> Flavor:
    """Return the flavor's statements for a server that may run elsewhere: no program is found."""
    version = ServerVersion.parse(version_line)
    if "mariadb" in version_line.lower():
        return MariadbFlavor(Path(), version, Path())
    return MysqlFlavor(Path(), version)
