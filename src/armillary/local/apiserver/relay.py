"""Logs, exec, attach and port-forward: copy bytes between the client and the pod's kubelet. I/O.

The kubelet ends the WebSocket or SPDY connection; the request that asks for it is passed on with
another path, and from then on only bytes are copied. A side that does not read makes the other
wait: at most one chunk and the sockets' buffers are held here.
"""

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import quote, urlencode

import anyio
from aiohttp import web
from multidict import CIMultiDictProxy

from armillary.local.apiserver.status import StatusError, bad_request, not_found
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.records import ObjectKey
from armillary.local.apiserver.taken import TakenResponse
from armillary.local.apiserver.verbs.call import Call, Json
from armillary.local.pki import Pki

STREAMS = ("attach", "exec", "log", "portforward")

_CONNECT_TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_ADDRESS_TYPES = ("InternalIP", "Hostname", "ExternalIP", "InternalDNS")
_PATHS = {"log": "containerLogs", "exec": "exec", "attach": "attach", "portforward": "portForward"}
_REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}
# The API's names of what a kubelet calls otherwise.
_STREAM_PARAMETERS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
_DROPPED_HEADERS = frozenset(("authorization", "host", "accept-encoding", "te"))


class Relay:
    def __init__(self, cache: ObjectCache, pki: Pki) -> None:
        self._cache = cache
        self._pki = pki
        self._tls: ssl.SSLContext | None = None

    async def stream(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        """Pass one request on to the kubelet of its pod, and copy until one side ends.

        Raises:
            StatusError: no such pod or container, or its kubelet cannot be reached.
        """
        pod = self._cache.get(call.key)
        if pod is None:
            raise not_found(call.resource, call.name)
        path = build_kubelet_path(pod.value, call, list(request.query.items()))
        host, port = self._kubelet_of(pod.value)
        reader, writer = await self._connect(host, port)
        try:
            writer.write(_head(request, path, f"{host}:{port}"))
            answer = await _read_answer(reader)
            client_reader, client_writer = _hijack(request)
            client_writer.write(answer)
            await _copy_both_ways(client_reader, client_writer, reader, writer)
        finally:
            writer.close()
        return TakenResponse()

    def _kubelet_of(self, pod: Json) -> tuple[str, int]:
        name = pod["spec"].get("nodeName", "")
        if not name:
            raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
        node = self._cache.get(ObjectKey("nodes", "", name))
        if node is None:
            raise StatusError(404, "NotFound", f'nodes "{name}" not found')
        status = node.value.get("status") or {}
        addresses = {entry["type"]: entry["address"] for entry in status.get("addresses") or ()}
        host = next((addresses[kind] for kind in _ADDRESS_TYPES if kind in addresses), "")
        endpoint = (status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}
        if not host or not endpoint.get("Port"):
            raise _unreachable(f"node {name} has not told where its kubelet listens")
        return host, int(endpoint["Port"])

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            with anyio.fail_after(_CONNECT_TIMEOUT_S):
                return await asyncio.open_connection(
                    host, port, ssl=self._context(), limit=_CHUNK_BYTES
                )
        except (OSError, TimeoutError) as error:
            raise _unreachable(f"error dialing backend: {host}:{port}: {error}") from error

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=str(self._pki.ca_cert))
            self._tls.load_cert_chain(self._pki.kubelet_client_cert, self._pki.kubelet_client_key)
        return self._tls


def _unreachable(message: str) -> StatusError:
    return StatusError(500, "InternalError", message)


def build_kubelet_path(pod: Json, call: Call, query: Sequence[tuple[str, str]]) -> str:
    """Return the path and query by which a kubelet knows this request.

    Raises:
        StatusError: the container is not named and there are several, or it does not exist.
    """
    wanted = [(key, value) for key, value in query if key != "container"]
    path = f"/{_PATHS[call.subresource]}/{quote(call.namespace)}/{quote(call.name)}"
    if call.subresource == "portforward":
        wanted = [("port", value) for key, value in query if key == "ports"]
    else:
        path += "/" + quote(_container(pod, call))
    if call.subresource in ("exec", "attach"):
        wanted = [
            (_STREAM_PARAMETERS.get(key, key), "1" if key in _STREAM_PARAMETERS else value)
            for key, value in wanted
            if key not in _STREAM_PARAMETERS or value.lower() in ("true", "1")
        ]
    return f"{path}?{urlencode(wanted)}" if wanted else path


def _container(pod: Json, call: Call) -> str:
    spec = pod["spec"]
    names = [container["name"] for container in spec.get("containers") or ()]
    init_names = [container["name"] for container in spec.get("initContainers") or ()]
    wanted = call.query.get("container", "")
    if wanted:
        if wanted not in names + init_names:
            raise bad_request(f"container {wanted} is not valid for pod {call.name}")
        return wanted
    if len(names) == 1:
        return str(names[0])
    chosen = (pod["metadata"].get("annotations") or {}).get(
        "kubectl.kubernetes.io/default-container"
    )
    if chosen in names and call.subresource != "log":
        return str(chosen)
    message = (
        f"a container name must be specified for pod {call.name}, "
        f"choose one of: [{' '.join(names)}]"
    )
    if init_names:
        message += f" or one of the init containers: [{' '.join(init_names)}]"
    raise bad_request(message)


def _head(request: web.BaseRequest, path: str, host: str) -> bytes:
    """Return the request's head for the kubelet: its headers, another path, no credentials."""
    lines = [f"{request.method} {path} HTTP/1.1", f"Host: {host}"]
    headers: CIMultiDictProxy[str] = request.headers
    lines += [
        f"{name}: {value}"
        for name, value in headers.items()
        if name.lower() not in _DROPPED_HEADERS and not _is_plain_connection(name, headers)
    ]
    if "Upgrade" not in headers:
        lines.append("Connection: close")  # the answer's end is the end of the connection
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_plain_connection(name: str, headers: "CIMultiDictProxy[str]") -> bool:
    return name.lower() == "connection" and "Upgrade" not in headers


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return the head of the kubelet's answer, as it came.

    Raises:
        StatusError: the kubelet refuses; with its sentence.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        code = int(head.split(b" ", 2)[1])
        if code < 400:
            return head
        text = (await _read_text(reader, head)).decode("utf-8", "replace").strip()
    except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError) as error:
        raise _unreachable(f"the kubelet broke the connection: {error}") from error
    reason = _REASONS.get(code, "InternalError")
    raise StatusError(code, reason, text or f"the kubelet answered {code}")


async def _read_text(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """Read the body of a short answer: by its length if it has one."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = min(int(line.partition(b":")[2]), _CHUNK_BYTES)
            return await reader.readexactly(length)
    return b""


def _hijack(request: web.BaseRequest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Take the client's connection away from aiohttp."""
    transport = request.transport
    if transport is None:
        raise bad_request("the client has gone")
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    assert isinstance(transport, asyncio.Transport)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _copy_both_ways(
    client_reader: asyncio.StreamReader,
    client_writer: asyncio.StreamWriter,
    kubelet_reader: asyncio.StreamReader,
    kubelet_writer: asyncio.StreamWriter,
) -> None:
    """Copy until either side ends; what was read by then is written before the close."""
    try:
        async with anyio.create_task_group() as tasks:

            async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
                try:
                    while data := await source.read(_CHUNK_BYTES):
                        target.write(data)
                        await target.drain()
                except OSError:
                    pass  # a broken connection is an end like any other
                tasks.cancel_scope.cancel()

            tasks.start_soon(copy, client_reader, kubelet_writer)
            tasks.start_soon(copy, kubelet_reader, client_writer)
    finally:
        client_writer.close()
