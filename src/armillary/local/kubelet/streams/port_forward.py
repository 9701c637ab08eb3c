"""`kubectl port-forward`: pairs of SPDY streams, each pair one TCP connection to the pod. I/O."""

import logging
from contextlib import suppress

import anyio
from anyio.abc import SocketStream

from armillary.local.kubelet.streams.channel import Channel
from armillary.local.kubelet.streams.spdy_session import SpdySession, SpdyStream

logger = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_CONNECT_S_MAX = 10.0
_PAIR_S_MAX = 30.0
CHUNK_BYTES = 1 << 15


async def serve_port_forward(channel: Channel, *, pod_ip: str) -> None:
    """Relay until the client goes."""
    session = SpdySession(channel)
    forward = _Forward(session, pod_ip)
    async with anyio.create_task_group() as group:
        await session.run(forward.on_stream, group)
        group.cancel_scope.cancel()


class _Forward:
    def __init__(self, session: SpdySession, pod_ip: str) -> None:
        self._session = session
        self._pod_ip = pod_ip
        self._errors: dict[str, SpdyStream] = {}
        self._paired: dict[str, anyio.Event] = {}

    async def on_stream(self, stream: SpdyStream) -> None:
        """kubectl opens the error stream first, then the data stream, with one request id."""
        request = stream.headers.get("requestid", str(stream.number // 4))
        kind = stream.headers.get("streamtype", "")
        paired = self._paired.setdefault(request, anyio.Event())
        if kind == "error":
            self._errors[request] = stream
            paired.set()
            return
        with anyio.move_on_after(_PAIR_S_MAX):
            await paired.wait()
        self._paired.pop(request, None)
        error_stream = self._errors.pop(request, None)
        if error_stream is None:
            await self._session.reset(stream)
            self._session.forget(stream)
            return
        try:
            with suppress(anyio.BrokenResourceError):
                await self._forward(stream, error_stream)
        finally:
            self._session.forget(stream)
            self._session.forget(error_stream)

    async def _forward(self, stream: SpdyStream, error_stream: SpdyStream) -> None:
        port = int(stream.headers.get("port", "0"))
        pod = await connect(self._pod_ip, port)
        if isinstance(pod, str):
            await error_stream.send(pod.encode())
        else:
            async with pod:
                await _relay(stream, pod)
        await error_stream.end()
        await stream.end()


async def connect(pod_ip: str, port: int) -> SocketStream | str:
    """Return a connection to the pod, or why there is none."""
    try:
        with anyio.fail_after(_CONNECT_S_MAX):
            return await anyio.connect_tcp(pod_ip, port)
    except (OSError, TimeoutError) as error:
        reason = "timed out" if isinstance(error, TimeoutError) else str(error)
        return f"an error occurred forwarding to port {port} of the pod: {reason}"


async def _relay(stream: SpdyStream, pod: SocketStream) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_to_pod, stream, pod)
        try:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while True:
                    await stream.send(await pod.receive(CHUNK_BYTES))
        finally:
            # What the pod has said is sent; whatever the client still says has no reader.
            group.cancel_scope.cancel()


async def _to_pod(stream: SpdyStream, pod: SocketStream) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        while data := await stream.receive():
            await pod.send(data)
        await pod.send_eof()
