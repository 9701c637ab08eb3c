"""SPDY streams over one channel, each with a bounded queue. I/O."""

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup

from armillary.base.errors import WireError
from armillary.local.kubelet.streams.channel import Channel
from armillary.local.kubelet.streams.spdy import (
    RST_REFUSED,
    GoAwayReceived,
    PingReceived,
    SpdyConnection,
    SpdyEvent,
    StreamData,
    StreamOpened,
    StreamReset,
)

_QUEUE_BYTES_MAX = 1 << 18
_STREAMS_MAX = 1000
_DATA_BYTES = 1 << 15


class SpdyStream:
    """One stream: receive what the peer sends, send, end."""

    def __init__(self, session: "SpdySession", number: int, headers: Mapping[str, str]) -> None:
        self.number = number
        self.headers = headers
        self._session = session
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._ended = False
        self._sent_end = False
        self._reset = False
        self._readable = anyio.Event()
        self._room = anyio.Event()

    async def receive(self) -> bytes:
        """Return some bytes; b"" after the peer's end."""
        while not self._chunks:
            if self._ended:
                return b""
            self._readable = anyio.Event()
            await self._readable.wait()
        chunk = self._chunks.popleft()
        self._unread -= len(chunk)
        self._room.set()
        return chunk

    async def send(self, data: bytes) -> None:
        """Send it all. Raises anyio.BrokenResourceError once the peer has reset the stream."""
        for start in range(0, len(data), _DATA_BYTES):
            part = data[start : start + _DATA_BYTES]
            if self._reset:
                raise anyio.BrokenResourceError
            await self._session.send(self._session.wire.data(self.number, part))

    async def end(self) -> None:
        """Say that nothing more will be sent. Again: nothing."""
        if not self._sent_end and not self._reset:
            self._sent_end = True
            await self._session.send(self._session.wire.data(self.number, b"", end=True))

    async def take(self, data: bytes, *, ended: bool) -> None:
        """Queue what came; waits, and so stops the whole connection, while the queue is full."""
        while self._unread >= _QUEUE_BYTES_MAX and not self._ended:
            self._room = anyio.Event()
            await self._room.wait()
        if data and not self._ended:
            self._chunks.append(data)
            self._unread += len(data)
        if ended:
            self._ended = True
        self._readable.set()

    def mark_reset(self) -> None:
        """The peer wants nothing more from this stream and will send nothing."""
        self._reset = True
        self.drop()

    def drop(self) -> None:
        """Throw away what is queued and what may come: nobody reads any more."""
        self._ended = True
        self._chunks.clear()
        self._unread = 0
        self._room.set()
        self._readable.set()


OnStream = Callable[[SpdyStream], Coroutine[Any, Any, None]]


class SpdySession:
    def __init__(self, channel: Channel) -> None:
        self.wire = SpdyConnection()
        self._channel = channel
        self._streams: dict[int, SpdyStream] = {}
        self._sending = anyio.Lock()

    async def run(self, on_stream: OnStream, group: TaskGroup) -> None:
        """Serve until the peer goes; each new stream is handed to `on_stream` in a task of `group`.

        `on_stream` is called in the order in which streams were opened.
        """
        try:
            while data := await self._channel.receive():
                for event in self.wire.feed(data):
                    await self._take(event, on_stream, group)
        except (WireError, anyio.BrokenResourceError):
            pass  # a broken peer ends like one that has gone
        finally:
            for stream in self._streams.values():
                stream.drop()

    async def _take(self, event: SpdyEvent, on_stream: OnStream, group: TaskGroup) -> None:
        match event:
            case StreamOpened(number, headers, ended):
                if len(self._streams) >= _STREAMS_MAX:
                    await self.send(self.wire.reset(number, RST_REFUSED))
                    return
                stream = SpdyStream(self, number, headers)
                self._streams[number] = stream
                await self.send(self.wire.reply(number))
                await stream.take(b"", ended=ended)
                group.start_soon(on_stream, stream)
            case StreamData(number, data, ended):
                if number in self._streams:
                    await self._streams[number].take(data, ended=ended)
            case StreamReset(number):
                if number in self._streams:
                    self._streams[number].mark_reset()
            case PingReceived(ping):
                await self.send(self.wire.pong(ping))
            case GoAwayReceived():
                pass  # no new streams will come; those that are open go on

    def forget(self, stream: SpdyStream) -> None:
        """The stream is served: free its place."""
        stream.drop()
        self._streams.pop(stream.number, None)

    async def reset(self, stream: SpdyStream) -> None:
        await self.send(self.wire.reset(stream.number, 5))

    async def send(self, data: bytes) -> None:
        async with self._sending:
            await self._channel.send(data)
