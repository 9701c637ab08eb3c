"""Jobs: pods that run to an end. I/O; `plan_job` is pure."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from armillary.base.clock import utc_now
from armillary.base.errors import NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import JOB, POD, KubeObject
from armillary.kube.objects import (
    Key,
    condition_of,
    is_being_deleted,
    key_of,
    name_of,
    phase_of,
    uid_of,
)
from armillary.local.controllers.expectations import Expectations
from armillary.local.controllers.owners import owners_of
from armillary.local.controllers.pods import OWNER_INDEX, build_pod, is_active, is_ready
from armillary.local.kubelet.pod.spec import format_time, parse_time

logger = logging.getLogger(__name__)

_RETRY_FIRST_S = 1.0  # a cluster waits 10 s; here nothing needs that long
_RETRY_MAX_S = 360.0
_BACKOFF_LIMIT_DEFAULT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What to do with one Job now."""

    create: int = 0
    delete: tuple[str, ...] = ()  # uids
    status: dict[str, Any] = field(default_factory=dict)
    again_s: float | None = None
    remove_job: bool = False  # its time to live after the end is over
    event: tuple[str, str] | None = None


class JobController:
    def __init__(
        self, client: KubeClient, events: EventRecorder, *, jobs: Informer, pods: Informer
    ) -> None:
        self._client = client
        self._events = events
        self._jobs = jobs
        self._pods = pods
        self._expected = Expectations()
        self._controller: Controller[Key] = Controller("jobs", self._reconcile)
        jobs.on_change(self._on_job)
        pods.on_change(self._on_pod)

    async def run(self) -> None:
        await self._controller.run()

    def _on_job(self, before: KubeObject | None, after: KubeObject | None) -> None:
        changed = after if after is not None else before
        assert changed is not None
        self._controller.queue.add(key_of(changed))

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        for owner in owners_of("Job", before, after):
            self._controller.queue.add(owner)

    async def _reconcile(self, key: Key) -> float | None:
        job = self._jobs.get(key.name, key.namespace)
        if job is None:
            self._expected.forget(key)
            return None
        if is_being_deleted(job):
            return None
        pods = self._pods.by_index(OWNER_INDEX, uid_of(job))
        seen = frozenset(uid_of(pod) for pod in pods)
        going = frozenset(uid_of(pod) for pod in pods if is_being_deleted(pod))
        if self._expected.waits_for(key, seen=seen, going=going):
            return None
        plan = plan_job(job, pods, now=utc_now())
        if plan.remove_job:
            await self._client.delete(
                JOB, key.name, key.namespace, uid=uid_of(job), propagation="Background"
            )
            return None
        await self._act(key, job, pods, plan)
        before = job.get("status") or {}
        if any(before.get(name) != value for name, value in plan.status.items()):
            try:
                await self._client.patch_status(JOB, key.name, key.namespace, plan.status)
            except NotFoundError:
                return None
            if plan.event is not None:
                reason, message = plan.event
                self._events.record(job, reason, message, warning=reason != "Completed")
        return plan.again_s

    async def _act(
        self, key: Key, job: KubeObject, pods: Sequence[KubeObject], plan: JobPlan
    ) -> None:
        for pod in pods:
            if uid_of(pod) in plan.delete:
                self._expected.deleted(key, uid_of(pod))
                await self._client.delete(POD, name_of(pod), key.namespace, uid=uid_of(pod))
                text = f"Deleted pod: {name_of(pod)}"
                self._events.record(job, "SuccessfulDelete", text)
        for _ in range(plan.create):
            created = await self._client.create(build_pod(job, job["spec"]["template"]))
            self._expected.created(key, uid_of(created))
            self._events.record(job, "SuccessfulCreate", f"Created pod: {name_of(created)}")


def plan_job(job: KubeObject, pods: Sequence[KubeObject], *, now: datetime) -> JobPlan:
    """Return what to do. Pure."""
    spec, before = job["spec"], job.get("status") or {}
    if is_finished(job):
        return _plan_after_end(job, now)
    active = [pod for pod in pods if is_active(pod)]
    succeeded = sum(phase_of(pod) == "Succeeded" for pod in pods)
    failed_pods = [pod for pod in pods if phase_of(pod) == "Failed"]
    completions = spec.get("completions")
    started = before.get("startTime") or format_time(now)
    status: dict[str, Any] = {
        "active": len(active),
        "succeeded": succeeded,
        "failed": len(failed_pods),
        "ready": sum(is_ready(pod) for pod in active),
        "startTime": started,
    }
    failure = _failure(spec, active, failed_pods, started, now)
    if failure is not None:
        return JobPlan(
            delete=tuple(uid_of(pod) for pod in active),
            status=_with_end(status, "Failed", failure, now),
            event=failure,
        )
    # Without a count, one success ends it: the others are let finish.
    target = int(completions) if completions is not None else 1
    if succeeded >= target and (not active or completions is not None):
        done = ("Completed", "Job completed")
        return JobPlan(
            delete=tuple(uid_of(pod) for pod in active),
            status=_with_end(status, "Complete", done, now),
            event=done,
        )
    return _plan_running(spec, active, failed_pods, succeeded, status, now=now)


def _plan_running(
    spec: KubeObject,
    active: Sequence[KubeObject],
    failed_pods: Sequence[KubeObject],
    succeeded: int,
    status: dict[str, Any],
    *,
    now: datetime,
) -> JobPlan:
    parallelism = 0 if spec.get("suspend") else int(spec.get("parallelism", 1))
    completions = spec.get("completions")
    wanted = parallelism
    if completions is not None:
        wanted = min(parallelism, int(completions) - succeeded)
    elif succeeded:
        wanted = len(active)
    surplus = tuple(uid_of(pod) for pod in active[wanted:]) if len(active) > wanted else ()
    missing = max(0, wanted - len(active))
    deadline_s = _deadline_left_s(spec, status["startTime"], now)
    if missing and failed_pods:
        wait_s = _retry_wait_s(failed_pods, now)
        if wait_s > 0:
            again_s = wait_s if deadline_s is None else min(wait_s, deadline_s)
            return JobPlan(status=status, again_s=again_s)
    return JobPlan(create=missing, delete=surplus, status=status, again_s=deadline_s)


def _failure(
    spec: KubeObject,
    active: Sequence[KubeObject],
    failed_pods: Sequence[KubeObject],
    started: str,
    now: datetime,
) -> tuple[str, str] | None:
    limit = spec.get("backoffLimit")
    limit = _BACKOFF_LIMIT_DEFAULT if limit is None else int(limit)
    restarts = sum(
        int(container.get("restartCount") or 0)
        for pod in active
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
    )
    if len(failed_pods) > limit or (restarts and len(failed_pods) + restarts > limit):
        return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    left_s = _deadline_left_s(spec, started, now)
    if left_s is not None and left_s <= 0:
        return "DeadlineExceeded", "Job was active longer than specified deadline"
    return None


def _deadline_left_s(spec: KubeObject, started: str, now: datetime) -> float | None:
    limit = spec.get("activeDeadlineSeconds")
    if limit is None:
        return None
    return (parse_time(started) + timedelta(seconds=int(limit)) - now).total_seconds()


def _retry_wait_s(failed_pods: Sequence[KubeObject], now: datetime) -> float:
    delay_s = min(_RETRY_FIRST_S * 2.0 ** min(len(failed_pods) - 1, 20), _RETRY_MAX_S)
    last = max(_ended_at(pod) for pod in failed_pods)
    return float((last + timedelta(seconds=delay_s) - now).total_seconds())


def _ended_at(pod: KubeObject) -> datetime:
    ends = [
        container["state"]["terminated"]["finishedAt"]
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
        if (container.get("state") or {}).get("terminated")
    ]
    return parse_time(max(ends) if ends else pod["metadata"]["creationTimestamp"])


def is_finished(job: KubeObject) -> bool:
    return any(
        (condition_of(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed")
    )


def _plan_after_end(job: KubeObject, now: datetime) -> JobPlan:
    limit = job["spec"].get("ttlSecondsAfterFinished")
    if limit is None:
        return JobPlan()
    ended = max(
        condition["lastTransitionTime"]
        for condition in job["status"]["conditions"]
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True"
    )
    left_s = (parse_time(ended) + timedelta(seconds=int(limit)) - now).total_seconds()
    return JobPlan(remove_job=left_s <= 0, again_s=max(left_s, 0.0))


def _with_end(
    status: dict[str, Any], kind: str, why: tuple[str, str], now: datetime
) -> dict[str, Any]:
    condition = {
        "type": kind,
        "status": "True",
        "lastProbeTime": format_time(now),
        "lastTransitionTime": format_time(now),
    }
    if kind == "Failed":
        condition |= {"reason": why[0], "message": why[1]}
    ended = {**status, "active": 0, "ready": 0, "conditions": [condition]}
    if kind == "Complete":
        ended["completionTime"] = format_time(now)
    return ended
