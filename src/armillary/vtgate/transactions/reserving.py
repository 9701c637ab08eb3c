"""Connections on which a session has left something, kept for it alone. I/O.

Table locks, temporary tables and open handlers live on one connection to one server. A session that
has any is served there by that connection, in and out of transactions, until it ends. If the
connection breaks, or another tablet becomes primary, they are gone; the session is told once, by an
error, and goes on without them.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from armillary.vtgate.errors import StateLostError
from armillary.vtgate.session import Reserved, ServerKey, Session
from armillary.vtgate.tablets.selection import Tablets
from armillary.wire.scanner import ResponseSummary

logger = logging.getLogger(__name__)

TABLE_LOCKS = "table locks"


class Reserving:
    def __init__(self, session: Session, tablets: Tablets) -> None:
        self._session = session
        self._tablets = tablets

    async def leave(
        self, keyspace: str, shard: str, what: str, work: Callable[[], Awaitable[ResponseSummary]]
    ) -> ResponseSummary:
        """Do `work`, a statement that leaves `what` on the shard's connection if it succeeds.

        Raises:
            TabletUnavailableError: no tablet can take it.
            StateLostError: as `find`.
        """
        server = (keyspace, shard, self._session.target.tablet_type)
        while True:
            reserved = await self.find(server) or await self._reserve(server)
            try:
                summary = await work()
                if summary.error is None:
                    reserved.holds.add(what)
                return summary
            except StateLostError:
                if reserved.holds:
                    raise
                # Nothing was there to be lost yet, nor done: once more where the shard is now.
            finally:
                self._give_back_if_empty(server, reserved)

    @property
    def locks_tables(self) -> bool:
        return any(TABLE_LOCKS in one.holds for one in self._session.reserved.values())

    async def unlock(self) -> None:
        """Give up the session's table locks, on whichever server it has any.

        A connection that holds nothing else serves everybody again.

        Raises:
            StateLostError: as `find`.
            ConnectionLostError: the connection broke.
        """
        for server, reserved in list(self._session.reserved.items()):
            if TABLE_LOCKS in reserved.holds and await self.find(server):
                await reserved.connection.query(b"UNLOCK TABLES")
                reserved.holds.discard(TABLE_LOCKS)
                self._give_back_if_empty(server, reserved)

    async def find(self, server: ServerKey, *, reading: bool = False) -> Reserved | None:
        """Return the session's own connection there, with its settings as they are now.

        Raises:
            StateLostError: it broke, or the tablet is not the one that serves there now; what
                the session left is gone, and so is its transaction there.
            TabletUnavailableError: as `Tablets.pool`.
            MysqlError: the server refuses a setting.
        """
        session = self._session
        reserved = session.reserved.get(server)
        if reserved is None:
            return None
        if reserved.connection.busy:  # interrupted at work: its late answer is nobody's
            reserved.connection.abort()
        if reserved.connection.broken:
            raise self._lost(server, "the connection that held them is lost")
        if not await self._tablets.is_still(reserved.pool, *server, reading=reading):
            raise self._lost(server, "another tablet serves there now")
        await bring_up_to_date(session, reserved)
        return reserved

    async def _reserve(self, server: ServerKey) -> Reserved:
        session = self._session
        pin = session.pins.get((*server, "normal"))
        if pin is not None and not pin.connection.broken:
            # The transaction's own: a temporary table is made within it.
            in_autocommit = session.in_transaction or session.autocommit
            reserved = Reserved(pin.connection, pin.pool, pin.key, autocommit=in_autocommit)
            pin.reserved = reserved
        else:
            pool = await self._tablets.pool(*server)
            reserved = Reserved(await pool.acquire(session.pool_key), pool, session.pool_key)
        session.reserved[server] = reserved
        return reserved

    def _give_back_if_empty(self, server: ServerKey, reserved: Reserved) -> None:
        session = self._session
        if reserved.holds or self._session.reserved.get(server) is not reserved:
            return
        del session.reserved[server]
        for pin in session.pins.values():
            if pin.reserved is reserved:  # the transaction goes on with it
                pin.reserved, pin.key = None, reserved.key
                return
        if not reserved.autocommit:
            reserved.connection.tainted = True  # no key says so
        reserved.pool.release(reserved.key, reserved.connection)

    def _lost(self, server: ServerKey, why: str) -> StateLostError:
        """Close it; its transaction keeps the broken end, so that nobody commits the rest."""
        reserved = self._session.reserved.pop(server)
        discard(reserved)
        return StateLostError(f"{server[0]}/{server[1]}", reserved.holds, why)

    def end(self) -> None:
        """Close all of them, and the one of named locks: the servers drop what was left there.

        Again: does nothing.
        """
        session = self._session
        for reserved in session.reserved.values():
            discard(reserved)
        session.reserved.clear()
        if session.named_locks is not None:
            discard(session.named_locks)
            session.named_locks = None


def discard(reserved: Reserved) -> None:
    """Close a connection at once, whatever it is at: nobody else may find what is left there."""
    reserved.connection.abort()
    reserved.pool.discard(reserved.connection)


async def bring_up_to_date(session: Session, reserved: Reserved) -> None:
    """Give the connection what the session has set since it was last used.

    Raises:
        MysqlError: the server refuses a setting; the connection is closed.
    """
    key = session.pool_key
    connection = reserved.connection
    try:
        if key is not reserved.key:
            for setting in _behind_what_is_alike(key.settings, reserved.key.settings):
                await connection.query(setting.encode("latin-1"))
            reserved.key = key
    except BaseException:
        connection.abort()
        raise


def _behind_what_is_alike(wanted: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    """Return the settings from the first that differs on: a later one may undo an earlier one."""
    alike = 0
    for one, other in zip(wanted, known, strict=False):
        if one != other:
            break
        alike += 1
    return wanted[alike:]


async def set_autocommit(reserved: Reserved, *, on: bool) -> None:
    if reserved.autocommit != on:
        await reserved.connection.query(b"SET autocommit=%d" % on)
        reserved.autocommit = on
