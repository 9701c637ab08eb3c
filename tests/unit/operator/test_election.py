"""Who becomes primary, and who never does."""

from dataclasses import replace

import pytest

from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.election import (
    Candidate,
    ElectRestored,
    InitializeEmpty,
    NoElection,
    Promote,
    Refuse,
    ShardState,
    TabletSeen,
    Wait,
    choose_primary,
    plan_election,
)

A, B, C = (TabletAlias("zone1", uid) for uid in (1, 2, 3))


def tablet(alias: TabletAlias, kind: TabletType | None = TabletType.REPLICA) -> TabletSeen:
    return TabletSeen(alias=alias, running=True, can_be_primary=True, type=kind)


RESTORED = ShardState(
    initialize=True,
    has_backups=True,
    has_initial_backup=True,
    has_record=True,
    is_snapshot=False,
    primary=None,
    tablets=[tablet(A), tablet(B)],
)
EMPTY = replace(RESTORED, has_backups=False, has_initial_backup=False)


def test_restored_tablets_stand_for_election() -> None:
    assert plan_election(RESTORED) == ElectRestored((A, B))


def test_nobody_waits_for_tablets_that_still_restore() -> None:
    state = replace(RESTORED, tablets=[tablet(A, TabletType.RESTORE), tablet(B)])
    assert plan_election(state) == ElectRestored((B,))


@pytest.mark.parametrize(
    "tablets",
    [
        [tablet(A, TabletType.RESTORE)],
        [tablet(A, None)],
        [replace(tablet(A), running=False)],
        [],
    ],
)
def test_without_a_restored_tablet_there_is_no_election(tablets: list[TabletSeen]) -> None:
    assert isinstance(plan_election(replace(RESTORED, tablets=tablets)), Wait)


def test_there_is_no_election_before_the_first_complete_backup() -> None:
    assert isinstance(plan_election(replace(RESTORED, has_initial_backup=False)), Wait)


def test_a_snapshot_keyspace_needs_no_backup_of_its_own() -> None:
    """Its data comes from its base keyspace's backups."""
    state = replace(RESTORED, has_initial_backup=False, is_snapshot=True)
    assert plan_election(state) == ElectRestored((A, B))


def test_a_snapshot_keyspace_is_never_initialized_empty() -> None:
    state = replace(EMPTY, is_snapshot=True)
    assert plan_election(state) == ElectRestored((A, B))


def test_a_shard_whose_record_is_gone_gets_no_primary() -> None:
    """Between DeleteKeyspace and CreateKeyspace the user decides, not we."""
    assert isinstance(plan_election(replace(RESTORED, has_record=False)), Wait)


def test_a_shard_with_a_primary_holds_no_election() -> None:
    assert isinstance(plan_election(replace(RESTORED, primary=A)), NoElection)


def test_initialize_master_false_leaves_it_to_the_user() -> None:
    assert isinstance(plan_election(replace(EMPTY, initialize=False)), NoElection)


def test_without_backups_the_first_eligible_tablet_starts_the_shard() -> None:
    rdonly = replace(tablet(A), can_be_primary=False)
    assert plan_election(replace(EMPTY, tablets=[rdonly, tablet(B)])) == InitializeEmpty(B)


@pytest.mark.parametrize(
    "other",
    [
        tablet(B, None),
        tablet(B, TabletType.UNKNOWN),
        tablet(B, TabletType.RESTORE),
        tablet(B, TabletType.PRIMARY),
        replace(tablet(B), running=False),
    ],
)
def test_without_backups_every_tablet_must_be_there_first(other: TabletSeen) -> None:
    assert isinstance(plan_election(replace(EMPTY, tablets=[tablet(A), other])), Wait)


def test_without_backups_somebody_must_be_eligible() -> None:
    nobody = replace(tablet(A), can_be_primary=False)
    assert isinstance(plan_election(replace(EMPTY, tablets=[nobody])), Wait)


def candidate(alias: TabletAlias, position: str = "MariaDB/0-1-5") -> Candidate:
    return Candidate(
        alias=alias,
        type=TabletType.REPLICA,
        can_be_primary=True,
        has_database=True,
        position=position,
    )


def types(*candidates: Candidate) -> dict[TabletAlias, TabletType]:
    return {c.alias: c.type for c in candidates}


def chosen(*candidates: Candidate) -> TabletAlias | None:
    choice = choose_primary(candidates, types(*candidates))
    return choice.alias if isinstance(choice, Promote) else None


def test_the_farthest_restored_tablet_is_promoted() -> None:
    assert chosen(candidate(A), candidate(B, "MariaDB/0-1-7"), candidate(C)) == B


def test_of_equals_the_first_is_promoted() -> None:
    assert chosen(candidate(B), candidate(A)) == B


def test_a_tablet_without_the_database_is_never_promoted() -> None:
    """It came up empty: promoting it would make an empty shard of a lost one."""
    empty = replace(candidate(B, "MariaDB/0-1-9"), has_database=False)
    assert chosen(candidate(A), empty) == A
    assert chosen(empty) is None


def test_a_tablet_of_a_pool_that_may_not_is_never_promoted() -> None:
    rdonly = replace(candidate(B, "MariaDB/0-1-9"), can_be_primary=False)
    assert chosen(candidate(A), rdonly) == A


@pytest.mark.parametrize("kind", [TabletType.RESTORE, TabletType.RDONLY, TabletType.DRAINED])
def test_only_replicas_are_promoted(kind: TabletType) -> None:
    assert chosen(replace(candidate(A), type=kind)) is None


def test_a_tablet_that_is_primary_already_only_gets_its_record() -> None:
    primary = replace(candidate(B), type=TabletType.PRIMARY, position="MariaDB/0-1-1")
    assert chosen(candidate(A), primary) == B


def test_two_tablets_that_claim_to_be_primary_are_for_a_person() -> None:
    both = [replace(candidate(x), type=TabletType.PRIMARY) for x in (A, B)]
    assert isinstance(choose_primary(both, types(*both)), Refuse)


def test_a_claiming_primary_that_does_not_answer_blocks_the_election() -> None:
    known = {A: TabletType.REPLICA, B: TabletType.PRIMARY}
    assert isinstance(choose_primary([candidate(A)], known), Refuse)


def test_positions_that_cannot_be_compared_do_not_stop_an_election() -> None:
    mysql = "MySQL56/3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"
    assert chosen(candidate(A), candidate(B, mysql)) == A


def test_silence_is_told_as_silence() -> None:
    choice = choose_primary([], {A: TabletType.REPLICA})
    assert isinstance(choice, Refuse) and "answers" in choice.reason
