"""Retention keeps what it promises, for any set of backups.

Ages and windows are a few hours, so that edges meet often. Mutants that were tried by hand and must
die: `<` for `<=` at the window's edge, counting incomplete backups for the guarantee, dropping the
guarantee, dropping the check of foreign names, removing when no retention time is set, removing
incomplete backups where no complete one exists.
"""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from armillary.backup.catalog import BackupRecord
from armillary.backup.retention import RetentionPolicy, Verdict, plan_retention
from tests.unit.backup.records import START, complete, foreign, incomplete

NOW_HOURS = 6

records_of_a_shard = st.lists(
    st.tuples(st.integers(0, NOW_HOURS), st.booleans()), max_size=6, unique_by=lambda pair: pair[0]
).map(lambda pairs: [complete(hour) if whole else incomplete(hour) for hour, whole in pairs])
policies = st.builds(
    lambda hours, count: RetentionPolicy(
        min_retention_time=timedelta(hours=hours), min_retention_count=count
    ),
    st.integers(0, 4),
    st.integers(1, 3),
)
NOW = START + timedelta(hours=NOW_HOURS)


def plan(records: list[BackupRecord], policy: RetentionPolicy) -> dict[str, Verdict]:
    verdicts = plan_retention(records, policy, now=NOW)
    assert sorted(verdict.raw_name for verdict in verdicts) == sorted(r.raw_name for r in records)
    return {verdict.raw_name: verdict for verdict in verdicts}


def age(record: BackupRecord) -> timedelta:
    assert record.started_at is not None
    return NOW - record.started_at


@given(records_of_a_shard, policies)
def test_exactly_the_old_ones_beyond_the_guarantee_go(
    records: list[BackupRecord], policy: RetentionPolicy
) -> None:
    verdicts = plan(records, policy)
    newest_first = sorted((r for r in records if r.is_complete), key=age)
    guaranteed = {r.raw_name for r in newest_first[: policy.min_retention_count]}
    for record in records:
        expected = (
            policy.min_retention_time > timedelta(0)
            and age(record) >= policy.min_retention_time
            and record.raw_name not in guaranteed
            and bool(guaranteed)
        )
        verdict = verdicts[record.raw_name]
        assert verdict.is_removed == expected, verdict
        assert verdict.reason


@given(records_of_a_shard, policies)
def test_a_shard_that_can_be_restored_stays_so(
    records: list[BackupRecord], policy: RetentionPolicy
) -> None:
    verdicts = plan(records, policy)
    newest = min((r for r in records if r.is_complete), key=age, default=None)
    assert newest is None or not verdicts[newest.raw_name].is_removed


@given(records_of_a_shard, policies, st.data())
def test_a_damaged_backup_guarantees_nothing(
    records: list[BackupRecord], policy: RetentionPolicy, data: st.DataObject
) -> None:
    """As many sound ones stay as if the damaged ones were not there, and never none of two."""
    complete = [r.raw_name for r in records if r.is_complete]
    damaged = data.draw(st.sets(st.sampled_from(complete))) if complete else set()
    verdicts = {v.raw_name: v for v in plan_retention(records, policy, now=NOW, damaged=damaged)}
    sound = [r for r in records if r.is_complete and r.raw_name not in damaged]
    for record in sorted(sound, key=age)[: policy.min_retention_count]:
        assert not verdicts[record.raw_name].is_removed
    if not sound:
        assert not any(v.is_removed for v in verdicts.values())


@given(records_of_a_shard, policies)
def test_pruning_again_changes_nothing(
    records: list[BackupRecord], policy: RetentionPolicy
) -> None:
    verdicts = plan(records, policy)
    left = [r for r in records if not verdicts[r.raw_name].is_removed]
    assert not any(v.is_removed for v in plan(left, policy).values())


@given(records_of_a_shard, policies)
def test_what_is_not_ours_is_never_touched(
    records: list[BackupRecord], policy: RetentionPolicy
) -> None:
    assert not plan([*records, foreign()], policy)["lost+found"].is_removed


def test_what_a_wrong_clock_dated_ahead_guarantees_nothing() -> None:
    policy = RetentionPolicy(min_retention_time=timedelta(hours=1), min_retention_count=1)
    verdicts = plan([complete(1), complete(2), complete(9000)], policy)
    removed = [name for name, verdict in verdicts.items() if verdict.is_removed]
    assert removed == [complete(1).raw_name]
    assert not any(v.is_removed for v in plan([complete(9000)], policy).values())
    # It guarantees what it can where there is no other: an old incomplete one may go.
    verdicts = plan([incomplete(1), complete(9000)], policy)
    assert verdicts[incomplete(1).raw_name].is_removed
