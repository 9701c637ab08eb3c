"""The small web port of a process: GET of a few fixed paths, nothing else. I/O.

Every process has one, so it must cost little: no web framework is loaded for it. A stranger hears
from the probes' paths whether the process is alive and ready, in one word; what shows more asks for
the user name and password that the process's gRPC port asks for, by HTTP Basic.
"""

import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
import anyio.abc

from armillary.base.errors import UnavailableError
from armillary.rpc.static_users import StaticUsers

logger = logging.getLogger(__name__)

READINESS_PATHS = frozenset({"/healthz", "/debug/health"})
LIVENESS_PATHS = frozenset({"/debug/status"})  # an answer is all that the probe wants
REALM = 'Basic realm="armillary: the user of grpc_auth_static_client_creds", charset="UTF-8"'
_REQUEST_BYTES_MAX = 8192
_REQUEST_TIMEOUT_S = 10.0
CONNECTIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Page:
    body: str
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[], Awaitable[Page]]]

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
            405: "Method Not Allowed", 500: "Internal Server Error",
            503: "Service Unavailable"}  # fmt: skip


def json_page(value: object) -> Page:
    return Page(json.dumps(value, indent=2, default=str) + "\n", "application/json")


async def serve_pages(
    host: str,
    port: int,
    pages: Pages,
    users: StaticUsers | None,
    *,
    task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Answer GET requests for the paths of `pages` until cancelled; reports the port it got.

    Of more than `CONNECTIONS_MAX` connections that have not asked yet the oldest is cut: who holds
    connections open keeps no probe out.

    Raises:
        UnavailableError: the address cannot be bound.
    """
    silent: dict[int, anyio.CancelScope] = {}  # by age
    numbers = itertools.count()
    answering = anyio.Semaphore(CONNECTIONS_MAX)

    async def handle(stream: anyio.abc.SocketStream) -> None:
        number = next(numbers)
        async with stream:
            with anyio.move_on_after(_REQUEST_TIMEOUT_S) as silent[number]:
                if len(silent) > CONNECTIONS_MAX:
                    silent.pop(next(iter(silent))).cancel()
                try:
                    head = await _read_head(stream)
                    silent.pop(number, None)
                    async with answering:
                        await stream.send(_encode(await answer(head, pages, users), head))
                except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
                    pass
                finally:
                    silent.pop(number, None)

    try:
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    except OSError as error:
        raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    async with listener:
        task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
        await listener.serve(handle)


async def _read_head(stream: anyio.abc.SocketStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _REQUEST_BYTES_MAX:
        head += await stream.receive()
    return head


async def answer(head: bytes, pages: Pages, users: StaticUsers | None) -> Page:
    """Return the answer to a request's first bytes; `users` None knows no strangers."""
    lines = head.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return Page("bad request\n", status=400)
    method, target, _ = words
    if method not in ("GET", "HEAD"):
        return Page("GET only\n", status=405)
    path = target.partition("?")[0]
    knows_us = users is None or users.accepts_basic(_header(lines, "authorization"))
    if not knows_us and path in LIVENESS_PATHS and path in pages:
        return Page("ok\n")
    if not knows_us and not (path in READINESS_PATHS and path in pages):
        return Page("user name and password wanted (HTTP Basic)\n", status=401)
    make = pages.get(path)
    if make is None:
        return Page("pages: " + " ".join(sorted(pages)) + "\n", status=404)
    try:
        page = await make()
    except Exception:
        logger.exception("page failed")
        return Page("internal error\n", status=500)
    if knows_us:
        return page
    return Page("ok\n" if page.status == 200 else "not ready\n", status=page.status)


def _header(lines: list[str], name: str) -> str:
    for line in lines[1:]:
        found, _, value = line.partition(":")
        if found.strip().lower() == name:
            return value
    return ""


def _encode(page: Page, request: bytes) -> bytes:
    body = page.body.encode()
    head = (
        f"HTTP/1.1 {page.status} {_REASONS.get(page.status, 'Status')}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        + (f"WWW-Authenticate: {REALM}\r\n" if page.status == 401 else "")
        + f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if request.startswith(b"HEAD ") else body)
