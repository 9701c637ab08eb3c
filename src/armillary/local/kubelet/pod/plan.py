"""What to do next with one pod, and which phase it is in. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from armillary.local.kubelet.pod.spec import ContainerSpec, PodSpec
from armillary.local.kubelet.pod.state import (
    Action,
    ContainerState,
    FinishDeletion,
    PodPlan,
    PodState,
    PrepareVolumes,
    RestartPolicy,
    StartContainer,
    StopContainer,
)


def plan_pod(pod: PodSpec, seen: PodState, policy: RestartPolicy, *, now: datetime) -> PodPlan:
    """Return this pass's actions.

    A container is started only when nothing of it runs; init containers come one after another and
    only before the others; a pod that is being deleted, or has failed, starts nothing.
    """
    if pod.deleting or seen.failure is not None:
        return _plan_end(pod, seen)
    phase = phase_of(pod, seen)
    if phase in ("Succeeded", "Failed"):
        return PodPlan(phase=phase)
    if not seen.volumes_ready:
        if seen.retry_at is not None and seen.retry_at > now:
            return PodPlan(look_again_at=seen.retry_at, phase=phase)
        return PodPlan(actions=(PrepareVolumes(),), phase=phase)
    waiting_init = _first_unfinished(pod, seen)
    group = (waiting_init,) if waiting_init is not None else pod.containers
    plan = _plan_group(pod, group, seen, policy, now=now, is_init=waiting_init is not None)
    return replace(plan, phase=phase)


def _plan_end(pod: PodSpec, seen: PodState) -> PodPlan:
    running = [state for state in seen.containers.values() if state.running]
    stops: tuple[Action, ...] = tuple(
        StopContainer(name=state.name, grace_s=pod.grace_s, reason="the pod ends")
        for state in running
        if not state.stopping
    )
    phase = phase_of(pod, seen)
    if not running and pod.deleting:
        return PodPlan(actions=(FinishDeletion(),), phase=phase)
    return PodPlan(actions=stops, phase=phase)


def _first_unfinished(pod: PodSpec, seen: PodState) -> ContainerSpec | None:
    """Return the init container whose turn it is; None once all have succeeded.

    A main container that has ever started proves it too: init containers do not run again.
    """
    if any(seen.containers[container.name].attempts for container in pod.containers):
        return None
    for container in pod.init_containers:
        state = seen.containers[container.name]
        if state.running or state.exit is None or state.exit.code != 0:
            return container
    return None


def _plan_group(
    pod: PodSpec,
    group: Sequence[ContainerSpec],
    seen: PodState,
    policy: RestartPolicy,
    *,
    now: datetime,
    is_init: bool,
) -> PodPlan:
    actions: list[Action] = []
    backing_off: dict[str, float] = {}
    wake_at: list[datetime] = []
    for container in group:
        state = seen.containers[container.name]
        if state.running:
            if state.restart_wanted and not state.stopping:
                actions.append(
                    StopContainer(name=state.name, grace_s=pod.grace_s, reason="unhealthy")
                )
            continue
        if state.exit is None:
            if state.waiting is not None and seen.retry_at is not None and seen.retry_at > now:
                wake_at.append(seen.retry_at)
            else:
                actions.append(StartContainer(name=state.name, reason="not started yet"))
            continue
        if not will_restart(pod, state, is_init=is_init):
            continue
        delay_s = policy.delay_s(state.quick_exits)
        due_at = state.exit.finished_at + timedelta(seconds=delay_s)
        if state.waiting is not None and seen.retry_at is not None:
            due_at = max(due_at, seen.retry_at)
        if due_at <= now:
            actions.append(StartContainer(name=state.name, reason="restart policy"))
        else:
            backing_off[state.name] = delay_s
            wake_at.append(due_at)
    return PodPlan(
        actions=tuple(actions), look_again_at=min(wake_at, default=None), backing_off=backing_off
    )


def will_restart(pod: PodSpec, state: ContainerState, *, is_init: bool) -> bool:
    """Say whether a container that has ended is to run again."""
    assert state.exit is not None
    if is_init:
        return state.exit.code != 0 and pod.restart_policy != "Never"
    if pod.restart_policy == "Always":
        return True
    return pod.restart_policy == "OnFailure" and state.exit.code != 0


def phase_of(pod: PodSpec, seen: PodState) -> str:
    """Return the pod's phase by Kubernetes' rules."""
    if seen.failure is not None and not any(s.running for s in seen.containers.values()):
        return "Failed"
    init_states = [seen.containers[container.name] for container in pod.init_containers]
    states = [seen.containers[container.name] for container in pod.containers]
    main_began = any(state.attempts for state in states)
    if not main_began:
        failed = any(s.exit is not None and s.exit.code != 0 and not s.running for s in init_states)
        return "Failed" if failed and pod.restart_policy == "Never" else "Pending"
    if any(state.running for state in states):
        return "Running"
    if any(state.exit is None for state in states):
        # Some ended, some have not been started yet.
        return "Pending" if not any(state.exit for state in states) else "Running"
    if not pod.deleting and any(will_restart(pod, s, is_init=False) for s in states):
        return "Running"
    failed = any(state.exit is not None and state.exit.code != 0 for state in states)
    return "Failed" if failed else "Succeeded"
