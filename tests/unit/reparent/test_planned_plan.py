"""Decisions of PlannedReparentShard."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from armillary.base.errors import InputError, PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtctld.reparent.durability import Durability
from armillary.vtctld.reparent.planned_plan import (
    FirstPrimary,
    HandOver,
    NothingToDo,
    PlannedRequest,
    Promote,
    Repair,
    plan_planned_reparent,
)
from armillary.vtctld.reparent.shard_seen import ShardSeen, TabletSeen

A, B, C = TabletAlias("zone1", 1), TabletAlias("zone1", 2), TabletAlias("zone2", 3)
OLDER, NEWER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)


def primary(alias: TabletAlias, term: datetime = NEWER, at: int = 9) -> TabletSeen:
    return TabletSeen(
        alias=alias, tablet_type=TabletType.PRIMARY, term_started_at=term, position=gtid(at)
    )


def replica(alias: TabletAlias, *, lag_s: int | None = 0, at: int = 9) -> TabletSeen:
    return TabletSeen(alias=alias, tablet_type=TabletType.REPLICA, lag_s=lag_s, position=gtid(at))


def gtid(sequence: int) -> Position:
    return Position.parse(f"MariaDB/0-1-{sequence}") if sequence else Position()


def shard(*tablets: TabletSeen, had_primary: bool = True, policy: str = "none") -> ShardSeen:
    return ShardSeen(
        keyspace="main",
        shard="-80",
        tablets={t.alias: t for t in tablets},
        had_primary=had_primary,
        durability=Durability(policy),
    )


def test_without_a_wish_the_primary_moves_to_the_replica_in_its_cell() -> None:
    plan = plan_planned_reparent(shard(primary(A), replica(C), replica(B)), PlannedRequest())
    assert isinstance(plan, HandOver)
    assert (plan.old, plan.new, plan.followers) == (A, B, (A, C))


def test_a_lagging_replica_in_the_cell_comes_after_a_fresh_one_elsewhere() -> None:
    seen = shard(primary(A), replica(B, lag_s=60), replica(C))
    plan = plan_planned_reparent(seen, PlannedRequest())
    assert isinstance(plan, HandOver) and plan.new == C


def test_another_cell_is_left_out_when_that_is_asked() -> None:
    seen = shard(primary(A), replica(C))
    with pytest.raises(PreconditionError, match="zone2-0000000003: it is in another cell"):
        plan_planned_reparent(seen, PlannedRequest(allow_cross_cell=False))


def test_avoiding_somebody_who_is_not_primary_changes_nothing() -> None:
    plan = plan_planned_reparent(shard(primary(A), replica(B)), PlannedRequest(avoid=B))
    assert plan == NothingToDo(A, f"{A} is master, and it is not {B}")


def test_asking_for_the_primary_itself_repairs_its_replicas() -> None:
    plan = plan_planned_reparent(shard(primary(A), replica(B)), PlannedRequest(new_primary=A))
    assert isinstance(plan, Repair) and plan.followers == (B,)


def test_the_one_to_promote_is_not_the_one_to_avoid() -> None:
    with pytest.raises(InputError, match="both"):
        plan_planned_reparent(shard(primary(A), replica(B)), PlannedRequest(new_primary=B, avoid=B))


def test_a_tablet_of_another_shard_is_refused_by_name() -> None:
    with pytest.raises(PreconditionError, match="zone9-0000000009 is not in shard main/-80"):
        plan_planned_reparent(
            shard(primary(A), replica(B)), PlannedRequest(new_primary=TabletAlias("zone9", 9))
        )


@pytest.mark.parametrize(
    "tablet_type", [TabletType.RDONLY, TabletType.SPARE, TabletType.DRAINED, TabletType.BACKUP]
)
def test_only_a_replica_becomes_primary(tablet_type: TabletType) -> None:
    seen = shard(primary(A), replace(replica(B), tablet_type=tablet_type))
    for request in (PlannedRequest(), PlannedRequest(new_primary=B)):
        with pytest.raises(PreconditionError, match=f"its type is {tablet_type.name.lower()}"):
            plan_planned_reparent(seen, request)


def test_a_tablet_that_takes_a_backup_is_not_chosen() -> None:
    seen = shard(primary(A), replace(replica(B), backup_running=True), replica(C))
    plan = plan_planned_reparent(seen, PlannedRequest())
    assert isinstance(plan, HandOver) and plan.new == C


def test_lag_bounds_the_choice() -> None:
    seen = shard(primary(A), replica(B, lag_s=31), replica(C, lag_s=None))
    with pytest.raises(PreconditionError, match=r"31 s is over 30 s.*lag is unknown"):
        plan_planned_reparent(seen, PlannedRequest(lag_s_max=30))


def test_every_tablet_must_answer() -> None:
    seen = shard(primary(A), replica(B), replace(replica(C), problem="connection refused"))
    with pytest.raises(PreconditionError, match="zone2-0000000003: connection refused"):
        plan_planned_reparent(seen, PlannedRequest())


def test_a_restoring_tablet_need_not_answer_and_is_not_repointed() -> None:
    restoring = replace(replica(C), tablet_type=TabletType.RESTORE, problem="mysqld is down")
    plan = plan_planned_reparent(shard(primary(A), replica(B), restoring), PlannedRequest())
    assert isinstance(plan, HandOver) and plan.followers == (A,)


def test_the_newest_term_is_the_primary() -> None:
    seen = shard(primary(A, OLDER), primary(B, NEWER), replica(C))
    plan = plan_planned_reparent(seen, PlannedRequest(new_primary=C))
    assert isinstance(plan, HandOver) and plan.old == B and plan.followers == (A, B)


def test_two_primaries_of_one_term_are_left_to_a_person() -> None:
    with pytest.raises(PreconditionError, match="several masters"):
        plan_planned_reparent(shard(primary(A), primary(B)), PlannedRequest())


def test_an_unexpected_primary_stops_the_reparent() -> None:
    with pytest.raises(PreconditionError, match=f"expected {B}, found {A}"):
        plan_planned_reparent(shard(primary(A), replica(B)), PlannedRequest(expected_primary=B))


def test_a_shard_that_never_had_a_primary_gets_its_first() -> None:
    seen = shard(replica(A, at=0), replica(B, at=0), had_primary=False)
    plan = plan_planned_reparent(seen, PlannedRequest(new_primary=B))
    assert isinstance(plan, FirstPrimary) and (plan.new, plan.followers) == (B, (A,))


def test_a_shard_that_lost_its_primary_gets_the_most_advanced() -> None:
    plan = plan_planned_reparent(shard(replica(A, at=5), replica(B, at=7)), PlannedRequest())
    assert isinstance(plan, Promote) and plan.new == B


def test_nobody_is_promoted_who_lacks_what_another_has() -> None:
    seen = shard(replica(A, at=5), replica(B, at=7))
    with pytest.raises(PreconditionError, match="no candidate has all"):
        plan_planned_reparent(seen, PlannedRequest(new_primary=A))


def test_semi_sync_needs_somebody_who_acknowledges() -> None:
    rdonly = replace(replica(C), tablet_type=TabletType.RDONLY)
    seen = shard(replica(A), rdonly, policy="semi_sync")
    with pytest.raises(PreconditionError, match="nobody could acknowledge"):
        plan_planned_reparent(seen, PlannedRequest())
    seen = shard(replica(A), rdonly, policy="semi_sync_with_rdonly_ack")
    assert isinstance(plan_planned_reparent(seen, PlannedRequest()), Promote)


def test_cross_cell_acknowledgements_come_from_another_cell() -> None:
    policy = Durability("cross_cell")
    assert policy.acknowledges(A, C, TabletType.REPLICA)
    assert not policy.acknowledges(A, B, TabletType.REPLICA)
    assert not policy.acknowledges(A, A, TabletType.PRIMARY)


def test_nobody_is_promoted_whose_commits_nobody_could_acknowledge() -> None:
    rdonly = replace(replica(C), tablet_type=TabletType.RDONLY)
    seen = shard(primary(A), replica(B), rdonly, policy="cross_cell")
    with pytest.raises(PreconditionError, match=f"acknowledge the commits of {B}"):
        plan_planned_reparent(seen, PlannedRequest(new_primary=B))


def test_without_a_primary_a_silent_tablet_may_have_what_the_others_lack() -> None:
    silent = replace(replica(B), problem="connection refused", position=Position())
    with pytest.raises(PreconditionError, match=f"not all tablets .*{B}: connection refused"):
        plan_planned_reparent(shard(silent, replica(C, at=7)), PlannedRequest())
