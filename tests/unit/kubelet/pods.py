"""Small pods for the tests of pure parts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from armillary.local.kubelet.pod.spec import PodSpec, parse_pod
from armillary.local.kubelet.pod.state import ContainerState, Exit, PodState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def make_pod(*names: str, init: tuple[str, ...] = (), **spec: Any) -> PodSpec:
    metadata = {"uid": "u-1", "name": "p", "namespace": "ns", "labels": {"a": "b"}}
    if spec.pop("deleting", False):
        metadata["deletionTimestamp"] = "2026-11-22T12:00:00Z"
        metadata["deletionGracePeriodSeconds"] = 7  # type: ignore[assignment]
    containers = [{"name": name, "command": ["x"]} for name in names or ("main",)]
    inits = [{"name": name, "command": ["x"]} for name in init]
    return parse_pod(
        {"metadata": metadata, "spec": {"containers": containers, "initContainers": inits, **spec}}
    )


def ended(code: int = 0, *, ago_s: float = 0.0, attempt: int = 1) -> Exit:
    finished_at = NOW - timedelta(seconds=ago_s)
    return Exit(
        code=code,
        reason="Completed" if code == 0 else "Error",
        started_at=finished_at - timedelta(seconds=1),
        finished_at=finished_at,
        attempt=attempt,
    )


def see(*states: ContainerState, ready: bool = True, **rest: Any) -> PodState:
    containers = {state.name: state for state in states}
    return PodState(containers=containers, volumes_ready=ready, **rest)


def fresh(name: str = "main") -> ContainerState:
    return ContainerState(name=name)


def runs(name: str = "main", **rest: Any) -> ContainerState:
    return ContainerState(name=name, attempts=1, running_since=NOW, started=True, **rest)


def over(
    name: str = "main", code: int = 0, *, ago_s: float = 0.0, quick: int = 1
) -> ContainerState:
    return ContainerState(name=name, attempts=1, exit=ended(code, ago_s=ago_s), quick_exits=quick)
