"""What a session's plans know of tables, asked so that it never waits for itself. I/O.

A session that has used a table in a transaction, or locked it, holds up whoever changes that table;
a question over another connection would wait behind the change, and the session for the answer.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.model.tablet import TabletType
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.planner.shapes import TableShape
from armillary.vtgate.session import Session
from armillary.vtgate.tablets.backend import BackendConnection, Result
from armillary.wire.errnos import TABLE_NOT_LOCKED
from armillary.wire.rows import split_text_row
from armillary.wire.statements import quote

logger = logging.getLogger(__name__)

_RESTORE_S_MAX = 10.0


class Tables:
    def __init__(self, gateway: Gateway, session: Session) -> None:
        self.gateway = gateway
        self._session = session

    async def shape(self, keyspace: str, table: str, *, anew: bool = False) -> TableShape:
        """As `Gateway.shape`; over a connection of the session's own where it has one there.

        Raises:
            MysqlError: the table is not there.
            TabletUnavailableError: no shard answers.
        """
        gateway = self.gateway
        known = None if anew else gateway.shape_now(keyspace, table)
        if known is not None:
            return known
        own = self._own(keyspace)
        if own is None:
            return await gateway.shape(keyspace, table, anew=anew)

        async def ask(_: str, sql: bytes) -> Result:
            return await own.query(sql)

        try:
            async with _plain_results(own):
                return await gateway.shape(keyspace, table, anew=anew, ask=ask)
        except MysqlError as error:
            if error.errno != TABLE_NOT_LOCKED:
                raise
        return await gateway.shape(keyspace, table, anew=anew)  # what it has not locked is free

    def _own(self, keyspace: str) -> BackendConnection | None:
        """Return a connection to a primary of the keyspace that this session alone has."""
        session = self._session
        pinned = ((key, pin.connection) for key, pin in session.pins.items())
        reserved = ((key, one.connection) for key, one in session.reserved.items())
        for (where, _, tablet_type, *_), connection in (*pinned, *reserved):
            is_there = where == keyspace and tablet_type == TabletType.PRIMARY
            if is_there and not connection.busy and not connection.broken:
                return connection
        return None


@asynccontextmanager
async def _plain_results(connection: BackendConnection) -> AsyncIterator[None]:
    """Have columns described as they are, not as the session has its results converted."""
    answer = await connection.query(b"select @@character_set_results")
    (charset,) = split_text_row(answer.rows[0], 1)
    await connection.query(b"set character_set_results = NULL")
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await _convert_again(connection, charset)


async def _convert_again(connection: BackendConnection, charset: bytes | None) -> None:
    value = b"NULL" if charset is None else quote(charset)
    try:
        if connection.busy:
            raise MysqlError(1317, "70100", "interrupted at work")
        with anyio.fail_after(_RESTORE_S_MAX):
            await connection.query(b"set character_set_results = " + value)
    except (ArmillaryError, TimeoutError) as error:
        logger.warning("a connection is given up", extra={"reason": str(error)})
        connection.abort()
