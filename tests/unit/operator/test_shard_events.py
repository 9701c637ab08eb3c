"""Changes of a shard that nobody ordered are told, once, when they happen."""

from armillary.operator.crd.shard import ShardStatus
from armillary.operator.shard.status import tell_changes

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
