"""A topology server in etcd, key for key as Vitess's `etcd2` keeps it. I/O.

A version is etcd's ModRevision. Locks are keys `<directory>/locks/<lease id>`; the one with the
smallest revision holds, each of the others watches the one before it.
Source: Vitess etcd2topo/file.go, lock.go.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

import anyio

from armillary.base.errors import DeadlineError, UnavailableError
from armillary.base.retry import backoff_delays_s
from armillary.etcd.client import EtcdClient
from armillary.etcd.lease import held_lease
from armillary.etcd.records import KeyValue, LeaseLostError, RevisionCompactedError
from armillary.topo.connection import (
    LockLostError,
    TopoFile,
    TopoLock,
    bad_version,
    no_node,
    node_exists,
)

logger = logging.getLogger(__name__)


class EtcdConnection:
    def __init__(self, client: EtcdClient, root: str, *, lease_ttl_s: int = 30) -> None:
        """The client belongs to the caller, who closes it."""
        self._client = client
        self._root = "/" + root.strip("/")
        self._lease_ttl_s = lease_ttl_s

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}"

    async def get(self, path: str) -> TopoFile:
        kv = await self._client.get(self._key(path))
        if kv is None:
            raise no_node(self._key(path))
        return TopoFile(kv.value, kv.mod_revision)

    async def create(self, path: str, data: bytes) -> int:
        revision = await self._client.create(self._key(path), data)
        if revision is None:
            raise node_exists(self._key(path))
        return revision

    async def update(self, path: str, data: bytes, version: int | None) -> int:
        if version is None:
            return await self._client.put(self._key(path), data)
        revision = await self._client.replace(self._key(path), data, version)
        if revision is None:
            raise bad_version(self._key(path))
        return revision

    async def delete(self, path: str, version: int | None) -> None:
        key = self._key(path)
        if await self._client.delete(key, version):
            return
        if version is None or await self._client.get(key) is None:
            raise no_node(key)
        raise bad_version(key)

    async def list_files(self, directory: str, *, data: bool = True) -> Mapping[str, TopoFile]:
        found = await self._client.range(self._key(f"{directory}/"), keys_only=not data)
        return {self._path(kv): TopoFile(kv.value, kv.mod_revision) for kv in found.kvs}

    def _path(self, kv: KeyValue) -> str:
        return kv.key.decode()[len(self._root) + 1 :]

    async def watch(self, path: str) -> AsyncGenerator[TopoFile | None, None]:
        key = self._key(path)
        async with aclosing(self._watch_prefix((key, key + "\0"))) as states:
            async for files in states:
                yield files.get(path)

    async def watch_dir(self, directory: str) -> AsyncGenerator[Mapping[str, TopoFile], None]:
        async with aclosing(self._watch_prefix(self._key(f"{directory}/"))) as states:
            async for files in states:
                yield dict(files)

    async def _watch_prefix(
        self, keys: str | tuple[str, str]
    ) -> AsyncGenerator[dict[str, TopoFile], None]:
        """Yield the state of a range for ever; reads it anew when the watch cannot go on."""
        delays = backoff_delays_s(first_s=0.2, max_s=3.0)
        seen: dict[str, TopoFile] | None = None
        while True:
            try:
                found = await self._client.range(keys)
            except UnavailableError as error:
                logger.warning("topology server is away", extra={"error": str(error)})
                await anyio.sleep(next(delays))
                continue
            delays = backoff_delays_s(first_s=0.2, max_s=3.0)
            files = {self._path(kv): TopoFile(kv.value, kv.mod_revision) for kv in found.kvs}
            if files != seen:
                seen = files
                yield files
            try:
                async with aclosing(self._client.watch(keys, found.revision + 1)) as batches:
                    async for batch in batches:
                        for event in batch.events:
                            if event.is_delete:
                                files.pop(self._path(event.kv), None)
                            else:
                                kv = event.kv
                                files[self._path(kv)] = TopoFile(kv.value, kv.mod_revision)
                        if batch.events:
                            yield files
            except RevisionCompactedError:
                logger.info("topology watch starts again", extra={"keys": str(keys)})

    @asynccontextmanager
    async def lock(
        self, directory: str, contents: str, *, timeout_s: float
    ) -> AsyncIterator[TopoLock]:
        key = self._key(directory)
        if not (await self._client.range(f"{key}/", limit=1, keys_only=True)).kvs:
            raise no_node(key)
        async with held_lease(self._client, self._lease_ttl_s) as lease:
            mine = f"{key}/locks/{lease}"
            revision = await self._client.create(mine, contents.encode(), lease=lease)
            if revision is None:
                raise node_exists(mine)
            await self._wait_first(key, revision, timeout_s=timeout_s)
            yield _EtcdLock(self._client, lease, key)

    async def _wait_first(self, key: str, revision: int, *, timeout_s: float) -> None:
        """Return when no older lock is left.

        Each waits for the one just before it alone, so a release wakes one waiter, in order.
        """
        holder = ""
        with anyio.move_on_after(timeout_s):
            while True:
                found = await self._client.range(f"{key}/locks/")
                older = [kv for kv in found.kvs if kv.mod_revision < revision]
                if not older:
                    return
                holder = min(older, key=lambda kv: kv.mod_revision).value.decode(errors="replace")
                before = max(older, key=lambda kv: kv.mod_revision)
                await self._wait_deleted(before.key.decode(), found.revision + 1)
        raise DeadlineError(f"deadline exceeded: {key} is locked by {holder}")

    async def _wait_deleted(self, key: str, revision: int) -> None:
        async with aclosing(self._client.watch_key(key, revision)) as batches:
            async for batch in batches:
                if any(event.is_delete for event in batch.events):
                    return

    async def close(self) -> None:
        return


class _EtcdLock:
    def __init__(self, client: EtcdClient, lease: int, key: str) -> None:
        self._client = client
        self._lease = lease
        self._key = key

    async def check(self) -> None:
        try:
            await self._client.keep_alive(self._lease)
        except LeaseLostError:
            raise LockLostError(f"the lock of {self._key} is lost: its lease is over") from None
