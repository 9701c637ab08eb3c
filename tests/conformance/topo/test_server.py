"""The topology's records and rebuilds, on every connection."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import (
    AlreadyExistsError,
    InputError,
    NotFoundError,
    PreconditionError,
)
from armillary.model.tablet import TabletAlias
from armillary.pb import topodata_pb2, vschema_pb2
from armillary.settings.topo import TopoSettings
from armillary.topo.server import TopoServer

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", pytest.param("etcd", marks=pytest.mark.integration)])
async def topo(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TopoServer]:
    if request.param == "memory":
        yield await TopoServer.in_memory("zone1", "zone2")
        return
    address = request.getfixturevalue("etcd_address")
    settings = TopoSettings(
        topo_global_server_address=address, topo_global_root=f"{tmp_path}/global"
    )
    async with TopoServer.open(settings) as server:
        for cell in ("zone1", "zone2"):
            info = topodata_pb2.CellInfo(server_address=address, root=f"{tmp_path}/{cell}")
            await server.create_cell_info(cell, info)
        yield server


def tablet(cell: str, uid: int, shard: str = "-80") -> topodata_pb2.Tablet:
    return topodata_pb2.Tablet(
        alias=topodata_pb2.TabletAlias(cell=cell, uid=uid),
        hostname="127.16.0.9",
        port_map={"vt": 15000, "grpc": 15999},
        keyspace="main",
        shard=shard,
        type=topodata_pb2.REPLICA,
    )


async def test_keyspaces_are_listed_without_what_lies_below_them(topo: TopoServer) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_keyspace("main2", topodata_pb2.Keyspace())
    await topo.create_shard("main", "-80")
    async with topo.lock_keyspace("main", "test"):
        assert await topo.list_keyspaces() == ["main", "main2"]
        assert await topo.list_shards("main") == ["-80"]
        assert await topo.list_shards("absent") == []


async def test_a_keyspace_name_is_checked(topo: TopoServer) -> None:
    with pytest.raises(InputError, match="invalid keyspace name"):
        await topo.create_keyspace("a/b", topodata_pb2.Keyspace())


async def test_a_shard_that_overlaps_another_does_not_serve(topo: TopoServer) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    for shard in ("-80", "80-", "-40"):
        await topo.create_shard("main", shard)
    serving = {
        name: stored.value.is_primary_serving
        for name, stored in (await topo.shards_of_keyspace("main")).items()
    }
    assert serving == {"-40": False, "-80": True, "80-": True}


async def test_a_shard_is_created_once(topo: TopoServer) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_shard("main", "0")
    with pytest.raises(AlreadyExistsError):
        await topo.create_shard("main", "0")
    with pytest.raises(NotFoundError):
        await topo.create_shard("absent", "0")


async def test_tablets_that_start_together_share_the_shard_they_create(topo: TopoServer) -> None:
    async def start(uid: int) -> None:
        await topo.get_or_create_shard("main", "-80")
        await topo.create_tablet(tablet("zone1", uid))

    async with anyio.create_task_group() as tasks:
        for uid in range(1, 6):
            tasks.start_soon(start, uid)
    assert (await topo.get_shard("main", "-80")).value.is_primary_serving
    assert (await topo.get_vschema("main")).value == vschema_pb2.Keyspace()
    replication = (await topo.get_shard_replication("zone1", "main", "-80")).value
    assert sorted(node.tablet_alias.uid for node in replication.nodes) == [1, 2, 3, 4, 5]


async def test_tablets_come_from_all_cells_sorted_by_alias(topo: TopoServer) -> None:
    for record in (tablet("zone2", 1), tablet("zone1", 20), tablet("zone1", 3, "80-")):
        await topo.create_tablet(record)
    aliases = [f"{t.alias.cell}-{t.alias.uid}" for t in await topo.list_tablets()]
    assert aliases == ["zone1-3", "zone1-20", "zone2-1"]
    assert set(await topo.tablets_of_shard("main", "-80")) == {
        TabletAlias("zone1", 20),
        TabletAlias("zone2", 1),
    }
    await topo.delete_tablet(TabletAlias("zone1", 20))
    assert (await topo.get_shard_replication("zone1", "main", "-80")).value.nodes == []
    with pytest.raises(NotFoundError):
        await topo.get_tablet(TabletAlias("zone1", 20))


async def test_concurrent_changes_of_one_record_are_all_kept(topo: TopoServer) -> None:
    await topo.create_tablet(tablet("zone1", 1))

    async def tag(name: str) -> None:
        def change(record: topodata_pb2.Tablet) -> None:
            record.tags[name] = "x"

        await topo.update_tablet(TabletAlias("zone1", 1), change)

    async with anyio.create_task_group() as tasks:
        for name in "abcdef":
            tasks.start_soon(tag, name)
    assert set((await topo.get_tablet(TabletAlias("zone1", 1))).value.tags) == set("abcdef")


async def test_the_serving_graph_has_three_types_and_needs_every_keyspace_id(
    topo: TopoServer,
) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_shard("main", "-80")
    with pytest.raises(PreconditionError, match="after -80"):
        await topo.rebuild_keyspace_graph("main")
    assert await topo.list_srv_keyspaces("zone1") == []
    await topo.create_shard("main", "80-")
    await topo.rebuild_keyspace_graph("main")
    graph = (await topo.get_srv_keyspace("zone2", "main")).value
    assert [p.served_type for p in graph.partitions] == [
        topodata_pb2.PRIMARY,
        topodata_pb2.REPLICA,
        topodata_pb2.RDONLY,
    ]
    assert [r.name for r in graph.partitions[0].shard_references] == ["-80", "80-"]


async def test_a_snapshot_keyspace_may_be_served_in_part(topo: TopoServer) -> None:
    record = topodata_pb2.Keyspace(keyspace_type=topodata_pb2.SNAPSHOT, base_keyspace="main")
    await topo.create_keyspace("restore", record)
    await topo.create_shard("restore", "-80")
    with pytest.raises(PreconditionError):
        await topo.rebuild_keyspace_graph("restore")
    await topo.rebuild_keyspace_graph("restore", allow_partial=True)
    assert await topo.list_srv_keyspaces("zone1") == ["restore"]


async def test_vtgate_sees_a_vschema_after_the_rebuild(topo: TopoServer) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    with anyio.fail_after(40):
        async with aclosing(topo.watch_srv_vschema("zone1")) as values:
            assert await anext(values) is None
            await topo.put_vschema("main", vschema_pb2.Keyspace(sharded=True))
            await topo.rebuild_srv_vschema()
            value = await anext(values)
            assert value is not None and value.keyspaces["main"].sharded
            await topo.delete_keyspace("main")
            await topo.rebuild_srv_vschema()
            value = await anext(values)
            assert value is not None and not value.keyspaces


async def test_a_cell_that_serves_is_not_deleted_without_force(topo: TopoServer) -> None:
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_shard("main", "0")
    await topo.rebuild_keyspace_graph("main", ["zone1"])
    with pytest.raises(PreconditionError, match="main"):
        await topo.delete_cell_info("zone1")
    await topo.delete_cell_info("zone2")
    assert await topo.list_cells() == ["zone1"]
    await topo.delete_cell_info("zone1", force=True)
    with pytest.raises(NotFoundError):
        await topo.get_srv_keyspace("zone1", "main")


async def test_a_cell_is_in_one_alias_at_most(topo: TopoServer) -> None:
    await topo.create_cells_alias("region1", ["zone1", "zone2"])
    with pytest.raises(PreconditionError):
        await topo.create_cells_alias("region2", ["zone2"])
    with pytest.raises(NotFoundError):
        await topo.create_cells_alias("region3", ["nowhere"])
    assert list((await topo.get_cells_aliases())["region1"].cells) == ["zone1", "zone2"]
