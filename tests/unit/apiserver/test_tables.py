"""What `kubectl get` prints: ages, pod states, JSON paths of printer columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from armillary.local.apiserver.kinds.crd import build_custom_resources
from armillary.local.apiserver.tables.cells import duration, find_values
from armillary.local.apiserver.tables.render import render_table
from armillary.local.apiserver.tables.workloads import pod_reason


@pytest.mark.parametrize(
    ("span", "wanted"),
    [
        (timedelta(seconds=0), "0s"),
        (timedelta(seconds=49), "49s"),
        (timedelta(seconds=119), "119s"),
        (timedelta(seconds=120), "2m"),
        (timedelta(minutes=3, seconds=27), "3m27s"),
        (timedelta(minutes=10, seconds=59), "10m"),
        (timedelta(minutes=179), "179m"),
        (timedelta(hours=3), "3h"),
        (timedelta(hours=7, minutes=5), "7h5m"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=7, hours=23), "7d23h"),
        (timedelta(days=8, hours=3), "8d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=800), "2y70d"),
        (timedelta(days=3000), "8y"),
        (timedelta(seconds=-1), "0s"),
        (timedelta(seconds=-5), "<invalid>"),
    ],
)
def test_durations_read_as_kubectl_writes_them(span: timedelta, wanted: str) -> None:
    assert duration(span.total_seconds()) == wanted


def pod(
    *containers: dict[str, Any], phase: str = "Running", init: Any = (), **metadata: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", **metadata},
        "spec": {"containers": [{}] * len(containers), "initContainers": [{}] * len(init)},
        "status": {
            "phase": phase,
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
        },
    }


RUNNING = {"ready": True, "state": {"running": {}}}
DONE = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (pod(RUNNING), "Running"),
        (pod(phase="Pending"), "Pending"),
        (pod({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}), "CrashLoopBackOff"),
        (pod({"state": {"terminated": {"exitCode": 3}}}), "ExitCode:3"),
        (pod({"state": {"terminated": {"exitCode": 137, "signal": 9}}}), "Signal:9"),
        (pod({"state": {"terminated": {"reason": "OOMKilled"}}}), "OOMKilled"),
        (pod(DONE, phase="Succeeded"), "Completed"),
        (pod(RUNNING, deletionTimestamp="2026-01-01T00:00:00Z"), "Terminating"),
        (pod({}, init=[{"state": {"running": {}}}], phase="Pending"), "Init:0/1"),
        (
            pod({}, init=[{"state": {"terminated": {"exitCode": 2}}}], phase="Pending"),
            "Init:ExitCode:2",
        ),
        (pod({}, init=[DONE, {"state": {"running": {}}}], phase="Pending"), "Init:1/2"),
    ],
)
def test_pod_states(value: dict[str, Any], wanted: str) -> None:
    assert pod_reason(value) == wanted


VALUE = {
    "spec": {"a.b": 1, "list": [{"n": "x"}, {"n": "y"}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other"}]},
}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (".spec.list[0].n", ["x"]),
        (".spec.list[-1].n", ["y"]),
        (".spec.list[*].n", ["x", "y"]),
        (".spec['a.b']", [1]),
        (r".spec.a\.b", [1]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Nope')].status", []),
        (".spec.nothing.below", []),
        (".spec.list[7]", []),
    ],
)
def test_json_paths(path: str, wanted: list[Any]) -> None:
    assert find_values(VALUE, path) == wanted


def test_a_custom_resource_without_columns_shows_name_and_age() -> None:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    names = {"plural": "vitessbackups", "kind": "VitessBackup"}
    spec = {"group": "x.io", "scope": "Namespaced", "names": names, "versions": [version]}
    (resource,) = build_custom_resources({"spec": spec}, {"type": "object"})
    created = (datetime.now(UTC) - timedelta(seconds=49)).strftime("%Y-%m-%dT%H:%M:%SZ")
    value = {"metadata": {"name": "b", "creationTimestamp": created}}
    columns, rows = render_table([value], resource)
    assert [column["name"] for column in columns] == ["Name", "Age"]
    assert rows[0][0] == "b"
    assert rows[0][1] in ("49s", "50s")
