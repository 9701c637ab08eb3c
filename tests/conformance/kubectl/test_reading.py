"""get in its forms, describe, selectors, paging."""

import json

from tests.conformance.kubectl.box import Box, config_map, deployment, unscheduled_pod


def test_a_table_has_the_columns_people_know(box: Box) -> None:
    box.apply(unscheduled_pod("p"), config_map("c", a="1", b="2"))
    assert box.rows("get", "pods")[0] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert box.rows("get", "pods")[1][:4] == ["p", "0/1", "Pending", "0"]
    header, *rows = box.rows("get", "configmap", "c")
    assert header == ["NAME", "DATA", "AGE"]
    assert rows[0][:2] == ["c", "2"]


def test_wide_shows_more(box: Box) -> None:
    box.apply(unscheduled_pod("p"))
    header = box.rows("get", "pods", "-o", "wide")[0]
    assert header[5:] == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]


def test_an_empty_namespace_is_no_error(box: Box) -> None:
    done = box.run("get", "pods")
    assert done.returncode == 0
    assert done.stderr == f"No resources found in {box.namespace} namespace.\n"


def test_what_is_not_there_is_named(box: Box) -> None:
    assert box.error("get", "pod", "nope") == (
        'Error from server (NotFound): pods "nope" not found\n'
    )
    assert box.error("get", "nonsense") == (
        'error: the server doesn\'t have a resource type "nonsense"\n'
    )


def test_output_forms_agree(box: Box) -> None:
    box.apply(config_map("c", key="value"))
    assert box.path("configmap", "c", ".data.key") == "value"
    assert box.get("configmap", "c")["data"] == {"key": "value"}
    assert "\n  key: value\n" in box.out("get", "configmap", "c", "-o", "yaml")
    assert box.out("get", "configmap", "c", "-o", "name") == "configmap/c\n"
    columns = box.out("get", "cm", "c", "-o", "custom-columns=N:.metadata.name,D:.data.key")
    assert columns.split() == ["N", "D", "c", "value"]


def test_labels_select(box: Box) -> None:
    for name, tier in (("a", "web"), ("b", "web"), ("c", "db")):
        box.apply(unscheduled_pod(name, tier=tier, only=name))

    def selected(selector: str) -> list[str]:
        return box.out("get", "pods", "-l", selector, "-o", "name").split()

    assert selected("tier=web") == ["pod/a", "pod/b"]
    assert selected("tier!=web") == ["pod/c"]
    assert selected("only in (a, c)") == ["pod/a", "pod/c"]
    assert selected("tier=web,only notin (a)") == ["pod/b"]
    assert selected("nothing") == []
    assert selected("!nothing") == ["pod/a", "pod/b", "pod/c"]


def test_fields_select(box: Box) -> None:
    box.apply(unscheduled_pod("a"), unscheduled_pod("b"))
    only = box.out("get", "pods", "--field-selector", "metadata.name=b", "-o", "name")
    assert only == "pod/b\n"
    pending = box.out("get", "pods", "--field-selector", "status.phase!=Running", "-o", "name")
    assert pending.split() == ["pod/a", "pod/b"]
    assert "field label not supported: spec.colour" in box.error(
        "get", "pods", "--field-selector", "spec.colour=red"
    )


def test_pages_make_up_the_whole(box: Box) -> None:
    box.apply(*(config_map(f"c{number}") for number in range(7)))
    names = box.out("get", "configmaps", "--chunk-size=2", "-o", "name").split()
    assert [n for n in names if n.startswith("configmap/c")] == [
        f"configmap/c{number}" for number in range(7)
    ]


def test_a_page_comes_from_the_revision_of_the_first(box: Box) -> None:
    box.apply(*(config_map(f"c{number}", at="first") for number in range(4)))
    path = f"/api/v1/namespaces/{box.namespace}/configmaps?limit=2"
    first = json.loads(box.out("get", "--raw", path))
    token = first["metadata"]["continue"]
    box.apply(config_map("c3", at="second"))
    box.out("delete", "configmap", "c2")
    rest = json.loads(box.out("get", "--raw", f"{path}&limit=500&continue={token}"))
    shown = {item["metadata"]["name"]: item.get("data") for item in rest["items"]}
    assert shown["c2"] == {"at": "first"}
    assert shown["c3"] == {"at": "first"}
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_several_kinds_at_once(box: Box) -> None:
    box.apply(deployment("d"), unscheduled_pod("p"))
    shown = box.out("get", "all")
    assert "pod/p " in shown
    assert "deployment.apps/d " in shown


def test_describe_tells_about_the_object_and_its_events(box: Box) -> None:
    box.apply(unscheduled_pod("p", tier="web"))
    uid = box.path("pod", "p", ".metadata.uid")
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "p.1"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": box.namespace, "uid": uid},
        "reason": "Noticed",
        "message": "somebody looked",
        "type": "Normal",
        "source": {"component": "conformance"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    box.out("create", "-f", "-", stdin=json.dumps(event))
    told = box.out("describe", "pod", "p")
    assert "tier=web" in told
    assert "Noticed" in told
    assert "somebody looked" in told
    header, *rows = box.rows("get", "events")
    assert header == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert ["Normal", "Noticed", "pod/p", "somebody looked"] in [row[1:] for row in rows]


def test_describe_a_deployment_and_a_service(box: Box) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"selector": {"app": "d"}, "ports": [{"port": 80}]},
    }
    box.apply(deployment("d"), service)
    assert "RollingUpdate" in box.out("describe", "deployment", "d")
    assert "80/TCP" in box.out("describe", "service", "s")
