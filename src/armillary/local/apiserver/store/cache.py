"""The one copy of all objects that reads, lists and watches come from. I/O only through its store.

One stream of changes feeds it. Every change goes, in order and in one step, into the current
state, into the history of its resource, and into the queue of each watcher; so a list at the
cache's revision and a watch after that revision together miss nothing and repeat nothing.

Nothing here grows without a bound: a history is cut by count and by bytes (an older revision then
means "expired"), and a watcher that lets its queue fill up is cut off and has to list again.
"""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import UnavailableError
from armillary.base.retry import backoff_delays_s
from armillary.local.apiserver.store.records import (
    Change,
    ChangeBatch,
    HistoryLostError,
    ObjectKey,
    ObjectStore,
    StoredObject,
)

logger = logging.getLogger(__name__)

HISTORY_EVENTS_MAX = 1000  # a resource; a client that is further behind lists again
HISTORY_BYTES_MAX = 2 * 2**20  # a resource
WATCH_QUEUE_MAX = 1000  # events that one watcher may be behind
COMPACT_INTERVAL_S = 300.0


@dataclass(frozen=True, slots=True)
class CacheEvent:
    """An object was added (no `before`), modified, or deleted (no `after`)."""

    revision: int
    before: StoredObject | None
    after: StoredObject | None

    @property
    def key(self) -> ObjectKey:
        either = self.after or self.before
        assert either is not None
        return either.key


class ExpiredError(Exception):
    """The revision asked for is older than the history."""

    def __init__(self, *, wanted: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {wanted} ({oldest})")


class Watcher:
    """One watcher's queue. The consumer calls `next_events`; the cache pushes."""

    def __init__(self, namespace: str, queue_max: int) -> None:
        self.namespace = namespace
        self.is_lost = False  # cut off: too slow, or the cache had to start again
        self._queue_max = queue_max
        self._queue: deque[CacheEvent] = deque()
        self._wake = anyio.Event()

    def push(self, event: CacheEvent) -> None:
        if len(self._queue) >= self._queue_max:
            self.lose()
        if not self.is_lost:
            self._queue.append(event)
            self._wake.set()

    def lose(self) -> None:
        self.is_lost = True
        self._queue.clear()
        self._wake.set()

    async def next_events(self, timeout_s: float) -> list[CacheEvent] | None:
        """Return what has come, waiting for it; empty after `timeout_s`, None when cut off."""
        if not self._queue and not self.is_lost:
            self._wake = anyio.Event()
            with anyio.move_on_after(timeout_s):
                await self._wake.wait()
        events = list(self._queue)
        self._queue.clear()
        return None if self.is_lost else events


class Follower(Protocol):
    """Something derived from one resource, kept current in the same step as the cache itself."""

    resource: str

    def reset(self) -> None:
        """Forget everything: the cache starts again."""

    def follow(self, event: CacheEvent) -> None: ...


@dataclass(slots=True)
class _ResourceState:
    """Everything the cache holds of one resource."""

    floor: int  # the history is complete after this revision
    objects: dict[ObjectKey, StoredObject] = field(default_factory=dict)
    ordered: list[ObjectKey] | None = None  # keys in order; None after a key came or went
    history: deque[CacheEvent] = field(default_factory=deque)
    history_bytes: int = 0
    watchers: list[Watcher] = field(default_factory=list)


class ObjectCache:
    def __init__(
        self,
        store: ObjectStore,
        *,
        history_events_max: int = HISTORY_EVENTS_MAX,
        history_bytes_max: int = HISTORY_BYTES_MAX,
        watch_queue_max: int = WATCH_QUEUE_MAX,
    ) -> None:
        self._store = store
        self._history_events_max = history_events_max
        self._history_bytes_max = history_bytes_max
        self._watch_queue_max = watch_queue_max
        self._resources: dict[str, _ResourceState] = {}
        self._followers: list[Follower] = []
        self._loaded_at = 0
        self._advanced = anyio.Event()
        self.revision = 0

    def add_follower(self, follower: Follower) -> None:
        """Add before `run`: a follower sees every object from the first on."""
        assert self.revision == 0, "a follower that comes late has missed objects"
        self._followers.append(follower)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep the cache current until cancelled; started once it holds everything."""
        delays = backoff_delays_s(first_s=0.1, max_s=5.0)
        started = False
        while True:
            try:
                await self._load()
                if not started:
                    started = True
                    task_status.started()
                delays = backoff_delays_s(first_s=0.1, max_s=5.0)
                async for batch in self._store.changes(self.revision):
                    self._apply(batch)
            except HistoryLostError as error:
                logger.warning("reading all objects again", extra={"reason": str(error)})
            except UnavailableError as error:
                logger.warning("the store does not answer", extra={"error": str(error)})
            await anyio.sleep(next(delays))

    async def compact_regularly(self, interval_s: float = COMPACT_INTERVAL_S) -> None:
        """Let the store forget what is older than one interval, over and over."""
        previous = self.revision
        while True:
            await anyio.sleep(interval_s)
            if self.revision > previous > 0:
                try:
                    await self._store.compact(previous)
                except UnavailableError as error:
                    logger.warning("compaction has to wait", extra={"error": str(error)})
            previous = self.revision

    def get(self, key: ObjectKey) -> StoredObject | None:
        return self._state(key.resource).objects.get(key)

    def select(self, resource: str, namespace: str = "") -> list[StoredObject]:
        """Return the objects of a resource (in one namespace, or all), ordered by key."""
        state = self._state(resource)
        if state.ordered is None:
            state.ordered = sorted(state.objects)
        objects = state.objects
        if not namespace:
            return [objects[key] for key in state.ordered]
        return [objects[key] for key in state.ordered if key.namespace == namespace]

    def select_at(self, resource: str, namespace: str, revision: int) -> list[StoredObject]:
        """Return what `select` returned at `revision`, by undoing the history.

        Raises:
            ExpiredError: the history does not go back that far.
        """
        state = self._state(resource)
        self._refuse_expired(state, revision)
        objects = dict(state.objects)
        for event in reversed(state.history):
            if event.revision <= revision:
                break
            if event.before is None:
                objects.pop(event.key, None)
            else:
                objects[event.key] = event.before
        return [objects[k] for k in sorted(objects) if not namespace or k.namespace == namespace]

    def resources(self) -> list[str]:
        return [name for name, state in self._resources.items() if state.objects]

    @contextmanager
    def watch(self, resource: str, namespace: str, *, after: int) -> Iterator[Watcher]:
        """Give a watcher that will see every change after the revision `after`.

        Raises:
            ExpiredError: the history does not go back that far.
        """
        state = self._state(resource)
        self._refuse_expired(state, after)
        watcher = Watcher(namespace, self._watch_queue_max)
        missed = [e for e in state.history if e.revision > after and _concerns(watcher, e)]
        watcher._queue.extend(missed)
        state.watchers.append(watcher)
        try:
            yield watcher
        finally:
            # After a reload the watcher sits in a state that is gone.
            if watcher in state.watchers:
                state.watchers.remove(watcher)

    async def wait_for(self, revision: int) -> None:
        """Wait until the cache has seen `revision`: a client reads what it has written."""
        while self.revision < revision:
            await self._advanced.wait()

    def _refuse_expired(self, state: _ResourceState, revision: int) -> None:
        if revision < state.floor:
            raise ExpiredError(wanted=revision, oldest=state.floor)

    def _state(self, resource: str) -> _ResourceState:
        state = self._resources.get(resource)
        if state is None:
            state = self._resources[resource] = _ResourceState(self._loaded_at)
        return state

    async def _load(self) -> None:
        snapshot = await self._store.read_all()
        for state in self._resources.values():
            for watcher in state.watchers:
                watcher.lose()
        for follower in self._followers:
            follower.reset()
        self._resources = {}
        self._loaded_at = snapshot.revision
        for change in snapshot.objects:
            assert change.raw is not None
            stored = StoredObject(change.key, change.raw, change.revision)
            self._state(change.key.resource).objects[change.key] = stored
            self._tell_followers(CacheEvent(change.revision, None, stored))
        self.revision = 0  # a store that was replaced may count from a lower revision
        self._advance(snapshot.revision)

    def _apply(self, batch: ChangeBatch) -> None:
        for change in batch.changes:
            self._apply_change(change)
        self._advance(batch.revision)

    def _apply_change(self, change: Change) -> None:
        state = self._state(change.key.resource)
        before = state.objects.get(change.key)
        if change.raw is None:
            if before is None:
                return
            after = None
            del state.objects[change.key]
            state.ordered = None
        else:
            after = StoredObject(change.key, change.raw, change.revision)
            state.objects[change.key] = after
            if before is None:
                state.ordered = None
        event = CacheEvent(change.revision, before, after)
        self._remember(state, event)
        self._tell_followers(event)
        for watcher in state.watchers:
            if _concerns(watcher, event):
                watcher.push(event)
        if before is not None:
            before.forget()

    def _tell_followers(self, event: CacheEvent) -> None:
        for follower in self._followers:
            if follower.resource == event.key.resource:
                follower.follow(event)

    def _remember(self, state: _ResourceState, event: CacheEvent) -> None:
        state.history.append(event)
        state.history_bytes += _event_bytes(event)
        while (
            len(state.history) > self._history_events_max
            or state.history_bytes > self._history_bytes_max
        ):
            oldest = state.history.popleft()
            state.history_bytes -= _event_bytes(oldest)
            state.floor = oldest.revision

    def _advance(self, revision: int) -> None:
        self.revision = max(self.revision, revision)
        self._advanced.set()
        self._advanced = anyio.Event()


def _concerns(watcher: Watcher, event: CacheEvent) -> bool:
    return not watcher.namespace or watcher.namespace == event.key.namespace


def _event_bytes(event: CacheEvent) -> int:
    """Count only `before`: `after` is either current, or the next event's `before`."""
    return len(event.before.raw) if event.before is not None else 64
