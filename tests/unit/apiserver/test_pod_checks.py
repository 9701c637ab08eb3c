"""What of a pod's spec is refused, with the path of its field."""

from typing import Any

import pytest

from armillary.local.apiserver.objects.pods import check_pod_spec


def causes(**container: Any) -> list[str]:
    spec = {"containers": [{"name": "main", "image": "i", **container}]}
    return [cause.field for cause in check_pod_spec(spec, "spec")]


@pytest.mark.parametrize("amount", ["64Mi", "100m", "1.5", ".5", 2, 0, "1e3", "10M"])
def test_amounts_as_kubernetes_writes_them_are_taken(amount: object) -> None:
    assert causes(resources={"limits": {"memory": amount}, "requests": {"cpu": amount}}) == []


@pytest.mark.parametrize("amount", ["lots", "", "64 Mi", "64MB", "-1", -1, True, "1Gi\n"])
def test_amounts_that_are_none_are_refused(amount: object) -> None:
    found = causes(resources={"limits": {"memory": amount}, "requests": {"cpu": amount}})
    assert found == [
        "spec.containers[0].resources.limits[memory]",
        "spec.containers[0].resources.requests[cpu]",
    ]


def test_a_pull_policy_that_is_none_is_refused() -> None:
    assert causes(imagePullPolicy="Always") == []
    assert causes(imagePullPolicy="Sometimes") == ["spec.containers[0].imagePullPolicy"]
