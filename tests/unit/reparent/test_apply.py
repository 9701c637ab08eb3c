"""Reparents carried out on a shard in memory, also when they are interrupted anywhere."""

import anyio
import anyio.lowlevel
import pytest

from armillary.base.errors import ArmillaryError, PreconditionError, UnavailableError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.topo.convert import primary_alias_of
from armillary.vtctld.reparent.emergency import emergency_reparent
from armillary.vtctld.reparent.emergency_plan import EmergencyRequest
from armillary.vtctld.reparent.initial import init_shard_primary
from armillary.vtctld.reparent.observe import acknowledges_now
from armillary.vtctld.reparent.planned import planned_reparent
from armillary.vtctld.reparent.planned_plan import PlannedRequest
from tests.fakes.shard_of_tablets import KEYSPACE, SHARD, ShardOfTablets

pytestmark = pytest.mark.anyio

A, B, C = TabletAlias("zone1", 1), TabletAlias("zone1", 2), TabletAlias("zone2", 3)


async def silent(text: str) -> None:
    await anyio.lowlevel.checkpoint()


async def running_shard() -> ShardOfTablets:
    shard = await ShardOfTablets.create(A, B, C)
    await shard.lead(A)
    for row in ("one", "two"):
        shard.write(row)
    shard.pump()
    shard.calls.clear()
    return shard


async def planned(shard: ShardOfTablets, request: PlannedRequest) -> TabletAlias:
    return await planned_reparent(
        shard.topo, shard, KEYSPACE, SHARD, request, report=silent, wait_replicas_s=1
    )


async def assert_healthy(shard: ShardOfTablets, primary: TabletAlias, *rows: str) -> None:
    """One primary, in every record; everybody follows it and has the rows."""
    assert shard.writable() == [primary]
    assert primary_alias_of(await shard.shard_record()) == primary
    types = await shard.types()
    alive = {alias for alias, mysqld in shard.mysqlds.items() if mysqld.alive}
    assert [a for a, t in types.items() if t is TabletType.PRIMARY and a in alive] == [primary]
    shard.write("after")
    shard.pump()
    for alias, mysqld in shard.mysqlds.items():
        if mysqld.alive:
            assert [r for r in mysqld.rows if not r.startswith("journal")] == [*rows, "after"], (
                alias
            )


async def test_a_planned_reparent_moves_the_primary_and_loses_nothing() -> None:
    shard = await running_shard()
    assert await planned(shard, PlannedRequest(new_primary=B)) == B
    await assert_healthy(shard, B, "one", "two")


async def test_the_old_primary_stops_before_the_new_one_starts() -> None:
    shard = await running_shard()
    await planned(shard, PlannedRequest(new_primary=B))
    acts = [c for c in shard.calls if not c.startswith("full_status")]
    assert acts[:4] == [
        f"set_replication_source {B}",
        f"demote_primary {A}",
        f"wait_for_position {B}",
        f"promote_replica {B}",
    ]


@pytest.mark.parametrize("after_acting", [False, True])
@pytest.mark.parametrize("fails_at", range(14))
async def test_a_reparent_that_breaks_anywhere_is_safe_and_can_be_repeated(
    fails_at: int, after_acting: bool
) -> None:
    """Every call in turn is lost, before or after the tablet acted; then the command runs again."""
    shard = await running_shard()
    shard.fail_at, shard.fail_after_acting = fails_at, after_acting
    try:
        await planned(shard, PlannedRequest(new_primary=B))
        failed = False
    except ArmillaryError:
        failed = True
    assert len(shard.writable()) <= 1
    demoted = any(call.startswith("demote_primary") for call in shard.calls)
    asked = any(call.startswith("promote_replica") for call in shard.calls)
    if failed and demoted and not asked:
        assert shard.writable() == [A], "the old primary goes on"
    shard.fail_at = None
    await planned(shard, PlannedRequest(new_primary=B))
    await assert_healthy(shard, B, "one", "two")


async def test_a_refusal_of_the_new_primary_leaves_the_old_one_writing() -> None:
    shard = await running_shard()
    await planned_until(shard, f"promote_replica {B}")
    shard.fail_with = PreconditionError
    with pytest.raises(PreconditionError):
        await planned(shard, PlannedRequest(new_primary=B))
    assert shard.writable() == [A]


async def planned_until(shard: ShardOfTablets, call: str) -> None:
    """Make the call of this name fail, when the same reparent runs on this shard."""
    twin = await running_shard()
    await planned(twin, PlannedRequest(new_primary=B))
    shard.fail_at = twin.calls.index(call)


async def test_a_silent_promotion_leaves_the_old_primary_read_only() -> None:
    """It may be promoted this very moment: two writers are worse than none."""
    shard = await running_shard()
    await planned_until(shard, f"promote_replica {B}")
    with pytest.raises(UnavailableError):
        await planned(shard, PlannedRequest(new_primary=B))
    assert shard.writable() == []


async def test_a_client_that_goes_away_before_the_promotion_undoes_the_demotion() -> None:
    shard = await running_shard()
    with anyio.CancelScope() as scope:

        async def leave(text: str) -> None:
            if "stops writing" in text:
                scope.cancel()
            await anyio.lowlevel.checkpoint()

        await planned_reparent(
            shard.topo, shard, KEYSPACE, SHARD, PlannedRequest(new_primary=B), report=leave
        )
    assert shard.writable() == [A]
    await planned(shard, PlannedRequest(new_primary=B))
    await assert_healthy(shard, B, "one", "two")


async def test_the_first_primary_of_an_empty_shard() -> None:
    shard = await ShardOfTablets.create(A, B, C)
    assert await planned(shard, PlannedRequest(new_primary=C)) == C
    await assert_healthy(shard, C)


async def test_a_lost_primary_is_replaced_by_who_received_most() -> None:
    shard = await running_shard()
    shard.mysqlds[B].replicating = False
    shard.mysqlds[C].applying = False
    shard.write("three")
    shard.pump()
    shard.kill(A)
    shard.mysqlds[C].applying = True
    promoted = await emergency_reparent(
        shard.topo, shard, KEYSPACE, SHARD, EmergencyRequest(), report=silent, wait_replicas_s=1
    )
    assert promoted == C
    await assert_healthy(shard, C, "one", "two", "three")


async def test_a_refused_emergency_leaves_replication_running() -> None:
    shard = await running_shard()
    shard.mysqlds[B].applying = False
    shard.write("three")
    shard.pump()
    with pytest.raises(ArmillaryError, match="did not reach"):
        await emergency_reparent(
            shard.topo,
            shard,
            KEYSPACE,
            SHARD,
            EmergencyRequest(new_primary=B),
            report=silent,
            wait_replicas_s=1,
        )
    shard.mysqlds[B].applying = True
    await assert_healthy(shard, A, "one", "two", "three")


@pytest.mark.parametrize("dead", [None, A])
async def test_a_refused_emergency_leaves_a_shard_as_it_was_found(dead: TabletAlias | None) -> None:
    """A dead primary's replicas go on asking for it, and each acknowledges as it did."""
    shard = await running_shard()
    await require_acknowledgements(shard)
    shard.mysqlds[C].applying = False
    shard.write("three")
    shard.pump()
    if dead:
        shard.kill(dead)
    with pytest.raises(ArmillaryError, match="did not reach"):
        await emergency_reparent(
            shard.topo,
            shard,
            KEYSPACE,
            SHARD,
            EmergencyRequest(new_primary=C),
            report=silent,
            wait_replicas_s=1,
        )
    mysqlds = shard.mysqlds
    assert (mysqlds[B].replicating, mysqlds[C].replicating) == (True, True)
    assert [m.semi_sync for m in mysqlds.values() if m.alive] == [True] * (2 if dead else 3)


async def require_acknowledgements(shard: ShardOfTablets) -> None:
    def change(record: topodata_pb2.Keyspace) -> None:
        record.durability_policy = "semi_sync"

    async with shard.topo.lock_keyspace(KEYSPACE, "test"):
        await shard.topo.update_keyspace(KEYSPACE, change)


async def test_a_client_that_goes_away_while_replication_stops_leaves_it_running() -> None:
    shard = await running_shard()
    with anyio.CancelScope() as client:

        async def report(text: str) -> None:
            if text.startswith("stopping replication"):
                client.cancel()
            await anyio.lowlevel.checkpoint_if_cancelled()

        await emergency_reparent(
            shard.topo, shard, KEYSPACE, SHARD, EmergencyRequest(), report=report
        )
    assert client.cancelled_caught
    await assert_healthy(shard, A, "one", "two")


async def test_whoever_starts_replication_acknowledges_as_the_keyspace_wants_it() -> None:
    shard = await running_shard()
    tablets = await shard.topo.tablets_of_shard(KEYSPACE, SHARD)
    assert [await acknowledges_now(shard.topo, tablets[alias]) for alias in (A, B)] == [False] * 2
    await require_acknowledgements(shard)
    assert [await acknowledges_now(shard.topo, tablets[alias]) for alias in (A, B)] == [False, True]


async def test_initialising_a_shard_that_has_a_primary_needs_force() -> None:
    shard = await running_shard()
    with pytest.raises(PreconditionError, match="-force"):
        await init_shard_primary(shard.topo, shard, KEYSPACE, SHARD, B, force=False, report=silent)
    await assert_healthy(shard, A, "one", "two")


async def test_initialising_a_new_shard_makes_all_follow() -> None:
    shard = await ShardOfTablets.create(A, B, C)
    await init_shard_primary(shard.topo, shard, KEYSPACE, SHARD, B, force=True, report=silent)
    await assert_healthy(shard, B)
