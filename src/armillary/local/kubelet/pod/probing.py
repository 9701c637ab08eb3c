"""Asking one container how it is: over HTTP, by a TCP connection, or by running a command. I/O.

No process and no client library per probe: thirty containers are asked every few seconds, and the
kubelet is to stay below one percent of a core.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import anyio

from armillary.local.kubelet.pod.probe_state import ProbeOutcome
from armillary.local.kubelet.pod.spec import ContainerSpec, Json, ProbeSpec

_ANSWER_BYTES_MAX = 10 * 1024
_MESSAGE_CHARS_MAX = 400

# Runs a command in the container; returns its exit code and what it printed.
RunCommand = Callable[[list[str]], Awaitable[tuple[int, bytes]]]


async def probe_once(
    probe: ProbeSpec, container: ContainerSpec, *, pod_ip: str, run_command: RunCommand
) -> ProbeOutcome:
    """Return the answer; a probe that takes longer than its timeout has failed."""
    noun = probe.kind.capitalize()
    try:
        with anyio.fail_after(probe.timeout_s):
            outcome = await ask(probe.handler, container, pod_ip=pod_ip, run_command=run_command)
    except TimeoutError:
        outcome = ProbeOutcome(False, f"timed out after {probe.timeout_s:g}s")
    except OSError as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        reason = (os.strerror(cause.errno) if cause.errno else str(cause)).lower()
        outcome = ProbeOutcome(False, _words(probe.handler, container, pod_ip) + reason)
    if outcome.success:
        return outcome
    return ProbeOutcome(False, f"{noun} probe failed: {outcome.message}"[:_MESSAGE_CHARS_MAX])


def _words(handler: Json, container: ContainerSpec, pod_ip: str) -> str:
    for kind in ("httpGet", "tcpSocket", "grpc"):
        if kind in handler:
            host = handler[kind].get("host") or pod_ip
            port = resolve_port(handler[kind]["port"], container)
            return f"dial tcp {host}:{port}: connect: "
    return ""


async def ask(
    handler: Json, container: ContainerSpec, *, pod_ip: str, run_command: RunCommand
) -> ProbeOutcome:
    """Ask once, as a handler of a probe or hook says.

    Raises:
        OSError: nobody answers.
    """
    if "httpGet" in handler:
        return await _get(handler["httpGet"], container, pod_ip)
    if "exec" in handler:
        code, output = await run_command(list(handler["exec"]["command"]))
        return ProbeOutcome(code == 0, output.decode("utf-8", "replace").strip())
    # A gRPC health check needs more than we carry; that the port answers is the part we can tell.
    target = handler.get("tcpSocket") or handler.get("grpc")
    if target is None:
        return ProbeOutcome(True)
    with _socket() as connection:
        await _connect(connection, target, container, pod_ip)
    return ProbeOutcome(True)


def _socket() -> socket.socket:
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


async def _connect(
    connection: socket.socket, target: Json, container: ContainerSpec, pod_ip: str
) -> None:
    """Connect by the loop's bare socket calls: a stream object would cost as much as the probe."""
    host = target.get("host") or pod_ip
    port = resolve_port(target["port"], container)
    await asyncio.get_running_loop().sock_connect(connection, (host, port))


def resolve_port(port: Any, container: ContainerSpec) -> int:
    """Return the number of a port that may be given by its name in the container."""
    if isinstance(port, int):
        return port
    if port in container.ports:
        return container.ports[port]
    return int(port) if str(port).isdigit() else 0


async def _get(handler: Json, container: ContainerSpec, pod_ip: str) -> ProbeOutcome:
    host = handler.get("host") or pod_ip
    port = resolve_port(handler["port"], container)
    path = handler.get("path") or "/"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/1.32", "Accept": "*/*"}
    headers |= {h["name"]: h["value"] for h in handler.get("httpHeaders") or ()}
    request = _request(path, headers)
    if str(handler.get("scheme", "HTTP")).upper() == "HTTPS":
        return judge_answer(await _ask_over_tls(host, port, request))
    with _socket() as connection:
        await _connect(connection, handler, container, pod_ip)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, request)
        answer = bytearray()
        while len(answer) < _ANSWER_BYTES_MAX and not _is_complete(answer):
            data = await loop.sock_recv(connection, _ANSWER_BYTES_MAX)
            if not data:
                break
            answer += data
    return judge_answer(bytes(answer))


async def _ask_over_tls(host: str, port: int, request: bytes) -> bytes:
    stream = await anyio.connect_tcp(
        host, port, tls=True, ssl_context=_unverified(), tls_standard_compatible=False
    )
    try:
        await stream.send(request)
        answer = bytearray()
        with contextlib.suppress(anyio.EndOfStream):
            while len(answer) < _ANSWER_BYTES_MAX and not _is_complete(answer):
                answer += await stream.receive(_ANSWER_BYTES_MAX)
        return bytes(answer)
    except anyio.BrokenResourceError as error:
        raise ConnectionResetError("connection reset by peer") from error
    finally:
        await anyio.aclose_forcefully(stream)


def _request(path: str, headers: Mapping[str, str]) -> bytes:
    safe_path = quote(path if path.startswith("/") else f"/{path}", safe="/?&=%:;,+~@!$'()*-._")
    lines = [f"GET {safe_path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode()


def _is_complete(answer: bytearray) -> bool:
    """Say whether the whole body is there, for a server that does not close at once."""
    head, separator, body = bytes(answer).partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= int(value)
    return False


def judge_answer(answer: bytes) -> ProbeOutcome:
    """Judge an HTTP answer: 200 to 399 is success; else the body tells why. Pure."""
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return ProbeOutcome(False, "malformed HTTP response")
    code = int(words[1])
    if 200 <= code < 400:
        return ProbeOutcome(True)
    text = " ".join(body.decode("utf-8", "replace").split())
    message = f"HTTP probe failed with statuscode: {code}"
    return ProbeOutcome(False, f"{message}: {text}" if text else message)


def _unverified() -> ssl.SSLContext:
    """Probes do not check certificates, as in Kubernetes: they ask their own pod's address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
