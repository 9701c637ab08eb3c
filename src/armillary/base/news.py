"""What was told of whom, so that a trouble that lasts is one line of a log. Pure."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class News(Generic[K]):
    def __init__(self) -> None:
        self._told: dict[K, str] = {}

    def is_new(self, key: K, text: str) -> bool:
        """Whether `text` is something else than what was told of `key` last; it counts as told."""
        before = self._told.get(key)
        self._told[key] = text
        return before != text

    def forget(self, key: K) -> bool:
        """The trouble of `key` is over; return whether it had any."""
        return self._told.pop(key, None) is not None
