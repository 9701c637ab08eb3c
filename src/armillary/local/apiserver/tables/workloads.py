"""Tables of pods and of what makes pods. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from armillary.local.apiserver.tables.cells import (
    AGE,
    Column,
    age,
    created_age,
    duration,
    joined,
    selector,
    wide,
)

Value = Mapping[str, Any]
Table = tuple[Sequence[Column], Callable[[Value, datetime], list[Any]]]


def _pod(pod: Value, now: datetime) -> list[Any]:
    spec, status = pod["spec"], pod.get("status") or {}
    containers = status.get("containerStatuses") or ()
    ready = sum(bool(c.get("ready")) for c in containers)
    gates = spec.get("readinessGates") or ()
    conditions = {c["type"]: c.get("status") for c in status.get("conditions") or ()}
    gates_ready = sum(conditions.get(gate["conditionType"]) == "True" for gate in gates)
    return [
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(pod),
        _restarts(pod, now),
        created_age(pod, now),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        f"{gates_ready}/{len(gates)}" if gates else "<none>",
    ]


def pod_reason(pod: Value) -> str:
    """Return the STATUS of a pod: its phase, unless a container has something to say.

    Source: kubernetes pkg/printers/internalversion printPod.
    """
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase") or "Unknown"
    starting = _init_reason(pod)
    reason = starting if starting is not None else _container_reason(status, reason)
    if "deletionTimestamp" in pod["metadata"]:
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _init_reason(pod: Value) -> str | None:
    """Return how far the init containers are; None when they are done."""
    statuses = (pod.get("status") or {}).get("initContainerStatuses") or ()
    total = len(pod["spec"].get("initContainers") or ())
    for index, container in enumerate(statuses):
        state = container.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        if terminated and terminated.get("exitCode") == 0:
            continue
        if terminated:
            return "Init:" + _exit_reason(terminated)
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return None


def _container_reason(status: Value, reason: str) -> str:
    has_running = False
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        waiting, terminated = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            reason = waiting["reason"]
        elif terminated:
            reason = _exit_reason(terminated)
        elif container.get("ready") and state.get("running"):
            has_running = True
    if reason == "Completed" and has_running:
        ready = any(
            c["type"] == "Ready" and c.get("status") == "True"
            for c in status.get("conditions") or ()
        )
        return "Running" if ready else "NotReady"
    return reason


def _exit_reason(terminated: Value) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _restarts(pod: Value, now: datetime) -> str:
    status = pod.get("status") or {}
    starting = _init_reason(pod) is not None
    containers = status.get("initContainerStatuses" if starting else "containerStatuses") or ()
    count = sum(c.get("restartCount", 0) for c in containers)
    ended = [
        ((c.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for c in containers
    ]
    last = max((text for text in ended if text), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _images(value: Value) -> list[Any]:
    containers = value["spec"]["template"]["spec"].get("containers") or ()
    return [
        joined([c.get("name", "") for c in containers]),
        joined([c.get("image", "") for c in containers]),
        selector(value["spec"].get("selector")),
    ]


def _deployment(value: Value, now: datetime) -> list[Any]:
    status = value.get("status") or {}
    return [
        f"{status.get('readyReplicas', 0)}/{value['spec'].get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        created_age(value, now),
        *_images(value),
    ]


def _replicaset(value: Value, now: datetime) -> list[Any]:
    status = value.get("status") or {}
    return [
        value["spec"].get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        created_age(value, now),
        *_images(value),
    ]


def _job(value: Value, now: datetime) -> list[Any]:
    spec, status = value["spec"], value.get("status") or {}
    wanted = spec.get("completions")
    parallelism = spec.get("parallelism", 1)
    if wanted is None:
        wanted = f"1 of {parallelism}" if parallelism > 1 else 1
    return [
        _job_status(value),
        f"{status.get('succeeded', 0)}/{wanted}",
        _job_duration(status, now),
        created_age(value, now),
        *_images(value),
    ]


def _job_status(value: Value) -> str:
    conditions = (value.get("status") or {}).get("conditions") or ()
    true = {c["type"] for c in conditions if c.get("status") == "True"}
    for condition, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if condition in true:
            return word
    if "deletionTimestamp" in value["metadata"]:
        return "Terminating"
    for condition, word in (
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if condition in true:
            return word
    return "Running"


def _job_duration(status: Value, now: datetime) -> str:
    if "startTime" not in status:
        return ""
    start = datetime.fromisoformat(status["startTime"])
    end = datetime.fromisoformat(status["completionTime"]) if "completionTime" in status else now
    return duration((end - start).total_seconds())


_IMAGES = (wide("Containers"), wide("Images"), wide("Selector"))

WORKLOAD_TABLES: Mapping[str, Table] = {
    "pods": (
        (
            Column("Ready", description="Containers that are ready, of those wanted."),
            Column("Status", description="The phase, or what keeps the pod from running."),
            Column("Restarts", description="How often containers were started again."),
            AGE,
            wide("IP"),
            wide("Node"),
            wide("Nominated Node"),
            wide("Readiness Gates"),
        ),
        _pod,
    ),
    "deployments.apps": (
        (
            Column("Ready", description="Pods that are ready, of those wanted."),
            Column("Up-to-date", "integer", description="Pods of the newest template."),
            Column("Available", "integer", description="Pods that have been ready long enough."),
            AGE,
            *_IMAGES,
        ),
        _deployment,
    ),
    "replicasets.apps": (
        (
            Column("Desired", "integer"),
            Column("Current", "integer"),
            Column("Ready", "integer"),
            AGE,
            *_IMAGES,
        ),
        _replicaset,
    ),
    "jobs.batch": (
        (Column("Status"), Column("Completions"), Column("Duration"), AGE, *_IMAGES),
        _job,
    ),
}
