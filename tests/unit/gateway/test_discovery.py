"""What the gateway knows of the cluster follows the topology and the health streams."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from armillary.base.errors import UnavailableError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import query_pb2, topodata_pb2, vschema_pb2
from armillary.topo.convert import alias_to_pb, type_to_pb
from armillary.topo.server import TopoServer
from armillary.vtgate.errors import TabletUnavailableError
from armillary.vtgate.pages import Readiness
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.tablets.discovery import Discovery

pytestmark = pytest.mark.anyio
CELL = "zone1"


@dataclass
class FakeTablets:
    """Health streams that the test writes."""

    senders: dict[str, list[Any]] = field(default_factory=dict)
    reloaded: list[str] = field(default_factory=list)

    async def reload_schema(self, tablet: topodata_pb2.Tablet, *, timeout_s: float) -> None:
        self.reloaded.append(tablet.hostname)
        if tablet.hostname == "host3":
            raise UnavailableError("not reached")

    async def stream_health(
        self, tablet: topodata_pb2.Tablet
    ) -> AsyncGenerator[query_pb2.StreamHealthResponse, None]:
        send, receive = anyio.create_memory_object_stream[query_pb2.StreamHealthResponse](10)
        self.senders.setdefault(tablet.hostname, []).append(send)
        async with receive:
            async for answer in receive:
                yield answer
        raise UnavailableError("the stream broke")

    async def say(self, host: str, tablet_type: TabletType, **more: Any) -> None:
        while host not in self.senders:
            await anyio.lowlevel.checkpoint()
        answer = query_pb2.StreamHealthResponse(
            target=query_pb2.Target(
                keyspace="main", shard="-80", tablet_type=type_to_pb(tablet_type)
            ),
            serving=more.get("serving", True),
            primary_term_start_timestamp=more.get("term", 0),
        )
        answer.realtime_stats.replication_lag_seconds = more.get("lag", 0)
        answer.realtime_stats.health_error = more.get("problem", "")
        answer.realtime_stats.table_schema_changed.extend(more.get("altered", ()))
        await self.senders[host][-1].send(answer)


def tablet(uid: int, shard: str = "-80") -> topodata_pb2.Tablet:
    record = topodata_pb2.Tablet(
        alias=alias_to_pb(TabletAlias(CELL, uid)),
        hostname=f"host{uid}",
        mysql_hostname=f"host{uid}",
        mysql_port=3306,
        keyspace="main",
        shard=shard,
        type=type_to_pb(TabletType.REPLICA),
        db_name_override="vt_main",
    )
    record.port_map["grpc"] = 15999
    return record


async def until(true: Callable[[], bool], cluster: Cluster) -> None:
    with anyio.fail_after(5):
        while not true():
            await cluster.wait_for_change()


@dataclass
class Rig:
    topo: TopoServer
    cluster: Cluster
    tablets: FakeTablets


@pytest.fixture
async def rig() -> AsyncGenerator[Rig, None]:
    topo = await TopoServer.in_memory(CELL)
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    for shard in ("-80", "80-"):
        await topo.create_shard("main", shard)
    await topo.put_vschema("main", vschema_pb2.Keyspace(sharded=True))
    await topo.rebuild_srv_vschema()
    await topo.rebuild_keyspace_graph("main")
    made = Rig(topo, Cluster(cell=CELL), FakeTablets())
    yield made
    for senders in made.tablets.senders.values():
        for sender in senders:
            sender.close()


async def lose_stream(rig: Rig) -> None:
    """Break the primary's health stream, and wait until it is asked again."""
    await rig.tablets.senders["host1"][0].aclose()
    await until(lambda: rig.cluster.primary("main", "-80") is None, rig.cluster)
    with anyio.fail_after(5):
        while len(rig.tablets.senders["host1"]) < 2:
            await anyio.lowlevel.checkpoint()


def discovery(rig: Rig) -> Discovery:
    return Discovery(rig.cluster, rig.topo, rig.tablets, cell=CELL, cells=(CELL,))  # type: ignore[arg-type]


async def test_keyspaces_and_shards_come_from_the_topology(rig: Rig) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await until(lambda: "main" in rig.cluster.layouts, rig.cluster)
        partition = rig.cluster.layouts["main"].partition(TabletType.PRIMARY)
        assert partition is not None and partition.shards == ("-80", "80-")
        assert rig.cluster.vschema.keyspaces["main"].sharded
        tasks.cancel_scope.cancel()


async def test_the_newest_term_is_the_primary_s(rig: Rig) -> None:
    for uid in (1, 2):
        await rig.topo.create_tablet(tablet(uid))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=10)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        await rig.tablets.say("host2", TabletType.PRIMARY, term=20)

        def second_leads() -> bool:
            primary = rig.cluster.primary("main", "-80")
            return primary is not None and primary.alias.uid == 2

        await until(second_leads, rig.cluster)
        # The old one still says that it is primary: its word is older.
        await rig.tablets.say("host1", TabletType.PRIMARY, term=10)
        await rig.tablets.say("host2", TabletType.PRIMARY, term=20, serving=False)
        await until(lambda: rig.cluster.primary("main", "-80") is None, rig.cluster)
        with pytest.raises(TabletUnavailableError):
            rig.cluster.choose("main", "-80", TabletType.PRIMARY)
        tasks.cancel_scope.cancel()


async def test_a_tablet_whose_stream_breaks_is_not_used(rig: Rig) -> None:
    await rig.topo.create_tablet(tablet(1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        await lose_stream(rig)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        tasks.cancel_scope.cancel()


async def test_a_deleted_tablet_and_keyspace_are_forgotten(rig: Rig) -> None:
    await rig.topo.create_tablet(tablet(1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.REPLICA)
        await until(lambda: any(t.serving for t in rig.cluster.tablets()), rig.cluster)
        await rig.topo.delete_tablet(TabletAlias(CELL, 1))
        await until(lambda: not list(rig.cluster.tablets()), rig.cluster)
        await rig.topo.delete_vschema("main")
        await rig.topo.delete_srv_keyspace(CELL, "main")
        await until(lambda: "main" not in rig.cluster.layouts, rig.cluster)
        tasks.cancel_scope.cancel()


async def test_lagging_and_broken_replicas_come_last_or_not_at_all(rig: Rig) -> None:
    for uid in (1, 2, 3):
        await rig.topo.create_tablet(tablet(uid))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.REPLICA, lag=100)
        await rig.tablets.say("host2", TabletType.REPLICA, lag=1)
        await rig.tablets.say("host3", TabletType.REPLICA, problem="not replicating")

        def heard() -> int:
            return sum(t.serving for t in rig.cluster.tablets())

        await until(lambda: heard() == 3, rig.cluster)
        chosen = {rig.cluster.choose("main", "-80", TabletType.REPLICA).alias.uid for _ in range(6)}
        assert chosen == {2}
        tasks.cancel_scope.cancel()


async def test_ready_means_every_shard_has_a_primary_or_enough_waiting(rig: Rig) -> None:
    wanted = (TabletType.PRIMARY, TabletType.REPLICA)
    patient = Readiness(rig.cluster, wanted, 1000.0)
    assert not patient.check()[0]
    for uid, shard in ((1, "-80"), (2, "80-")):
        await rig.topo.create_tablet(tablet(uid, shard))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        ready, reason = patient.check()
        assert not ready and "main/80- PRIMARY" in reason
        assert Readiness(rig.cluster, wanted, 0.0).check()[0]
        tasks.cancel_scope.cancel()


async def test_tables_are_forgotten_when_a_tablet_tells_or_may_have_told(rig: Rig) -> None:
    await rig.topo.create_tablet(tablet(1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        await until(lambda: "main" in rig.cluster.layouts, rig.cluster)
        before = rig.cluster.generation
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1, lag=1)
        await until(lambda: any(t.lag_s == 1 for t in rig.cluster.tablets()), rig.cluster)
        assert rig.cluster.generation == before
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1, altered=["t"])
        await until(lambda: rig.cluster.generation > before, rig.cluster)
        before = rig.cluster.generation
        await lose_stream(rig)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await until(lambda: rig.cluster.primary("main", "-80") is not None, rig.cluster)
        assert rig.cluster.generation > before
        tasks.cancel_scope.cancel()


async def test_another_primary_may_have_other_tables(rig: Rig) -> None:
    for uid in (1, 2):
        await rig.topo.create_tablet(tablet(uid))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(discovery(rig).run)
        await until(lambda: "main" in rig.cluster.layouts, rig.cluster)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await rig.tablets.say("host2", TabletType.REPLICA)
        await until(lambda: sum(t.serving for t in rig.cluster.tablets()) == 2, rig.cluster)
        before = rig.cluster.generation
        await rig.tablets.say("host2", TabletType.PRIMARY, term=2)
        await until(lambda: rig.cluster.generation > before, rig.cluster)
        tasks.cancel_scope.cancel()


async def test_primaries_are_asked_to_tell_of_a_schema_change(rig: Rig) -> None:
    for uid in (1, 2, 3):
        await rig.topo.create_tablet(tablet(uid, "80-" if uid == 3 else "-80"))
    found = discovery(rig)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(found.run)
        await rig.tablets.say("host1", TabletType.PRIMARY, term=1)
        await rig.tablets.say("host2", TabletType.REPLICA)
        await rig.tablets.say("host3", TabletType.PRIMARY, term=1)
        await until(lambda: sum(t.serving for t in rig.cluster.tablets()) == 3, rig.cluster)
        await found.reload_schemas("main")  # one of them is not reached: that is no error
        await found.reload_schemas("other")
        assert sorted(rig.tablets.reloaded) == ["host1", "host3"]
        tasks.cancel_scope.cancel()
