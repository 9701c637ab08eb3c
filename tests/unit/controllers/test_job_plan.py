"""When a Job makes pods, succeeds, and gives up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from armillary.local.controllers.jobs import JobPlan, plan_job

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def job(**spec: Any) -> dict[str, Any]:
    status = spec.pop("status", {})
    return {"metadata": {"name": "j", "uid": "j"}, "spec": spec, "status": status}


def pod(uid: str, phase: str, *, ended_ago_s: float = 1000) -> dict[str, Any]:
    ended = (NOW - timedelta(seconds=ended_ago_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    statuses = [{"state": {"terminated": {"finishedAt": ended}}}] if phase == "Failed" else []
    return {
        "metadata": {"name": uid, "uid": uid, "creationTimestamp": ended},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


def plan(spec: dict[str, Any], *pods: dict[str, Any]) -> JobPlan:
    return plan_job(spec, pods, now=NOW)


def condition(found: JobPlan) -> tuple[str, str | None] | None:
    conditions = found.status.get("conditions") or [None]
    return None if conditions[0] is None else (conditions[0]["type"], conditions[0].get("reason"))


def test_one_pod_by_default() -> None:
    assert plan(job(completions=1, parallelism=1)).create == 1
    assert plan(job(completions=1, parallelism=1), pod("a", "Running")).create == 0


def test_no_more_pods_than_completions_are_missing() -> None:
    spec = job(completions=5, parallelism=3)
    assert plan(spec).create == 3
    done = [pod(f"s{n}", "Succeeded") for n in range(3)]
    assert plan(spec, *done, pod("r", "Running")).create == 1
    assert plan(spec, *done, pod("r", "Running"), pod("q", "Pending")).create == 0


def test_a_job_is_complete_once_enough_pods_have_succeeded() -> None:
    found = plan(job(completions=1), pod("a", "Succeeded"))
    assert condition(found) == ("Complete", None)
    assert found.status["completionTime"] and found.status["succeeded"] == 1


def test_failures_are_retried_with_growing_pauses_until_the_limit() -> None:
    spec = job(completions=1, backoffLimit=2)
    assert plan(spec, pod("a", "Failed")).create == 1
    recent = plan(spec, pod("a", "Failed", ended_ago_s=0))
    assert (recent.create, recent.again_s) == (0, 1.0)
    assert condition(plan(spec, pod("a", "Failed"), pod("b", "Failed"))) is None
    ended = plan(spec, *(pod(uid, "Failed") for uid in "abc"), pod("r", "Running"))
    assert condition(ended) == ("Failed", "BackoffLimitExceeded")
    assert ended.delete == ("r",)


def test_a_limit_of_zero_means_no_retry() -> None:
    assert condition(plan(job(backoffLimit=0), pod("a", "Failed"))) == (
        "Failed",
        "BackoffLimitExceeded",
    )


def test_the_deadline_ends_what_runs() -> None:
    started = (NOW - timedelta(seconds=31)).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = job(activeDeadlineSeconds=30, status={"startTime": started})
    ended = plan(spec, pod("a", "Running"))
    assert condition(ended) == ("Failed", "DeadlineExceeded") and ended.delete == ("a",)


def test_suspension_removes_pods_and_makes_none() -> None:
    found = plan(job(completions=1, suspend=True), pod("a", "Running"))
    assert found.delete == ("a",) and found.create == 0


def test_a_finished_job_is_removed_after_its_time() -> None:
    ended = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-22T11:59:00Z"}
    spec = job(ttlSecondsAfterFinished=90, status={"conditions": [ended]})
    assert plan(spec) == JobPlan(again_s=30.0)
    spec["spec"]["ttlSecondsAfterFinished"] = 60
    assert plan(spec).remove_job
    del spec["spec"]["ttlSecondsAfterFinished"]
    assert plan(spec, pod("a", "Succeeded")) == JobPlan()
