"""Notice that tables have changed, and tell those who route queries. I/O.

A gateway knows columns, their types and triggers, for it decides by them which shard a row belongs
to. Changes that pass through this tablet's calls are told before the call is answered. Those that
somebody made in mysqld itself are found by looking again.
"""

import logging
from collections.abc import Awaitable, Callable

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import ArmillaryError
from armillary.mysqld.connection import Connection
from armillary.mysqld.table_digests import changed_tables, read_table_digests
from armillary.vttablet.health_stream import HealthStream

logger = logging.getLogger(__name__)

_LOOK_EVERY_S, _LOOK_AT_LEAST_EVERY_S = 5.0, 60.0
_SHARE_MAX = 1 / 250  # of the time may go into looking: a thousand tables take a while


class SchemaWatch:
    """Looks at one database. Calls of `look` take turns."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], database: str, health: HealthStream
    ) -> None:
        self._connect = connect
        self._database = database
        self._health = health
        self._connection: Connection | None = None
        self._known: dict[str, str] | None = None  # None: not looked at yet
        self._turn = anyio.Lock()

    async def run(self, is_wanted: Callable[[], bool]) -> None:
        """Look while it is wanted, every five seconds or less often; what fails is tried again."""
        told = ""
        delay_s = _LOOK_EVERY_S
        try:
            while True:
                await anyio.sleep(delay_s)
                if not is_wanted():
                    self._known = None
                    continue
                began_s = monotonic_s()
                try:
                    await self.look()
                    told = ""
                except ArmillaryError as error:
                    if str(error) != told:
                        logger.warning("cannot look at the tables", extra={"reason": str(error)})
                    told = str(error)
                took_s = monotonic_s() - began_s
                delay_s = min(max(_LOOK_EVERY_S, took_s / _SHARE_MAX), _LOOK_AT_LEAST_EVERY_S)
        finally:
            await self._drop_connection()

    async def look(self) -> None:
        """Compare the tables with those of the last look, and tell which have changed.

        The first look tells all of them: nobody knows since when they are so. It waits for a
        schema change that is under way in mysqld.

        Raises:
            ArmillaryError: mysqld does not say.
        """
        async with self._turn:
            try:
                if self._connection is None:
                    self._connection = await self._connect()
                seen = await read_table_digests(self._connection, self._database)
            except BaseException:
                await self._drop_connection()
                raise
            changed = changed_tables(self._known or {}, seen)
            self._known = seen
        if changed:
            logger.info("tables have changed", extra={"tables": ", ".join(sorted(changed))})
            self._health.send_altered(changed)

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.CancelScope(shield=True):
                await connection.close()
