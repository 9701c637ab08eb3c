"""When a shard wants a vtbackup run, and of which kind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.shard.backup_plan import BackupPlan, SeenBackup, plan_backups
from armillary.operator.shard.tablets import Shard
from tests.unit.operator.example import example_shard
from tests.unit.operator.moments import NOW, hours_ago

DAILY = BackupPolicy()


def complete(hours: float, location: str = "") -> SeenBackup:
    return SeenBackup(location, complete=True, started_at=hours_ago(hours))


def plan(
    *backups: SeenBackup,
    policy: BackupPolicy | None = DAILY,
    shard: Shard | None = None,
    has_primary: bool = True,
    is_snapshot: bool = False,
) -> BackupPlan:
    return plan_backups(
        shard or example_shard(),
        policy,
        backups,
        has_primary=has_primary,
        is_snapshot=is_snapshot,
        now=NOW,
    )


def with_spec(**changes: Any) -> Shard:
    shard = example_shard()
    return replace(shard, spec=msgspec.structs.replace(shard.spec, **changes))


def test_a_new_shard_gets_its_empty_first_backup() -> None:
    (job,) = plan(has_primary=False).jobs
    assert job.is_initial and job.name == "example-main-x-80-vtbackup-init-6f097fa4"


def test_the_first_backup_needs_no_policy() -> None:
    assert plan(policy=None, has_primary=False).jobs


def test_an_incomplete_backup_is_no_first_backup() -> None:
    broken = SeenBackup("", complete=False, started_at=hours_ago(1))
    assert plan(broken, has_primary=False).jobs[0].is_initial


def test_a_shard_with_a_primary_gets_no_empty_backup() -> None:
    """An empty backup newer than the data would be what the next tablet restores."""
    assert plan(has_primary=True).jobs == ()


def test_a_snapshot_keyspace_gets_no_backup_at_all() -> None:
    assert plan(has_primary=False, is_snapshot=True).jobs == ()
    assert plan(complete(100), is_snapshot=True).jobs == ()


def test_without_a_location_there_is_no_backup() -> None:
    shard = with_spec(backup_locations=[])
    assert plan(shard=shard, has_primary=False).jobs == ()


def test_initialize_backup_false_makes_none() -> None:
    spec = example_shard().replication
    shard = with_spec(replication=msgspec.structs.replace(spec, initialize_backup=False))
    assert plan(shard=shard, has_primary=False).jobs == ()


def test_without_a_policy_nothing_is_made_by_itself() -> None:
    assert plan(complete(1000), policy=None) == BackupPlan(())


def test_a_backup_is_due_exactly_after_the_interval() -> None:
    early = plan(complete(23.5))
    assert early.jobs == () and early.look_again_s == 1800
    (job,) = plan(complete(24)).jobs
    assert not job.is_initial
    assert job.min_retention_time == timedelta(hours=72) and job.min_retention_count == 1


def test_the_newest_complete_backup_counts() -> None:
    assert plan(complete(100), complete(1)).jobs == ()
    incomplete = SeenBackup("", complete=False, started_at=hours_ago(1))
    assert plan(complete(100), incomplete).jobs


def test_a_job_is_named_after_the_backup_that_it_follows() -> None:
    before, after = plan(complete(50)).jobs[0], plan(complete(25), complete(50)).jobs[0]
    assert before.name != after.name


def test_a_shard_without_a_primary_has_nothing_new_to_back_up() -> None:
    assert plan(complete(100), has_primary=False).jobs == ()


def test_a_location_without_a_backup_of_its_own_waits_for_one() -> None:
    assert plan(complete(100, location="elsewhere")).jobs == ()


def test_an_interval_longer_than_the_calendar_is_only_never_due() -> None:
    found = plan(complete(1), policy=BackupPolicy(backup_interval_hours=2**31 - 1))
    assert found.jobs == () and found.look_again_s is not None


def test_a_backup_dated_ahead_ends_no_others() -> None:
    """A clock was a year ahead once: what it dated must not be the newest for a year."""
    (job,) = plan(complete(25), complete(-9000)).jobs
    assert job.kind == "update"
    assert plan(complete(23), complete(-9000)).jobs == ()
    (only,) = plan(complete(-9000)).jobs
    assert only.kind == "update"
