"""apply --server-side: ownership, conflicts, force, fields that are given up."""

from typing import Any

from tests.conformance.kubectl.box import Box, config_map, deployment, manifest


def apply(box: Box, value: dict[str, Any], *words: str) -> str:
    return box.out("apply", "--server-side", "-f", "-", *words, stdin=manifest(value))


def test_fields_that_are_no_longer_applied_go(box: Box) -> None:
    assert apply(box, config_map("c", a="1", b="2")) == "configmap/c serverside-applied\n"
    apply(box, config_map("c", a="1"))
    assert box.get("cm", "c")["data"] == {"a": "1"}


def test_another_managers_field_is_a_conflict(box: Box) -> None:
    apply(box, config_map("c", a="1"), "--field-manager=one")
    complaint = box.error(
        "apply",
        "--server-side",
        "--field-manager=two",
        "-f",
        "-",
        stdin=manifest(config_map("c", a="2")),
    )
    assert 'Apply failed with 1 conflict: conflict with "one": .data.a' in complaint
    apply(box, config_map("c", a="2"), "--field-manager=two", "--force-conflicts")
    assert box.path("cm", "c", ".data.a") == "2"


def test_the_same_value_is_shared_not_fought_over(box: Box) -> None:
    apply(box, config_map("c", a="1"), "--field-manager=one")
    apply(box, config_map("c", a="1", b="2"), "--field-manager=two")
    apply(box, config_map("c"), "--field-manager=one")
    assert box.get("cm", "c")["data"] == {"a": "1", "b": "2"}


def test_editing_takes_ownership(box: Box) -> None:
    apply(box, config_map("c", a="1"))
    editor = {"KUBE_EDITOR": "sed -i s/1/2/"}
    box.run("edit", "configmap", "c", env=editor)
    box.out("patch", "cm", "c", "--type=merge", "-p", '{"data":{"a":"3"}}')
    complaint = box.error(
        "apply", "--server-side", "-f", "-", stdin=manifest(config_map("c", a="1"))
    )
    assert 'conflict with "kubectl-patch" using v1: .data.a' in complaint


def test_list_items_belong_to_whoever_applied_them(box: Box) -> None:
    apply(box, deployment("d"), "--field-manager=one")
    other = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": [{"name": "sidecar", "image": "busybox"}]}}},
    }
    apply(box, other, "--field-manager=two", "--validate=false")
    names = ".spec.template.spec.containers[*].name"
    assert box.path("deployment", "d", names) == "main sidecar"
    apply(box, deployment("d"), "--field-manager=one")
    assert box.path("deployment", "d", names) == "main sidecar"
    other["spec"] = {}
    apply(box, other, "--field-manager=two", "--validate=false")
    assert box.path("deployment", "d", names) == "main"


def test_applying_again_writes_nothing(box: Box) -> None:
    apply(box, deployment("d"))
    before = box.path("deployment", "d", ".metadata.managedFields[?(@.operation=='Apply')].time")
    generation = box.path("deployment", "d", ".metadata.generation")
    apply(box, deployment("d"))
    after = box.path("deployment", "d", ".metadata.managedFields[?(@.operation=='Apply')].time")
    assert (before, generation) == (after, box.path("deployment", "d", ".metadata.generation"))


def test_managed_fields_are_hidden_unless_asked_for(box: Box) -> None:
    apply(box, config_map("c", a="1"))
    assert "managedFields" not in box.out("get", "cm", "c", "-o", "yaml")
    shown = box.out("get", "cm", "c", "-o", "yaml", "--show-managed-fields")
    assert "f:data:\n        f:a: {}" in shown
    assert "manager: kubectl\n    operation: Apply" in shown


def test_dry_run_of_an_apply_shows_the_result(box: Box) -> None:
    apply(box, config_map("c", a="1"))
    shown = apply(box, config_map("c", a="2"), "--dry-run=server", "-o", "jsonpath={.data.a}")
    assert shown == "2"
    assert box.path("cm", "c", ".data.a") == "1"


def test_who_scales_owns_the_number_of_replicas(box: Box) -> None:
    apply(box, deployment("d"))
    box.out("scale", "deployment", "d", "--replicas=1")
    box.out("scale", "deployment", "d", "--replicas=0")
    apply(box, deployment("d"))
    box.out("scale", "deployment", "d", "--replicas=1")
    told = box.error("apply", "--server-side", "-f", "-", stdin=manifest(deployment("d")))
    assert 'with subresource "scale"' in told
    assert ".spec.replicas" in told
    value = deployment("d")
    del value["spec"]["replicas"]
    apply(box, value)
    assert box.path("deployment", "d", ".spec.replicas") == "1"
