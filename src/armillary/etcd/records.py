"""What the etcd client takes and gives: key values, ranges, watch batches, transactions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from armillary.base.errors import ConflictError
from armillary.pb import etcdserverpb_pb2 as pb
from armillary.pb import mvccpb_pb2 as kvpb


class RevisionCompactedError(ConflictError):
    """The revision asked for is gone (compacted, or the store was replaced): list again."""

    def __init__(self, *, wanted: int, compacted: int) -> None:
        super().__init__(f"etcd revision {wanted} is gone: the oldest one kept is {compacted}")
        self.wanted = wanted
        self.compacted = compacted


class LeaseLostError(ConflictError):
    """The lease has expired or was revoked; what it held is gone."""


@dataclass(frozen=True, slots=True)
class EtcdTls:
    """What a TLS client trusts and shows, all PEM: files, or their contents.

    `server_name` is checked instead of the address dialled.
    """

    ca: Path | bytes
    cert: Path | bytes | None = None
    key: Path | bytes | None = field(default=None, repr=False)
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class KeyValue:
    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int  # 1 for a new key, one more with each put; 0 in a delete event
    lease: int

    @classmethod
    def from_pb(cls, kv: kvpb.KeyValue) -> "KeyValue":
        return cls(kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version, kv.lease)


@dataclass(frozen=True, slots=True)
class RangeResult:
    kvs: tuple[KeyValue, ...]  # ascending by key
    revision: int  # of the store, when it answered
    more: bool  # the limit cut the answer
    count: int  # keys in the range, whatever the limit


@dataclass(frozen=True, slots=True)
class WatchEvent:
    kv: KeyValue  # of a delete: key and mod_revision only
    is_delete: bool
    previous: KeyValue | None = None  # only when the watch asked for it


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """All events up to and including `revision` have been given out. No events = progress only."""

    revision: int
    events: tuple[WatchEvent, ...]


@dataclass(frozen=True, slots=True)
class TxnResult:
    succeeded: bool
    revision: int


def key_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def prefix_end(prefix: bytes) -> bytes:
    """Return the first key after all keys with this prefix; NUL (all keys) when there is none."""
    for index in range(len(prefix) - 1, -1, -1):
        if prefix[index] < 0xFF:
            return prefix[:index] + bytes([prefix[index] + 1])
    return b"\0"


def mod_revision_is(key: str | bytes, revision: int) -> pb.Compare:
    """Compare for a transaction; revision 0 means that the key does not exist."""
    return pb.Compare(
        result=pb.Compare.EQUAL,
        target=pb.Compare.MOD,
        key=key_bytes(key),
        mod_revision=revision,
    )


def put_op(key: str | bytes, value: bytes, lease: int = 0) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=key_bytes(key), value=value, lease=lease))


def delete_op(key: str | bytes) -> pb.RequestOp:
    return pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key_bytes(key)))


def txn_result(response: pb.TxnResponse) -> TxnResult:
    return TxnResult(response.succeeded, response.header.revision)


def key_values(kvs: Sequence[kvpb.KeyValue]) -> tuple[KeyValue, ...]:
    return tuple(KeyValue.from_pb(kv) for kv in kvs)
