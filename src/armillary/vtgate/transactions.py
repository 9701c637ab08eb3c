"""A session's transaction over one or several shards. I/O.

Shards join when first used. Commit goes shard after shard: pre, normal, post (for consistent
lookups), in order of first use; what is committed cannot be undone, and the error then says so.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.tablet import TabletType
from armillary.vtgate.backend import BackendConnection
from armillary.vtgate.errors import (
    ConnectionLostError,
    OutcomeUnknownError,
    SqlError,
    is_harmless,
)
from armillary.vtgate.session import Pin, PinKey, Session
from armillary.vtgate.tablets import Tablets
from armillary.wire.errnos import LOCK_DEADLOCK

logger = logging.getLogger(__name__)

_GROUP_ORDER = ("pre", "normal", "post")
_CLEANUP_S_MAX = 10.0
_STATEMENT_SAVEPOINT = "armillary_statement"


class Transactions:
    """Connections and transaction control for one session."""

    def __init__(self, session: Session, tablets: Tablets) -> None:
        self._session = session
        self._tablets = tablets
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

        Raises:
            TabletUnavailableError: no tablet can take it.
            SqlError: single-shard transactions only, and this is a second shard.
        """
        session = self._session
        tablet_type = session.target.tablet_type
        if self.pinning:
            pin = await self._pin(keyspace, shard, tablet_type, group)
            yield pin.connection
            return
        pool = await self._tablets.pool(keyspace, shard, tablet_type, reading=reading)
        key = session.pool_key
        connection = await pool.acquire(key)
        try:
            yield connection
        finally:
            pool.release(key, connection)

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
            await self._roll_back_pin(pin)
        return True

    async def _pin(self, keyspace: str, shard: str, tablet_type: TabletType, group: str) -> Pin:
        session = self._session
        pin_key: PinKey = (keyspace, shard, tablet_type, group)
        pin = session.pins.get(pin_key)
        if pin is not None:
            if pin.connection.broken:
                raise ConnectionLostError(
                    f"the connection of this transaction to {keyspace}/{shard} is lost",
                    sent=pin.used,
                )
            await self._guard(pin)
            return pin
        self._refuse_second_shard(keyspace, shard)
        pool = await self._tablets.pool(keyspace, shard, tablet_type)
        key = session.pool_key
        connection = await pool.acquire(key)
        pin = Pin(keyspace, shard, group, connection, pool, key)
        try:
            if session.autocommit or session.in_transaction:
                for setting in session.once:
                    await connection.query(setting.encode("latin-1"))
                begin = session.begin_sql if session.in_transaction else b"BEGIN"
                await connection.query(begin)
            else:
                await connection.query(b"SET autocommit=0")
            for name in session.savepoints:
                await connection.query(b"SAVEPOINT " + _quoted(name))
        except BaseException:
            pool.discard(connection)
            raise
        session.pins[pin_key] = pin
        await self._guard(pin)
        return pin

    def _refuse_second_shard(self, keyspace: str, shard: str) -> None:
        session = self._session
        if session.transaction_mode != "SINGLE":
            return
        others = {
            (pin.keyspace, pin.shard)
            for pin in session.pins.values()
            if (pin.keyspace, pin.shard) != (keyspace, shard)
        }
        if others:
            first = min(others)
            raise SqlError(
                1317,
                f"multi-db transaction attempted: {keyspace}/{shard} after {first[0]}/{first[1]}",
            )

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
                with anyio.CancelScope(shield=True):
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
        if isinstance(error, MysqlError) and error.errno == LOCK_DEADLOCK:
            await self.rollback()  # the server has undone the whole transaction on that shard
            return
        try:
            with anyio.fail_after(_CLEANUP_S_MAX):
                for pin in self._session.pins.values():
                    if pin.savepoint:
                        await pin.connection.query(b"ROLLBACK TO " + pin.savepoint.encode())
        except (ArmillaryError, TimeoutError):
            logger.warning("a failed statement could not be undone; rolling back all")
            await self.rollback()

    async def begin(self, begin_sql: bytes) -> None:
        if self._session.pins:
            await self.commit()
        self._session.in_transaction = True
        self._session.begin_sql = begin_sql

    async def commit(self) -> None:
        """Commit on every shard. Raises what the first failing shard says; then all is over."""
        pins = self._ordered_pins()
        self._forget()
        done = 0
        try:
            for pin in pins:
                if pin.connection.broken:  # seen now, before anything is committed
                    raise ConnectionLostError(
                        f"the connection of this transaction to {pin.keyspace}/{pin.shard} is lost",
                        sent=False,
                    )
            for pin in pins:
                try:
                    await self._commit_pin(pin, others_committed=done > 0)
                except ArmillaryError as error:
                    if pin.group == "post":
                        self._session.warnings = [("Warning", 1105, f"post commit: {error}")]
                        self._drop(pin)
                        done += 1
                        continue
                    raise self._commit_failure(error, pins, done) from error
                self._release(pin)
                done += 1
        finally:
            with anyio.CancelScope(shield=True):
                for pin in pins[done:]:
                    await self._roll_back_pin(pin)

    async def _commit_pin(self, pin: Pin, *, others_committed: bool) -> None:
        try:
            await pin.connection.query(b"COMMIT")
        except (MysqlError, ConnectionLostError) as error:
            # The primary changed between the commits of one statement. It surely did not commit,
            # so the statement can still be made whole: its writes again, on the next primary.
            undone = is_harmless(error, read_only_statement=False)
            if not (others_committed and self._implicit and undone and pin.writes):
                raise
            if not pin.connection.broken:
                pin.connection.abort()
            self._tablets.suspect_primary(pin.keyspace, pin.shard, still_reads=True)
            await self._write_again(pin)

    async def _write_again(self, pin: Pin) -> None:
        logger.info("writing again", extra={"keyspace": pin.keyspace, "shard": pin.shard})
        pool = await self._tablets.pool(pin.keyspace, pin.shard, TabletType.PRIMARY)
        connection = await pool.acquire(pin.key)
        try:
            for sql in (b"BEGIN", *pin.writes, b"COMMIT"):
                await connection.query(sql)
        except BaseException:
            connection.abort()
            raise
        finally:
            pool.release(pin.key, connection)

    def _commit_failure(self, error: ArmillaryError, pins: list[Pin], done: int) -> ArmillaryError:
        failed = pins[done]
        self._tablets.suspect_primary(failed.keyspace, failed.shard)
        if done == 0 and isinstance(error, ConnectionLostError) and error.sent:
            return OutcomeUnknownError(
                f"lost the connection to {failed.keyspace}/{failed.shard} during COMMIT; "
                "whether it was done is unknown"
            )
        if done == 0:
            return error
        names = ", ".join(f"{pin.keyspace}/{pin.shard}" for pin in pins[:done])
        return SqlError(
            1105,
            f"multi-db commit failed after committing to {done} shards: {names}; "
            f"{failed.keyspace}/{failed.shard}: {error}",
        )

    async def rollback(self) -> None:
        """Roll back on every shard; a shard that cannot answer loses its connection instead."""
        pins = self._ordered_pins()
        self._forget()
        for pin in pins:
            await self._roll_back_pin(pin)

    def abandon(self) -> None:
        """The client is gone: close its connections, which rolls everything back."""
        pins = self._ordered_pins()
        self._forget()
        for pin in pins:
            self._drop(pin)

    async def savepoint(self, sql: bytes, name: str) -> None:
        session = self._session
        for pin in list(session.pins.values()):
            await pin.connection.query(sql)
        if not self.pinning:
            return
        if name in session.savepoints:
            session.savepoints.remove(name)
        session.savepoints.append(name)

    async def rollback_to(self, sql: bytes, name: str) -> None:
        session = self._session
        if name not in session.savepoints:
            raise SqlError(1305, f"SAVEPOINT {name} does not exist")
        for pin in list(session.pins.values()):
            await pin.connection.query(sql)
        del session.savepoints[session.savepoints.index(name) + 1 :]

    async def release_savepoint(self, sql: bytes, name: str) -> None:
        session = self._session
        if name not in session.savepoints:
            raise SqlError(1305, f"SAVEPOINT {name} does not exist")
        for pin in list(session.pins.values()):
            await pin.connection.query(sql)
        del session.savepoints[session.savepoints.index(name) :]

    def _ordered_pins(self) -> list[Pin]:
        pins = list(self._session.pins.values())
        return sorted(pins, key=lambda pin: _GROUP_ORDER.index(pin.group))

    def _forget(self) -> None:
        session = self._session
        session.pins.clear()
        session.in_transaction = False
        session.savepoints.clear()
        session.created_lookups.clear()
        session.once = ()

    def _release(self, pin: Pin) -> None:
        if self._session.autocommit or pin.connection.broken:
            pin.pool.release(pin.key, pin.connection)
        else:
            pin.pool.discard(pin.connection)  # it has autocommit=0, which no key says

    def _drop(self, pin: Pin) -> None:
        pin.connection.abort()
        pin.pool.discard(pin.connection)

    async def _roll_back_pin(self, pin: Pin) -> None:
        if pin.connection.broken or pin.connection.busy:
            self._drop(pin)
            return
        try:
            with anyio.fail_after(_CLEANUP_S_MAX):
                await pin.connection.query(b"ROLLBACK")
        except (ArmillaryError, TimeoutError):
            self._drop(pin)
            return
        self._release(pin)


def _quoted(name: str) -> bytes:
    return ("`" + name.replace("`", "``") + "`").encode()
