"""The web port: health for probes, status and numbers for people. I/O.

A hundred lines of HTTP instead of a framework: a probe a second must cost nothing, and the process
is small.
"""

import asyncio
import json
from collections.abc import Callable
from typing import cast

_HEAD_BYTES_MAX = 8192

Page = Callable[[], tuple[int, str, str]]  # status, content type, body


class WebConnection(asyncio.Protocol):
    """Answers one GET and closes."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self._pages = pages
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._head += data
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > _HEAD_BYTES_MAX:
                self._transport.close()
            return
        words = self._head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self._transport.write(self._answer(words))
        self._transport.close()

    def _answer(self, words: list[str]) -> bytes:
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            return _response(405, "text/plain", "only GET\n", body=True)
        page = self._pages.get(words[1].partition("?")[0])
        if page is None:
            known = "\n".join(sorted(self._pages))
            return _response(404, "text/plain", f"not found; there is:\n{known}\n", body=True)
        status, kind, text = page()
        return _response(status, kind, text, body=words[0] == "GET")


def _response(status: int, kind: str, text: str, *, body: bool) -> bytes:
    reason = {200: "OK", 404: "Not Found", 405: "Method Not Allowed"}.get(status, "Not Ready")
    payload = text.encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (payload if body else b"")


def json_page(make: Callable[[], object]) -> Page:
    return lambda: (200, "application/json", json.dumps(make(), indent=1, default=str) + "\n")
