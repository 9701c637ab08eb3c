"""What one topology server must be able to do: versioned files under a root, watches, locks.

`EtcdConnection` is the real one, `MemoryConnection` the one for tests; tests/conformance/topo
runs the same suite against both. Paths are relative to the root: `keyspaces/main/Keyspace`.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from armillary.base.errors import AlreadyExistsError, ConflictError, NotFoundError


@dataclass(frozen=True, slots=True)
class TopoFile:
    data: bytes
    version: int


class LockLostError(ConflictError):
    """The lock's lease is over: somebody else may hold it now, so stop at once."""


def no_node(path: str) -> NotFoundError:
    return NotFoundError(f"node doesn't exist: {path}")


def node_exists(path: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"node already exists: {path}")


def bad_version(path: str) -> ConflictError:
    return ConflictError(f"bad node version: {path}")


class TopoLock(Protocol):
    async def check(self) -> None:
        """Raise LockLostError unless the lock is held now. Call it before each act."""


class TopoConnection(Protocol):
    async def get(self, path: str) -> TopoFile:
        """Raises NotFoundError."""

    async def create(self, path: str, data: bytes) -> int:
        """Return the version. Raises AlreadyExistsError."""

    async def update(self, path: str, data: bytes, version: int | None) -> int:
        """Replace what has this version; with None create or replace whatever is there.

        Raises:
            ConflictError: the version is another one, or the file is gone.
        """

    async def delete(self, path: str, version: int | None) -> None:
        """Raises NotFoundError, and ConflictError when the version is another one."""

    async def list_files(self, directory: str, *, data: bool = True) -> Mapping[str, TopoFile]:
        """Return all files below `directory` at any depth by path; without `data` they are empty.

        A directory exists only by what is in it: an absent one gives nothing.
        """

    def watch(self, path: str) -> AsyncGenerator[TopoFile | None, None]:
        """Yield the file now (None = absent) and after each change, for ever.

        Changes in quick succession may come as one; the last state always comes. While the
        server is away it stays silent.
        """

    def watch_dir(self, directory: str) -> AsyncGenerator[Mapping[str, TopoFile], None]:
        """Like `watch`, for all files below a directory."""

    def lock(
        self, directory: str, contents: str, *, timeout_s: float
    ) -> AbstractAsyncContextManager[TopoLock]:
        """Hold the lock of a directory within the block; first come, first served.

        Raises:
            NotFoundError: nothing lies in the directory.
            DeadlineError: somebody else held it all the time; names who.
        """

    async def close(self) -> None: ...
