"""Which pods fit on the one node, and the words for those that do not."""

from typing import Any

import pytest

from armillary.local.kubelet.fit import why_not
from armillary.operator.render.podparts import zone_affinity

NODE: dict[str, Any] = {
    "metadata": {"name": "here", "labels": {"kubernetes.io/os": "linux", "cores": "4"}},
    "spec": {},
}
MISMATCH = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": spec}


def wants(key: str, operator: str, *values: str, field: str = "matchExpressions") -> dict[str, Any]:
    term = {field: [{"key": key, "operator": operator, "values": list(values)}]}
    required = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def test_a_pod_that_asks_for_nothing_fits() -> None:
    assert why_not(pod(), NODE) == ""
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}]}
    assert why_not(pod(affinity={"nodeAffinity": preferred}), NODE) == ""


def test_a_selector_must_match_all_labels() -> None:
    assert why_not(pod(nodeSelector={"kubernetes.io/os": "linux"}), NODE) == ""
    assert why_not(pod(nodeSelector={"kubernetes.io/os": "linux", "disk": "ssd"}), NODE) == MISMATCH


def test_the_machine_plays_every_zone() -> None:
    assert why_not(pod(affinity=zone_affinity("us-central1-a")), NODE) == ""
    assert why_not(pod(nodeSelector={"topology.kubernetes.io/region": "mars"}), NODE) == ""
    assert why_not(pod(nodeSelector={"failure-domain.beta.kubernetes.io/zone": "a"}), NODE) == ""


@pytest.mark.parametrize(
    ("affinity", "fits"),
    [
        (wants("kubernetes.io/os", "In", "windows", "linux"), True),
        (wants("kubernetes.io/os", "In", "windows"), False),
        (wants("kubernetes.io/os", "NotIn", "windows"), True),
        (wants("disk", "NotIn", "ssd"), True),
        (wants("disk", "Exists"), False),
        (wants("cores", "Exists"), True),
        (wants("disk", "DoesNotExist"), True),
        (wants("cores", "Gt", "3"), True),
        (wants("cores", "Lt", "3"), False),
        (wants("disk", "Gt", "3"), False),
        (wants("metadata.name", "In", "here", field="matchFields"), True),
        (wants("metadata.name", "In", "there", field="matchFields"), False),
    ],
)
def test_a_pod_fits_a_node_whose_labels_it_requires(affinity: dict[str, Any], fits: bool) -> None:
    assert why_not(pod(affinity=affinity), NODE) == ("" if fits else MISMATCH)


def test_one_term_of_several_is_enough_and_an_empty_one_matches_nothing() -> None:
    both = wants("disk", "Exists")
    required = both["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    required["nodeSelectorTerms"].append({})
    assert why_not(pod(affinity=both), NODE) == MISMATCH
    required["nodeSelectorTerms"] += wants("cores", "Exists")["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert why_not(pod(affinity=both), NODE) == ""


def test_a_cordoned_or_tainted_node_takes_only_who_tolerates_it() -> None:
    cordoned = {**NODE, "spec": {"unschedulable": True}}
    assert why_not(pod(), cordoned) == "0/1 nodes are available: 1 node(s) were unschedulable."
    assert why_not(pod(tolerations=[{"operator": "Exists"}]), cordoned) == ""
    taint = {"key": "for", "value": "db", "effect": "NoSchedule"}
    tainted = {**NODE, "spec": {"taints": [taint]}}
    assert "untolerated taint {for: db}" in why_not(pod(), tainted)
    assert why_not(pod(tolerations=[{"key": "for", "value": "db"}]), tainted) == ""
    assert why_not(pod(tolerations=[{"key": "for", "value": "web"}]), tainted) != ""
    assert why_not(pod(tolerations=[{"key": "for", "operator": "Exists"}]), tainted) == ""
    assert why_not(pod(tolerations=[{"key": "other", "operator": "Exists"}]), tainted) != ""
    soft = {**NODE, "spec": {"taints": [{**taint, "effect": "PreferNoSchedule"}]}}
    assert why_not(pod(), soft) == ""
