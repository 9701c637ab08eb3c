"""systemd's readiness protocol: datagrams like `READY=1` and `STATUS=...` to a unix socket. I/O.

etcd speaks it, and `armillary run X` does; so a parent learns that a child serves without asking.
"""

import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

NOTIFY_ENV = "NOTIFY_SOCKET"


def send_notice(address: str | None, *lines: str) -> None:
    """Tell the parent; without an address, or when nobody listens any more, do nothing."""
    if not address:
        return
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        contextlib.suppress(FileNotFoundError, ConnectionRefusedError),
    ):
        sender.sendto("\n".join(lines).encode(), address)


@asynccontextmanager
async def open_notices(path: Path) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    """Listen at `path`; iterate over what arrives, one `{name: value}` a datagram."""
    async with await anyio.create_unix_datagram_socket(local_path=path, local_mode=0o600) as sock:

        async def notices() -> AsyncIterator[dict[str, str]]:
            async for data, _ in sock:
                yield parse_notice(data)

        try:
            yield notices()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.Path(path).unlink(missing_ok=True)


def parse_notice(data: bytes) -> dict[str, str]:
    """Return the assignments in one datagram; lines without `=` are dropped. Pure."""
    pairs = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
    return {name: value for name, equals, value in pairs if equals}
