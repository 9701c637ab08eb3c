"""What a tablet decides: its role, whether to restore, whether it serves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from armillary.base.errors import PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.vttablet.origin import Origin
from armillary.vttablet.plan import (
    NO_SOURCE,
    DataSeen,
    LagEstimate,
    MysqldSeen,
    OwnRecord,
    Role,
    SemiSyncSides,
    ShardPrimary,
    choose_role_at_start,
    decide_restore,
    decide_serving,
    estimate_lag,
    parse_base_type,
    plan_semi_sync,
    poll_delay_s,
    require_type_change,
)

ME, OTHER = TabletAlias("zone1", 1), TabletAlias("zone1", 2)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
PRIMARY, REPLICA = TabletType.PRIMARY, TabletType.REPLICA


def role(record: OwnRecord | None, shard: ShardPrimary) -> Role:
    return choose_role_at_start(me=ME, base_type=REPLICA, record=record, shard=shard, now=NOW)


def own(tablet_type: TabletType, term: datetime | None = None) -> OwnRecord:
    return OwnRecord(tablet_type=tablet_type, term_started_at=term)


def named(alias: TabletAlias | None, term: datetime | None = None) -> ShardPrimary:
    return ShardPrimary(alias=alias, term_started_at=term)


@pytest.mark.parametrize(
    ("record", "shard", "tablet_type", "term"),
    [
        (None, named(None), REPLICA, None),
        (None, named(OTHER, EARLIER), REPLICA, None),
        (None, named(ME, EARLIER), PRIMARY, NOW),
        (own(PRIMARY, EARLIER), named(ME, LATER), PRIMARY, EARLIER),
        (own(REPLICA), named(ME, EARLIER), PRIMARY, EARLIER),
        (own(PRIMARY, LATER), named(OTHER, EARLIER), PRIMARY, LATER),
        (own(PRIMARY, EARLIER), named(OTHER, LATER), REPLICA, None),
        (own(PRIMARY, EARLIER), named(OTHER, EARLIER), REPLICA, None),
        (own(PRIMARY, EARLIER), named(None), PRIMARY, EARLIER),
        (own(PRIMARY), named(OTHER, EARLIER), REPLICA, None),
    ],
)
def test_the_newest_term_is_the_primary(
    record: OwnRecord | None,
    shard: ShardPrimary,
    tablet_type: TabletType,
    term: datetime | None,
) -> None:
    found = role(record, shard)
    assert (found.tablet_type, found.term_started_at) == (tablet_type, term)
    assert found.reason


def restores(
    *,
    unfinished: bool = False,
    exists: bool = True,
    tables: int = 1,
    primary: bool = False,
    follows: bool = False,
) -> bool:
    seen = DataSeen(
        restore_unfinished=unfinished, database_exists=exists, table_count=tables, follows=follows
    )
    return decide_restore(seen, wanted=True, database="vt_x", is_primary=primary).restore


def test_only_a_tablet_without_data_restores() -> None:
    assert not restores()
    assert restores(exists=False, tables=0)
    assert restores(tables=0)
    assert restores(unfinished=True)


def test_a_primary_keeps_its_empty_database_but_not_half_a_restore() -> None:
    assert not restores(tables=0, primary=True)
    assert restores(exists=False, tables=0, primary=True)
    assert restores(unfinished=True, primary=True)


def test_a_replica_that_follows_keeps_its_empty_database_but_nothing_less() -> None:
    assert not restores(tables=0, follows=True)
    assert restores(exists=False, tables=0, follows=True)
    assert restores(unfinished=True, follows=True)


def snapshot_decision(origin: Origin | None, tables: int = 1) -> tuple[bool, bool]:
    seen = DataSeen(
        restore_unfinished=False, database_exists=True, table_count=tables, origin=origin
    )
    decision = decide_restore(
        seen, wanted=True, database="vt_x", is_primary=False, snapshot=Origin(keyspace="x", at=NOW)
    )
    return decision.restore, decision.is_blocked


def test_a_snapshot_keeps_its_own_data_and_gives_that_of_another_time_up() -> None:
    restore, keep, blocked = (True, False), (False, False), (False, True)
    assert snapshot_decision(Origin(keyspace="x", at=NOW)) == keep
    assert snapshot_decision(Origin(keyspace="x", at=NOW), tables=0) == keep
    assert snapshot_decision(Origin(keyspace="x", at=EARLIER)) == restore
    assert snapshot_decision(Origin(keyspace="y", at=NOW), tables=0) == restore
    # What came from elsewhere may have been made here, and be nowhere else.
    assert snapshot_decision(Origin(keyspace="y", at=NOW)) == blocked
    assert snapshot_decision(None) == blocked
    assert snapshot_decision(None, tables=0) == restore


@pytest.mark.parametrize("at", [None, NOW, NOW + timedelta(microseconds=7)])
def test_an_origin_is_read_back_and_a_damaged_one_is_none(at: datetime | None) -> None:
    origin = Origin(keyspace="x", at=at)
    assert Origin.parse(origin.encode()) == origin
    for text in ("", "null", "[]", '{"keyspace": "x"}', '{"keyspace": "x", "at": "now"}'):
        assert Origin.parse(text) is None


def test_nothing_is_restored_where_that_is_switched_off() -> None:
    seen = DataSeen(restore_unfinished=True, database_exists=False, table_count=0)
    assert not decide_restore(seen, wanted=False, database="vt_x", is_primary=False).restore


def test_types_change_freely_only_among_those_without_primary() -> None:
    require_type_change(REPLICA, TabletType.RDONLY)
    require_type_change(TabletType.DRAINED, TabletType.SPARE)
    require_type_change(TabletType.RESTORE, TabletType.SPARE)
    require_type_change(PRIMARY, PRIMARY)
    for old, new in [
        (REPLICA, PRIMARY),
        (PRIMARY, REPLICA),
        (TabletType.RESTORE, REPLICA),
        (REPLICA, TabletType.RESTORE),
        (TabletType.SPARE, TabletType.RESTORE),
    ]:
        with pytest.raises(PreconditionError, match="not an allowed transition"):
            require_type_change(old, new)


def test_a_tablet_cannot_start_as_primary() -> None:
    assert parse_base_type("rdonly") == TabletType.RDONLY
    with pytest.raises(PreconditionError, match="wanted replica, rdonly or spare"):
        parse_base_type("master")


UP = MysqldSeen(reachable=True, read_only=True, has_source=True, replicating=True, lag_s=3)


def lag_of(seen: MysqldSeen, before: LagEstimate, *, now: datetime) -> LagEstimate:
    return estimate_lag(seen, before, is_image=False, now=now)


def test_lag_goes_on_growing_while_a_thread_reconnects() -> None:
    measured = lag_of(UP, LagEstimate(), now=NOW)
    assert (measured.lag_s, measured.problem) == (3, "")
    broken = MysqldSeen(reachable=True, has_source=True, replication_error="no route")
    later = lag_of(broken, measured, now=NOW + timedelta(seconds=10))
    assert (later.lag_s, later.problem) == (13, "no route")
    again = lag_of(broken, later, now=NOW + timedelta(seconds=15))
    assert again.lag_s == 18


def test_a_replica_without_source_does_not_serve_as_if_it_were_up_to_date() -> None:
    alone = MysqldSeen(reachable=True)
    before = LagEstimate(lag_s=9, measured_at=NOW, problem="x")
    assert lag_of(alone, before, now=NOW) == LagEstimate(problem=NO_SOURCE)
    assert estimate_lag(alone, before, is_image=True, now=NOW) == LagEstimate()
    broken = MysqldSeen(reachable=True, has_source=True)
    assert lag_of(broken, before, now=EARLIER).lag_s == 9, "the clock was set back"
    refused = MysqldSeen(reachable=True, replication_error="errant GTID detected")
    assert lag_of(refused, before, now=NOW) == LagEstimate(problem="errant GTID detected")


def serving(
    tablet_type: TabletType,
    seen: MysqldSeen = UP,
    lag: LagEstimate | None = None,
    busy: str = "",
) -> tuple[bool, str]:
    found = decide_serving(
        Role(tablet_type=tablet_type),
        seen,
        lag or LagEstimate(measured_at=NOW),
        busy=busy,
        unhealthy_after=timedelta(minutes=5),
    )
    return found.serving, found.reason


def test_only_a_tablet_whose_data_may_be_read_serves() -> None:
    assert serving(REPLICA) == (True, "")
    assert serving(TabletType.DRAINED) == (True, "")
    assert serving(PRIMARY, MysqldSeen(reachable=True, read_only=False)) == (True, "")
    assert serving(PRIMARY) == (False, "primary is read-only")
    assert serving(REPLICA, busy="ending") == (False, "ending")
    assert serving(REPLICA, MysqldSeen(reachable=False, problem="down")) == (False, "down")
    assert serving(TabletType.RESTORE) == (False, "not a serving tablet type(RESTORE)")
    assert serving(TabletType.BACKUP)[0] is False


def test_the_reason_of_a_restoring_tablet_is_what_it_waits_for() -> None:
    waiting = Role(tablet_type=TabletType.RESTORE, reason="no backups")
    found = decide_serving(
        waiting, UP, LagEstimate(), busy="starting", unhealthy_after=timedelta(minutes=5)
    )
    assert (found.serving, found.reason) == (False, "no backups")


def test_a_replica_serves_until_it_is_too_far_behind() -> None:
    at_limit = LagEstimate(lag_s=300, measured_at=NOW, problem="reconnecting")
    assert serving(REPLICA, lag=at_limit) == (True, "")
    over = LagEstimate(lag_s=301, measured_at=NOW)
    assert serving(REPLICA, lag=over) == (False, "replication lag of 301 s")
    never = LagEstimate(problem="access denied")
    assert serving(REPLICA, lag=never) == (False, "replication does not work: access denied")


def test_semi_sync_is_for_the_primary_and_for_replicas_that_may_acknowledge() -> None:
    assert plan_semi_sync(PRIMARY, wanted=True) == SemiSyncSides(primary=True, replica=False)
    assert plan_semi_sync(REPLICA, wanted=True) == SemiSyncSides(primary=False, replica=True)
    assert plan_semi_sync(TabletType.RDONLY, wanted=True) == SemiSyncSides(False, False)
    assert plan_semi_sync(PRIMARY, wanted=False) == SemiSyncSides(False, False)
    # Its primary may be one that still waits for somebody.
    assert plan_semi_sync(REPLICA, wanted=False) == SemiSyncSides(primary=False, replica=True)


def test_a_first_backup_is_looked_for_often_at_first() -> None:
    interval = timedelta(seconds=10)
    delays = [poll_delay_s(attempt, interval) for attempt in range(30)]
    assert delays[0] == 1.0
    assert delays == sorted(delays)
    assert delays[-1] == 10.0
    assert poll_delay_s(1000, timedelta(0)) == 1.0


@pytest.mark.parametrize("tablet_type", [PRIMARY, REPLICA])
def test_a_full_disk_is_told_and_takes_no_reads_away(tablet_type: TabletType) -> None:
    found = decide_serving(
        Role(tablet_type=tablet_type),
        replace(UP, read_only=False, disk_problem="the disk is full"),
        LagEstimate(measured_at=NOW),
        busy="",
        unhealthy_after=timedelta(minutes=5),
    )
    assert (found.serving, found.health_error) == (True, "the disk is full")
