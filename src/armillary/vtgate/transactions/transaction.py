"""A session's transaction over one or several shards. I/O.

Shards join when first used. Commit goes shard after shard: pre, normal, post (for consistent
lookups), in order of first use; what is committed cannot be undone, and the error then says so.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.vtgate.errors import ConnectionLostError, SqlError
from armillary.vtgate.session import Pin, Session
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.selection import Tablets
from armillary.vtgate.transactions.commits import Commits
from armillary.vtgate.transactions.pins import CLEANUP_S_MAX, Pins
from armillary.vtgate.transactions.reserving import Reserving, set_autocommit
from armillary.wire.errnos import TRANSACTION_OVER_ERRNOS

logger = logging.getLogger(__name__)

_STATEMENT_SAVEPOINT = "armillary_statement"


class Transactions:
    """Connections and transaction control for one session."""

    def __init__(self, session: Session, tablets: Tablets) -> None:
        self._session = session
        self._tablets = tablets
        self.reserving = Reserving(session, tablets)
        self._pins = Pins(session, tablets, self.reserving)
        self._commits = Commits(session, tablets, self._pins)
        self._implicit = 0  # depth of statements that are transactions of their own
        self._atomic = 0  # depth of statements guarded by savepoints

    @property
    def pinning(self) -> bool:
        return self._session.pins_connections or self._implicit > 0

    @asynccontextmanager
    async def connection(
        self, keyspace: str, shard: str, *, group: str = "normal", reading: bool = False
    ) -> AsyncIterator[BackendConnection]:
        """Lend a connection for one statement; in a transaction it is the shard's own.

        Args:
            group: pre, normal or post; `outside` is for what the transaction has no part in.
        Raises:
            TabletUnavailableError: no tablet can take it.
            SqlError: single-shard transactions only, and this is a second shard.
            StateLostError: what the session had left there is gone.
        """
        session = self._session
        tablet_type = session.target.tablet_type
        if self.pinning and group != "outside":
            pin = await self._pins.take(keyspace, shard, tablet_type, group)
            try:
                await self._guard(pin)
                yield pin.connection
            finally:
                if pin.connection.busy:  # interrupted: the late answer is nobody's
                    pin.connection.abort()
            return
        lent = self._pooled if group == "outside" else self._outside
        async with lent(keyspace, shard, reading=reading) as connection:
            yield connection

    @asynccontextmanager
    async def _outside(
        self, keyspace: str, shard: str, *, reading: bool
    ) -> AsyncIterator[BackendConnection]:
        """Lend a connection for a statement outside of transactions."""
        session = self._session
        reserved = None
        if session.reserved:
            server = (keyspace, shard, session.target.tablet_type)
            reserved = await self.reserving.find(server, reading=reading)
        if reserved is None:
            async with self._pooled(keyspace, shard, reading=reading) as connection:
                yield connection
            return
        try:
            await set_autocommit(reserved, on=True)
            yield reserved.connection
        finally:
            if reserved.connection.busy:
                session.write_left |= not reading
                reserved.connection.abort()

    @asynccontextmanager
    async def _pooled(
        self, keyspace: str, shard: str, *, reading: bool
    ) -> AsyncIterator[BackendConnection]:
        session = self._session
        tablet_type = session.target.tablet_type
        pool = await self._pins.pool(keyspace, shard, tablet_type, reading=reading)
        key = session.pool_key
        connection = await pool.acquire(key)
        try:
            yield connection
        finally:
            if connection.busy and not reading:
                session.write_left = True
            pool.release(key, connection)

    @asynccontextmanager
    async def describing(
        self, keyspace: str, shards: Sequence[str]
    ) -> AsyncIterator[BackendConnection]:
        """Lend a connection to any of the shards that only describes a statement.

        It opens no transaction anywhere. A shard where the transaction is already is preferred:
        the transaction's own connection does not wait for a schema change that waits for it, and
        only the session's own connection knows its temporary tables.

        Raises:
            TabletUnavailableError: no tablet can take it.
        """
        session = self._session
        tablet_type = session.target.tablet_type
        for shard in shards:
            if (keyspace, shard, tablet_type, "normal") in session.pins:
                async with self.connection(keyspace, shard) as connection:
                    yield connection
                return
            reserved = await self.reserving.find((keyspace, shard, tablet_type), reading=True)
            if reserved is not None:
                yield reserved.connection
                return
        async with self._pooled(keyspace, shards[0], reading=True) as connection:
            yield connection

    def mark_used(self, keyspace: str, shard: str, group: str, write: bytes | None) -> None:
        """A statement has run there: that shard's part of the transaction is bound to it."""
        pin = self._session.pins.get((keyspace, shard, self._session.target.tablet_type, group))
        if pin is not None:
            pin.used = True
            if write is not None and self._implicit:
                pin.writes.append(write)

    async def drop_if_fresh(self, keyspace: str, shard: str, group: str) -> bool:
        """Let go of a shard on which the transaction has done nothing yet."""
        key = (keyspace, shard, self._session.target.tablet_type, group)
        pin = self._session.pins.get(key)
        if pin is None:
            return True
        if pin.used:
            return False
        del self._session.pins[key]
        with anyio.CancelScope(shield=True):
            await self._pins.roll_back(pin)
        return True

    async def _guard(self, pin: Pin) -> None:
        if self._atomic and not pin.savepoint:
            await pin.connection.query(b"SAVEPOINT " + _STATEMENT_SAVEPOINT.encode())
            pin.savepoint = _STATEMENT_SAVEPOINT

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        """Make what happens inside all-or-nothing, as one statement must be.

        Outside a transaction it is a transaction of its own; inside one, shards that fail are
        taken back to a savepoint.
        """
        if self._implicit or self._atomic:
            yield
            return
        if not self._session.pins_connections:
            self._implicit += 1
            try:
                yield
                await self.commit()
            except BaseException:
                await self.rollback()
                raise
            finally:
                self._implicit -= 1
            return
        self._atomic += 1
        try:
            yield
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await self._undo_statement(error)
            raise
        finally:
            self._atomic -= 1
            for pin in self._session.pins.values():
                pin.savepoint = ""

    async def _undo_statement(self, error: BaseException) -> None:
        """Raises: ConnectionLostError: all is undone, where the client would not expect it."""
        if isinstance(error, MysqlError) and error.errno in TRANSACTION_OVER_ERRNOS:
            await self.rollback()  # the server has undone the whole transaction on that shard
            return
        try:
            with anyio.fail_after(CLEANUP_S_MAX):
                for pin in self._session.pins.values():
                    if pin.savepoint:
                        await pin.connection.query(b"ROLLBACK TO " + pin.savepoint.encode())
        except (ArmillaryError, TimeoutError):
            logger.warning("a failed statement could not be undone; rolling back all")
            await self.rollback()
            if isinstance(error, MysqlError | SqlError):
                raise _whole_transaction_lost(error) from error

    async def begin(self, begin_sql: bytes) -> None:
        """As a server does, commit what is under way, and give up table locks."""
        if self._session.pins:
            await self.commit()
        await self.reserving.unlock()
        self._session.in_transaction = True
        self._session.begin_sql = begin_sql

    async def commit(self) -> None:
        """Commit on every shard; whatever comes of it, the transaction is over then."""
        await self._commits.commit(one_statement=self._implicit > 0)

    async def rollback(self) -> None:
        """Roll back on every shard; a shard that cannot answer loses its connection instead.

        Once begun it is not interrupted: what it had not come to would stay open, with its locks.
        """
        pins = self._pins.ordered()
        self._pins.forget()
        with anyio.CancelScope(shield=True):
            for pin in pins:
                await self._pins.roll_back(pin)

    def abandon(self) -> None:
        """The client is gone: close its connections, which rolls everything back."""
        pins = self._pins.ordered()
        self._pins.forget()
        for pin in pins:
            self._pins.drop(pin)
        self.reserving.end()

    async def _everywhere(self, sql: bytes) -> None:
        """Run a statement about savepoints on every shard of the transaction.

        Raises:
            ConnectionLostError: one was interrupted, now or before; the transaction is over.
        """
        for pin in list(self._session.pins.values()):
            async with self.connection(pin.keyspace, pin.shard, group=pin.group) as connection:
                await connection.query(sql)

    async def savepoint(self, sql: bytes, name: str) -> None:
        session = self._session
        await self._everywhere(sql)
        if not self.pinning:
            return
        if name in session.savepoints:
            session.savepoints.remove(name)
        session.savepoints.append(name)

    async def rollback_to(self, sql: bytes, name: str) -> None:
        session = self._session
        if name not in session.savepoints:
            raise SqlError(1305, f"SAVEPOINT {name} does not exist")
        await self._everywhere(sql)
        del session.savepoints[session.savepoints.index(name) + 1 :]

    async def release_savepoint(self, sql: bytes, name: str) -> None:
        session = self._session
        if name not in session.savepoints:
            raise SqlError(1305, f"SAVEPOINT {name} does not exist")
        await self._everywhere(sql)
        del session.savepoints[session.savepoints.index(name) :]


def _whole_transaction_lost(error: ArmillaryError) -> ConnectionLostError:
    """By the error alone the client would go on, and commit what is gone."""
    return ConnectionLostError(
        f"{error}; another shard's connection is lost, and the transaction rolled back as a whole"
    )
