"""A backup that does not come is told, with the reason, until one comes."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from armillary.cli.status.observe import ClusterStatus, overdue_rows
from armillary.cli.status.screen import format_status
from armillary.kube.kinds import KubeObject
from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.crd.shard import ShardBackupLocationStatus, ShardStatus
from armillary.operator.objects.overdue import backups_current
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.shard.backup_plan import SeenBackup
from armillary.operator.shard.overdue import (
    FAILS_AFTER,
    LATE_AFTER,
    MIRRORED_AFTER,
    Overdue,
    find_overdue,
    overdue_condition,
    overdue_event,
    pod_failure,
    told_before,
)
from tests.unit.operator.example import example_shard
from tests.unit.operator.moments import NOW, hours_ago

STARTING = "PodInitializing"
DAILY = BackupPolicy()
LOG = (
    "I0102 03:04:05.000001 armillary.vtbackup.main] decided shard=main/-80\n"
    "E0102 03:04:06.000001 armillary.settings.program] vtbackup failed reason=s3: access denied\n"
)


def run(message: str = "", *, code: int = 1, **status: Any) -> KubeObject:
    state = {"lastState": {"terminated": {"exitCode": code, "reason": "Error", "message": message}}}
    return {
        "metadata": {"name": "run", "labels": {keys.BACKUP_LOCATION: ""}},
        "status": {"phase": "Running", "containerStatuses": [state], **status},
    }


def found(
    *backups: SeenBackup,
    pods: tuple[KubeObject, ...] = (),
    policy: BackupPolicy | None = DAILY,
    made: float = 1000,
    has_primary: bool = True,
    is_snapshot: bool | None = False,
) -> tuple[Overdue, ...]:
    return find_overdue(
        example_shard(),
        policy,
        backups,
        pods,
        shard_made_at=hours_ago(made),
        has_primary=has_primary,
        is_snapshot=is_snapshot,
        now=NOW,
    )


def complete(hours: float) -> SeenBackup:
    return SeenBackup("", complete=True, started_at=hours_ago(hours))


def test_a_failing_run_is_told_with_its_last_error_and_since_when() -> None:
    (one,) = found(complete(25), pods=(run(LOG),))
    assert one.since == hours_ago(1) and one.fails
    assert one.reason == "Pod run: vtbackup failed reason=s3: access denied"


def test_the_first_minute_and_the_hour_of_a_run_that_works_are_no_news() -> None:
    due = timedelta(hours=24)
    moment = timedelta(seconds=1)

    def at(late: timedelta, *pods: KubeObject) -> tuple[Overdue, ...]:
        return found(complete((due + late) / timedelta(hours=1)), pods=pods)

    assert at(FAILS_AFTER - moment, run(LOG)) == () != at(FAILS_AFTER, run(LOG))
    assert at(LATE_AFTER - moment) == () != at(LATE_AFTER)
    assert not at(LATE_AFTER)[0].fails


def test_a_run_that_ended_well_and_left_nothing_is_not_told_as_one_that_never_ended() -> None:
    ended = run(LOG)
    ended["status"] |= {"phase": "Succeeded"}
    ended["metadata"]["creationTimestamp"] = hours_ago(1).isoformat()
    assert pod_failure(ended) == ""
    (one,) = found(complete(26), pods=(ended,))
    assert not one.fails and "left no backup that counts" in one.reason


def test_a_run_that_has_just_ended_may_have_left_what_nobody_saw_yet() -> None:
    ended = run(LOG, phase="Succeeded")
    finished_at = (NOW - MIRRORED_AFTER + timedelta(seconds=1)).isoformat()
    ended["status"]["containerStatuses"] = [{"state": {"terminated": {"finishedAt": finished_at}}}]
    (one,) = found(complete(26), pods=(ended,))
    assert one.reason == "no run has ended yet"


def test_the_longest_interval_is_no_mistake_and_a_wrong_clock_hides_nothing() -> None:
    longest = BackupPolicy(backup_interval_hours=2**31 - 1)
    assert found(complete(50), policy=longest) == ()
    assert found(complete(50), complete(-9000))[0].since == hours_ago(26)


def test_a_backup_that_came_in_time_is_not_overdue_whatever_failed_before() -> None:
    assert found(complete(23), complete(30), pods=(run(LOG),)) == ()


def test_an_incomplete_backup_is_none() -> None:
    broken = SeenBackup("", complete=False, started_at=hours_ago(1))
    assert found(complete(50), broken)[0].since == hours_ago(26)


def test_a_shard_that_lost_all_its_backups_is_told() -> None:
    (one,) = found()
    assert "BackupShard takes one" in one.reason


def test_a_shard_without_a_primary_is_told_why() -> None:
    assert "no primary" in found(complete(50), has_primary=False)[0].reason


def test_without_a_policy_only_a_first_backup_that_fails_is_told() -> None:
    assert found(complete(5000), pods=(run(LOG),), policy=None) == ()
    assert found(policy=None, made=100) == ()
    assert found(pods=(run(LOG),), policy=None, made=1)[0].fails
    assert found(pods=(run(LOG),), policy=None, made=0.01) == ()


def test_a_snapshot_has_no_backups_of_its_own() -> None:
    assert found(pods=(run(LOG),), is_snapshot=True) == ()


def test_while_the_topology_is_silent_only_a_failure_is_certain() -> None:
    assert found(complete(50), is_snapshot=None) == ()
    assert found(complete(50), pods=(run(LOG),), is_snapshot=None)[0].fails


def test_what_was_told_stays_told_while_nothing_is_known() -> None:
    late = ShardBackupLocationStatus(
        name="", overdue_since=rfc3339(hours_ago(1)), overdue_reason="access denied"
    )
    status = ShardStatus(backup_locations=[late, ShardBackupLocationStatus(name="disk")])
    assert told_before(status, [complete(0.5)]) == (), "a backup came"
    (one,) = told_before(status, [complete(2)])
    assert (one.location, one.since, one.reason) == ("", hours_ago(1), "access denied")


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (run("killed\n", code=137), "killed (Error, exit code 137)"),
        (run("", code=137), "Error, exit code 137"),
        (run("x" * 1000), "x" * 397 + "..."),
        (
            {
                "status": {
                    "containerStatuses": [
                        {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}
                    ]
                }
            },
            "ImagePullBackOff: no",
        ),
        ({"status": {"phase": "Failed", "reason": "Evicted", "message": "low"}}, "Evicted: low"),
        (
            {
                "status": {
                    "phase": "Pending",
                    "conditions": [
                        {"type": "PodScheduled", "status": "False", "message": "no memory"}
                    ],
                }
            },
            "no memory",
        ),
        ({"status": {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}}, ""),
        (run("", code=0), ""),
        (
            {"status": {"containerStatuses": [{"state": {"waiting": {"reason": STARTING}}}]}},
            "",
        ),
    ],
)
def test_what_kept_a_run_from_its_work(pod: KubeObject, reason: str) -> None:
    assert pod_failure({"metadata": {}} | pod) == reason


def test_the_condition_is_told_once_and_clears_itself() -> None:
    assert overdue_condition({}, (), now=NOW) == {}
    late = found(complete(25), pods=(run(LOG),))
    told = overdue_condition({}, late, now=NOW)
    (condition,) = told.values()
    assert (condition.status, condition.reason) == ("False", "BackupFails")
    assert f"due at {rfc3339(hours_ago(1))}" in condition.message
    assert overdue_event({}, told) == ("BackupOverdue", condition.message, True)
    before = {kind: dict(msgspec.to_builtins(value)) for kind, value in told.items()}
    assert overdue_event(before, told) is None
    over = overdue_condition(before, (), now=NOW + timedelta(hours=1))
    (condition,) = over.values()
    assert condition.status == "True" and condition.last_transition_time != rfc3339(NOW)
    assert overdue_event(before, over) == ("BackupsCurrent", condition.message, False)
    after = {kind: dict(msgspec.to_builtins(value)) for kind, value in over.items()}
    assert overdue_event(after, overdue_condition(after, (), now=NOW)) is None


def shard_object(*places: dict[str, Any]) -> KubeObject:
    return {
        "kind": "VitessShard",
        "metadata": {"name": "s", "labels": {keys.KEYSPACE: "main", "planetscale.com/shard": "x"}},
        "spec": {"name": "-80"},
        "status": {"backupLocations": list(places)},
    }


LATE = {"name": "s3", "overdueSince": "2026-01-01T00:00:00Z", "overdueReason": "access denied"}


def test_locations_and_clusters_repeat_what_their_shards_say() -> None:
    shards = [shard_object(LATE), shard_object({"name": "disk", "completeBackups": 1})]
    told = backups_current(shards)
    assert told.status == "False"
    assert told.message == "main/-80 since 2026-01-01T00:00:00Z: access denied"
    assert backups_current(shards, location="s3").status == "False"
    assert backups_current(shards, location="disk").status == "True"
    assert "and 2 more" in backups_current([shard_object(LATE)] * 7).message


def test_the_screen_lists_them() -> None:
    rows = tuple(overdue_rows(shard_object(LATE, {"name": "disk"})))
    status = ClusterStatus(directory="d", running=True, namespace="n", overdue_backups=rows)
    lines = format_status(status).splitlines()
    assert "Overdue backups" in lines
    expected = ["main", "-80", "s3", "-", "2026-01-01T00:00:00Z", "access", "denied"]
    assert lines[-1].split() == expected
