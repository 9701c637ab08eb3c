"""What a shard tells of tablets that have no data, or older data than they should have."""

from datetime import UTC, datetime, timedelta

import msgspec

from armillary.model.tablet import TabletAlias
from armillary.operator.crd.parts import Json, ShardCondition
from armillary.operator.shard.restoring import (
    DATA_RESTORED,
    NEWEST_USED,
    TOLD_AFTER,
    OlderRestored,
    restore_conditions,
    restore_events,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE = TabletAlias("zone1", 1)
WHY = "cannot restore: nothing to restore from main/-80"


def as_found(told: dict[str, ShardCondition]) -> dict[str, Json]:
    return {kind: dict(msgspec.to_builtins(condition)) for kind, condition in told.items()}


def test_a_shard_that_never_had_trouble_says_nothing() -> None:
    assert restore_conditions({}, {}, {}, now=NOW) == {}


def test_a_tablet_without_data_is_told_with_its_own_reason_but_not_at_once() -> None:
    told = restore_conditions({}, {ONE: WHY}, {}, now=NOW)
    assert told[DATA_RESTORED].status == "False"
    assert WHY in told[DATA_RESTORED].message and str(ONE) in told[DATA_RESTORED].message
    assert restore_events({}, told, now=NOW) == []
    later = NOW + TOLD_AFTER
    again = restore_conditions(as_found(told), {ONE: WHY}, {}, now=later)
    assert restore_events(as_found(told), again, now=later - timedelta(seconds=1)) == []
    assert restore_events(as_found(told), again, now=later) == [
        ("RestoreBlocked", again[DATA_RESTORED].message)
    ]
    over = restore_conditions(as_found(again), {}, {}, now=later)
    assert over[DATA_RESTORED].status == "True"
    assert restore_events(as_found(again), over, now=later) == []


def test_a_restore_that_takes_its_time_is_no_warning() -> None:
    """A large backup may take hours to unpack: the condition says so, and no event does."""
    told = restore_conditions({}, {ONE: "restoring"}, {}, now=NOW)
    later = NOW + 100 * TOLD_AFTER
    again = restore_conditions(as_found(told), {ONE: "restoring"}, {}, now=later)
    assert again[DATA_RESTORED].status == "False"
    assert again[DATA_RESTORED].reason == "TabletsRestoring"
    assert restore_events(as_found(told), again, now=later) == []


def test_an_older_backup_is_told_once_and_stays_visible() -> None:
    older = {ONE: OlderRestored("2020-01-01.000000.z-1", "2020-01-02.000000.z-1")}
    told = restore_conditions({}, {}, older, now=NOW)
    condition = told[NEWEST_USED]
    assert condition.status == "False" and condition.reason == "NewerBackupDamaged"
    assert "2020-01-01.000000.z-1" in condition.message
    assert "2020-01-02.000000.z-1" in condition.message
    assert restore_events({}, told, now=NOW) == [("OlderBackupRestored", condition.message)]
    again = restore_conditions(as_found(told), {}, older, now=NOW + TOLD_AFTER)
    assert again == told
    assert restore_events(as_found(told), again, now=NOW + TOLD_AFTER) == []
