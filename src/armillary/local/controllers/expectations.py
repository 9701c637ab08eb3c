"""Which of our own creations and deletions the cache has not shown yet. In memory.

A controller that looks at a cache right after it has created pods would not see them, and create
them again. Until the cache has caught up, it waits.
"""

from collections.abc import Callable, Hashable

from armillary.base.clock import monotonic_s

_FORGOTTEN_S = 30.0  # longer than a cache ever lags; an event that never comes must not block


class Expectations:
    def __init__(self, clock: Callable[[], float] = monotonic_s) -> None:
        self._clock = clock
        self._created: dict[Hashable, dict[str, float]] = {}
        self._deleted: dict[Hashable, dict[str, float]] = {}

    def created(self, key: Hashable, uid: str) -> None:
        self._created.setdefault(key, {})[uid] = self._clock()

    def deleted(self, key: Hashable, uid: str) -> None:
        self._deleted.setdefault(key, {})[uid] = self._clock()

    def waits_for(self, key: Hashable, *, seen: frozenset[str], going: frozenset[str]) -> bool:
        """Say whether the cache still lacks something that we did for `key`.

        Args:
            seen: the uids in the cache.
            going: those of them that are marked as being deleted.
        """
        oldest = self._clock() - _FORGOTTEN_S
        created = self._created.get(key, {})
        for uid in [u for u, at in created.items() if u in seen or at < oldest]:
            del created[uid]
        deleted = self._deleted.get(key, {})
        gone = [u for u, at in deleted.items() if u not in seen or u in going or at < oldest]
        for uid in gone:
            del deleted[uid]
        return bool(created or deleted)

    def forget(self, key: Hashable) -> None:
        self._created.pop(key, None)
        self._deleted.pop(key, None)
