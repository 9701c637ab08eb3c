"""Changes of a shard that nobody ordered are told, once, when they happen."""

from datetime import timedelta

from armillary.operator.crd.shard import ShardStatus
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.status import Tale, build_shard_status, tell_changes
from tests.unit.operator.moments import NOW
from tests.unit.operator.shard_seen import (
    OBJECT,
    THIRD,
    all_pods,
    pod_of,
    seen,
    smaller,
    with_primary,
)

NEW = ShardStatus()
BACKED_UP = ShardStatus(has_initial_backup="True")
SERVING = ShardStatus(
    has_master="True", has_initial_backup="True", master_alias="z-1", serving_writes="True"
)
MOVED = ShardStatus(
    has_master="True", has_initial_backup="True", master_alias="z-2", serving_writes="True"
)
DOWN = ShardStatus(
    has_master="True", has_initial_backup="True", master_alias="z-2", serving_writes="False"
)


def reasons(before: ShardStatus, after: ShardStatus) -> list[str]:
    return [reason for reason, _ in tell_changes(before, after)]


def test_each_change_is_told_once() -> None:
    assert reasons(NEW, BACKED_UP) == ["InitialBackupFound"]
    assert reasons(BACKED_UP, SERVING) == ["ServingWrites"]
    assert reasons(SERVING, MOVED) == ["PrimaryChanged"]
    assert reasons(MOVED, DOWN) == ["NotServingWrites"]
    assert all(reasons(same, same) == [] for same in (NEW, BACKED_UP, SERVING, DOWN))


def test_a_topology_that_does_not_answer_changes_nothing() -> None:
    assert reasons(SERVING, ShardStatus(has_initial_backup="True")) == []


def serving_writes(observed: ShardSeen) -> str:
    status = build_shard_status(
        smaller(),
        OBJECT,
        observed,
        [],
        {},
        Tale({}, ()),
        now=NOW,
        available_after=timedelta(seconds=30),
    )
    return status.serving_writes


def test_a_primary_that_left_the_spec_serves_writes_until_another_one_does() -> None:
    assert serving_writes(with_primary(seen(), THIRD)) == "True"
    down = seen(all_pods(_2=pod_of(THIRD, ready=False)))
    assert serving_writes(with_primary(down, THIRD)) == "False"
