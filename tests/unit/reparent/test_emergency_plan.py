"""Decisions of EmergencyReparentShard."""

from dataclasses import replace

import pytest

from armillary.base.errors import IntegrityError, PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletType
from armillary.vtctld.reparent.emergency_plan import EmergencyRequest, plan_emergency_reparent
from armillary.vtctld.reparent.shard_seen import TabletSeen

from .test_planned_plan import A, B, C, gtid, primary, replica, shard


def dead(tablet: TabletSeen) -> TabletSeen:
    return replace(tablet, problem="connection refused", position=Position())


def test_the_replica_that_received_most_is_promoted() -> None:
    seen = shard(dead(primary(A)), replica(B, at=7), replica(C, at=8))
    plan = plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A)
    assert (plan.new, plan.source, plan.followers) == (C, C, (B,))


def test_a_wish_for_another_one_makes_it_catch_up_first() -> None:
    seen = shard(dead(primary(A)), replica(B, at=7), replica(C, at=8))
    plan = plan_emergency_reparent(seen, EmergencyRequest(new_primary=B), old_primary=A)
    assert (plan.new, plan.source) == (B, C)


def test_what_only_a_read_only_replica_has_is_not_lost() -> None:
    rdonly = replace(replica(C, at=9), tablet_type=TabletType.RDONLY)
    seen = shard(dead(primary(A)), replica(B, at=7), rdonly)
    plan = plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A)
    assert (plan.new, plan.source) == (B, C)


def test_two_silent_tablets_are_too_many_unless_named() -> None:
    seen = shard(dead(primary(A)), dead(replica(B)), replica(C))
    with pytest.raises(PreconditionError, match="could not reach sufficient tablets"):
        plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A)
    request = EmergencyRequest(ignore=frozenset({B}))
    assert plan_emergency_reparent(seen, request, old_primary=A).new == C


def test_one_silent_tablet_is_too_many_when_all_are_wanted() -> None:
    seen = shard(dead(primary(A)), replica(B))
    with pytest.raises(PreconditionError, match="sufficient"):
        plan_emergency_reparent(seen, EmergencyRequest(wait_for_all=True), old_primary=A)


def test_diverged_tablets_are_left_to_a_person() -> None:
    left = replace(replica(B), position=Position.parse("MariaDB/0-1-5,1-1-9"))
    right = replace(replica(C), position=Position.parse("MariaDB/0-1-6,1-1-8"))
    with pytest.raises(IntegrityError, match="split brain"):
        plan_emergency_reparent(shard(left, right), EmergencyRequest(), old_primary=None)


def test_restoring_and_drained_tablets_are_no_candidates() -> None:
    seen = shard(
        replace(replica(B), tablet_type=TabletType.RESTORE),
        replace(replica(C), tablet_type=TabletType.DRAINED),
    )
    with pytest.raises(PreconditionError, match="can become master"):
        plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A)


def test_a_tablet_that_takes_a_backup_is_the_last_choice() -> None:
    seen = shard(dead(primary(A)), replace(replica(B), backup_running=True), replica(C))
    assert plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A).new == C


def test_staying_in_the_cell_is_obeyed() -> None:
    seen = shard(dead(primary(A)), replica(B, at=7), replica(C, at=8))
    request = EmergencyRequest(prevent_cross_cell=True)
    plan = plan_emergency_reparent(seen, request, old_primary=A)
    assert (plan.new, plan.source) == (B, C)


def test_what_only_a_drained_tablet_has_stops_nobody() -> None:
    """It may have been drained for that very reason."""
    drained = replace(replica(C), tablet_type=TabletType.DRAINED, position=gtid(99))
    seen = shard(dead(primary(A)), replica(B, at=7), drained)
    plan = plan_emergency_reparent(seen, EmergencyRequest(), old_primary=A)
    assert (plan.new, plan.source) == (B, B)


def test_the_old_primary_is_the_last_choice_when_it_answers_again() -> None:
    back = replace(replica(A), tablet_type=TabletType.PRIMARY)
    plan = plan_emergency_reparent(shard(back, replica(B)), EmergencyRequest(), old_primary=A)
    assert plan.new == B
