"""A shard's tablets: created at once; backup runs are left to finish."""

from dataclasses import replace
from datetime import datetime

import pytest

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.backup import BackupLocation
from armillary.operator.objects.rollout import Annotate, CreatePod, DeletePod
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import Delete, PruneTablet, RollPod
from armillary.operator.shard.backup_pod import WantedBackupJob
from tests.unit.operator.moments import NOW, hours_ago
from tests.unit.operator.shard_seen import (
    PRIMARY,
    SECOND,
    SHARD,
    THIRD,
    all_pods,
    annotated,
    outdated,
    plan,
    pod_of,
    seen,
    smaller,
)


def test_a_shard_that_matches_its_spec_needs_nothing() -> None:
    assert plan(seen()).actions == ()


def test_all_missing_tablets_come_at_once() -> None:
    actions = plan(seen(pods={})).actions
    assert [type(a.decision) for a in actions if isinstance(a, RollPod)] == [CreatePod] * 3


def test_a_deleted_pod_comes_back_under_its_name() -> None:
    (action,) = plan(seen({PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)})).actions
    assert isinstance(action, RollPod) and action.tablet.alias == THIRD


def test_a_pod_that_failed_as_a_whole_is_replaced() -> None:
    failed = pod_of(SECOND) | {"status": {"phase": "Failed"}}
    (action,) = plan(seen(all_pods(_1=failed))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, DeletePod)


def test_under_external_a_change_waits_as_an_annotation() -> None:
    old = annotated(pod_of(SECOND), **{keys.DESIRED_STATE_HASH: "old"})
    (action,) = plan(seen(all_pods(_1=old))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, Annotate)
    assert plan(seen(all_pods(_1=outdated(pod_of(SECOND))))).actions == ()


def test_the_annotation_goes_when_nothing_waits_any_more() -> None:
    marked = annotated(pod_of(SECOND), **{keys.ROLLOUT_SCHEDULED: "x", keys.ROLLOUT_RELEASED: ""})
    (action,) = plan(seen(all_pods(_1=marked))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, Annotate)
    assert action.decision.changes == {keys.ROLLOUT_SCHEDULED: None, keys.ROLLOUT_RELEASED: None}


def test_records_of_tablets_that_are_gone_are_pruned_but_never_the_primarys() -> None:
    pods = {PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)}
    observed = seen(pods)
    assert observed.topology is not None
    assert plan(observed, shard=smaller()).actions == (PruneTablet(THIRD, "left the spec"),)
    theirs = replace(observed.topology, primary=THIRD)
    assert plan(replace(observed, topology=theirs), shard=smaller()).actions == ()


def test_records_in_cells_of_others_are_left_alone() -> None:
    foreign = TabletAlias("elsewhere", 9)
    observed = seen()
    assert observed.topology is not None
    types = {**observed.topology.types, foreign: TabletType.REPLICA}
    found = plan(replace(observed, topology=replace(observed.topology, types=types)))
    assert found.actions == ()


def backup_pod(phase: str) -> KubeObject:
    return {"metadata": {"name": "b"}, "status": {"phase": phase}}


def test_a_running_backup_is_never_ended() -> None:
    """It prunes after it has backed up."""
    assert plan(seen(backup_pods=[backup_pod("Running")])).actions == ()


def test_a_finished_backup_pod_goes_and_then_its_claim() -> None:
    pod, claim = backup_pod("Succeeded"), {"metadata": {"name": "b"}}
    first = plan(seen(backup_pods=[pod], backup_claims=[claim])).actions
    assert [a.obj for a in first if isinstance(a, Delete)] == [pod]
    second = plan(seen(backup_claims=[claim])).actions
    assert [a.obj for a in second if isinstance(a, Delete)] == [claim]


def ended_run(phase: str, ended: datetime, *, told: bool = True, made: datetime) -> KubeObject:
    pod = backup_pod(phase)
    pod["metadata"]["creationTimestamp"] = rfc3339(made)
    if told:
        state = {"terminated": {"exitCode": 0, "finishedAt": rfc3339(ended)}}
        pod["status"]["containerStatuses"] = [{"state": state}]
    return pod


@pytest.mark.parametrize(
    ("phase", "hours", "told", "goes"),
    [
        ("Succeeded", 0.5, True, False),
        ("Succeeded", 1.5, True, True),
        ("Succeeded", -9000, True, True),  # its machine's clock is a year ahead
        ("Failed", 0.01, True, False),
        ("Failed", 0.1, True, True),
        ("Failed", 0.01, False, True),  # refused as a whole, long after it was made
    ],
)
def test_a_run_that_ended_without_a_backup_is_made_anew_and_not_at_once(
    phase: str, hours: float, told: bool, goes: bool
) -> None:
    pool = SHARD.spec.tablet_pools[0]
    location = BackupLocation(volume={"hostPath": {"path": "/backups"}})
    jobs = (WantedBackupJob(name="b", kind="update", pool=pool, location=location),)
    pod = ended_run(phase, hours_ago(hours), told=told, made=hours_ago(3))
    found = plan(seen(backup_pods=[pod]), jobs=jobs).actions
    assert [one.obj for one in found if isinstance(one, Delete)] == ([pod] if goes else [])


def test_a_run_that_is_refused_at_once_is_not_made_and_deleted_without_end() -> None:
    pool = SHARD.spec.tablet_pools[0]
    jobs = (WantedBackupJob(name="b", kind="update", pool=pool, location=BackupLocation()),)
    pod = ended_run("Failed", NOW, told=False, made=hours_ago(0.01))
    assert plan(seen(backup_pods=[pod]), jobs=jobs).actions == ()


def going(alias: TabletAlias) -> dict[TabletAlias, KubeObject]:
    return {alias: {"metadata": {"name": str(alias), "deletionTimestamp": "now"}}}


def test_no_pod_is_made_on_a_claim_that_is_being_deleted() -> None:
    pods = {PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)}
    assert plan(seen(pods, claims=going(THIRD))).actions == ()
