"""The small web port of a process: GET of a few fixed paths, nothing else. I/O.

Every process has one, so it must cost little: no web framework is loaded for it.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
import anyio.abc

logger = logging.getLogger(__name__)

_REQUEST_BYTES_MAX = 8192
_REQUEST_TIMEOUT_S = 10.0
_CONNECTIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class Page:
    body: str
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200


Pages = Mapping[str, Callable[[], Awaitable[Page]]]

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
            500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


async def serve_pages(
    host: str,
    port: int,
    pages: Pages,
    *,
    task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Answer GET requests for the paths of `pages` until cancelled; reports the port it got."""
    slots = anyio.Semaphore(_CONNECTIONS_MAX)

    async def handle(stream: anyio.abc.SocketStream) -> None:
        async with slots, stream:
            with anyio.move_on_after(_REQUEST_TIMEOUT_S):
                try:
                    await stream.send(_encode(await _answer(await _read_head(stream), pages)))
                except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
                    return

    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    async with listener:
        task_status.started(listener.extra(anyio.abc.SocketAttribute.local_port))
        await listener.serve(handle)


async def _read_head(stream: anyio.abc.SocketStream) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _REQUEST_BYTES_MAX:
        head += await stream.receive()
    return head


async def _answer(head: bytes, pages: Pages) -> Page:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return Page("bad request\n", status=400)
    method, target, _ = words
    page = pages.get(target.partition("?")[0])
    if page is None:
        return Page("pages: " + " ".join(sorted(pages)) + "\n", status=404)
    if method not in ("GET", "HEAD"):
        return Page("GET only\n", status=405)
    try:
        return await page()
    except Exception:
        logger.exception("page failed")
        return Page("internal error\n", status=500)


def _encode(page: Page) -> bytes:
    body = page.body.encode()
    head = (
        f"HTTP/1.1 {page.status} {_REASONS.get(page.status, 'Status')}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
