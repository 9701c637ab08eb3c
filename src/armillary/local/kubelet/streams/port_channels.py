"""Port-forward of clients that speak WebSocket alone, as most libraries do: numbered channels. I/O.

Source: Kubernetes port forwarding, subprotocol v4.channel.k8s.io. Two channels for each port that
is asked for, data and errors, each begun by the port's number; one TCP connection for each port.
"""

import struct
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress

import anyio
from aiohttp import WSMsgType, web
from anyio.abc import SocketStream

from armillary.local.kubelet.streams.port_forward import CHUNK_BYTES, connect

PROTOCOL = "v4.channel.k8s.io"
_PORTS_MAX = 100  # a channel's number is one byte


def parse_ports(words: Sequence[str]) -> tuple[int, ...]:
    """Return the ports of a query. Pure.

    Raises:
        ValueError: in words for the client.
    """
    ports = [word for value in words for word in value.split(",")]
    if not 1 <= len(ports) <= _PORTS_MAX:
        raise ValueError(f"wanted 1 to {_PORTS_MAX} ports in `ports`, found {len(ports)}")
    for port in ports:
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise ValueError(f"unable to parse {port!r} as a port")
    return tuple(int(port) for port in ports)


async def serve_port_channels(
    socket: web.WebSocketResponse, ports: Sequence[int], *, pod_ip: str
) -> None:
    """Relay until the client goes, or the pod has ended all connections."""
    async with AsyncExitStack() as stack:
        forward = _Forward(socket, stack)
        with suppress(ConnectionError):  # the client has gone
            for index, port in enumerate(ports):
                await forward.open(2 * index, port, pod_ip)
            await forward.relay()


class _Forward:
    def __init__(self, socket: web.WebSocketResponse, stack: AsyncExitStack) -> None:
        self._socket = socket
        self._stack = stack
        self._pods: dict[int, SocketStream] = {}

    async def open(self, channel: int, port: int, pod_ip: str) -> None:
        number = struct.pack("<H", port)
        await self._send(channel, number)
        await self._send(channel + 1, number)
        pod = await connect(pod_ip, port)
        if isinstance(pod, str):
            await self._send(channel + 1, pod.encode())
        else:
            self._pods[channel] = await self._stack.enter_async_context(pod)

    async def relay(self) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._to_pods, group.cancel_scope)
            async with anyio.create_task_group() as pods:
                for channel, pod in self._pods.items():
                    pods.start_soon(self._to_client, channel, pod)
            group.cancel_scope.cancel()

    async def _to_client(self, channel: int, pod: SocketStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, ConnectionError):
            while True:
                await self._send(channel, await pod.receive(CHUNK_BYTES))

    async def _to_pods(self, scope: anyio.CancelScope) -> None:
        while (message := await self._socket.receive()).type is WSMsgType.BINARY:
            data = message.data
            pod = self._pods.get(data[0]) if len(data) > 1 else None
            if pod is not None:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await pod.send(data[1:])
        scope.cancel()

    async def _send(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes((channel,)) + data)
