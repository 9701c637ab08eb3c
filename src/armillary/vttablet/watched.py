"""What watches say of a tablet's record and its shard's, so that looks need not ask for them. I/O.

It only ever tells that nothing is to be done: whoever acts reads for itself. Nor is it believed for
longer than a minute without being read: a watch may hang where nobody notices.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError
from armillary.model.tablet import TabletAlias
from armillary.pb import topodata_pb2
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)

_BELIEVED_S = 60.0
_AGAIN_S = 1.0

R = TypeVar("R")


class Watched(Generic[R]):
    """The newest state of a record that a watch has brought."""

    def __init__(self, clock: Callable[[], float] = monotonic_s) -> None:
        self._clock = clock
        self._record: R | None = None
        self._until_s = 0.0

    def shows(self, test: Callable[[R], bool]) -> bool:
        """Whether there is a record that passes `test`; False when only reading would tell."""
        if self._record is None or self._clock() >= self._until_s:
            return False
        return test(self._record)

    def was_read(self) -> None:
        """Somebody has just read the record itself, so the watch is believed again."""
        self._until_s = self._clock() + _BELIEVED_S

    async def follow(self, watch: Callable[[], AsyncGenerator[R | None, None]]) -> None:
        """Keep the record up to date, for ever."""
        while True:
            try:
                async with aclosing(watch()) as states:
                    async for state in states:
                        self._record = state
            except ArmillaryError as error:
                logger.info("watch broke", extra={"reason": str(error)})
            self._record = None
            await anyio.sleep(_AGAIN_S)


@dataclass(frozen=True, slots=True)
class WatchedRecords:
    """What a tablet wants to know of the topology again and again."""

    tablet: Watched[topodata_pb2.Tablet] = field(default_factory=Watched)
    shard: Watched[topodata_pb2.Shard] = field(default_factory=Watched)

    async def follow(self, topo: TopoServer, alias: TabletAlias, keyspace: str, shard: str) -> None:
        """Keep both up to date, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.tablet.follow, lambda: topo.watch_tablet(alias))
            tasks.start_soon(self.shard.follow, lambda: topo.watch_shard(keyspace, shard))
