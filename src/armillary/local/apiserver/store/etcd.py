"""The store on etcd: one key an object, etcd's revisions as they are. I/O."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import cast

from armillary.etcd.client import EtcdClient
from armillary.etcd.records import (
    KeyValue,
    RevisionCompactedError,
    WatchBatch,
    delete_op,
    mod_revision_is,
)
from armillary.local.apiserver.store.records import (
    Change,
    ChangeBatch,
    HistoryLostError,
    ObjectKey,
    Snapshot,
)

_PREFIX = "/armillary/registry/"
_PAGE = 500  # objects a request while loading: bounds the answer, not the result


class EtcdStore:
    def __init__(self, etcd: EtcdClient) -> None:
        self._etcd = etcd

    async def read_all(self) -> Snapshot:
        """Read every object at one revision, page by page."""
        objects: list[Change] = []
        revision = 0
        start: bytes = _PREFIX.encode()
        end = _PREFIX[:-1].encode() + b"0"  # "0" follows "/"
        while True:
            page = await self._etcd.range((start, end), limit=_PAGE, revision=revision)
            revision = revision or page.revision
            objects += [Change(_parse(kv.key), kv.value, kv.mod_revision) for kv in page.kvs]
            if not page.more:
                return Snapshot(tuple(objects), revision)
            start = page.kvs[-1].key + b"\0"

    async def create(self, key: ObjectKey, raw: bytes) -> int | None:
        return await self._etcd.create(_path(key), raw)

    async def replace(self, key: ObjectKey, raw: bytes, revision: int) -> int | None:
        return await self._etcd.replace(_path(key), raw, revision)

    async def delete(self, key: ObjectKey, revision: int) -> int | None:
        path = _path(key)
        result = await self._etcd.txn([mod_revision_is(path, revision)], [delete_op(path)])
        return result.revision if result.succeeded else None

    async def changes(self, after: int) -> AsyncIterator[ChangeBatch]:
        watch = self._etcd.watch(_PREFIX, after + 1)
        try:
            async with aclosing(cast("_Closable", watch)) as batches:
                async for batch in batches:
                    yield _batch(batch)
        except RevisionCompactedError as error:
            raise HistoryLostError(str(error)) from error

    async def compact(self, revision: int) -> None:
        await self._etcd.compact(revision)


class _Closable(AsyncIterator[WatchBatch]):
    async def aclose(self) -> None: ...


def _batch(batch: WatchBatch) -> ChangeBatch:
    changes = (_change(event.kv, is_delete=event.is_delete) for event in batch.events)
    return ChangeBatch(batch.revision, tuple(changes))


def _change(kv: KeyValue, *, is_delete: bool) -> Change:
    return Change(_parse(kv.key), None if is_delete else kv.value, kv.mod_revision)


def _path(key: ObjectKey) -> str:
    return f"{_PREFIX}{key.resource}/{key.namespace}/{key.name}"


def _parse(path: bytes) -> ObjectKey:
    resource, namespace, name = path.decode().removeprefix(_PREFIX).split("/", 2)
    return ObjectKey(resource, namespace, name)
