"""A queue of keys to look at: each at most once in it, at most one worker a key, with back-off."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import anyio

from armillary.base.clock import monotonic_s

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Level-triggered: adding a key that waits already changes nothing.

    A key added while a worker has it is handed out again after `done`, so no change is missed and
    no two workers ever have the same key.
    """

    def __init__(
        self,
        *,
        retry_first_s: float = 0.2,
        retry_max_s: float = 30.0,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self._retry_first_s = retry_first_s
        self._retry_max_s = retry_max_s
        self._clock = clock
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()  # waits in `_ready`, or for the worker that has it
        self._taken: set[K] = set()
        self._due: list[tuple[float, int, K]] = []
        self._due_at: dict[K, float] = {}  # the earliest one wins; others in the heap are stale
        self._failures: dict[K, int] = {}
        self._order = itertools.count()
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return len(self._dirty) + len(self._due_at)

    def add(self, key: K) -> None:
        """Hand the key to a worker as soon as one is free."""
        self._due_at.pop(key, None)
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._taken:
            self._ready.append(key)
            self._wake()

    def add_after(self, key: K, delay_s: float) -> None:
        """Add the key when `delay_s` is over, unless it is added before."""
        if delay_s <= 0:
            self.add(key)
            return
        due_at = self._clock() + delay_s
        if key in self._dirty or self._due_at.get(key, due_at + 1) <= due_at:
            return
        self._due_at[key] = due_at
        heapq.heappush(self._due, (due_at, next(self._order), key))
        self._wake()

    def retry(self, key: K) -> float:
        """Add the key after its back-off, which doubles with each failure; return the delay."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay_s: float = min(self._retry_first_s * 2.0 ** min(failures, 30), self._retry_max_s)
        delay_s *= random.uniform(0.8, 1.2)
        self.add_after(key, delay_s)
        return delay_s

    def forget(self, key: K) -> None:
        """Start the key's back-off anew: it succeeded."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for a key and take it; give it back with `done`."""
        while True:
            self._promote_due()
            if self._ready:
                key = self._ready.popleft()
                self._dirty.discard(key)
                self._taken.add(key)
                return key
            changed = self._changed
            wait_s = max(0.0, self._due[0][0] - self._clock()) if self._due else None
            with anyio.move_on_after(wait_s):
                await changed.wait()

    def done(self, key: K) -> None:
        """Give the key back; one that was added meanwhile is ready again."""
        self._taken.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._wake()

    def _promote_due(self) -> None:
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            due_at, _, key = heapq.heappop(self._due)
            if self._due_at.get(key) == due_at:
                self.add(key)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
