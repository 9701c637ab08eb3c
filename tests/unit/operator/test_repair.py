"""What the operator mends in replication, and what it leaves alone."""

from dataclasses import replace

import pytest

from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.repair import OpenPrimary, ReplicationSeen, Repoint, plan_repair

A, B, C = (TabletAlias("zone1", uid) for uid in (1, 2, 3))
ADDRESS = ("10.0.0.1", 3306)
PRIMARY = ReplicationSeen(
    alias=A, type=TabletType.PRIMARY, reachable=True, position="MariaDB/0-1-5"
)
REPLICA = ReplicationSeen(
    alias=B,
    type=TabletType.REPLICA,
    reachable=True,
    read_only=True,
    position="MariaDB/0-1-5",
    has_source=True,
    source=ADDRESS,
)


def test_a_healthy_shard_needs_nothing() -> None:
    assert plan_repair(A, ADDRESS, [PRIMARY, REPLICA]) == ()


def test_a_read_only_primary_is_opened_when_nobody_is_ahead() -> None:
    (repair,) = plan_repair(A, ADDRESS, [replace(PRIMARY, read_only=True), REPLICA])
    assert isinstance(repair, OpenPrimary)


@pytest.mark.parametrize(
    "other",
    [
        replace(REPLICA, reachable=False),
        replace(REPLICA, type=TabletType.PRIMARY),
        replace(REPLICA, position="MariaDB/0-1-6"),
        replace(REPLICA, position="unreadable"),
    ],
)
def test_a_read_only_primary_stays_so_while_another_may_know_more(other: ReplicationSeen) -> None:
    repairs = plan_repair(A, ADDRESS, [replace(PRIMARY, read_only=True), other])
    assert not any(isinstance(repair, OpenPrimary) for repair in repairs)


def test_a_replica_of_the_wrong_source_is_pointed_at_the_primary() -> None:
    lost = replace(REPLICA, source=("10.0.0.9", 3306))
    (repair,) = plan_repair(A, ADDRESS, [PRIMARY, lost])
    assert isinstance(repair, Repoint)
    assert (repair.alias, repair.force_start) == (B, True)


def test_an_rdonly_tablet_is_repointed_without_being_started() -> None:
    lost = replace(REPLICA, type=TabletType.RDONLY, source=("10.0.0.9", 3306))
    (repair,) = plan_repair(A, ADDRESS, [PRIMARY, lost])
    assert isinstance(repair, Repoint) and not repair.force_start


@pytest.mark.parametrize(
    "other",
    [
        replace(REPLICA, has_source=False, source=("", 0)),
        replace(REPLICA, type=TabletType.RESTORE, source=("10.0.0.9", 3306)),
        replace(REPLICA, reachable=False, source=("10.0.0.9", 3306)),
    ],
)
def test_others_are_left_alone(other: ReplicationSeen) -> None:
    assert plan_repair(A, ADDRESS, [PRIMARY, other]) == ()
