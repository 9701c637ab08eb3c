"""A watch that goes on where it was after etcd, or the connection, was away. I/O."""

import logging
from collections.abc import AsyncGenerator

import anyio
import grpc.aio

from armillary.base.retry import backoff_delays_s
from armillary.etcd.channel import EtcdChannels
from armillary.etcd.records import KeyValue, RevisionCompactedError, WatchBatch, WatchEvent
from armillary.pb import etcdserverpb_pb2 as pb
from armillary.pb import mvccpb_pb2 as kvpb

logger = logging.getLogger(__name__)

_CREATE_TIMEOUT_S = 5.0

_Call = grpc.aio.StreamStreamCall[pb.WatchRequest, pb.WatchResponse]


async def watch(
    channels: EtcdChannels, start: bytes, end: bytes, *, start_revision: int, previous: bool
) -> AsyncGenerator[WatchBatch, None]:
    """Yield every batch of changes at or after `start_revision`; see `EtcdClient.watch`.

    Why no change is lost or doubled: `next_revision` moves past a revision only after a batch
    that ends with it was handed out, etcd never splits a revision over two batches (we do not
    ask for fragments), and each new stream starts at `next_revision`.
    """
    assert start_revision > 0, "a watch starts at the revision after the one that was read"
    next_revision = start_revision
    delays = backoff_delays_s(first_s=0.05, max_s=2.0)
    while True:
        call: _Call = channels.open_stream("Watch/Watch", pb.WatchRequest, pb.WatchResponse)
        try:
            await _open(call, start, end, next_revision, previous=previous)
            delays = backoff_delays_s(first_s=0.05, max_s=2.0)
            while (batch := await _read_batch(call, next_revision)) is not None:
                if batch.events or batch.revision >= next_revision:
                    next_revision = max(next_revision, batch.revision + 1)
                    yield batch
        except (grpc.aio.AioRpcError, TimeoutError) as error:
            logger.debug("etcd watch broke", extra={"error": str(error) or "no answer"})
        finally:
            call.cancel()
        channels.turn()
        await anyio.sleep(next(delays))


async def _open(call: _Call, start: bytes, end: bytes, revision: int, *, previous: bool) -> None:
    """Create the watch on a fresh stream and wait until etcd has taken it."""
    request = pb.WatchRequest(
        create_request=pb.WatchCreateRequest(
            key=start,
            range_end=end,
            start_revision=revision,
            progress_notify=True,
            prev_kv=previous,
        )
    )
    with anyio.fail_after(_CREATE_TIMEOUT_S):
        await call.write(request)
        response = await call.read()
    if not isinstance(response, pb.WatchResponse):
        raise TimeoutError  # the stream ended before it began
    _refuse_compacted(response, revision)
    if response.header.revision < revision - 1:
        # The store is younger than what we have seen: it was replaced or rolled back. It would
        # stay silent until its count catches up, so the caller must read everything again.
        raise RevisionCompactedError(wanted=revision, compacted=response.header.revision)


async def _read_batch(call: _Call, next_revision: int) -> WatchBatch | None:
    """Return the next batch; None when etcd ended the stream."""
    response = await call.read()
    if not isinstance(response, pb.WatchResponse):
        return None
    _refuse_compacted(response, next_revision)
    if response.canceled:
        return None
    events = tuple(_event(event) for event in response.events)
    revision = max((e.kv.mod_revision for e in events), default=response.header.revision)
    return WatchBatch(revision, events)


def _refuse_compacted(response: pb.WatchResponse, wanted: int) -> None:
    if response.canceled and response.compact_revision:
        raise RevisionCompactedError(wanted=wanted, compacted=response.compact_revision)


def _event(event: kvpb.Event) -> WatchEvent:
    return WatchEvent(
        KeyValue.from_pb(event.kv),
        event.type == kvpb.Event.DELETE,
        KeyValue.from_pb(event.prev_kv) if event.HasField("prev_kv") else None,
    )
