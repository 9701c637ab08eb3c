"""The etcd client: get, range, put, create, replace, delete, transactions, leases. I/O.

    async with EtcdClient(["127.0.0.1:2379"]) as etcd:
        revision = await etcd.create("/a", b"1")

Values and revisions are etcd's: a revision counts the store's changes, `mod_revision` is the one
that last changed a key. Calls to an etcd that is down wait for it until `timeout_s`, then raise
UnavailableError or DeadlineError; after those a write may or may not have happened.
"""

from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import Self

import anyio
import grpc.aio

from armillary.base.errors import DeadlineError
from armillary.etcd import watch as watching
from armillary.etcd.channel import EtcdChannels, translate
from armillary.etcd.records import (
    EtcdTls,
    KeyValue,
    LeaseLostError,
    RangeResult,
    RevisionCompactedError,
    TxnResult,
    WatchBatch,
    key_bytes,
    key_values,
    mod_revision_is,
    prefix_end,
    put_op,
    txn_result,
)
from armillary.pb import etcdserverpb_pb2 as pb


class EtcdClient:
    def __init__(
        self,
        endpoints: Sequence[str],
        tls: EtcdTls | None = None,
        *,
        timeout_s: float = 5.0,
    ) -> None:
        """Endpoints are `host:port` or `unix:/path`. Nothing is dialled before the first call."""
        self._channels = EtcdChannels(endpoints, tls)
        self._timeout_s = timeout_s

    async def __aenter__(self) -> Self:
        self._channels.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._channels.close()

    @property
    def address(self) -> str:
        return self._channels.address

    async def get(self, key: str | bytes, *, revision: int = 0) -> KeyValue | None:
        request = pb.RangeRequest(key=key_bytes(key), revision=revision)
        kvs = (await self._range(request)).kvs
        return KeyValue.from_pb(kvs[0]) if kvs else None

    async def range(
        self,
        prefix: str | bytes | tuple[str | bytes, str | bytes],
        *,
        limit: int = 0,
        revision: int = 0,
        keys_only: bool = False,
    ) -> RangeResult:
        """Return all keys with this prefix, or from the first to before the second of a pair.

        The empty prefix means every key.

        Raises:
            RevisionCompactedError: `revision` is older than what etcd keeps.
        """
        start, end = _bounds(prefix)
        request = pb.RangeRequest(
            key=start, range_end=end, limit=limit, revision=revision, keys_only=keys_only
        )
        response = await self._range(request)
        return RangeResult(
            key_values(response.kvs), response.header.revision, response.more, response.count
        )

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        return await self._channels.call(
            "KV/Range", request, pb.RangeResponse, timeout_s=self._timeout_s, repeat=True
        )

    async def put(self, key: str | bytes, value: bytes, *, lease: int = 0) -> int:
        """Set a key whatever it holds; returns the revision."""
        request = pb.PutRequest(key=key_bytes(key), value=value, lease=lease)
        response = await self._channels.call(
            "KV/Put", request, pb.PutResponse, timeout_s=self._timeout_s, repeat=True
        )
        return response.header.revision

    async def create(self, key: str | bytes, value: bytes, *, lease: int = 0) -> int | None:
        """Set a key that does not exist; returns the revision, or None when it exists."""
        result = await self.txn([mod_revision_is(key, 0)], [put_op(key, value, lease)])
        return result.revision if result.succeeded else None

    async def replace(
        self, key: str | bytes, value: bytes, mod_revision: int, *, lease: int = 0
    ) -> int | None:
        """Set a key that was last changed at `mod_revision`; None when it has changed since."""
        assert mod_revision > 0, "replace needs the revision that was read"
        result = await self.txn([mod_revision_is(key, mod_revision)], [put_op(key, value, lease)])
        return result.revision if result.succeeded else None

    async def delete(self, key: str | bytes, mod_revision: int | None = None) -> bool:
        """Delete one key; False when it is absent, or changed since `mod_revision`."""
        target = key_bytes(key)
        if mod_revision is None:
            return await self._delete(pb.DeleteRangeRequest(key=target)) > 0
        operation = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=target))
        return (await self.txn([mod_revision_is(target, mod_revision)], [operation])).succeeded

    async def _delete(self, request: pb.DeleteRangeRequest) -> int:
        response = await self._channels.call(
            "KV/DeleteRange",
            request,
            pb.DeleteRangeResponse,
            timeout_s=self._timeout_s,
            repeat=False,
        )
        return response.deleted

    async def txn(
        self,
        compares: Sequence[pb.Compare],
        success: Sequence[pb.RequestOp],
        failure: Sequence[pb.RequestOp] = (),
    ) -> TxnResult:
        """Run `success` if every comparison holds, else `failure`, as one change."""
        request = pb.TxnRequest(compare=compares, success=success, failure=failure)
        response = await self._channels.call(
            "KV/Txn", request, pb.TxnResponse, timeout_s=self._timeout_s, repeat=False
        )
        return txn_result(response)

    async def revision(self) -> int:
        """Return the store's revision now."""
        request = pb.RangeRequest(key=b"\0", count_only=True)
        return (await self._range(request)).header.revision

    async def compact(self, revision: int) -> None:
        """Forget what is older than `revision`. A second call with the same one does nothing."""
        request = pb.CompactionRequest(revision=revision)
        try:
            await self._channels.call(
                "KV/Compact",
                request,
                pb.CompactionResponse,
                timeout_s=self._timeout_s,
                repeat=True,
            )
        except RevisionCompactedError:
            return

    def watch(
        self,
        prefix: str | bytes | tuple[str | bytes, str | bytes],
        start_revision: int,
        *,
        previous: bool = False,
    ) -> AsyncGenerator[WatchBatch, None]:
        """Yield every change at or after `start_revision` (above 0), over restarts of etcd.

        Each change comes exactly once and in order; a transaction's changes come in one batch.
        An `aclosing()` around the iterator closes the stream at once.

        Raises:
            RevisionCompactedError: what comes next is gone; read everything again.
        """
        start, end = _bounds(prefix)
        return watching.watch(
            self._channels, start, end, start_revision=start_revision, previous=previous
        )

    def watch_key(self, key: str | bytes, start_revision: int) -> AsyncGenerator[WatchBatch, None]:
        """Like `watch`, for one key alone."""
        return watching.watch(
            self._channels, key_bytes(key), b"", start_revision=start_revision, previous=False
        )

    async def grant(self, ttl_s: int) -> int:
        """Return a new lease's id; it dies `ttl_s` seconds after its last keep-alive."""
        response = await self._channels.call(
            "Lease/LeaseGrant",
            pb.LeaseGrantRequest(TTL=ttl_s),
            pb.LeaseGrantResponse,
            timeout_s=self._timeout_s,
            repeat=True,
        )
        return response.ID

    async def keep_alive(self, lease: int) -> int:
        """Extend a lease once; returns its time to live in seconds.

        Raises:
            LeaseLostError: it is over.
        """
        call = self._channels.open_stream(
            "Lease/LeaseKeepAlive",
            pb.LeaseKeepAliveRequest,
            pb.LeaseKeepAliveResponse,
            timeout_s=self._timeout_s,
        )
        try:
            await call.write(pb.LeaseKeepAliveRequest(ID=lease))
            response = await call.read()
        except grpc.aio.AioRpcError as error:
            self._channels.turn()
            raise translate(error, self.address) from None
        finally:
            call.cancel()
        if not isinstance(response, pb.LeaseKeepAliveResponse):  # the end of the stream
            raise DeadlineError(f"etcd at {self.address} closed a keep-alive without an answer")
        if response.TTL <= 0:
            raise LeaseLostError(f"lease {lease} is over")
        return response.TTL

    async def revoke(self, lease: int) -> None:
        """End a lease and delete what it holds. A lease that is over already is no error."""
        try:
            await self._channels.call(
                "Lease/LeaseRevoke",
                pb.LeaseRevokeRequest(ID=lease),
                pb.LeaseRevokeResponse,
                timeout_s=self._timeout_s,
                repeat=True,
            )
        except LeaseLostError:
            return


def _bounds(prefix: str | bytes | tuple[str | bytes, str | bytes]) -> tuple[bytes, bytes]:
    if isinstance(prefix, tuple):
        return key_bytes(prefix[0]), key_bytes(prefix[1])
    start = key_bytes(prefix)
    return (start, prefix_end(start)) if start else (b"\0", b"\0")
