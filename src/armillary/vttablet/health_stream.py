"""What a tablet tells those who route queries: its health now, and each change. I/O: none but
waiting.

What has not changed is told again every 20 s, as Vitess does: one that hears nothing for a minute
takes a tablet for dead. Listeners that fall behind get the newest state, never a queue of old ones;
the names of tables that have changed meanwhile come with it, and none of them is lost.
"""

from collections.abc import AsyncIterator, Callable, Iterable

import anyio

from armillary.base.clock import monotonic_s
from armillary.pb import query_pb2

_AGAIN_S = 20.0


class HealthStream:
    def __init__(self, clock: Callable[[], float] = monotonic_s) -> None:
        self._clock = clock
        self._sent_s = 0.0
        self._latest: query_pb2.StreamHealthResponse | None = None
        self._changed = anyio.Event()
        self._alterations = 0
        self._altered: dict[str, int] = {}  # table -> the last alteration that named it

    @property
    def latest(self) -> query_pb2.StreamHealthResponse | None:
        return self._latest

    def send(self, response: query_pb2.StreamHealthResponse) -> None:
        """Give every listener `response`, unless it says what was sent just before."""
        now_s = self._clock()
        if response == self._latest and now_s - self._sent_s < _AGAIN_S:
            return
        self._latest, self._sent_s = response, now_s
        self._wake()

    def send_altered(self, tables: Iterable[str]) -> None:
        """Tell every listener that these tables are not what they were."""
        self._alterations += 1
        self._altered.update(dict.fromkeys(tables, self._alterations))
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def listen(self) -> AsyncIterator[query_pb2.StreamHealthResponse]:
        """Yield the health now, then each time that it is sent, for ever.

        Which tables have changed is told from now on: what was known before the stream is old.
        """
        told = self._alterations
        while True:
            changed = self._changed
            if self._latest is not None:
                now = self._alterations
                yield self._with_altered(self._latest, since=told)
                told = now
            await changed.wait()

    def _with_altered(
        self, response: query_pb2.StreamHealthResponse, *, since: int
    ) -> query_pb2.StreamHealthResponse:
        tables = sorted(table for table, at in self._altered.items() if at > since)
        if not tables:
            return response
        copy = query_pb2.StreamHealthResponse()
        copy.CopyFrom(response)
        copy.realtime_stats.table_schema_changed.extend(tables)
        return copy
