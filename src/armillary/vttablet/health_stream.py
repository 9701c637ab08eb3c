"""What a tablet tells those who route queries: its health now, and each change. I/O: none but
waiting.

Listeners that fall behind get the newest state, never a queue of old ones.
"""

from collections.abc import AsyncIterator

import anyio

from armillary.pb import query_pb2


class HealthStream:
    def __init__(self) -> None:
        self._latest: query_pb2.StreamHealthResponse | None = None
        self._changed = anyio.Event()

    @property
    def latest(self) -> query_pb2.StreamHealthResponse | None:
        return self._latest

    def send(self, response: query_pb2.StreamHealthResponse) -> None:
        """Give every listener `response`, even when it says the same as before."""
        self._latest = response
        self._changed.set()
        self._changed = anyio.Event()

    async def listen(self) -> AsyncIterator[query_pb2.StreamHealthResponse]:
        """Yield the health now, then each time that it is sent, for ever."""
        while True:
            changed = self._changed
            if self._latest is not None:
                yield self._latest
            await changed.wait()
