"""Which shards a keyspace's topology forgets: those that nothing knows any more."""

from armillary.operator.keyspace.prune import shards_to_prune


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
