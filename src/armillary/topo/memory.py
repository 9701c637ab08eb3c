"""A topology server in this process's memory, for tests. Passes the suite that etcd passes."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from armillary.base.errors import DeadlineError
from armillary.topo.connection import (
    LockLostError,
    TopoFile,
    TopoLock,
    bad_version,
    no_node,
    node_exists,
)


class MemoryStore:
    """The files of all roots; connections share it."""

    def __init__(self) -> None:
        self.files: dict[str, TopoFile] = {}
        self.version = 0
        self.locks: dict[str, list[MemoryLock]] = {}
        self._changed = anyio.Event()

    def next_version(self) -> int:
        self.version += 1
        return self.version

    def notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_changed(self) -> None:
        await self._changed.wait()


class MemoryLock:
    def __init__(self, contents: str) -> None:
        self.contents = contents
        self.held = True

    async def check(self) -> None:
        if not self.held:
            raise LockLostError(f"lock lost: {self.contents}")


class MemoryConnection:
    def __init__(self, store: MemoryStore, root: str) -> None:
        self._store = store
        self._root = root.rstrip("/")

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}"

    async def get(self, path: str) -> TopoFile:
        await anyio.lowlevel.checkpoint()
        file = self._store.files.get(self._key(path))
        if file is None:
            raise no_node(self._key(path))
        return file

    async def create(self, path: str, data: bytes) -> int:
        await anyio.lowlevel.checkpoint()
        if self._key(path) in self._store.files:
            raise node_exists(self._key(path))
        return self._put(path, data)

    async def update(self, path: str, data: bytes, version: int | None) -> int:
        await anyio.lowlevel.checkpoint()
        file = self._store.files.get(self._key(path))
        if version is not None and (file is None or file.version != version):
            raise bad_version(self._key(path))
        return self._put(path, data)

    def _put(self, path: str, data: bytes) -> int:
        version = self._store.next_version()
        self._store.files[self._key(path)] = TopoFile(data, version)
        self._store.notify()
        return version

    async def delete(self, path: str, version: int | None) -> None:
        await anyio.lowlevel.checkpoint()
        file = self._store.files.get(self._key(path))
        if file is None:
            raise no_node(self._key(path))
        if version is not None and file.version != version:
            raise bad_version(self._key(path))
        del self._store.files[self._key(path)]
        self._store.next_version()
        self._store.notify()

    async def list_files(self, directory: str, *, data: bool = True) -> Mapping[str, TopoFile]:
        await anyio.lowlevel.checkpoint()
        prefix = self._key(f"{directory}/")
        return {
            key[len(self._root) + 1 :]: file if data else TopoFile(b"", file.version)
            for key, file in sorted(self._store.files.items())
            if key.startswith(prefix)
        }

    async def watch(self, path: str) -> AsyncGenerator[TopoFile | None, None]:
        seen: object = self  # unlike any file
        while True:
            file = self._store.files.get(self._key(path))
            if file != seen:
                seen = file
                yield file
            else:
                await self._store.wait_changed()

    async def watch_dir(self, directory: str) -> AsyncGenerator[Mapping[str, TopoFile], None]:
        seen: Mapping[str, TopoFile] | None = None
        while True:
            files = await self.list_files(directory)
            if files != seen:
                seen = files
                yield files
            else:
                await self._store.wait_changed()

    @asynccontextmanager
    async def lock(
        self, directory: str, contents: str, *, timeout_s: float
    ) -> AsyncIterator[TopoLock]:
        if not await self.list_files(directory, data=False):
            raise no_node(self._key(directory))
        queue = self._store.locks.setdefault(self._key(directory), [])
        mine = MemoryLock(contents)
        queue.append(mine)
        try:
            with anyio.move_on_after(timeout_s):
                while queue[0] is not mine:
                    await self._store.wait_changed()
            if queue[0] is not mine:
                raise DeadlineError(
                    f"deadline exceeded: {self._key(directory)} is locked by {queue[0].contents}"
                )
            yield mine
        finally:
            queue.remove(mine)
            self._store.notify()

    async def close(self) -> None:
        return
