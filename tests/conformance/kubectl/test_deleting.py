"""delete: finalizers, propagation, selections, namespaces."""

from typing import Any

from tests.conformance.kubectl.box import Box, config_map, deployment, unscheduled_pod


def with_finalizer(value: dict[str, Any]) -> dict[str, Any]:
    value["metadata"]["finalizers"] = ["example.com/hold"]
    return value


def test_delete_tells_and_removes(box: Box) -> None:
    box.apply(config_map("c"))
    assert box.out("delete", "cm", "c").startswith('configmap "c" deleted')
    assert box.error("delete", "cm", "c") == (
        'Error from server (NotFound): configmaps "c" not found\n'
    )
    box.out("delete", "cm", "c", "--ignore-not-found")


def test_a_pod_that_runs_nowhere_goes_at_once(box: Box) -> None:
    box.apply(unscheduled_pod("p"))
    box.out("delete", "pod", "p", "--timeout=5s")
    assert box.run("get", "pod", "p").returncode != 0


def test_delete_a_selection(box: Box) -> None:
    box.apply(*(unscheduled_pod(name, part=part) for name, part in (("a", "x"), ("b", "y"))))
    box.out("delete", "pods", "-l", "part=x")
    assert box.out("get", "pods", "-o", "name") == "pod/b\n"
    box.out("delete", "pods", "--all")
    assert box.out("get", "pods", "-o", "name") == ""


def test_a_finalizer_holds_an_object(box: Box) -> None:
    box.apply(with_finalizer(config_map("c")))
    box.out("delete", "cm", "c", "--wait=false")
    assert box.path("cm", "c", ".metadata.deletionTimestamp")
    told = box.error(
        "patch", "cm", "c", "--type=merge", "-p", '{"metadata":{"finalizers":["a/b","a/c"]}}'
    )
    assert "no new finalizers can be added if the object is being deleted" in told
    box.out("patch", "cm", "c", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert box.run("get", "cm", "c").returncode != 0


def test_orphans_stay(node_box: Box) -> None:
    node_box.apply(deployment("d"))
    node_box.wait_for(lambda: node_box.out("get", "rs", "-o", "name"))
    node_box.out("delete", "deployment", "d", "--cascade=orphan")
    assert node_box.out("get", "rs", "-o", "jsonpath={.items[*].metadata.ownerReferences}") == ""
    assert node_box.out("get", "rs", "-o", "name")


def test_dependents_go_in_the_background(node_box: Box) -> None:
    node_box.apply(deployment("d"))
    node_box.wait_for(lambda: node_box.out("get", "rs", "-o", "name"))
    node_box.out("delete", "deployment", "d")
    node_box.wait_for(lambda: not node_box.out("get", "rs", "-o", "name"))


def test_dependents_go_first_in_the_foreground(node_box: Box) -> None:
    node_box.apply(deployment("d"))
    node_box.wait_for(lambda: node_box.out("get", "rs", "-o", "name"))
    node_box.out("delete", "deployment", "d", "--cascade=foreground", "--timeout=20s")
    assert node_box.out("get", "rs", "-o", "name") == ""


def test_a_namespace_takes_its_contents_along(node_box: Box) -> None:
    inner = f"{node_box.namespace}-inner"
    node_box.out("create", "namespace", inner)
    node_box.out("-n", inner, "create", "configmap", "c")
    node_box.out("delete", "namespace", inner, "--timeout=30s")
    assert node_box.run("get", "namespace", inner).returncode != 0
    node_box.out("create", "namespace", inner)
    assert "configmap/c" not in node_box.out("-n", inner, "get", "cm", "-o", "name")
    node_box.out("delete", "namespace", inner, "--wait=false")


def test_a_terminating_namespace_takes_nothing_new(box: Box) -> None:
    inner = f"{box.namespace}-inner"
    box.out("create", "namespace", inner)
    held = with_finalizer(config_map("c"))
    held["metadata"]["namespace"] = inner
    box.out("-n", inner, "apply", "-f", "-", stdin=str(held).replace("'", '"'))
    box.out("delete", "namespace", inner, "--wait=false")
    told = box.error("-n", inner, "create", "configmap", "late")
    assert "because it is being terminated" in told
    patch = '{"metadata":{"finalizers":null}}'
    box.out("-n", inner, "patch", "cm", "c", "--type=merge", "-p", patch)
