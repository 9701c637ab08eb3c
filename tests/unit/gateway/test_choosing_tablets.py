"""Which tablet takes a statement: near ones first, but not for data that is far behind."""

from dataclasses import replace

import pytest

from armillary.model.tablet import TabletAlias, TabletType
from armillary.vtgate.errors import TabletUnavailableError
from armillary.vtgate.tablets.cluster import LAG_S_ACCEPTED, Cluster, TabletHealth

NEAR, FAR = "zone1", "zone2"


def replica(cell: str, uid: int, *, lag_s: float = 0.0) -> TabletHealth:
    return TabletHealth(
        alias=TabletAlias(cell, uid),
        keyspace="main",
        shard="-80",
        type=TabletType.REPLICA,
        serving=True,
        host="h",
        port=3306,
        database="vt_main",
        lag_s=lag_s,
    )


def chosen(*tablets: TabletHealth) -> set[int]:
    cluster = Cluster(cell=NEAR)
    for tablet in tablets:
        cluster.set_tablet(tablet)
    turns = range(2 * len(tablets))
    return {cluster.choose("main", "-80", TabletType.REPLICA).alias.uid for _ in turns}


def test_fresh_replicas_of_the_own_cell_take_turns() -> None:
    assert chosen(replica(NEAR, 1), replica(NEAR, 2), replica(FAR, 3)) == {1, 2}


def test_a_fresh_replica_elsewhere_comes_before_a_lagging_one_here() -> None:
    assert chosen(replica(NEAR, 1, lag_s=60), replica(FAR, 2)) == {2}
    assert chosen(replica(FAR, 1, lag_s=60), replica(FAR, 2)) == {2}


def test_a_lagging_replica_is_better_than_none_up_to_a_limit() -> None:
    assert chosen(replica(FAR, 1, lag_s=LAG_S_ACCEPTED)) == {1}
    with pytest.raises(TabletUnavailableError):
        chosen(replica(NEAR, 1, lag_s=LAG_S_ACCEPTED + 1))


def test_of_two_that_claim_to_be_primary_the_newer_term_counts() -> None:
    old = replace(replica(NEAR, 1), type=TabletType.PRIMARY, term_start_s=1)
    new = replace(replica(FAR, 2), type=TabletType.PRIMARY, term_start_s=2)
    for order in ((old, new), (new, old)):
        cluster = Cluster(cell=NEAR)
        for tablet in order:
            cluster.set_tablet(tablet)
        assert cluster.choose("main", "-80", TabletType.PRIMARY) == new


def test_a_primary_with_a_problem_has_no_stand_in_and_a_replica_has() -> None:
    full = replace(replica(NEAR, 1), problem="the disk is full")
    assert chosen(full, replica(FAR, 2)) == {2}
    assert chosen(full, replace(replica(NEAR, 2), serving=False)) == {1}  # better than none
    cluster = Cluster(cell=NEAR)
    primary = replace(full, type=TabletType.PRIMARY, term_start_s=1)
    cluster.set_tablet(primary)
    assert cluster.choose("main", "-80", TabletType.PRIMARY) == primary
    cluster.set_tablet(replace(primary, serving=False))
    with pytest.raises(TabletUnavailableError):
        cluster.choose("main", "-80", TabletType.PRIMARY)
