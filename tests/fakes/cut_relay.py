"""A TCP relay whose wire can be cut: everything breaks at once, until it is mended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from tests.addresses import host


class CutRelay:
    """Passes bytes on until `bytes_left` have passed; None: all of them."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.bytes_left: int | None = None
        self.cuts = 0
        self._upstream = upstream

    async def serve(self, client: anyio.abc.SocketStream) -> None:
        async with client:
            if self.bytes_left == 0:
                self.cuts += 1
                return
            async with (
                await anyio.connect_tcp(*self._upstream) as server,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(self._pass, client, server, tasks.cancel_scope)
                tasks.start_soon(self._pass, server, client, tasks.cancel_scope)

    async def _pass(
        self,
        source: anyio.abc.SocketStream,
        sink: anyio.abc.SocketStream,
        both: anyio.CancelScope,
    ) -> None:
        try:
            async for data in source:
                if self.bytes_left is not None:
                    data = data[: self.bytes_left]  # noqa: PLW2901
                    self.bytes_left -= len(data)
                await sink.send(data)
                if self.bytes_left == 0:
                    self.cuts += 1
                    break
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        both.cancel()


@asynccontextmanager
async def cut_relay(upstream: tuple[str, int]) -> AsyncIterator[tuple[CutRelay, str, int]]:
    """Yield a relay to `upstream`, and where it listens."""
    relay = CutRelay(upstream)
    address = host()
    async with (
        await anyio.create_tcp_listener(local_host=address, local_port=0) as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, relay.serve)
        yield relay, address, listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
