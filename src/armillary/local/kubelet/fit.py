"""Whether a pod may run on our node, by Kubernetes' rules. Pure.

One machine plays all zones and regions: what a pod asks of them holds here. Whatever else it asks
of a node's labels must be true, or the pod waits as it would elsewhere.
"""

from collections.abc import Mapping
from typing import Any

from armillary.kube.kinds import KubeObject

_ANY_PLACE = frozenset(
    (
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    )
)
_HARD_EFFECTS = ("NoSchedule", "NoExecute")
_CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def why_not(pod: KubeObject, node: KubeObject) -> str:
    """Return the scheduler's words for what keeps `pod` off `node`; empty when it fits."""
    spec, node_spec = pod.get("spec") or {}, node.get("spec") or {}
    tolerations = spec.get("tolerations") or ()
    if node_spec.get("unschedulable") and not _is_tolerated(_CORDONED, tolerations):
        return _message("were unschedulable")
    for taint in node_spec.get("taints") or ():
        if taint.get("effect") in _HARD_EFFECTS and not _is_tolerated(taint, tolerations):
            value = taint.get("value") or ""
            return _message(f"had untolerated taint {{{taint['key']}: {value}}}")
    if not _selector_holds(spec, node) or not _affinity_holds(spec, node):
        return _message("didn't match Pod's node affinity/selector")
    return ""


def _message(what: str) -> str:
    return f"0/1 nodes are available: 1 node(s) {what}."


def _selector_holds(spec: Mapping[str, Any], node: KubeObject) -> bool:
    labels = node["metadata"].get("labels") or {}
    wanted = spec.get("nodeSelector") or {}
    return all(key in _ANY_PLACE or labels.get(key) == value for key, value in wanted.items())


def _affinity_holds(spec: Mapping[str, Any], node: KubeObject) -> bool:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(_term_holds(term, labels, fields) for term in required["nodeSelectorTerms"])


def _term_holds(
    term: Mapping[str, Any], labels: Mapping[str, str], fields: Mapping[str, str]
) -> bool:
    expressions, names = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not names:
        return False  # an empty term matches nothing
    return all(
        item["key"] in _ANY_PLACE or _expression_holds(item, labels) for item in expressions
    ) and all(_expression_holds(item, fields) for item in names)


def _expression_holds(item: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(item["key"]), item.get("values") or []
    match item["operator"]:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case "Gt" | "Lt" as operator:
            try:
                have, bound = int(found or ""), int(values[0])
            except (ValueError, IndexError):
                return False
            return have > bound if operator == "Gt" else have < bound
    return False


def _is_tolerated(taint: Mapping[str, Any], tolerations: Any) -> bool:
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    key = toleration.get("key")
    if not key:
        return toleration.get("operator") == "Exists"
    if key != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return (toleration.get("value") or "") == (taint.get("value") or "")
