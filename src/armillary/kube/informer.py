"""A cache of all objects of one kind, kept current by list and watch. I/O.

The cache may lag behind the API server, never run ahead of it. Objects in it are shared: readers
must not change them.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import ArmillaryError, UnauthenticatedError
from armillary.base.retry import backoff_delays_s
from armillary.kube.client import KubeClient, WatchEvent
from armillary.kube.errors import ExpiredError
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import Key, key_of

logger = logging.getLogger(__name__)

IndexFunction = Callable[[KubeObject], Iterable[str]]
ChangeCallback = Callable[[KubeObject | None, KubeObject | None], None]  # (before, after)


class Informer:
    def __init__(
        self,
        client: KubeClient,
        kind: ResourceKind,
        *,
        namespace: str | None = None,
        labels: str | Mapping[str, str] | None = None,
        fields: str | None = None,
        indexes: Mapping[str, IndexFunction] | None = None,
    ) -> None:
        self.kind = kind
        self._client = client
        self._namespace = namespace
        self._labels = labels
        self._fields = fields
        self._objects: dict[Key, KubeObject] = {}
        self._index_functions = dict(indexes or {})
        self._indexes: dict[str, dict[str, set[Key]]] = {name: {} for name in self._index_functions}
        self._callbacks: list[ChangeCallback] = []
        self._synced = anyio.Event()
        self._resource_version = ""

    # --- reading the cache

    async def wait_synced(self) -> None:
        await self._synced.wait()

    def get(self, name: str, namespace: str = "") -> KubeObject | None:
        return self._objects.get(Key(namespace, name))

    def list(self, namespace: str | None = None) -> Sequence[KubeObject]:
        """Return the cached objects in the order of their keys."""
        return [
            self._objects[key]
            for key in sorted(self._objects)
            if namespace is None or key.namespace == namespace
        ]

    def by_index(self, index: str, value: str) -> Sequence[KubeObject]:
        """Return the objects for which the index function gave `value`, ordered by key."""
        return [self._objects[key] for key in sorted(self._indexes[index].get(value, ()))]

    def on_change(self, callback: ChangeCallback) -> None:
        """Call `callback(before, after)` at each change, relists included; it must not block.

        What is cached already is told at once, so a callback added late misses nothing.
        """
        self._callbacks.append(callback)
        for obj in list(self._objects.values()):
            self._tell(callback, None, obj)

    # --- keeping it current

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """List and watch until cancelled; `started` once the first list is cached."""
        delays_s = backoff_delays_s(first_s=0.1, max_s=5.0)
        while True:
            try:
                if not self._resource_version:
                    await self._relist()
                    if not self._synced.is_set():
                        self._synced.set()
                        task_status.started()
                await self._watch()
                delays_s = backoff_delays_s(first_s=0.1, max_s=5.0)
                continue
            except ExpiredError:
                self._resource_version = ""  # too far behind: the next round lists anew
                logger.debug("watch expired", extra={"kind": str(self.kind)})
            except UnauthenticatedError:
                raise
            except ArmillaryError as error:
                logger.debug("watch broke", extra={"kind": str(self.kind), "error": str(error)})
            await anyio.sleep(next(delays_s))

    async def _relist(self) -> None:
        listed = await self._client.list(
            self.kind, self._namespace, labels=self._labels, fields=self._fields
        )
        current = {key_of(obj): obj for obj in listed.items}
        for key in [key for key in self._objects if key not in current]:
            self._store(key, None)
        for key, obj in current.items():
            self._store(key, obj)
        self._resource_version = listed.resource_version

    async def _watch(self) -> None:
        events = self._client.watch(
            self.kind,
            self._namespace,
            labels=self._labels,
            fields=self._fields,
            resource_version=self._resource_version,
        )
        async with contextlib.aclosing(events):
            async for event in events:
                self._take(event)

    def _take(self, event: WatchEvent) -> None:
        obj = event.object
        if event.type in ("ADDED", "MODIFIED"):
            self._store(key_of(obj), obj)
        elif event.type == "DELETED":
            self._store(key_of(obj), None)
        self._resource_version = obj["metadata"]["resourceVersion"]

    def _store(self, key: Key, obj: KubeObject | None) -> None:
        before = self._objects.get(key)
        if before is not None and obj is not None and _same_version(before, obj):
            return
        if before is None and obj is None:
            return
        self._reindex(key, before, obj)
        if obj is None:
            del self._objects[key]
        else:
            self._objects[key] = obj
        for callback in self._callbacks:
            self._tell(callback, before, obj)

    def _tell(
        self, callback: ChangeCallback, before: KubeObject | None, after: KubeObject | None
    ) -> None:
        """Call one listener; an object that it cannot make sense of must not stop the others."""
        try:
            callback(before, after)
        except Exception:
            changed = after if after is not None else before
            key = "" if changed is None else str(key_of(changed))
            logger.exception(
                "a change was not understood", extra={"kind": str(self.kind), "key": key}
            )

    def _reindex(self, key: Key, before: KubeObject | None, after: KubeObject | None) -> None:
        for name, function in self._index_functions.items():
            index = self._indexes[name]
            for value in function(before) if before is not None else ():
                index[value].discard(key)
                if not index[value]:
                    del index[value]
            for value in function(after) if after is not None else ():
                index.setdefault(value, set()).add(key)


def _same_version(one: KubeObject, other: KubeObject) -> bool:
    return bool(one["metadata"]["resourceVersion"] == other["metadata"]["resourceVersion"])
