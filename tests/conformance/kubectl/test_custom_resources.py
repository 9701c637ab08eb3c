"""CustomResourceDefinitions and what they define."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.kubectl.box import Box, manifest

_SPEC = {
    "type": "object",
    "description": "What a gadget should be.",
    "required": ["size"],
    "properties": {
        "size": {"type": "string", "enum": ["small", "large"], "description": "How big it is."},
        "replicas": {"type": "integer", "minimum": 0, "default": 1},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
            },
        },
        "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True},
    },
}


def definition(group: str) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
            },
        },
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": "A gadget is made of parts.",
                "required": ["spec"],
                "properties": {
                    "spec": _SPEC,
                    "status": {
                        "type": "object",
                        "properties": {
                            "replicas": {"type": "integer"},
                            "phase": {"type": "string"},
                        },
                    },
                },
            }
        },
    }
    names = {
        "plural": "gadgets",
        "kind": "Gadget",
        "shortNames": ["gdg"],
        "categories": ["gizmos"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.fixture
def group(box: Box) -> Iterator[str]:
    """A CRD of its own for each test: kubectl caches what it knows of a group."""
    group = f"g{uuid.uuid4().hex[:6]}.example.com"
    box.apply(definition(group))
    box.out("wait", "--for=condition=Established", f"crd/gadgets.{group}", "--timeout=10s")
    yield group
    box.out("delete", "crd", f"gadgets.{group}", "--wait=false", "--ignore-not-found")


def gadget(group: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Gadget",
        "metadata": {"name": "g"},
        "spec": spec,
    }


def test_without_printer_columns_a_table_has_name_and_age(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small"))
    header, row = box.rows("get", f"gadgets.{group}")
    assert header == ["NAME", "AGE"]
    assert row[0] == "g"


def test_printer_columns(box: Box, group: str) -> None:
    crd = definition(group)
    crd["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": "Size", "type": "string", "jsonPath": ".spec.size"},
        {"name": "Parts", "type": "string", "jsonPath": ".spec.parts[*].name", "priority": 1},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    box.apply(crd)
    box.apply(gadget(group, size="small", parts=[{"name": "a"}]))
    box.wait_for(lambda: box.rows("get", f"gadgets.{group}")[0] == ["NAME", "SIZE", "AGE"])
    assert box.rows("get", f"gadgets.{group}")[1][:2] == ["g", "small"]
    wide = box.rows("get", f"gadgets.{group}", "-o", "wide")
    assert wide[0] == ["NAME", "SIZE", "PARTS", "AGE"]


def test_short_names_and_categories(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small"))
    assert box.out("get", f"gdg.v1.{group}", "-o", "name") == f"gadget.{group}/g\n"
    assert f"gadget.{group}/g" in box.out("get", "gizmos", "-o", "name").split()


def test_defaults_are_filled_in(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small"))
    assert box.path(f"gadgets.{group}", "g", ".spec.replicas") == "1"


def test_values_are_checked_and_named(box: Box, group: str) -> None:
    kind = f"gadgets.{group}"
    for spec, complaint in (
        ({"size": "huge"}, 'spec.size: Unsupported value: "huge": supported values: '),
        ({}, "spec.size: Required value"),
        ({"size": "small", "replicas": -1}, "spec.replicas: Invalid value: -1: "),
        ({"size": "small", "replicas": "two"}, 'spec.replicas: Invalid value: "string": '),
        (
            {"size": "small", "parts": [{"name": "a"}, {"name": "a"}]},
            'spec.parts[1]: Duplicate value: {"name":"a"}',
        ),
    ):
        told = box.error("create", "-f", "-", stdin=manifest(gadget(group, **spec)))
        assert complaint in told
    assert box.run("get", kind, "g").returncode != 0


def test_unknown_fields(box: Box, group: str) -> None:
    value = gadget(group, size="small", colour="red")
    told = box.error("apply", "-f", "-", stdin=manifest(value))
    assert 'strict decoding error: unknown field "spec.colour"' in told
    box.out("apply", "--validate=ignore", "-f", "-", stdin=manifest(value))
    assert box.path(f"gadgets.{group}", "g", ".spec.colour") == ""


def test_empty_fields_are_fields_that_are_not_set(box: Box, group: str) -> None:
    value = gadget(group, size="small", replicas=None, parts=None, port=None)
    box.out("create", "-f", "-", stdin=manifest(value))
    spec = box.get(f"gadgets.{group}", "g")["spec"]
    assert spec == {"size": "small", "replicas": 1}


def test_open_fields_keep_what_they_get(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small", anything={"deep": {"er": [1, "two"]}}, port="http"))
    kind = f"gadgets.{group}"
    assert json.loads(box.path(kind, "g", ".spec.anything")) == {"deep": {"er": [1, "two"]}}
    assert box.path(kind, "g", ".spec.port") == "http"


def test_status_is_written_by_itself(box: Box, group: str) -> None:
    kind = f"gadgets.{group}"
    value = gadget(group, size="small")
    box.apply({**value, "status": {"phase": "Ready"}})
    assert box.path(kind, "g", ".status") == ""
    patch = '{"status":{"phase":"Ready"},"spec":{"size":"large"}}'
    box.out("patch", kind, "g", "--subresource=status", "--type=merge", "-p", patch)
    assert box.path(kind, "g", ".status.phase") == "Ready"
    assert box.path(kind, "g", ".spec.size") == "small"
    assert box.path(kind, "g", ".metadata.generation") == "1"
    box.out("patch", kind, "g", "--type=merge", "-p", '{"spec":{"size":"large"}}')
    assert box.path(kind, "g", ".metadata.generation") == "2"
    assert box.path(kind, "g", ".status.phase") == "Ready"


def test_scale(box: Box, group: str) -> None:
    kind = f"gadgets.{group}"
    box.apply(gadget(group, size="small"))
    assert "scaled" in box.out("scale", kind, "g", "--replicas=5")
    assert box.path(kind, "g", ".spec.replicas") == "5"


def test_explain_teaches(box: Box, group: str) -> None:
    text = box.out("explain", "gadgets.spec", f"--api-version={group}/v1")
    assert "What a gadget should be." in text
    assert "How big it is." in text
    assert "-required-" in text


def test_strategic_patch_is_refused_in_words(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small"))
    told = box.error("patch", f"gadgets.{group}", "g", "-p", '{"spec":{"size":"large"}}')
    assert "application/strategic-merge-patch+json is not supported by" in told


def test_keyed_lists_merge_in_server_side_apply(box: Box, group: str) -> None:
    for manager, name in (("one", "a"), ("two", "b")):
        value = gadget(group, size="small", parts=[{"name": name, "count": 1}])
        words = ("apply", "--server-side", f"--field-manager={manager}", "-f", "-")
        box.out(*words, stdin=manifest(value))
    assert box.path(f"gadgets.{group}", "g", ".spec.parts[*].name") == "a b"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}}
            | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
            "so it must have a default or be a required property",
        ),
        ({"properties": {"a": {"type": "string"}}}, "must not be empty for specified object"),
        ({"type": "array"}, "must be specified"),
    ],
    ids=["optional-map-key", "no-type", "no-items"],
)
def test_schemas_must_be_structural(box: Box, change: dict[str, Any], complaint: str) -> None:
    crd = definition("bad.example.com")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"type": "object", "properties": {"field": change}}
    assert complaint in box.error("create", "-f", "-", stdin=manifest(crd))


def test_deleting_the_definition_deletes_its_objects(box: Box, group: str) -> None:
    box.apply(gadget(group, size="small"))
    box.out("delete", "crd", f"gadgets.{group}", "--timeout=20s")
    path = f"/apis/{group}/v1/namespaces/{box.namespace}/gadgets"
    assert box.run("get", "--raw", path).returncode != 0
    box.apply(definition(group))
    box.out("wait", "--for=condition=Established", f"crd/gadgets.{group}", "--timeout=10s")
    assert json.loads(box.out("get", "--raw", path))["items"] == []
