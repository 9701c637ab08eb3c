"""What a disruption budget still allows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from armillary.local.controllers.disruption import build_budget_status
from armillary.local.kubelet.pod.spec import format_time

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def pod(name: str, *, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": name, "namespace": "n"},
        "status": {"phase": "Running", "conditions": [condition]},
    }


def budget(evicted: dict[str, datetime] | None = None) -> dict[str, Any]:
    shown = {name: format_time(at) for name, at in (evicted or {}).items()}
    return {
        "metadata": {"name": "b", "generation": 1},
        "spec": {"minAvailable": 1},
        "status": {"disruptedPods": shown},
    }


def test_an_evicted_pod_counts_as_gone_before_it_goes() -> None:
    status = build_budget_status(budget({"a": NOW}), [pod("a"), pod("b"), pod("c")], NOW)
    assert (status["currentHealthy"], status["disruptionsAllowed"]) == (2, 1)
    assert list(status["disruptedPods"]) == ["a"]


def test_an_eviction_that_led_to_nothing_is_forgotten() -> None:
    long_ago = NOW - timedelta(minutes=3)
    status = build_budget_status(budget({"a": long_ago, "gone": NOW}), [pod("a"), pod("b")], NOW)
    assert (status["currentHealthy"], status["disruptedPods"]) == (2, {})


def test_pods_that_are_not_ready_do_not_count() -> None:
    status = build_budget_status(budget(), [pod("a"), pod("b", ready=False)], NOW)
    assert (status["expectedPods"], status["disruptionsAllowed"]) == (2, 0)
