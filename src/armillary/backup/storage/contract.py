"""What every store of backups must do. tests/conformance/backup_storage holds it to account."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from armillary.base.errors import InputError

MANIFEST_FILE = "MANIFEST"


@dataclass(frozen=True, slots=True, order=True)
class StoredFile:
    name: str
    stored_bytes: int


class BackupStorage(Protocol):
    """Directories (`<keyspace>/<shard>`) of backups, each a set of files.

    Any method raises `StorageUnavailableError` when the store does not answer after the retries of
    the implementation. Names are plain: no empty ones, no `..`, nothing hidden.
    """

    async def missing_root(self) -> str:
        """Return where all directories belong when that place is not there; "" when it is.

        The first backup makes it, and nobody of ours removes it again: where backups were, it is
        missing only if somebody took it away, or if its volume is not mounted. A bucket that
        answers is there, however empty.
        """
        ...

    async def list_directories(self, prefix: str = "") -> list[str]:
        """Return the names right under `prefix` ("" or a keyspace), sorted."""
        ...

    async def list_backups(self, directory: str) -> list[str]:
        """Return the raw names of all backups, complete or not, oldest first.

        A name that cannot be shown comes in its `shown_name`; no backup of ours has one.
        """
        ...

    async def list_files(self, directory: str, name: str) -> list[StoredFile]:
        """Return the files of one backup, sorted by name; a missing backup has none."""
        ...

    async def start_backup(self, directory: str, name: str) -> None:
        """Claim a name before writing to it; of several callers at most one gets it.

        Raises:
            AlreadyExistsError: a backup of this name is there, whole or in part.
        """
        ...

    async def put(self, directory: str, name: str, file: str, source: AsyncIterator[bytes]) -> int:
        """Store one file from a stream, in bounded memory, and return its size.

        The file appears whole or not at all: if `source` raises, that error comes out of here and
        the file is absent.
        """
        ...

    async def put_if_absent(self, directory: str, name: str, file: str, data: bytes) -> bool:
        """Store one small file unless it exists; return whether this call made it.

        Of several callers at the same time exactly one gets True, if the store can see to that; in
        the others there is one caller, because `start_backup` gave the name to one only.
        """
        ...

    def get(self, directory: str, name: str, file: str) -> AsyncGenerator[bytes, None]:
        """Stream one file from its start.

        Raises:
            NotFoundError: no such file; at the first step of the iteration.
        """
        ...

    async def read_small(
        self, directory: str, name: str, file: str, *, bytes_max: int = 16 * 1024 * 1024
    ) -> bytes | None:
        """Return a whole small file, None if absent.

        Raises:
            InputError: it is larger than `bytes_max`.
        """
        ...

    async def remove_backup(self, directory: str, name: str) -> None:
        """Remove every file of a backup, the MANIFEST first.

        Whoever looks meanwhile, or after a crash in the middle, sees an incomplete backup, never
        a complete one with files missing. Again: removing what is gone is fine.
        """
        ...

    async def sweep_leftovers(self, *, older_than_s: float) -> int:
        """Remove what a killed writer left that no listing shows; return how many pieces."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def shown_name(name: str) -> str:
    """Return `name` itself, or with escapes when it could not be printed or sent.

    An escaped name holds backslashes, so it is no valid path: nothing can be done to it from here.
    """
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def checked_path(*parts: str) -> str:
    """Join `parts` with slashes and refuse what could lead out of the store's root.

    Raises:
        InputError: an empty, absolute or hidden component.
    """
    path = "/".join(parts)
    for piece in path.split("/"):
        if not piece or piece.startswith(".") or "\x00" in piece or "\\" in piece:
            raise InputError(f"invalid storage path {path!r}: bad component {piece!r}")
    return path
