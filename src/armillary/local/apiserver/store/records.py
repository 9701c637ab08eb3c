"""What a store keeps and tells: keys, values, changes; and the port that both stores implement."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from armillary.base.errors import ConflictError

Json = dict[str, Any]

_decode = msgspec.json.decode
_encode = msgspec.json.encode
_RAW_START = b'{"metadata":{'


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """One object: resource ("pods", "deployments.apps"), namespace ("" when none), name."""

    resource: str
    namespace: str
    name: str


class StoredObject:
    """One version of one object, as bytes; parsed or encoded once, when somebody first asks.

    `value` is what every reader shares: nobody may change it. Use `copy` to change something.
    """

    __slots__ = ("_encoded", "_value", "key", "raw", "revision")

    def __init__(self, key: ObjectKey, raw: bytes, revision: int) -> None:
        self.key = key
        self.raw = raw  # JSON without metadata.resourceVersion: the revision is known after writing
        self.revision = revision
        self._value: Json | None = None
        self._encoded: bytes | None = None

    @property
    def value(self) -> Json:
        if self._value is None:
            self._value = self.copy()
        return self._value

    @property
    def encoded(self) -> bytes:
        """JSON with the resourceVersion, as clients get it; made without parsing."""
        if self._encoded is None:
            assert self.raw.startswith(_RAW_START), "a stored object begins with its metadata"
            version = b'"resourceVersion":"%d",' % self.revision
            self._encoded = _RAW_START + version + self.raw[len(_RAW_START) :]
        return self._encoded

    def copy(self) -> Json:
        """Return a value that belongs to the caller."""
        value: Json = _decode(self.raw)
        value["metadata"]["resourceVersion"] = str(self.revision)
        return value

    def forget(self) -> None:
        """Drop what can be made again from `raw`: this version is history now."""
        self._value = self._encoded = None


@dataclass(frozen=True, slots=True)
class Change:
    """One write: the new bytes, or None for a delete."""

    key: ObjectKey
    raw: bytes | None
    revision: int


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Every change up to and including `revision` has been told. No changes = progress only."""

    revision: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    objects: tuple[Change, ...]
    revision: int


class HistoryLostError(ConflictError):
    """The store no longer has the changes that were asked for: read everything again."""


class ObjectStore(Protocol):
    """The durable part. Revisions count all writes of the store; each object carries its last."""

    async def read_all(self) -> Snapshot: ...

    async def create(self, key: ObjectKey, raw: bytes) -> int | None:
        """Write a new object; return its revision, or None when the key exists."""

    async def replace(self, key: ObjectKey, raw: bytes, revision: int) -> int | None:
        """Overwrite the version `revision`; None when that is no longer the object's version."""

    async def delete(self, key: ObjectKey, revision: int) -> int | None:
        """Remove the version `revision`; return the revision of the removal, None as above."""

    def changes(self, after: int) -> AsyncIterator[ChangeBatch]:
        """Tell every change after the revision `after`, in order, each once.

        Raises:
            HistoryLostError: some of them are gone.
        """

    async def compact(self, revision: int) -> None:
        """Allow the store to forget what happened before `revision`."""


def encode_object(value: Json) -> bytes:
    """Return the bytes to store: `value` without its resourceVersion, metadata first."""
    metadata = {k: v for k, v in value["metadata"].items() if k != "resourceVersion"}
    rest = {k: v for k, v in value.items() if k != "metadata"}
    return _encode({"metadata": metadata, **rest})


def encode_json(value: Any) -> bytes:
    return _encode(value)


def decode_json(data: bytes | str) -> Any:
    return _decode(data)


def encode_list(header: Json, items: Sequence[bytes]) -> bytes:
    """Encode a list from its header (without items) and its already encoded items."""
    return _encode(header)[:-1] + b',"items":[' + b",".join(items) + b"]}"
