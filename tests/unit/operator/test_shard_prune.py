"""Which shards a keyspace's topology forgets: those that nothing knows any more."""

import pytest

from armillary.operator.keyspace.prune import shards_to_prune
from armillary.operator.shard.observe import find_left_cells
from armillary.pb import topodata_pb2
from armillary.topo.server import TopoServer
from tests.unit.operator.example import example_shard


def test_a_shard_that_nothing_knows_is_forgotten() -> None:
    recorded = ["-55", "-80", "55-aa", "80-"]
    assert shards_to_prune(recorded, {"x-80", "80-x"}, is_snapshot=False) == ["-55", "55-aa"]


def test_a_shard_whose_pods_are_still_there_is_kept() -> None:
    kept = {"x-80", "80-x", "x-55"}
    assert shards_to_prune(["-55", "-80", "80-"], kept, is_snapshot=False) == []


def test_a_snapshot_is_the_users_own() -> None:
    assert shards_to_prune(["-55", "-80"], {"x-80"}, is_snapshot=True) == []


def test_a_keyspace_of_which_nothing_is_known_loses_nothing() -> None:
    assert shards_to_prune(["-80", "80-"], frozenset(), is_snapshot=False) == []


@pytest.mark.anyio
async def test_a_cell_that_has_a_list_of_the_shards_tablets_and_no_pool_was_left() -> None:
    shard = example_shard("-80", "restore")  # its one pool is in uscentral1a
    topo = await TopoServer.in_memory("uscentral1a", "uscentral1c", "elsewhere")
    for cell in ("uscentral1a", "uscentral1c", "elsewhere"):
        alias = topodata_pb2.TabletAlias(cell=cell, uid=1)
        tablet = topodata_pb2.Tablet(alias=alias, keyspace="restore", shard="-80")
        await topo.add_to_shard_replication(tablet)
    # `elsewhere` is not the cluster's, and uscentral1f has no list, nor is it known yet.
    assert await find_left_cells(topo, shard) == {"uscentral1c"}
