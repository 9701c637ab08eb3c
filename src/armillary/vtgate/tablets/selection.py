"""Find a tablet for a statement, waiting through a reparent when that is allowed. I/O."""

import logging
import time
from dataclasses import dataclass

import anyio

from armillary.model.tablet import TabletType
from armillary.vtgate.errors import SqlError, TabletUnavailableError
from armillary.vtgate.tablets.cluster import Cluster, TabletHealth
from armillary.vtgate.tablets.pool import Pools, TabletPool

logger = logging.getLogger(__name__)

_SUSPECT_S = 1.0  # then it is asked again, in case health never says anything newer


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferSettings:
    """Vitess's buffering of primary traffic."""

    enabled: bool = False
    window_s: float = 10.0
    size: int = 1000


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A primary of whose term something went wrong; until when, and what it can still do."""

    term_start_s: int
    until: float
    still_reads: bool


class Tablets:
    """Chooses tablets and hands out their pools."""

    def __init__(self, cluster: Cluster, pools: Pools, buffer: BufferSettings) -> None:
        self.cluster = cluster
        self.pools = pools
        self.buffer = buffer
        self.buffered = 0
        self._suspects: dict[tuple[str, str], _Suspect] = {}

    async def pool(
        self, keyspace: str, shard: str, tablet_type: TabletType, *, reading: bool = False
    ) -> TabletPool:
        """Return the pool of a tablet that may take a statement now.

        With buffering, a statement for a primary that is away waits for the next one; one that
        only reads may go to a primary that has stopped writing.

        Raises:
            TabletUnavailableError: there is none, or none came in time.
        """
        try:
            return self.pools.of(self._choose(keyspace, shard, tablet_type, reading=reading))
        except TabletUnavailableError:
            if tablet_type != TabletType.PRIMARY or not self.buffer.enabled:
                raise
        await self._wait(keyspace, shard, reading=reading)
        return self.pools.of(self._choose(keyspace, shard, tablet_type, reading=reading))

    async def is_still(
        self,
        pool: TabletPool,
        keyspace: str,
        shard: str,
        tablet_type: TabletType,
        *,
        reading: bool = False,
    ) -> bool:
        """Whether this pool's tablet serves there still; of several replicas each does.

        Raises:
            TabletUnavailableError: as `pool`.
        """
        if tablet_type == TabletType.PRIMARY:
            return await self.pool(keyspace, shard, tablet_type, reading=reading) is pool
        tablet = self.cluster.tablet(pool.tablet.alias)
        if tablet is None or not tablet.serving:
            return False
        place = (tablet.keyspace, tablet.shard, tablet.type)
        return place == (keyspace, shard, tablet_type) and self.pools.of(tablet) is pool

    def pool_now(self, keyspace: str, shard: str, tablet_type: TabletType) -> TabletPool | None:
        """As `pool`, without waiting: None when there is no tablet."""
        try:
            return self.pools.of(self._choose(keyspace, shard, tablet_type))
        except TabletUnavailableError:
            return None

    def _choose(
        self, keyspace: str, shard: str, tablet_type: TabletType, *, reading: bool = False
    ) -> TabletHealth:
        tablet = self.cluster.choose(keyspace, shard, tablet_type)
        if tablet_type != TabletType.PRIMARY:
            return tablet
        suspect = self._suspects.get((keyspace, shard))
        if suspect is None:
            return tablet
        if tablet.term_start_s > suspect.term_start_s or time.monotonic() >= suspect.until:
            del self._suspects[(keyspace, shard)]
        elif not (reading and suspect.still_reads):
            raise TabletUnavailableError(
                f"target: {keyspace}.{shard}.primary: primary is not serving, "
                "there may be a reparent operation in progress"
            )
        return tablet

    def retries_until(self) -> float:
        """Until when (monotonic) a statement that changed nothing may be tried again."""
        return time.monotonic() + (self.buffer.window_s if self.buffer.enabled else 0.0)

    def suspect_primary(self, keyspace: str, shard: str, *, still_reads: bool = False) -> None:
        """The primary refused or vanished: ask it no more until health says something newer."""
        tablet = self.cluster.primary(keyspace, shard)
        if tablet is not None:
            self._suspects[(keyspace, shard)] = _Suspect(
                tablet.term_start_s, time.monotonic() + _SUSPECT_S, still_reads
            )

    async def _wait(self, keyspace: str, shard: str, *, reading: bool) -> None:
        if self.buffered >= self.buffer.size:
            raise SqlError(1203, "primary buffer is full")
        self.buffered += 1
        logger.info("buffering", extra={"keyspace": keyspace, "shard": shard})
        try:
            with anyio.fail_after(self.buffer.window_s):
                while True:
                    with anyio.move_on_after(0.2):
                        await self.cluster.wait_for_change()
                    try:
                        self._choose(keyspace, shard, TabletType.PRIMARY, reading=reading)
                        return
                    except TabletUnavailableError:
                        continue
        except TimeoutError:
            raise TabletUnavailableError(
                f"target: {keyspace}.{shard}.primary: no healthy tablet became available "
                f"within {self.buffer.window_s:g} s"
            ) from None
        finally:
            self.buffered -= 1
