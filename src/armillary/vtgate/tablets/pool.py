"""Connections to tablets, kept for the next statement. I/O.

Answers are relayed raw, so a connection serves only sessions that agree with it on character set,
FOUND_ROWS and session settings: those are part of its key, and its settings never change.
"""

import asyncio
import logging
from collections import deque
from typing import NamedTuple

import anyio

from armillary.base.errors import MysqlError
from armillary.model.tablet import TabletAlias
from armillary.sql.modes import foreign_modes
from armillary.vtgate.errors import ConnectionLostError, SqlError, TabletUnreachableError
from armillary.vtgate.tablets.backend import BackendConnection, KeptStatements, open_backend
from armillary.vtgate.tablets.cluster import TabletHealth
from armillary.wire.lenenc import read_cell

logger = logging.getLogger(__name__)


STATEMENTS_MAX = 3000  # prepared, on all connections; several gateways share a server's 16382
_KEYS_MAX = 1000  # of sessions' settings; beyond it, those without a connection are forgotten


class PoolKey(NamedTuple):
    collation_id: int
    found_rows: bool
    settings: tuple[str, ...]  # SET statements in order


class TabletPool:
    """All connections to one tablet."""

    def __init__(
        self,
        tablet: TabletHealth,
        *,
        user: str,
        password: str,
        connections_max: int,
        connect_timeout_s: float,
    ) -> None:
        self.tablet = tablet
        self.kept = KeptStatements(STATEMENTS_MAX)
        self.rename = (tablet.database.encode(), tablet.keyspace.encode())
        self._user = user
        self._password = password
        self._connections_max = connections_max
        self._connect_timeout_s = connect_timeout_s
        self._idle: dict[PoolKey, list[BackendConnection]] = {}
        self._open_count = 0
        self._is_over = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def open_count(self) -> int:
        return self._open_count

    def take_idle(self, key: PoolKey) -> BackendConnection | None:
        """Return an idle connection with this key, the one used last, or None."""
        idle = self._idle.get(key)
        while idle:
            connection = idle.pop()
            if not connection.broken:
                connection.in_use = True
                return connection
            self._discard(connection)  # it is told of as lost only later, and is in no list then
        return None

    async def acquire(self, key: PoolKey) -> BackendConnection:
        """Return a connection, an idle one or a new one.

        Raises:
            TabletUnreachableError: the tablet cannot be reached.
            SqlError: all connections stay busy for too long, or the server reads SQL otherwise.
            MysqlError: the server refuses a setting.
        """
        connection = self.take_idle(key)
        while connection is None:
            if self._open_count < self._connections_max or self._evict_idle():
                return await self._open(key)
            await self._wait_for_release()
            connection = self.take_idle(key)
        return connection

    async def _wait_for_release(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            with anyio.fail_after(self._connect_timeout_s):
                await waiting
        except TimeoutError:
            raise SqlError(
                1203,
                f"all {self._connections_max} connections to {self.tablet.alias} are busy",
            ) from None
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _wake_one(self) -> None:
        """There is a connection, or room for one: let who waits for longest look again."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    def _one_fewer(self) -> None:
        self._open_count -= 1
        self._wake_one()

    def _evict_idle(self) -> bool:
        for idle in self._idle.values():
            if idle:
                self._discard(idle.pop(0))
                return True
        return False

    async def _open(self, key: PoolKey) -> BackendConnection:
        tablet = self.tablet
        self._open_count += 1
        connection: BackendConnection | None = None
        try:
            with anyio.fail_after(self._connect_timeout_s):
                connection = await open_backend(
                    host=tablet.host,
                    port=tablet.port,
                    user=self._user,
                    password=self._password,
                    database=tablet.database,
                    collation_id=key.collation_id,
                    found_rows=key.found_rows,
                    kept=self.kept,
                )
                await _check_sql_mode(connection, tablet)
                for setting in key.settings:
                    await connection.query(setting.encode("latin-1"))
        except (OSError, TimeoutError, ConnectionLostError) as error:
            self._closed(connection)
            raise TabletUnreachableError(
                f"target: {tablet.keyspace}.{tablet.shard}.{tablet.type.name.lower()}: "
                f"cannot connect to {tablet.alias}: {error or 'timed out'}"
            ) from error
        except MysqlError:
            self._closed(connection)
            raise
        except BaseException:
            self._closed(connection)
            raise
        connection.in_use = True
        connection.on_idle_loss = self._lost_idle
        return connection

    def _closed(self, connection: BackendConnection | None) -> None:
        self._one_fewer()
        if connection is not None:
            connection.abort()

    def _lost_idle(self, connection: BackendConnection) -> None:
        for idle in self._idle.values():
            if connection in idle:
                idle.remove(connection)
                self._one_fewer()
                return

    def release(self, key: PoolKey, connection: BackendConnection) -> None:
        """Give a connection back; one that is broken, tainted or still at work is closed."""
        connection.in_use = False
        if connection.broken or connection.busy or connection.tainted or self._is_over:
            self._discard(connection)
            return
        self._idle.setdefault(key, []).append(connection)
        if len(self._idle) > _KEYS_MAX:
            self._idle = {key: idle for key, idle in self._idle.items() if idle}
        self._wake_one()

    def _discard(self, connection: BackendConnection) -> None:
        self._one_fewer()
        connection.on_idle_loss = None
        if connection.busy or connection.broken:
            connection.abort()
        else:
            connection.close_nicely()

    def discard(self, connection: BackendConnection) -> None:
        """Close a connection that must serve nobody else."""
        connection.in_use = False
        self._discard(connection)

    def close(self) -> None:
        """Close the idle connections; those in use are closed when given back."""
        self._is_over = True
        for idle in self._idle.values():
            for connection in idle:
                self._discard(connection)
        self._idle.clear()


async def _check_sql_mode(connection: BackendConnection, tablet: TabletHealth) -> None:
    """Raises: SqlError: to this server, statements mean something else than we read in them."""
    answer = await connection.query(b"select @@sql_mode")
    foreign = foreign_modes((read_cell(answer.rows[0], 0)[0] or b"").decode("ascii", "replace"))
    if foreign:
        raise SqlError(
            1105,
            f"the server of {tablet.alias} has sql_mode {', '.join(foreign)}, under which the "
            "gateway would misread statements: take it out of the server's configuration",
        )


class Pools:
    """The pools of all tablets, by alias and address."""

    def __init__(
        self, *, user: str, password: str, connections_max: int, connect_timeout_s: float
    ) -> None:
        self._user = user
        self._password = password
        self._connections_max = connections_max
        self._connect_timeout_s = connect_timeout_s
        self._pools: dict[TabletAlias, TabletPool] = {}

    def of(self, tablet: TabletHealth) -> TabletPool:
        pool = self._pools.get(tablet.alias)
        if pool is not None:
            known = pool.tablet
            if known is tablet:
                return pool
            if (known.host, known.port, known.database) == (
                tablet.host,
                tablet.port,
                tablet.database,
            ):
                pool.tablet = tablet
                return pool
            pool.close()
        pool = TabletPool(
            tablet,
            user=self._user,
            password=self._password,
            connections_max=self._connections_max,
            connect_timeout_s=self._connect_timeout_s,
        )
        self._pools[tablet.alias] = pool
        return pool

    def open_counts(self) -> dict[str, int]:
        return {str(alias): pool.open_count for alias, pool in self._pools.items()}

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
