"""Backups in a directory of this machine or of a network file system. I/O.

A file is written beside its place under a hidden name, synced, and then renamed (or, where it must
not exist yet, linked), and the directory is synced: after a power cut it is whole or absent.
"""

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from anyio import to_thread

from armillary.backup.errors import StorageUnavailableError
from armillary.backup.storage.contract import MANIFEST_FILE, StoredFile, checked_path, shown_name
from armillary.base.errors import AlreadyExistsError, InputError, NotFoundError
from armillary.settings.backup import BackupStorageSettings

READ_BYTES = 1024 * 1024
# Start write-back early, so that the final fsync does not have the whole file to write.
SYNC_EVERY_BYTES = 64 * 1024 * 1024
_TEMPORARY_PREFIX = ".armillary-"

_T = TypeVar("_T")


class FileStorage:
    """BackupStorage in a directory. Made on the first write; reading a missing one is fine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @classmethod
    def from_settings(cls, settings: BackupStorageSettings) -> Self:
        if not settings.file_backup_storage_root:
            raise InputError("file_backup_storage_root is empty: wanted a directory")
        return cls(Path(settings.file_backup_storage_root))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    async def missing_root(self) -> str:
        return "" if await _in_thread(self._root.is_dir) else str(self._root)

    async def list_directories(self, prefix: str = "") -> list[str]:
        path = self._root / checked_path(prefix) if prefix else self._root
        return await _in_thread(lambda: _subdirectories(path))

    async def list_backups(self, directory: str) -> list[str]:
        path = self._path(directory)
        return await _in_thread(lambda: _subdirectories(path))

    async def list_files(self, directory: str, name: str) -> list[StoredFile]:
        path = self._path(directory, name)
        return await _in_thread(lambda: _files(path))

    async def start_backup(self, directory: str, name: str) -> None:
        path = self._path(directory, name)

        def make() -> None:
            _make_directories(path.parent)
            try:
                path.mkdir()
            except FileExistsError:
                raise AlreadyExistsError(f"backup {directory}/{name} exists already") from None
            _sync_directory(path.parent)

        await _in_thread(make)

    async def put(self, directory: str, name: str, file: str, source: AsyncIterator[bytes]) -> int:
        path = self._path(directory, name, file)
        temporary = path.with_name(f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}")
        descriptor = await _in_thread(lambda: _create(temporary))
        written = 0
        try:
            synced = 0
            async for data in source:
                await _in_thread(lambda data=data: _write_all(descriptor, data))  # type: ignore[misc]
                written += len(data)
                if written - synced >= SYNC_EVERY_BYTES:
                    await _in_thread(lambda: os.fdatasync(descriptor))
                    synced = written
            await _in_thread(lambda: _publish(descriptor, temporary, path))
        except BaseException:
            # Removing one file does not block for long, and a cancelled task may not await.
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return written

    async def put_if_absent(self, directory: str, name: str, file: str, data: bytes) -> bool:
        path = self._path(directory, name, file)
        return await _in_thread(lambda: _put_if_absent(path, data))

    async def get(self, directory: str, name: str, file: str) -> AsyncGenerator[bytes, None]:
        path = self._path(directory, name, file)
        try:
            stream = await _in_thread(lambda: path.open("rb", buffering=0))
        except NotFoundError:
            raise NotFoundError(f"no file {directory}/{name}/{file} in storage") from None
        try:
            while data := await _in_thread(lambda: stream.read(READ_BYTES)):
                yield data
        finally:
            stream.close()

    async def read_small(
        self, directory: str, name: str, file: str, *, bytes_max: int = 16 * 1024 * 1024
    ) -> bytes | None:
        path = self._path(directory, name, file)

        def read() -> bytes:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                found = _stat_target(path)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path.name} is not a plain file")  # reading a pipe never ends
            if found.st_size > bytes_max:
                raise InputError(
                    f"{path.name} has {found.st_size} bytes: wanted at most {bytes_max}"
                )
            return path.read_bytes()

        try:
            return await _in_thread(read)
        except NotFoundError:
            return None

    async def remove_backup(self, directory: str, name: str) -> None:
        path = self._path(directory, name)

        def remove() -> None:
            if not path.is_dir():
                return
            (path / MANIFEST_FILE).unlink(missing_ok=True)
            _sync_directory(path)
            while path.exists():
                # Somebody else may be removing the same: what is gone meanwhile is fine.
                with suppress(FileNotFoundError):
                    shutil.rmtree(path)
            _sync_directory(path.parent)

        await _in_thread(remove)

    async def sweep_leftovers(self, *, older_than_s: float) -> int:
        now = time.time()

        def sweep() -> int:
            count = 0
            for path in _temporaries(self._root):
                # One that is being written may get its name at any moment.
                with suppress(FileNotFoundError):
                    if now - path.stat().st_mtime >= older_than_s:
                        path.unlink()
                        count += 1
            return count

        return await _in_thread(sweep)

    def _path(self, *parts: str) -> Path:
        return self._root / checked_path(*parts)


async def _in_thread(act: Callable[[], _T]) -> _T:
    try:
        return await to_thread.run_sync(act)
    except FileNotFoundError as error:
        raise NotFoundError(f"{error.filename} does not exist") from error
    except OSError as error:
        raise StorageUnavailableError(
            f"file storage: {error.strerror}: {error.filename or 'write'}"
        ) from error


def _temporaries(root: Path) -> Iterator[Path]:
    """Yield what may be unfinished; a directory that somebody removes meanwhile has nothing."""

    def tell(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for directory, _, files in os.walk(root, onerror=tell):
        for name in files:
            if name.startswith(_TEMPORARY_PREFIX):
                yield Path(directory, name)


def _subdirectories(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        return sorted(
            shown_name(e.name) for e in entries if e.is_dir() and not e.name.startswith(".")
        )


def _files(path: Path) -> list[StoredFile]:
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:
        return sorted(
            StoredFile(e.name, e.stat().st_size)
            for e in entries
            if e.is_file() and not e.name.startswith(".")
        )


def _stat_target(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path.name} is not a plain file: it links to itself") from None
        raise


def _make_directories(path: Path) -> None:
    """Make `path` and what is missing above it, each safe before anything is put into it.

    A first backup makes the directories of its keyspace and shard: all of it would be lost in a
    power cut that forgets one of these.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        _sync_directory(folder.parent)


def _create(path: Path) -> int:
    _make_directories(path.parent)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _publish(descriptor: int, temporary: Path, path: Path) -> None:
    os.fsync(descriptor)
    os.rename(temporary, path)
    _sync_directory(path.parent)


def _put_if_absent(path: Path, data: bytes) -> bool:
    temporary = path.with_name(f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    descriptor = _create(temporary)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
        # link() refuses an existing name, also on NFS, and the file appears whole.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)
    return True


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
