"""The streams of `kubectl exec`, over WebSocket or SPDY. I/O.

Source: Kubernetes remotecommand, subprotocols v4 and v5 of channel.k8s.io.
"""

import json
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import anyio
from aiohttp import WSMsgType, web
from anyio.abc import TaskGroup

from armillary.local.kubelet.streams.channel import Channel
from armillary.local.kubelet.streams.spdy_session import SpdySession, SpdyStream

WEBSOCKET_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
SPDY_PROTOCOL = "v4.channel.k8s.io"

STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_STREAMS_S_MAX = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions:
    """What the client asked for."""

    command: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


@dataclass(frozen=True, slots=True)
class Resize:
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Input:
    data: bytes  # b"" is the end


class ExecStreams(Protocol):
    async def receive(self) -> Input | Resize | None:
        """Return what the client sends next; None once it has gone."""
        ...

    async def send(self, channel: int, data: bytes) -> None: ...

    async def finish(self, status: dict[str, Any]) -> None: ...


class WebSocketStreams:
    """One byte of channel number before each message."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> Input | Resize | None:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                data = message.data.encode()
            elif message.type is WSMsgType.BINARY:
                data = bytes(message.data)
            else:
                return None
            if data and (found := decode_message(data)) is not None:
                return found

    async def send(self, channel: int, data: bytes) -> None:
        try:
            await self._socket.send_bytes(bytes((channel,)) + data)
        except (ConnectionError, RuntimeError) as error:
            raise anyio.BrokenResourceError from error

    async def finish(self, status: dict[str, Any]) -> None:
        with suppress(anyio.BrokenResourceError):
            await self.send(STATUS, json.dumps(status).encode())
        await self._socket.close()


def decode_message(data: bytes) -> Input | Resize | None:
    """Return what one message says; None for one that says nothing to us. Pure."""
    channel, body = data[0], data[1:]
    if channel == STDIN:
        return Input(body) if body else None
    if channel == CLOSE and body[:1] == bytes((STDIN,)):
        return Input(b"")
    if channel == RESIZE:
        return decode_resize(body)
    return None


def decode_resize(body: bytes) -> Resize | None:
    try:
        size = json.loads(body)
        columns, rows = int(size["Width"]), int(size["Height"])
        struct.pack("HH", columns, rows)
    except (ValueError, KeyError, TypeError, struct.error):
        return None
    return Resize(columns, rows)


class SpdyStreams:
    """One SPDY stream for each of stdin, stdout, stderr, errors and resizes."""

    def __init__(self, channel: Channel, options: ExecOptions) -> None:
        self._channel = channel
        self._session = SpdySession(channel)
        self._wanted = {"error"}
        self._wanted |= {"stdin"} if options.stdin else set()
        self._wanted |= {"stdout"} if options.stdout else set()
        self._wanted |= {"stderr"} if options.stderr and not options.tty else set()
        self._wanted |= {"resize"} if options.tty else set()
        self._streams: dict[str, SpdyStream] = {}
        self._complete = anyio.Event()
        self._send, self._receive = anyio.create_memory_object_stream[Input | Resize](4)

    async def open(self, group: TaskGroup) -> bool:
        """Wait until the client has opened all of them; False when it does not."""
        group.start_soon(self._run, group)
        with anyio.move_on_after(_STREAMS_S_MAX):
            await self._complete.wait()
            return True
        return False

    async def _run(self, group: TaskGroup) -> None:
        await self._session.run(self._on_stream, group)
        self._send.close()

    async def _on_stream(self, stream: SpdyStream) -> None:
        kind = stream.headers.get("streamtype", "")
        self._streams[kind] = stream
        if set(self._streams) >= self._wanted:
            self._complete.set()
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            if kind == "stdin":
                while data := await stream.receive():
                    await self._send.send(Input(data))
                await self._send.send(Input(b""))
            elif kind == "resize":
                while data := await stream.receive():
                    resize = decode_resize(data)
                    if resize is not None:
                        await self._send.send(resize)

    async def receive(self) -> Input | Resize | None:
        try:
            return await self._receive.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            return None

    async def send(self, channel: int, data: bytes) -> None:
        stream = self._streams.get({STDOUT: "stdout", STDERR: "stderr"}[channel])
        if stream is not None:
            await stream.send(data)

    async def finish(self, status: dict[str, Any]) -> None:
        with suppress(anyio.BrokenResourceError):
            await self._streams["error"].send(json.dumps(status).encode())
            for stream in self._streams.values():
                await stream.end()
        self._send.close()
        self._receive.close()


def exit_status(code: int) -> dict[str, Any]:
    """Return the Status object that tells kubectl how the command ended. Pure."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure_status(message: str) -> dict[str, Any]:
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "InternalError",
        "code": 500,
    }
