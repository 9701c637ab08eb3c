"""The kubelet's own TLS port: logs, exec, attach, port-forward, for the API server alone. I/O."""

import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import anyio
from aiohttp import web
from aiohttp.typedefs import Handler
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from armillary.base.clock import utc_now
from armillary.local.kubelet.containers.logs import LogRequest, read_log
from armillary.local.kubelet.containers.stdin import Stdin
from armillary.local.kubelet.pod.container import Container
from armillary.local.kubelet.pod.spec import parse_time
from armillary.local.kubelet.pod.worker import PodWorker
from armillary.local.kubelet.pods import PodSet
from armillary.local.kubelet.streams import port_channels, port_forward
from armillary.local.kubelet.streams.attach import serve_attach
from armillary.local.kubelet.streams.channel import (
    WebSocketChannel,
    accept_websocket,
    hijack,
    offered,
)
from armillary.local.kubelet.streams.exec_command import serve_exec
from armillary.local.kubelet.streams.exec_streams import (
    SPDY_PROTOCOL,
    WEBSOCKET_PROTOCOLS,
    ExecOptions,
    ExecStreams,
    SpdyStreams,
    WebSocketStreams,
)
from armillary.local.pki import KUBELET_CLIENT_NAME, ensure_pki
from armillary.settings.local import API_HOST, KubeletSettings

logger = logging.getLogger(__name__)

_HEAD_BYTES_MAX = 2**20  # the words of a command are in the URL
_SHUTDOWN_S = 1.0
_WEBSOCKET_HEADER = "Sec-WebSocket-Protocol"
_SPDY_HEADER = "X-Stream-Protocol-Version"


class KubeletServer:
    def __init__(self, settings: KubeletSettings, pods: PodSet) -> None:
        self._settings = settings
        self._pods = pods

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; `started` once the port is open."""
        app = web.Application(middlewares=[_only_api_server])
        app.add_routes(
            [
                web.get("/healthz", _healthz),
                web.get("/containerLogs/{namespace}/{pod}/{container}", self._logs),
                web.get("/exec/{namespace}/{pod}/{container}", self._exec),
                web.post("/exec/{namespace}/{pod}/{container}", self._exec),
                web.get("/attach/{namespace}/{pod}/{container}", self._attach),
                web.post("/attach/{namespace}/{pod}/{container}", self._attach),
                web.get("/portForward/{namespace}/{pod}", self._port_forward),
                web.post("/portForward/{namespace}/{pod}", self._port_forward),
            ]
        )
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=_SHUTDOWN_S, max_line_size=_HEAD_BYTES_MAX
        )
        await runner.setup()
        try:
            context = _server_context(self._settings)
            await web.TCPSite(runner, API_HOST, self._settings.port, ssl_context=context).start()
            task_status.started()
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_SHUTDOWN_S * 2):
                await runner.cleanup()

    def _worker(self, request: web.Request) -> PodWorker:
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        worker = self._pods.worker(namespace, name)
        if worker is None:
            raise web.HTTPNotFound(text=f'pod "{name}" not found on this node\n')
        return worker

    def _container(self, request: web.Request) -> tuple[PodWorker, Container]:
        worker = self._worker(request)
        name = request.match_info["container"]
        if name not in worker.containers:
            text = f"container {name} is not valid for pod {worker.spec.name}\n"
            raise web.HTTPBadRequest(text=text)
        return worker, worker.containers[name]

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        worker, container = self._container(request)
        attempt = container.state.attempts
        if _flag(request, "previous"):
            attempt -= 1
            if attempt < 1:
                text = f'previous terminated container "{container.spec.name}" '
                raise web.HTTPBadRequest(text=f'{text}in pod "{worker.spec.name}" not found\n')
        if attempt < 1:
            waiting = container.state.waiting
            why = waiting.reason if waiting else "ContainerCreating"
            text = f'container "{container.spec.name}" in pod "{worker.spec.name}" '
            raise web.HTTPBadRequest(text=f"{text}is waiting to start: {why}\n")

        def is_over() -> bool:
            return container.state.attempts != attempt or not container.state.running

        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        path = worker.directory.container(container.spec.name).log(attempt)
        with suppress(ConnectionResetError):  # the reader has seen enough
            async for chunk in read_log(path, _log_request(request), is_over=is_over):
                await response.write(chunk)
            await response.write_eof()
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        worker, container = self._container(request)
        entry = container.entry()
        if entry is None:
            raise web.HTTPBadRequest(text=f"container not found ({container.spec.name!r})\n")
        options = _exec_options(request, worker, container)

        async def serve(streams: ExecStreams) -> None:
            await serve_exec(streams, options, entry)

        return await _with_streams(request, options, serve)

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        worker, container = self._container(request)
        attempt = container.state.attempts
        if not container.state.running:
            raise web.HTTPBadRequest(text=f"container {container.spec.name} is not running\n")

        def is_over() -> bool:
            return container.state.attempts != attempt or not container.state.running

        options = _stream_options(request)
        if options.stdin and container.spec.tty:
            raise web.HTTPBadRequest(
                text=f"container {container.spec.name} has `tty`, and containers get no terminal "
                "here: attach without -i, or use `kubectl exec -it`\n"
            )
        directory = worker.directory.container(container.spec.name)
        output = read_log(
            directory.log(attempt), LogRequest(follow=True, tail_lines=0), is_over=is_over
        )

        async def open_stdin() -> Stdin | None:
            if not options.stdin:
                return None
            return await Stdin.open(directory.attempt(attempt), is_over=is_over)

        async def serve(streams: ExecStreams) -> None:
            await serve_attach(streams, output, open_stdin, once=container.spec.stdin_once)

        return await _with_streams(request, options, serve)

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        worker = self._worker(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _forward_in_websocket(request, worker.pod_ip)
        channel = hijack(request, protocol=port_forward.PROTOCOL)
        try:
            await port_forward.serve_port_forward(channel, pod_ip=worker.pod_ip)
        finally:
            await channel.aclose()
        return _taken_over(request)


async def _forward_in_websocket(request: web.Request, pod_ip: str) -> web.WebSocketResponse:
    wanted = offered(request, _WEBSOCKET_HEADER)
    if port_forward.TUNNEL_PROTOCOL in wanted:
        socket = await accept_websocket(request, port_forward.TUNNEL_PROTOCOL)
        await port_forward.serve_port_forward(WebSocketChannel(socket), pod_ip=pod_ip)
    elif not wanted or port_channels.PROTOCOL in wanted:
        try:
            ports = port_channels.parse_ports(request.query.getall("port", ()))
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        socket = await accept_websocket(request, port_channels.PROTOCOL)
        await port_channels.serve_port_channels(socket, ports, pod_ip=pod_ip)
    else:
        raise web.HTTPForbidden(text=f"no protocol of {wanted} is spoken here\n")
    await socket.close()
    return socket


async def _with_streams(
    request: web.Request, options: ExecOptions, serve: Callable[[ExecStreams], Awaitable[None]]
) -> web.StreamResponse:
    """Take the connection over, in whichever protocol the client speaks, and serve on it."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        wanted = offered(request, _WEBSOCKET_HEADER)
        chosen = next((each for each in WEBSOCKET_PROTOCOLS if each in wanted), None)
        if chosen is None:
            raise web.HTTPForbidden(text=f"no protocol of {wanted} is spoken here\n")
        socket = await accept_websocket(request, chosen)
        await serve(WebSocketStreams(socket))
        return socket
    if SPDY_PROTOCOL not in offered(request, _SPDY_HEADER):
        raise web.HTTPForbidden(text=f"wanted the stream protocol {SPDY_PROTOCOL}\n")
    channel = hijack(request, protocol=SPDY_PROTOCOL)
    try:
        streams = SpdyStreams(channel, options)
        async with anyio.create_task_group() as group:
            if await streams.open(group):
                await serve(streams)
            group.cancel_scope.cancel()
    finally:
        await channel.aclose()
    return _taken_over(request)


def _server_context(settings: KubeletSettings) -> ssl.SSLContext:
    pki = ensure_pki(settings.dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.kubelet_cert, pki.kubelet_key)
    context.load_verify_locations(pki.ca_cert)
    context.verify_mode = ssl.CERT_OPTIONAL  # so that we can answer 401 in words
    return context


@web.middleware
async def _only_api_server(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever reaches this port may run code in every pod: it is for the API server alone."""
    peer = request.transport.get_extra_info("peercert") if request.transport else None
    if not peer:
        raise web.HTTPUnauthorized(text="a client certificate is required\n")
    subject = [pair for part in peer.get("subject", ()) for pair in part]
    names = {value for key, value in subject if key == "commonName"}
    if KUBELET_CLIENT_NAME not in names:
        raise web.HTTPForbidden(text=f"{sorted(names)} may not use this kubelet\n")
    return await handler(request)


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


def _log_request(request: web.Request) -> LogRequest:
    query = request.query
    try:
        since = parse_time(query["sinceTime"]) if "sinceTime" in query else None
        if "sinceSeconds" in query:
            since = utc_now() - timedelta(seconds=int(query["sinceSeconds"]))
        return LogRequest(
            follow=_flag(request, "follow"),
            tail_lines=int(query["tailLines"]) if "tailLines" in query else None,
            since=since,
            timestamps=_flag(request, "timestamps"),
            bytes_max=int(query["limitBytes"]) if "limitBytes" in query else None,
        )
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


def _exec_options(request: web.Request, worker: PodWorker, container: Container) -> ExecOptions:
    """Read the options in either spelling: the API's (stdin) or the kubelet's own (input)."""
    words = request.query.getall("command", [])
    command = tuple(worker.rewrite(container.spec, word) for word in words)
    if not command:
        raise web.HTTPBadRequest(text="no command\n")
    return replace(_stream_options(request), command=command)


def _stream_options(request: web.Request) -> ExecOptions:
    return ExecOptions(
        command=(),
        stdin=_flag(request, "input") or _flag(request, "stdin"),
        stdout=_flag(request, "output") or _flag(request, "stdout"),
        stderr=_flag(request, "error") or _flag(request, "stderr"),
        tty=_flag(request, "tty"),
    )


def _taken_over(request: web.Request) -> web.Response:
    """What aiohttp is told after a hijack: the connection is closed, expect nothing more of it."""
    request.protocol.force_close()
    return web.Response()
