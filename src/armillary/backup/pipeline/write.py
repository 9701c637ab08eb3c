"""A stream from a tool into storage: split, compressed by a pool, stored stripe by stripe. I/O.

    pipe -> round (reused buffer, already in stripe order) -> pool of compressors
         -> one bounded lane a stripe -> storage.put

Memory is bounded by the rounds in flight and the depth of the lanes; when storage is slow the pipe
fills and the tool waits.
"""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from armillary.backup.chunks import Chunk, chunk_digest
from armillary.backup.errors import first_error
from armillary.backup.pipeline.codec import Codec
from armillary.backup.pipeline.pipes import read_into
from armillary.backup.pipeline.stripes import StripeLayout

ROUND_BYTES = 16 * 1024 * 1024
ROUNDS_IN_FLIGHT = 3
LANE_DEPTH = 2

Put = Callable[[str, AsyncIterator[bytes]], Awaitable[int]]  # file, source -> stored bytes
OnBytes = Callable[[int, int], None]  # raw bytes, stored bytes since the last call


@dataclass(frozen=True, slots=True)
class WrittenFile:
    chunks: tuple[Chunk, ...]
    crc32: int  # of the stored bytes


class _SourceFailedError(Exception):
    """The stream broke; tells each put to give up. Never leaves this module."""


@dataclass(slots=True)
class _Round:
    buffer: bytearray
    pieces_busy: int = 0


@dataclass(slots=True)
class _Slot:
    """A piece on its way: first raw in a round's buffer, then compressed."""

    raw: memoryview
    raw_bytes: int
    done: anyio.Event = field(default_factory=anyio.Event)
    stored: bytes = b""
    digest: str = ""
    crc32: int = 0


async def write_stream(
    fd: int,
    names: tuple[str, ...],
    *,
    layout: StripeLayout,
    codec: Codec,
    put: Put,
    workers: anyio.CapacityLimiter,
    on_bytes: OnBytes | None = None,
) -> dict[str, WrittenFile]:
    """Store everything that comes out of `fd` as the files `names`, one for each stripe.

    Returns when all files are stored: what each is made of. The end of the stream is no proof that
    its maker succeeded; the caller asks the maker.

    Raises:
        OSError: the pipe broke; and whatever `put` raises. No file of this call is left then,
            except those that were already complete.
    """
    assert len(names) == layout.count
    stream = _Stream(fd, layout, codec, workers, on_bytes)
    try:
        async with anyio.create_task_group() as tasks:
            for index, name in enumerate(names):
                tasks.start_soon(stream.store, index, name, put)
            tasks.start_soon(stream.pump, tasks)
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        stream.close()
    if stream.failure is not None:
        raise stream.failure
    return dict(zip(names, stream.written(), strict=True))


_Lane = tuple[MemoryObjectSendStream[_Slot], MemoryObjectReceiveStream[_Slot]]


class _Stream:
    def __init__(
        self,
        fd: int,
        layout: StripeLayout,
        codec: Codec,
        workers: anyio.CapacityLimiter,
        on_bytes: OnBytes | None,
    ) -> None:
        self.failure: Exception | None = None
        self._fd = fd
        self._layout = layout
        self._codec = codec
        self._workers = workers
        self._on_bytes = on_bytes
        self._chunks: list[list[Chunk]] = [[] for _ in range(layout.count)]
        self._crcs = [0] * layout.count
        self._free_send, self._free = anyio.create_memory_object_stream[_Round](ROUNDS_IN_FLIGHT)
        self._lanes: list[_Lane] = [
            anyio.create_memory_object_stream[_Slot](LANE_DEPTH) for _ in range(layout.count)
        ]

    def written(self) -> list[WrittenFile]:
        return [
            WrittenFile(tuple(chunks), crc)
            for chunks, crc in zip(self._chunks, self._crcs, strict=True)
        ]

    def close(self) -> None:
        for send, receive in self._lanes:
            send.close()
            receive.close()
        self._free_send.close()
        self._free.close()

    async def pump(self, tasks: TaskGroup) -> None:
        """Read the stream round by round and hand the pieces to the compressors and lanes."""
        rounds_made = 0
        try:
            while True:
                if (
                    rounds_made < ROUNDS_IN_FLIGHT
                    and not self._free.statistics().current_buffer_used
                ):
                    current = _Round(bytearray(self._layout.round_bytes))
                    rounds_made += 1
                else:
                    current = await self._free.receive()
                filled = await self._fill(current.buffer)
                if filled:
                    await self._dispatch(current, filled, tasks)
                if filled < self._layout.round_bytes:
                    return
        except OSError as error:
            self.failure = error
        finally:
            for send, _ in self._lanes:
                send.close()

    async def store(self, index: int, name: str, put: Put) -> None:
        with suppress(_SourceFailedError):
            await put(name, self._source(index))

    async def _fill(self, buffer: bytearray) -> int:
        whole = memoryview(buffer)
        filled = 0
        while filled < len(buffer):
            places = self._layout.places(filled, min(len(buffer), filled + 8 * 1024 * 1024))
            count = await read_into(
                self._fd, [whole[offset : offset + length] for offset, length in places]
            )
            if not count:
                break
            filled += count
        return filled

    async def _dispatch(self, current: _Round, filled: int, tasks: TaskGroup) -> None:
        layout = self._layout
        slots: list[tuple[int, _Slot]] = []
        for file in range(layout.count):
            if size := layout.piece_filled(file, filled):
                start = file * layout.piece_bytes
                slots.append((file, _Slot(memoryview(current.buffer)[start : start + size], size)))
        current.pieces_busy = len(slots)
        for _, slot in slots:
            tasks.start_soon(self._compress, slot, current)
        for file, slot in slots:
            await self._lanes[file][0].send(slot)

    async def _compress(self, slot: _Slot, current: _Round) -> None:
        def work() -> None:
            slot.stored = self._codec.encode(slot.raw)
            slot.digest = chunk_digest(slot.stored)

        await to_thread.run_sync(work, limiter=self._workers)
        slot.raw.release()
        slot.done.set()
        current.pieces_busy -= 1
        if not current.pieces_busy:
            self._free_send.send_nowait(current)

    async def _source(self, index: int) -> AsyncIterator[bytes]:
        """The stored bytes of one stripe, chunk by chunk, for `put` to consume."""
        _, receive = self._lanes[index]
        async for slot in receive:
            await slot.done.wait()
            stored, slot.stored = slot.stored, b""
            self._chunks[index].append(Chunk(slot.raw_bytes, len(stored), slot.digest))
            self._crcs[index] = zlib.crc32(stored, self._crcs[index])
            if self._on_bytes is not None:
                self._on_bytes(slot.raw_bytes, len(stored))
            yield stored
        if not self._chunks[index] and self.failure is None and (empty := self._codec.encode(b"")):
            # No bytes at all are no zstd file: `zstd -d` refuses them.
            self._chunks[index].append(Chunk(0, len(empty), chunk_digest(empty)))
            self._crcs[index] = zlib.crc32(empty)
            yield empty
        if self.failure is not None:
            raise _SourceFailedError from self.failure
