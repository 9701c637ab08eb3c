"""A replica whose type changed tells mysqld on which side of semi-sync it is, if need be later."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from armillary.base.errors import UnavailableError
from armillary.model.tablet import TabletType
from armillary.pb import topodata_pb2
from armillary.vttablet.agent import Agent, Flags
from armillary.vttablet.plan import MysqldSeen
from armillary.vttablet.shard_sync import follow_shard, join_again

pytestmark = pytest.mark.anyio


class Tablet:
    """As much of an agent as changing its type needs; mysqld answers unless `is_away`."""

    def __init__(self) -> None:
        self.flags = Flags(semi_sync=True)
        self.settings = SimpleNamespace(disable_active_reparents=False)
        self.told: list[TabletType] = []
        self.tablet_type = TabletType.BACKUP
        self.is_away = False

    async def change_role(self, tablet_type: TabletType, *, reason: str) -> None:
        self.tablet_type = tablet_type

    async def shard_record(self) -> topodata_pb2.Shard:
        return topodata_pb2.Shard()  # it has no primary to wait for

    @asynccontextmanager
    async def action(self, name: str, *, is_news: bool = True) -> AsyncIterator[None]:
        yield

    async def dba(self) -> Any:
        if self.is_away:
            raise UnavailableError("mysqld went away")
        return _connection()

    async def set_semi_sync(self, connection: object) -> None:
        self.told.append(self.tablet_type)


@asynccontextmanager
async def _connection() -> AsyncIterator[object]:
    yield object()


async def test_what_mysqld_could_not_be_told_at_once_it_is_told_by_the_health_loop() -> None:
    tablet = Tablet()
    agent = cast(Agent, tablet)
    tablet.is_away = True
    with pytest.raises(UnavailableError):
        await join_again(agent, TabletType.REPLICA, reason="backup is over")
    tablet.is_away = False
    seen = MysqldSeen(reachable=True, has_source=True, stopped=False)
    for _ in range(2):
        await follow_shard(agent, seen)
    assert tablet.told == [TabletType.REPLICA], "once"


async def test_nothing_is_left_to_tell_after_a_change_that_went_well() -> None:
    tablet = Tablet()
    agent = cast(Agent, tablet)
    await join_again(agent, TabletType.REPLICA, reason="restored")
    await follow_shard(agent, MysqldSeen(reachable=True, has_source=True, stopped=False))
    assert tablet.told == [TabletType.REPLICA]
