"""A tablet asks the topology for what a watch has shown it only now and then."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import anyio
import pytest

from armillary.base.errors import UnavailableError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.topo.server import TopoServer
from armillary.vttablet.agent import Agent, Flags
from armillary.vttablet.plan import MysqldSeen, Role
from armillary.vttablet.shard_sync import keep_shard_record
from armillary.vttablet.watched import Watched, WatchedRecords

pytestmark = pytest.mark.anyio

ME, OTHER = TabletAlias("zone1", 1), TabletAlias("zone1", 2)
TERM = datetime(2026, 11, 30, tzinfo=UTC)
WRITABLE = MysqldSeen(reachable=True, read_only=False)


async def make_topo() -> TopoServer:
    topo = await TopoServer.in_memory("zone1")
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_shard("main", "-")
    return topo


@asynccontextmanager
async def following(watched: Watched[topodata_pb2.Shard], topo: TopoServer) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, lambda: topo.watch_shard("main", "-"))
        await anyio.wait_all_tasks_blocked()
        yield
        tasks.cancel_scope.cancel()


async def name_primary(topo: TopoServer, alias: TabletAlias, term: datetime) -> None:
    def change(shard: topodata_pb2.Shard) -> None:
        shard.primary_alias.CopyFrom(convert.alias_to_pb(alias))
        shard.primary_term_start_time.CopyFrom(convert.time_to_pb(term))

    await topo.update_shard("main", "-", change)
    await anyio.wait_all_tasks_blocked()


async def test_what_a_watch_shows_is_believed_for_a_minute_after_the_record_was_read() -> None:
    now_s = 1000.0
    watched = Watched[topodata_pb2.Shard](clock=lambda: now_s)
    topo = await make_topo()
    async with following(watched, topo):
        assert not watched.shows(lambda _: True), "nobody has read it"
        watched.was_read()
        await name_primary(topo, OTHER, TERM)
        assert watched.shows(lambda shard: convert.primary_alias_of(shard) == OTHER)
        now_s += 61.0
        assert not watched.shows(lambda _: True)
        watched.was_read()
        assert watched.shows(lambda _: True)
        await topo.delete_shard("main", "-")
        await anyio.wait_all_tasks_blocked()
        assert not watched.shows(lambda _: True)


async def test_a_watch_that_broke_shows_nothing() -> None:
    async def break_off() -> AsyncGenerator[topodata_pb2.Shard | None, None]:
        yield topodata_pb2.Shard()
        raise UnavailableError("etcd went away")

    watched = Watched[topodata_pb2.Shard]()
    watched.was_read()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, break_off)
        await anyio.wait_all_tasks_blocked()
        assert not watched.shows(lambda _: True)
        tasks.cancel_scope.cancel()


class Primary:
    """As much of an agent as keeping the shard's record needs."""

    def __init__(self, topo: TopoServer) -> None:
        self.topo = topo
        self.watched = WatchedRecords()
        self.identity = SimpleNamespace(alias=ME, keyspace="main", shard="-")
        self.role = Role(tablet_type=TabletType.PRIMARY, term_started_at=TERM, reason="")
        self.flags = Flags(busy="")
        self.read_count = 0

    async def shard_record(self) -> topodata_pb2.Shard:
        self.read_count += 1
        return await Agent.shard_record(cast(Agent, self))

    async def claim_shard(self) -> None:
        await Agent.claim_shard(cast(Agent, self))


async def test_a_primary_reads_its_shards_record_again_when_that_has_changed() -> None:
    topo = await make_topo()
    primary = Primary(topo)
    agent = cast(Agent, primary)
    async with following(primary.watched.shard, topo):
        await keep_shard_record(agent, WRITABLE)
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            await keep_shard_record(agent, WRITABLE)
        assert primary.read_count == 1, "it claimed the shard, and the watch shows so"
        await name_primary(topo, OTHER, TERM - timedelta(hours=1))
        await keep_shard_record(agent, WRITABLE)
        assert primary.read_count == 2
    assert convert.primary_alias_of((await topo.get_shard("main", "-")).value) == ME
