"""How the results of single probes become a verdict. Pure."""

from dataclasses import dataclass, replace

from armillary.local.kubelet.pod.spec import ProbeSpec


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """One probe's answer; `message` is what the event tells when it failed."""

    success: bool
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """`healthy` is the verdict so far: readiness and startup begin unhealthy, liveness healthy."""

    healthy: bool
    last_success: bool | None = None
    count: int = 0  # equal answers in a row


def initial_state(probe: ProbeSpec) -> ProbeState:
    return ProbeState(healthy=probe.kind == "liveness")


def next_state(probe: ProbeSpec, state: ProbeState, success: bool) -> ProbeState:
    """Return the state after one more answer; the verdict turns when its threshold is reached."""
    count = state.count + 1 if state.last_success is success else 1
    after = replace(state, last_success=success, count=count)
    threshold = probe.success_threshold if success else probe.failure_threshold
    return replace(after, healthy=success) if count >= threshold else after


def should_restart(probe: ProbeSpec, state: ProbeState) -> bool:
    """Say whether the container is to be killed: liveness or startup has failed often enough."""
    failed = state.last_success is False and state.count >= probe.failure_threshold
    return failed and probe.kind in ("liveness", "startup")
