"""The connections that a session's transaction holds, one for each shard and group. I/O."""

import logging

import anyio

from armillary.base.errors import ArmillaryError
from armillary.model.tablet import TabletType
from armillary.vtgate.errors import ConnectionLostError, RefusedError, SqlError
from armillary.vtgate.session import Pin, PinKey, Reserved, Session
from armillary.vtgate.tablets.pool import TabletPool
from armillary.vtgate.tablets.selection import Tablets
from armillary.vtgate.transactions.reserving import TABLE_LOCKS, Reserving

logger = logging.getLogger(__name__)

_GROUP_ORDER = ("pre", "normal", "post")
CLEANUP_S_MAX = 10.0


class Pins:
    def __init__(self, session: Session, tablets: Tablets, reserving: Reserving) -> None:
        self._session = session
        self._tablets = tablets
        self._reserving = reserving

    async def take(self, keyspace: str, shard: str, tablet_type: TabletType, group: str) -> Pin:
        """Return the shard's connection, opening the transaction there when it is the first.

        Raises:
            ConnectionLostError: it broke; the transaction there is gone.
            SqlError: single-shard transactions only, and this is a second shard.
            StateLostError: what the session had left there is gone, and the transaction too.
        """
        session = self._session
        pin_key: PinKey = (keyspace, shard, tablet_type, group)
        reserved = None
        if group == "normal" and session.reserved:
            reserved = await self._reserving.find((keyspace, shard, tablet_type))
        pin = session.pins.get(pin_key)
        if pin is not None:
            if pin.connection.busy:  # interrupted at work: its late answer is nobody's
                pin.connection.abort()
            if pin.connection.broken:
                raise ConnectionLostError(
                    f"the connection of this transaction to {keyspace}/{shard} is lost",
                    sent=pin.used,
                )
            return pin
        self._refuse_second_shard(keyspace, shard)
        if reserved is not None:
            self._refuse_to_unlock(reserved)
            pool, key, connection = reserved.pool, reserved.key, reserved.connection
        else:
            pool = await self.pool(keyspace, shard, tablet_type)
            key = session.pool_key
            connection = await pool.acquire(key)
        pin = Pin(keyspace, shard, group, connection, pool, key, reserved=reserved)
        try:
            await self._open(pin)
        except BaseException:
            self.drop(pin)
            raise
        session.pins[pin_key] = pin
        return pin

    async def pool(
        self, keyspace: str, shard: str, tablet_type: TabletType, *, reading: bool = False
    ) -> TabletPool:
        """Return where one more connection to the shard comes from: of its tablet that we are on.

        A primary that is about to step down lets what is open end, and takes nothing new: who
        waited here for the next one would lose what it has on this one.

        Raises:
            TabletUnavailableError: as `Tablets.pool`.
        """
        for (*place, _), pin in self._session.pins.items():
            if place == [keyspace, shard, tablet_type] and not pin.connection.broken:
                return pin.pool
        return await self._tablets.pool(keyspace, shard, tablet_type, reading=reading)

    async def _open(self, pin: Pin) -> None:
        session, connection = self._session, pin.connection
        implicit = not session.autocommit and not session.in_transaction
        if implicit:
            await connection.query(b"SET autocommit=0")
            if pin.reserved is not None:
                pin.reserved.autocommit = False
        for setting in session.once:
            await connection.query(setting.encode("latin-1"))
        if not implicit:
            await connection.query(session.begin_sql if session.in_transaction else b"BEGIN")
        for name in session.savepoints:
            await connection.query(b"SAVEPOINT " + _quoted(name))

    def _refuse_to_unlock(self, reserved: Reserved) -> None:
        """Raises: RefusedError: BEGIN, which the client did not say, would end its table locks."""
        if TABLE_LOCKS in reserved.holds and not self._session.pins_connections:
            raise RefusedError("a statement over several servers while this session locks tables")

    def _refuse_second_shard(self, keyspace: str, shard: str) -> None:
        session = self._session
        if session.has_snapshot:
            raise RefusedError(f"{keyspace}/{shard} in a snapshot that was taken without it")
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

    def ordered(self) -> list[Pin]:
        """Return them in the order in which they are to be committed."""
        pins = list(self._session.pins.values())
        return sorted(pins, key=lambda pin: _GROUP_ORDER.index(pin.group))

    def forget(self) -> None:
        """End the session's transaction; whoever calls has its connections in hand."""
        session = self._session
        session.pins.clear()
        session.in_transaction = False
        session.has_snapshot = False
        session.savepoints.clear()
        session.created_lookups.clear()
        session.standing_lookups.clear()
        session.freed_lookups.clear()
        session.once = ()

    def release(self, pin: Pin) -> None:
        if pin.reserved is not None:
            return  # it stays the session's
        if self._session.autocommit or pin.connection.broken:
            pin.pool.release(pin.key, pin.connection)
        else:
            pin.pool.discard(pin.connection)  # it has autocommit=0, which no key says

    def drop(self, pin: Pin) -> None:
        pin.connection.abort()
        if pin.reserved is None:  # else it is given back when its loss has been told
            pin.pool.discard(pin.connection)

    async def roll_back(self, pin: Pin) -> None:
        if pin.connection.broken or pin.connection.busy:
            self.drop(pin)
            return
        try:
            with anyio.fail_after(CLEANUP_S_MAX):
                await pin.connection.query(b"ROLLBACK")
        except (ArmillaryError, TimeoutError):
            self.drop(pin)
            return
        self.release(pin)


def _quoted(name: str) -> bytes:
    return ("`" + name.replace("`", "``") + "`").encode()
