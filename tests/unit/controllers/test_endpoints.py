"""Which pods stand behind a Service, selectors, budgets, and caches that lag."""

from datetime import UTC, datetime
from typing import Any

import pytest

from armillary.kube.labels import matches
from armillary.local.controllers.disruption import build_budget_status
from armillary.local.controllers.endpoints import build_endpoints
from armillary.local.controllers.expectations import Expectations
from armillary.local.controllers.pods import deletion_rank

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def pod(name: str, *, ready: bool = True, ip: str = "127.1.0.1", **rest: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "n", "uid": name, "labels": {"a": "b"}}
    if rest.pop("deleting", False):
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    phase = rest.pop("phase", "Running")
    return {
        "metadata": metadata,
        "spec": {
            "nodeName": "x",
            "containers": [{"ports": [{"name": "web", "containerPort": 15000}]}],
            **rest,
        },
        "status": {"phase": phase, "podIP": ip, "conditions": conditions},
    }


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "web", "port": 80, "targetPort": "web"}]
    metadata = {"name": "s", "namespace": "n"}
    return {"metadata": metadata, "spec": {"selector": {"a": "b"}, "ports": ports, **spec}}


def ips(found: dict[str, Any], kind: str) -> list[str]:
    return [entry["ip"] for subset in found["subsets"] for entry in subset.get(kind, ())]


def test_ready_and_unready_pods_are_told_apart() -> None:
    pods = [pod("p", ip="127.1.0.2"), pod("q", ready=False, ip="127.1.0.3")]
    found = build_endpoints(service(), pods)
    assert ips(found, "addresses") == ["127.1.0.2"]
    assert ips(found, "notReadyAddresses") == ["127.1.0.3"]
    assert found["subsets"][0]["ports"] == [{"name": "web", "port": 15000, "protocol": "TCP"}]
    both = build_endpoints(service(publishNotReadyAddresses=True), pods)
    assert ips(both, "addresses") == ["127.1.0.2", "127.1.0.3"]


@pytest.mark.parametrize("left_out", [{"deleting": True}, {"phase": "Failed"}, {"ip": ""}])
def test_pods_that_cannot_answer_are_left_out(left_out: dict[str, Any]) -> None:
    assert build_endpoints(service(), [pod("p", **left_out)])["subsets"] == []


def test_named_ports_may_differ_between_pods() -> None:
    other = pod("q", ip="127.1.0.9", containers=[{"ports": [{"name": "web", "containerPort": 1}]}])
    none = pod("r", ip="127.1.0.8", containers=[{}])
    found = build_endpoints(service(), [pod("p"), other, none])
    assert [s["ports"][0]["port"] for s in found["subsets"]] == [1, 15000]
    assert "127.1.0.8" not in ips(found, "addresses")


def test_host_names_belong_to_the_service_that_governs_the_pod() -> None:
    found = build_endpoints(service(), [pod("p", hostname="h", subdomain="s")])
    assert found["subsets"][0]["addresses"][0]["hostname"] == "h"
    found = build_endpoints(service(), [pod("p", hostname="h", subdomain="other")])
    assert "hostname" not in found["subsets"][0]["addresses"][0]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "z", "operator": "In", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "z", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "z", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_a_selector_takes_labels_as_kubernetes_does(
    selector: dict[str, Any] | None, expected: bool
) -> None:
    assert matches(selector, {"a": "1"}) is expected


@pytest.mark.parametrize(
    ("spec", "ready", "unready", "allowed"),
    [
        ({"maxUnavailable": 1}, 3, 0, 1),
        ({"maxUnavailable": 1}, 2, 1, 0),
        ({"minAvailable": 2}, 3, 0, 1),
        ({"minAvailable": "50%"}, 3, 0, 1),
        ({"maxUnavailable": 1}, 0, 0, 0),
    ],
)
def test_a_budget_tells_how_many_pods_may_go(
    spec: dict[str, Any], ready: int, unready: int, allowed: int
) -> None:
    pods = [pod(f"r{n}") for n in range(ready)] + [
        pod(f"u{n}", ready=False) for n in range(unready)
    ]
    status = build_budget_status({"metadata": {}, "spec": spec}, pods, NOW)
    assert status["disruptionsAllowed"] == allowed


def test_the_cheapest_pod_goes_first() -> None:
    pending = pod("pending", ready=False, phase="Pending")
    unready, ready = pod("unready", ready=False), pod("ready")
    young = pod("young")
    ready["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    young["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    order = sorted([ready, young, unready, pending], key=deletion_rank)
    assert [each["metadata"]["name"] for each in order] == ["pending", "unready", "young", "ready"]


def test_expectations_wait_for_the_cache_but_not_for_ever() -> None:
    now = [0.0]
    expected = Expectations(clock=lambda: now[0])
    expected.created("k", "u1")
    expected.deleted("k", "u0")
    nothing: frozenset[str] = frozenset()
    assert expected.waits_for("k", seen=frozenset({"u0"}), going=nothing)
    assert expected.waits_for("k", seen=frozenset({"u0", "u1"}), going=nothing)
    assert not expected.waits_for("k", seen=frozenset({"u0", "u1"}), going=frozenset({"u0"}))
    assert not expected.waits_for("other", seen=nothing, going=nothing)
    expected.created("k", "lost")
    assert expected.waits_for("k", seen=nothing, going=nothing)
    now[0] = 31.0
    assert not expected.waits_for("k", seen=nothing, going=nothing)
