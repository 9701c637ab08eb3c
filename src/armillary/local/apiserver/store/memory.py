"""A store that forgets everything when its process ends: for tests and doubles of a cluster."""

from collections.abc import AsyncIterator

import anyio

from armillary.local.apiserver.store.records import (
    Change,
    ChangeBatch,
    HistoryLostError,
    ObjectKey,
    Snapshot,
)


class MemoryStore:
    def __init__(self) -> None:
        self._objects: dict[ObjectKey, Change] = {}
        self._revision = 1  # as an empty etcd
        self._compacted = 0
        self._log: list[Change] = []
        self._changed = anyio.Event()

    async def read_all(self) -> Snapshot:
        return Snapshot(tuple(self._objects.values()), self._revision)

    async def create(self, key: ObjectKey, raw: bytes) -> int | None:
        return None if key in self._objects else self._write(key, raw)

    async def replace(self, key: ObjectKey, raw: bytes, revision: int) -> int | None:
        return self._write(key, raw) if self._is_at(key, revision) else None

    async def delete(self, key: ObjectKey, revision: int) -> int | None:
        return self._write(key, None) if self._is_at(key, revision) else None

    async def changes(self, after: int) -> AsyncIterator[ChangeBatch]:
        while True:
            if after < self._compacted:
                raise HistoryLostError(f"changes after {after} are gone")
            new = tuple(change for change in self._newest_first(after))[::-1]
            for change in new:
                yield ChangeBatch(change.revision, (change,))
                after = change.revision
            if not new:
                await self._changed.wait()

    async def compact(self, revision: int) -> None:
        self._compacted = max(self._compacted, revision)
        self._log = [change for change in self._log if change.revision > revision]

    def lose_history(self) -> None:
        """Make every watch fail, as an etcd does that was restored or compacted too far."""
        self._revision += 1
        self._compacted = self._revision
        self._log = []
        self._changed.set()
        self._changed = anyio.Event()

    def _newest_first(self, after: int) -> list[Change]:
        found: list[Change] = []
        for change in reversed(self._log):
            if change.revision <= after:
                break
            found.append(change)
        return found

    def _is_at(self, key: ObjectKey, revision: int) -> bool:
        return key in self._objects and self._objects[key].revision == revision

    def _write(self, key: ObjectKey, raw: bytes | None) -> int:
        self._revision += 1
        change = Change(key, raw, self._revision)
        if raw is None:
            del self._objects[key]
        else:
            self._objects[key] = change
        self._log.append(change)
        self._changed.set()
        self._changed = anyio.Event()
        return self._revision
