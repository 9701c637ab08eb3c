"""A session's own connection, when what it is brought up to date by is interrupted."""

from types import SimpleNamespace
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from armillary.vtgate.session import Reserved, Session
from armillary.vtgate.tablets.pool import PoolKey
from armillary.vtgate.transactions.reserving import bring_up_to_date

pytestmark = pytest.mark.anyio


class Wire:
    """The session is told to stop just when the server has answered the first setting."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.sent: list[bytes] = []
        self.is_aborted = False
        self._scope = scope

    async def query(self, sql: bytes) -> None:
        self.sent.append(sql)
        self._scope.cancel()
        await anyio.lowlevel.checkpoint()

    def abort(self) -> None:
        self.is_aborted = True


async def test_a_connection_with_half_of_its_settings_serves_nobody() -> None:
    """It would be taken for one that has those of before, or of now, and has neither."""
    before = PoolKey(45, False, ("SET NAMES utf8mb4",))
    now = PoolKey(45, False, ("SET time_zone = '+01:00'", "SET sql_mode = ''"))
    with anyio.CancelScope() as scope:
        wire = Wire(scope)
        reserved = Reserved(cast(Any, wire), cast(Any, None), before, autocommit=True)
        await bring_up_to_date(cast(Session, SimpleNamespace(pool_key=now)), reserved)
    assert scope.cancelled_caught and wire.sent == [b"SET time_zone = '+01:00'"]
    assert wire.is_aborted and reserved.key is before
