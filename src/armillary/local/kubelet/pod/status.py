"""The status of a pod as the API shows it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from armillary.local.kubelet.pod.plan import will_restart
from armillary.local.kubelet.pod.spec import ContainerSpec, Json, PodSpec, format_time
from armillary.local.kubelet.pod.state import ContainerState, Exit, PodPlan, PodState

_OURS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")


def build_status(
    pod: PodSpec,
    seen: PodState,
    plan: PodPlan,
    *,
    pod_ip: str,
    host_ip: str,
    before: Json,
    now: datetime,
) -> dict[str, Any]:
    """Return the whole status; times of conditions that did not change are kept from `before`."""
    init_done = _init_done(pod, seen)
    statuses = [_container_status(pod, c, seen, plan, init_done=init_done) for c in pod.containers]
    init_statuses = [
        _container_status(pod, c, seen, plan, init_done=True, is_init=True)
        for c in pod.init_containers
    ]
    status: dict[str, Any] = {
        "phase": plan.phase,
        "conditions": _conditions(pod, seen, plan, before, now=now, init_done=init_done),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip,
        "podIPs": [{"ip": pod_ip}],
        "qosClass": before.get("qosClass") or "BestEffort",
        "containerStatuses": statuses,
    }
    if seen.started_at is not None:
        status["startTime"] = format_time(seen.started_at)
    if init_statuses:
        status["initContainerStatuses"] = init_statuses
    if seen.failure is not None:
        status["reason"], status["message"] = seen.failure
    return status


def _init_done(pod: PodSpec, seen: PodState) -> bool:
    if any(seen.containers[container.name].attempts for container in pod.containers):
        return True
    states = [seen.containers[container.name] for container in pod.init_containers]
    return all(s.exit is not None and s.exit.code == 0 and not s.running for s in states)


def _container_status(
    pod: PodSpec,
    container: ContainerSpec,
    seen: PodState,
    plan: PodPlan,
    *,
    init_done: bool,
    is_init: bool = False,
) -> dict[str, Any]:
    state = seen.containers[container.name]
    current, last = _state_words(pod, state, plan, seen, init_done=init_done, is_init=is_init)
    done = is_init and state.exit is not None and state.exit.code == 0 and not state.running
    return {
        "name": container.name,
        "state": current,
        "lastState": last,
        "ready": done if is_init else state.ready and state.running,
        "started": state.running and state.started,
        "restartCount": state.restart_count,
        "image": container.image,
        "imageID": "",
        "containerID": _container_id(pod, state.name, state.attempts),
    }


def _container_id(pod: PodSpec, name: str, attempts: int) -> str:
    return f"process://{pod.uid}/{name}/{attempts}" if attempts else ""


def _state_words(
    pod: PodSpec,
    state: ContainerState,
    plan: PodPlan,
    seen: PodState,
    *,
    init_done: bool,
    is_init: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `state` and `lastState`."""
    ended = {} if state.exit is None else {"terminated": _terminated(pod, state.name, state.exit)}
    if state.running_since is not None:
        return {"running": {"startedAt": format_time(state.running_since)}}, ended
    if state.waiting is not None:
        words = {"reason": state.waiting.reason, "message": state.waiting.message}
        return {"waiting": {k: v for k, v in words.items() if v}}, ended
    if state.exit is None:
        reason = "ContainerCreating" if init_done and not is_init else "PodInitializing"
        return {"waiting": {"reason": reason}}, {}
    if state.name in plan.backing_off:
        return {"waiting": _back_off(pod, state.name, plan.backing_off[state.name])}, ended
    ending = pod.deleting or seen.failure is not None or plan.phase in ("Succeeded", "Failed")
    if not ending and will_restart(pod, state, is_init=is_init):
        return {"waiting": {"reason": "ContainerCreating"}}, ended
    return ended, {}


def _back_off(pod: PodSpec, name: str, delay_s: float) -> dict[str, str]:
    text = f"back-off {delay_s:g}s restarting failed container={name} "
    text += f"pod={pod.name}_{pod.namespace}({pod.uid})"
    return {"reason": "CrashLoopBackOff", "message": text}


def _terminated(pod: PodSpec, name: str, end: Exit) -> dict[str, Any]:
    words: dict[str, Any] = {
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": format_time(end.started_at),
        "finishedAt": format_time(end.finished_at),
        "containerID": _container_id(pod, name, end.attempt),
    }
    if end.code > 128 and end.reason != "ContainerStatusUnknown":
        words["signal"] = end.code - 128
    if end.message:
        words["message"] = end.message
    return words


def _conditions(
    pod: PodSpec,
    seen: PodState,
    plan: PodPlan,
    before: Json,
    *,
    now: datetime,
    init_done: bool,
) -> list[dict[str, Any]]:
    unready = [c.name for c in pod.containers if not _is_ready(seen.containers[c.name])]
    unfinished = [c.name for c in pod.init_containers if not _succeeded(seen.containers[c.name])]
    over = plan.phase in ("Succeeded", "Failed")
    why: tuple[str, str] | None = None
    if over and plan.phase == "Succeeded":
        why = ("PodCompleted", "")
    elif over:
        why = ("PodFailed", "")
    elif unready:
        why = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    containers_ready = why is None
    gates = {c["type"]: c["status"] for c in before.get("conditions") or ()}
    ready_why = why
    if why is None and any(gates.get(gate) != "True" for gate in pod.readiness_gates):
        ready_why = ("ReadinessGatesNotReady", "a readiness gate of the pod is not True")
    init_why = None
    if not init_done:
        names = " ".join(unfinished)
        init_why = ("ContainersNotInitialized", f"containers with incomplete status: [{names}]")
    elif plan.phase == "Succeeded":
        init_why = ("PodCompleted", "")
    wanted = [
        ("Initialized", init_done, init_why),
        ("Ready", containers_ready and ready_why is None, ready_why),
        ("ContainersReady", containers_ready, why),
        ("PodScheduled", True, None),
    ]
    kept = [c for c in before.get("conditions") or () if c.get("type") not in _OURS]
    return [_condition(*each, before=before, now=now) for each in wanted] + kept


def _is_ready(state: ContainerState) -> bool:
    return state.running and state.ready


def _succeeded(state: ContainerState) -> bool:
    return state.exit is not None and state.exit.code == 0 and not state.running


def _condition(
    kind: str, true: bool, why: tuple[str, str] | None, *, before: Json, now: datetime
) -> dict[str, Any]:
    status = "True" if true else "False"
    changed_at = format_time(now)
    for old in before.get("conditions") or ():
        if old.get("type") == kind and old.get("status") == status:
            changed_at = old.get("lastTransitionTime") or changed_at
    condition = {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": changed_at,
    }
    if why is not None:
        condition["reason"] = why[0]
        if why[1]:
            condition["message"] = why[1]
    return condition


def is_same_status(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Compare what we report; fields that others own (and `None`s) do not count."""
    return bool(_normal(one) == _normal({key: other.get(key) for key in one}))


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _normal(v) for k, v in value.items() if v not in (None, {}, [], "")}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_normal(item) for item in value]
    return value
