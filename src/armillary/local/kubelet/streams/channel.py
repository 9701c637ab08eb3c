"""The upgraded connection as plain bytes: raw, or inside WebSocket messages. I/O.

Both are bounded on either side: reading stops while nobody takes what came, writing waits while the
peer does not read.
"""

import asyncio
from collections import deque
from typing import Protocol

import anyio
from aiohttp import WSMsgType, web

_READ_BYTES_MAX = 1 << 18
_MESSAGE_BYTES_MAX = 1 << 24


class Channel(Protocol):
    async def receive(self) -> bytes:
        """Return some bytes; b"" once the peer has ended or is gone."""
        ...

    async def send(self, data: bytes) -> None:
        """Send it all. Raises anyio.BrokenResourceError when the peer is gone."""
        ...

    async def aclose(self) -> None: ...


class RawChannel(asyncio.Protocol):
    """Takes an aiohttp request's connection over after the 101 answer.

    The one place besides vtgate that is an asyncio.Protocol: a transport taken from aiohttp can be
    given to nothing else.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._over = False
        self._readable = anyio.Event()
        self._writable = anyio.Event()
        self._writable.set()
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        self._unread += len(data)
        if self._unread >= _READ_BYTES_MAX:
            self._transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> bool:
        self._over = True
        self._readable.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable = anyio.Event()

    def resume_writing(self) -> None:
        self._writable.set()

    async def receive(self) -> bytes:
        while not self._chunks:
            if self._over:
                return b""
            self._readable = anyio.Event()
            await self._readable.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        if self._unread >= _READ_BYTES_MAX and not self._over:
            self._transport.resume_reading()
        self._unread = 0
        return data

    async def send(self, data: bytes) -> None:
        if self._over or self._transport.is_closing():
            raise anyio.BrokenResourceError
        self._transport.write(data)
        await self._writable.wait()

    async def aclose(self) -> None:
        self._transport.close()


class WebSocketChannel:
    """A byte stream in binary messages, whose borders mean nothing."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                data = message.data
                data = data.encode() if isinstance(data, str) else bytes(data)
                if data:
                    return data
            elif message.type not in (WSMsgType.PING, WSMsgType.PONG):
                return b""

    async def send(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except (ConnectionError, RuntimeError) as error:
            raise anyio.BrokenResourceError from error

    async def aclose(self) -> None:
        await self._socket.close()


async def accept_websocket(request: web.Request, protocol: str) -> web.WebSocketResponse:
    """Answer 101 and speak `protocol`, which the client has offered."""
    socket = web.WebSocketResponse(
        protocols=(protocol,), max_msg_size=_MESSAGE_BYTES_MAX, autoping=True, compress=False
    )
    await socket.prepare(request)
    return socket


def hijack(request: web.Request, *, protocol: str) -> RawChannel:
    """Answer 101 by hand and take the connection; aiohttp must not answer it again."""
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
    head += f"X-Stream-Protocol-Version: {protocol}\r\n\r\n"
    channel = RawChannel(transport)
    transport.write(head.encode())
    return channel


def offered(request: web.Request, header: str) -> list[str]:
    """Return the protocols that the client offers, in its order."""
    return [
        word.strip()
        for value in request.headers.getall(header, [])
        for word in value.split(",")
        if word.strip()
    ]
