"""Backups in any store of keys and bytes: the layout, on top of a small `ObjectClient`. I/O.

Keys are `[root/]<keyspace>/<shard>/<backup>/<file>`, as Vitess has them.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from armillary.backup.storage.contract import MANIFEST_FILE, StoredFile, checked_path, shown_name
from armillary.base.errors import AlreadyExistsError, InputError, NotFoundError

# Holds a backup's name for whoever takes it; it goes with the backup.
CLAIM_PREFIX = "CLAIM-"


class ObjectClient(Protocol):
    """The few things that an object store must do. Errors as BackupStorage's."""

    async def list_prefixes(self, prefix: str) -> list[str]:
        """Return the distinct names between `prefix` and the next slash, over all pages."""
        ...

    async def list_objects(self, prefix: str) -> list[tuple[str, int]]:
        """Return (key, size) of all objects whose key starts with `prefix`, over all pages."""
        ...

    async def put(self, key: str, source: AsyncIterator[bytes]) -> int: ...

    async def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store an object that is not there; an atomic step where the store can do that."""
        ...

    def get(self, key: str) -> AsyncGenerator[bytes, None]: ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove the objects; those that are gone already do not matter."""
        ...

    async def aclose(self) -> None: ...


class ObjectStorage:
    """BackupStorage on an ObjectClient."""

    def __init__(self, client: ObjectClient, *, root: str) -> None:
        self._client = client
        self._root = checked_path(root.strip("/")) + "/" if root.strip("/") else ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def missing_root(self) -> str:
        return ""

    async def list_directories(self, prefix: str = "") -> list[str]:
        path = self._root + (checked_path(prefix) + "/" if prefix else "")
        return sorted(await self._client.list_prefixes(path))

    async def list_backups(self, directory: str) -> list[str]:
        found = await self._client.list_prefixes(self._key(directory) + "/")
        return sorted(shown_name(name) for name in found if not name.startswith("."))

    async def list_files(self, directory: str, name: str) -> list[StoredFile]:
        prefix = self._key(directory, name) + "/"
        return sorted(
            StoredFile(key.removeprefix(prefix), size)
            for key, size in await self._client.list_objects(prefix)
            if not key.startswith(prefix + CLAIM_PREFIX)
        )

    async def start_backup(self, directory: str, name: str) -> None:
        """Claim the name without asking the store for more than a put and a list (ADR 21).

        Whoever finds something beside their own claim gives way. A claim is written before the
        look, so of two at the same time the later one to write sees the other; perhaps both do.
        """
        prefix = self._key(directory, name) + "/"
        claim = f"{prefix}{CLAIM_PREFIX}{secrets.token_hex(8)}"

        async def nothing() -> AsyncIterator[bytes]:
            yield b"claimed\n"

        if await self._client.list_objects(prefix):
            raise AlreadyExistsError(f"backup {directory}/{name} exists already")
        await self._client.put(claim, nothing())
        if [key for key, _ in await self._client.list_objects(prefix)] == [claim]:
            return
        await self._client.delete([claim])
        raise AlreadyExistsError(f"backup {directory}/{name} is being made by somebody else")

    async def put(self, directory: str, name: str, file: str, source: AsyncIterator[bytes]) -> int:
        return await self._client.put(self._key(directory, name, file), source)

    async def put_if_absent(self, directory: str, name: str, file: str, data: bytes) -> bool:
        return await self._client.put_if_absent(self._key(directory, name, file), data)

    def get(self, directory: str, name: str, file: str) -> AsyncGenerator[bytes, None]:
        return self._client.get(self._key(directory, name, file))

    async def read_small(
        self, directory: str, name: str, file: str, *, bytes_max: int = 16 * 1024 * 1024
    ) -> bytes | None:
        data = bytearray()
        try:
            async for piece in self.get(directory, name, file):
                data += piece
                if len(data) > bytes_max:
                    raise InputError(f"{file} has over {bytes_max} bytes: wanted at most that")
        except NotFoundError:
            return None
        return bytes(data)

    async def remove_backup(self, directory: str, name: str) -> None:
        prefix = self._key(directory, name) + "/"
        keys = [key for key, _ in await self._client.list_objects(prefix)]
        manifest = prefix + MANIFEST_FILE
        if manifest in keys:
            await self._client.delete([manifest])
        if rest := [key for key in keys if key != manifest]:
            await self._client.delete(rest)

    async def sweep_leftovers(self, *, older_than_s: float) -> int:
        """Do nothing: unfinished uploads are not visible here.

        A bucket wants a lifecycle rule that aborts multipart uploads after some days; docs/formats
        has one to copy.
        """
        return 0

    def _key(self, *parts: str) -> str:
        return self._root + checked_path(*parts)
