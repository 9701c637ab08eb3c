"""What is held while a tablet's pod is deleted, so that nobody makes a primary of it meanwhile."""

import anyio
import pytest

from armillary.base.errors import ConflictError, DeadlineError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.tablet_pods import lock_against_promotion
from armillary.pb import topodata_pb2
from armillary.topo.convert import alias_to_pb, type_to_pb
from armillary.topo.server import TopoServer

pytestmark = pytest.mark.anyio

ALIAS = TabletAlias("a", 1)


async def topology(*, keyspace: bool = True, shard: bool = True) -> TopoServer:
    topo = await TopoServer.in_memory("a", lock_timeout_s=0.05)
    if keyspace or shard:
        await topo.create_keyspace("main", topodata_pb2.Keyspace())
    if shard:
        await topo.get_or_create_shard("main", "-80")
    return topo


async def register(topo: TopoServer, tablet_type: TabletType) -> None:
    tablet = topodata_pb2.Tablet(
        alias=alias_to_pb(ALIAS), keyspace="main", shard="-80", type=type_to_pb(tablet_type)
    )
    await topo.put_tablet(tablet)


async def test_a_shard_is_locked() -> None:
    topo = await topology()
    async with lock_against_promotion(topo, "main", "-80", ALIAS) as lock:
        assert lock is not None
        with pytest.raises(DeadlineError):
            async with topo.lock_shard("main", "-80", "promote"):
                pass
    async with topo.lock_shard("main", "-80", "promote"):
        pass


async def test_nobody_makes_a_shards_record_meanwhile() -> None:
    topo = await topology(shard=False)
    async with lock_against_promotion(topo, "main", "-80", ALIAS) as lock:
        assert lock is not None
        with pytest.raises(DeadlineError):
            await topo.get_or_create_shard("main", "-80")
    await topo.get_or_create_shard("main", "-80")


async def test_a_keyspace_of_which_nothing_is_recorded_has_no_lock() -> None:
    topo = await topology(keyspace=False, shard=False)
    with anyio.fail_after(5):
        async with lock_against_promotion(topo, "main", "-80", ALIAS) as lock:
            assert lock is None


async def test_the_primary_stays() -> None:
    topo = await topology()

    def promote(record: topodata_pb2.Shard) -> None:
        record.primary_alias.CopyFrom(alias_to_pb(ALIAS))

    await topo.update_shard("main", "-80", promote)
    with pytest.raises(ConflictError, match="is the primary"):
        async with lock_against_promotion(topo, "main", "-80", ALIAS):
            pass


@pytest.mark.parametrize("keyspace", [True, False])
async def test_without_the_shards_record_the_tablets_own_counts(keyspace: bool) -> None:
    topo = await topology(keyspace=keyspace, shard=False)
    await register(topo, TabletType.REPLICA)
    async with lock_against_promotion(topo, "main", "-80", ALIAS):
        pass
    await register(topo, TabletType.PRIMARY)
    with pytest.raises(ConflictError, match="is the primary"):
        async with lock_against_promotion(topo, "main", "-80", ALIAS):
            pass
