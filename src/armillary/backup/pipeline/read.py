"""A stored stream back out: fetched stripe by stripe, checked, decompressed, put together. I/O."""

import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from armillary.backup.chunks import Chunk, chunk_digest
from armillary.backup.errors import DamagedBackupError, first_error
from armillary.backup.pipeline.codec import Buffer, Codec, StreamDecoder
from armillary.backup.pipeline.stripes import StripeLayout
from armillary.backup.storage.contract import BackupStorage
from armillary.base.errors import NotFoundError

LANE_DEPTH = 2
WRITE_BYTES = 1024 * 1024

Pieces = AsyncGenerator[Buffer, None]
Sink = Callable[[list[memoryview]], Awaitable[None]]


async def read_chunks(
    storage: BackupStorage,
    directory: str,
    backup: str,
    file: str,
    *,
    chunks: Sequence[Chunk],
    codec: Codec,
    workers: anyio.CapacityLimiter,
) -> Pieces:
    """Yield the raw pieces of a file whose chunks are known, each checked before it is given out.

    Raises:
        DamagedBackupError: missing, truncated, changed, or longer than the chunks say.
    """

    def damaged(reason: str) -> DamagedBackupError:
        return DamagedBackupError(f"{directory}/{backup}", file, reason)

    def check(stored: Buffer, chunk: Chunk, index: int) -> Buffer:
        if (found := chunk_digest(stored)) != chunk.digest:
            raise damaged(f"chunk {index} has hash {found}, the table says {chunk.digest}")
        try:
            return codec.decode(stored, chunk.raw_bytes)
        except ValueError as error:
            raise damaged(f"chunk {index}: {error}") from None

    pending = bytearray()
    index = 0
    try:
        async with aclosing(storage.get(directory, backup, file)) as stored:
            async for data in stored:
                pending += data
                while index < len(chunks) and len(pending) >= chunks[index].stored_bytes:
                    size = chunks[index].stored_bytes
                    frame = bytes(memoryview(pending)[:size])
                    del pending[:size]
                    yield await to_thread.run_sync(
                        check, frame, chunks[index], index, limiter=workers
                    )
                    index += 1
                if index == len(chunks) and pending:
                    raise damaged("is longer than its chunks")
    except NotFoundError:
        raise damaged("is missing") from None
    if index < len(chunks):
        raise damaged(f"is truncated: {index} of {len(chunks)} chunks are there")


async def read_unknown(
    storage: BackupStorage,
    directory: str,
    backup: str,
    file: str,
    *,
    decoder: StreamDecoder,
    crc32: str = "",
    workers: anyio.CapacityLimiter,
) -> Pieces:
    """Yield the raw pieces of a file that somebody else wrote: no table, only the format's checks.

    Raises:
        DamagedBackupError: missing, or not what the decoder reads.
    """
    found = 0
    try:
        async with aclosing(storage.get(directory, backup, file)) as stored:
            async for data in stored:
                found = zlib.crc32(data, found)
                yield await to_thread.run_sync(decoder.feed, data, limiter=workers)
        decoder.close()
        if crc32 and f"{found:08x}" != crc32:
            raise ValueError(f"has CRC-32 {found:08x}, the manifest says {crc32}")
    except ValueError as error:
        raise DamagedBackupError(f"{directory}/{backup}", file, str(error)) from None
    except NotFoundError:
        raise DamagedBackupError(f"{directory}/{backup}", file, "is missing") from None


async def join_stripes(
    lanes: Sequence[Pieces], *, layout: StripeLayout, backup: str, sink: Sink
) -> int:
    """Put the stream together again and give it to `sink`; return its length.

    Raises:
        DamagedBackupError: the files' lengths are not those of one stream; and what the lanes and
            `sink` raise.
    """
    sends: list[MemoryObjectSendStream[Buffer]] = []
    receives: list[MemoryObjectReceiveStream[Buffer]] = []
    for _ in lanes:
        send, receive = anyio.create_memory_object_stream[Buffer](LANE_DEPTH)
        sends.append(send)
        receives.append(receive)
    total = 0
    try:
        async with anyio.create_task_group() as tasks:
            for lane, send in zip(lanes, sends, strict=True):
                tasks.start_soon(_feed, lane, send)
            total = await _interleave([_Cursor(r) for r in receives], layout, backup, sink)
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        for send in sends:
            send.close()
        for receive in receives:
            receive.close()
    return total


async def _feed(lane: Pieces, send: MemoryObjectSendStream[Buffer]) -> None:
    async with aclosing(lane) as pieces:
        async for piece in pieces:
            await send.send(piece)
    # Only a stripe that came whole has an end. One that failed must not look like a short one, or
    # that would be told in place of the reason.
    send.close()


class _Cursor:
    """One stripe, read in pieces of any size."""

    def __init__(self, receive: MemoryObjectReceiveStream[Buffer]) -> None:
        self._receive = receive
        self._rest = memoryview(b"")

    async def take(self, bytes_max: int) -> memoryview:
        """Return 1 to `bytes_max` bytes, or none at the end."""
        while not self._rest:
            try:
                self._rest = memoryview(await self._receive.receive())
            except anyio.EndOfStream:
                return memoryview(b"")
        taken, self._rest = self._rest[:bytes_max], self._rest[bytes_max:]
        return taken


async def _interleave(
    cursors: Sequence[_Cursor], layout: StripeLayout, backup: str, sink: Sink
) -> int:
    total = 0
    views: list[memoryview] = []
    views_bytes = 0
    turn = 0
    ended = False
    while not ended:
        wanted = layout.block_bytes if layout.count > 1 else WRITE_BYTES
        got = 0
        while got < wanted and (view := await cursors[turn].take(wanted - got)):
            got += len(view)
            views.append(view)
        total += got
        views_bytes += got
        turn = (turn + 1) % layout.count
        ended = got < wanted
        if views_bytes >= WRITE_BYTES or ended:
            await sink(views)
            views, views_bytes = [], 0
    # The stripe that came up short ends the stream: all others must be used up by now.
    for index, cursor in enumerate(cursors):
        if await cursor.take(1):
            raise DamagedBackupError(backup, f"stripe {index}", "goes on after the stream's end")
    return total
