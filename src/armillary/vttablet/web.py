"""The web port: `/healthz` for the kubelet, `/debug/*` for people. I/O.

A few lines of HTTP/1.1 of our own: one request a connection, GET only. An HTTP framework would
cost 20 MB in each tablet.
"""

import json
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskStatus

from armillary.base.errors import UnavailableError

logger = logging.getLogger(__name__)

_REQUEST_BYTES_MAX = 8192
_REQUEST_S_MAX = 10.0
_REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}

# path -> (status, content type, body)
Page = Callable[[], tuple[int, str, str]]


def text_page(text: Callable[[], str]) -> Page:
    return lambda: (200, "text/plain; charset=utf-8", text() + "\n")


def json_page(value: Callable[[], object]) -> Page:
    return lambda: (200, "application/json", json.dumps(value(), indent=2, default=str) + "\n")


async def serve_pages(
    host: str,
    port: int,
    pages: dict[str, Page],
    *,
    task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Answer GET requests for `pages` until cancelled.

    Raises:
        UnavailableError: the address cannot be bound.
    """
    async with AsyncExitStack() as stack:
        try:
            listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
        except OSError as error:
            raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        await stack.enter_async_context(listener)
        task_status.started(listener.extra(SocketAttribute.local_port))
        await listener.serve(lambda stream: _answer(stream, pages))


async def _answer(stream: SocketStream, pages: dict[str, Page]) -> None:
    async with stream:
        try:
            with anyio.move_on_after(_REQUEST_S_MAX):
                request = await _read_head(stream)
                if request:
                    await stream.send(_response(request, pages))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            logger.debug("web client went away")


async def _read_head(stream: SocketStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _REQUEST_BYTES_MAX:
        head += await stream.receive()
    return head


def _response(request: bytes, pages: dict[str, Page]) -> bytes:
    words = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    method, target = (words[0], words[1]) if len(words) == 3 else ("", "")
    status, kind, body = 404, "text/plain; charset=utf-8", "no such page\n"
    page = pages.get(target.split("?", 1)[0])
    if method not in ("GET", "HEAD"):
        status, body = 405, "only GET\n"
    elif page is not None:
        status, kind, body = page()
    data = body.encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else data)
