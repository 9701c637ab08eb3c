"""What Kubernetes refuses in Deployments, Jobs, Services and budgets."""

from typing import Any

import pytest

from armillary.local.apiserver.kinds.builtin import build_builtin_resources
from armillary.local.apiserver.objects.checks import check_builtin
from armillary.local.apiserver.objects.defaults import apply_builtin_defaults

RESOURCES = {r.plural: r for r in build_builtin_resources(lambda *_: None)}
CONTAINERS = [{"name": "main", "image": "x", "command": ["x"]}]


def complaints(plural: str, spec: dict[str, Any]) -> list[str]:
    value = {"metadata": {"name": "x", "namespace": "n", "uid": "u"}, "spec": spec}
    apply_builtin_defaults(value, RESOURCES[plural], now="2026-11-30T00:00:00Z")
    return [f"{c.field}: {c.text}" for c in check_builtin(value, None, RESOURCES[plural])]


def deployment(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
    return {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}


def rolling(**shares: Any) -> dict[str, Any]:
    return deployment(strategy={"rollingUpdate": shares})


@pytest.mark.parametrize(
    ("plural", "spec", "complaint"),
    [
        ("deployments", rolling(maxSurge="abc"), 'maxSurge: Invalid value: "abc": a valid percent'),
        ("deployments", rolling(maxSurge=0, maxUnavailable="0%"), "may not be 0 when `maxSurge`"),
        ("deployments", deployment(strategy={"type": "Other"}), "strategy.type: Unsupported"),
        ("deployments", deployment(selector={}), "spec.selector: Invalid value"),
        ("deployments", deployment(replicas=-1), "spec.replicas: Invalid value: -1"),
        (
            "deployments",
            deployment(selector={"matchExpressions": [{"key": "z", "operator": "Exists"}]}),
            "`selector` does not match template `labels`",
        ),
        (
            "jobs",
            {
                "parallelism": -1,
                "template": {"spec": {"containers": CONTAINERS, "restartPolicy": "Never"}},
            },
            "spec.parallelism: Invalid value: -1",
        ),
        ("services", {"type": "Other", "ports": [{"port": 1}]}, "spec.type: Unsupported value"),
        ("services", {"type": "ExternalName"}, "spec.externalName: Required value"),
        ("poddisruptionbudgets", {"minAvailable": "abc"}, "spec.minAvailable: Invalid value"),
        ("poddisruptionbudgets", {"maxUnavailable": -1}, "spec.maxUnavailable: Invalid value: -1"),
    ],
)
def test_a_field_is_refused(plural: str, spec: dict[str, Any], complaint: str) -> None:
    assert complaint in "\n".join(complaints(plural, spec))


@pytest.mark.parametrize(
    ("plural", "spec"),
    [
        ("deployments", deployment()),
        ("deployments", rolling(maxSurge=0, maxUnavailable=1)),
        ("deployments", rolling(maxSurge="25%", maxUnavailable="0%")),
        ("deployments", deployment(strategy={"type": "Recreate"})),
        ("poddisruptionbudgets", {"maxUnavailable": "50%"}),
        ("services", {"type": "NodePort", "ports": [{"port": 1}]}),
    ],
)
def test_what_is_taken(plural: str, spec: dict[str, Any]) -> None:
    assert not complaints(plural, spec)


@pytest.mark.parametrize("given", [{}, {"targetPort": 0}, {"targetPort": ""}])
def test_a_port_leads_to_itself_unless_said_otherwise(given: dict[str, Any]) -> None:
    value: dict[str, Any] = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80, **given}]}}
    apply_builtin_defaults(value, RESOURCES["services"], now="2026-11-30T00:00:00Z")
    assert value["spec"]["ports"][0]["targetPort"] == 80
