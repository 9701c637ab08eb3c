"""Pruning, defaults and validation by a structural schema; and which schemas are structural."""

from typing import Any

import pytest

from armillary.local.apiserver.kinds.crd_check import (
    check_crd,
    check_crd_update,
    tell_unchecked_rules,
)
from armillary.local.apiserver.schema.structural import apply_defaults, prune, validate

STRING = {"type": "string"}


def obj(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema | ({"required": required} if required else {})


def test_unknown_fields_are_pruned_and_named() -> None:
    schema = obj(
        a=STRING,
        items={"type": "array", "items": obj(b=STRING)},
        map={"type": "object", "additionalProperties": obj(c=STRING)},
        open={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    )
    value = {
        "a": "1",
        "x": 1,
        "items": [{"b": "1"}, {"b": "1", "y": 2}],
        "map": {"any": {"c": "1", "z": 3}},
        "open": {"whatever": {"deep": 1}},
    }
    assert sorted(prune(value, schema)) == ["items[1].y", "map.any.z", "x"]
    assert value == {
        "a": "1",
        "items": [{"b": "1"}, {"b": "1"}],
        "map": {"any": {"c": "1"}},
        "open": {"whatever": {"deep": 1}},
    }


def test_known_fields_below_an_open_object_are_pruned() -> None:
    schema = {**obj(known=obj(a=STRING)), "x-kubernetes-preserve-unknown-fields": True}
    value = {"other": {"x": 1}, "known": {"a": "1", "b": 2}}
    assert prune(value, schema) == ["known.b"]
    assert value == {"other": {"x": 1}, "known": {"a": "1"}}


def test_defaults_reach_into_what_is_there_and_are_not_shared() -> None:
    inner = obj(n={"type": "integer", "default": 1})
    schema = obj(
        list={"type": "array", "items": inner},
        made={**inner, "default": {}},
        absent=inner,
        nothing={"type": "string", "default": "x"},
    )
    value: dict[str, Any] = {"list": [{}, {"n": 5}], "nothing": None}
    apply_defaults(value, schema)
    assert value == {"list": [{"n": 1}, {"n": 5}], "made": {"n": 1}, "nothing": "x"}
    value["made"]["n"] = 99
    other: dict[str, Any] = {}
    apply_defaults(other, schema)
    assert other["made"] == {"n": 1}


@pytest.mark.parametrize(
    ("schema", "value", "wanted"),
    [
        (STRING, 1, 'f: Invalid value: "integer": f in body must be of type string: "integer"'),
        ({"type": "integer"}, "1", 'f: Invalid value: "string": f in body must be of type integer'),
        ({"type": "integer"}, 1.5, 'f: Invalid value: "number"'),
        ({"type": "boolean"}, 1, 'f: Invalid value: "integer"'),
        (STRING, None, 'f: Invalid value: "null"'),
        ({"x-kubernetes-int-or-string": True}, True, 'must be of type integer,string: "boolean"'),
        ({**STRING, "enum": ["a", "b"]}, "c", 'value: "c": supported values: "a", "b"'),
        ({**STRING, "pattern": "^a+$"}, "b", "f in body should match '^a+$'"),
        ({**STRING, "pattern": "^a+$"}, "a\n", "f in body should match '^a+$'"),
        ({**STRING, "pattern": r"^\d$"}, "٣", r"f in body should match '^\d$'"),
        ({**STRING, "minLength": 1}, "", 'f in body should be at least 1 chars long'),
        ({**STRING, "maxLength": 2}, "abc", "f: Too long: may not be more than 2 bytes"),
        ({**STRING, "format": "date-time"}, "yesterday", "must be of type date-time"),
        ({"type": "integer", "minimum": 1}, 0, "should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1}, 2, "should be less than or equal to 1"),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            1,
            "should be greater than 1",
        ),
        ({"type": "array", "items": STRING, "minItems": 1}, [], "should have at least 1 items"),
        ({"type": "array", "items": STRING, "maxItems": 1}, ["a", "b"], "must have at most 1"),
        ({"type": "array", "items": STRING}, ["a", 1], 'f[1]: Invalid value: "integer"'),
        (obj(["a"], a=STRING), {}, "f.a: Required value"),
        (
            {"type": "array", "items": STRING, "x-kubernetes-list-type": "set"},
            ["a", "a"],
            'f[1]: Duplicate value: "a"',
        ),
        ({"type": "object", "maxProperties": 1}, {"a": 1, "b": 1}, "must have at most 1 items"),
        ({"anyOf": [STRING, {"type": "integer"}]}, [], "must validate at least one schema (anyOf)"),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 5, "Found 2 valid alternatives"),
        ({"not": {"enum": ["x"]}, **STRING}, "x", "must not validate the schema (not)"),
    ],
)  # fmt: skip
def test_refusals(schema: dict[str, Any], value: Any, wanted: str) -> None:
    causes = validate({"f": value}, obj(f=schema))
    assert len(causes) == 1
    assert wanted in str(causes[0])


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 2),
        ({"x-kubernetes-int-or-string": True}, "50%"),
        ({**STRING, "nullable": True}, None),
        ({**STRING, "format": "date-time"}, "2026-01-01T00:00:00Z"),
        ({**STRING, "format": "unheard-of"}, "x"),
        ({"type": "integer", "minimum": 1, "maximum": 1}, 1),
    ],
)
def test_what_passes(schema: dict[str, Any], value: Any) -> None:
    assert validate({"f": value}, obj(f=schema)) == []


def crd(spec_schema: dict[str, Any], **change: Any) -> dict[str, Any]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": obj(spec=spec_schema)},
    }
    spec = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "xs", "kind": "X"},
        "versions": [version],
    }
    return {"metadata": {"name": "xs.example.com"}, "spec": {**spec, **change}}


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({}, "properties[spec].type: Required value"),
        ({"type": "thing"}, 'Unsupported value: "thing"'),
        ({"type": "array"}, "properties[spec].items: Required value"),
        ({**obj(), "$ref": "#/x"}, "$ref: Forbidden"),
        ({**obj(a=STRING), "additionalProperties": STRING}, "mutual exclusive"),
        (obj(a={**STRING, "default": 5}), "properties[a].default"),
        (obj(a={**STRING, "pattern": "("}), "properties[a].pattern: Invalid value"),
        (obj(a={**STRING, "pattern": "[", "default": "x"}), "must be a valid regular expression"),
        (obj(a={**STRING, "anyOf": [{"type": "string"}]}), "anyOf[0].type: Forbidden"),
        (
            {"type": "array", "items": obj(n=STRING), "x-kubernetes-list-type": "map"},
            "x-kubernetes-list-map-keys: Required value",
        ),
    ],
)
def test_schemas_that_are_not_structural(schema: dict[str, Any], wanted: str) -> None:
    assert any(wanted in str(cause) for cause in check_crd(crd(schema)))


def test_a_structural_schema_passes() -> None:
    port = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
    assert check_crd(crd(obj(a={**STRING, "default": "x"}, port=port))) == []


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"scope": "Everywhere"}, "spec.scope"),
        ({"group": "other.com"}, "metadata.name"),
        ({"versions": []}, "exactly one version"),
        ({"conversion": {"strategy": "Webhook"}}, "spec.conversion.strategy: Unsupported value"),
    ],
)
def test_definitions_that_contradict_themselves(change: dict[str, Any], wanted: str) -> None:
    assert any(wanted in str(cause) for cause in check_crd(crd(obj(), **change)))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"scope": "Cluster"}, 'spec.scope: Invalid value: "Cluster": field is immutable'),
        ({"group": "other.com"}, "spec.group: Invalid value"),
        ({"names": {"plural": "xs", "kind": "Y"}}, "spec.names.kind: Invalid value"),
        ({"versions": [{"name": "v2"}]}, 'storedVersions[0]: Invalid value: "v1": must appear'),
    ],
)
def test_what_stored_objects_rely_on_cannot_change(change: dict[str, Any], wanted: str) -> None:
    before = {**crd(obj()), "status": {"storedVersions": ["v1"]}}
    assert any(wanted in str(cause) for cause in check_crd_update(crd(obj(), **change), before))


def test_rules_that_nobody_checks_are_told() -> None:
    rules = {"x-kubernetes-validations": [{"rule": "self.a != ''"}]}
    (told,) = tell_unchecked_rules(crd(obj(deep={"type": "array", "items": {**obj(), **rules}})))
    assert "x-kubernetes-validations are not checked" in told
    assert not tell_unchecked_rules(crd(obj()))


def test_a_field_without_a_value_is_a_field_that_is_not_set() -> None:
    schema = obj(a=STRING, b={**STRING, "default": "x"}, c={**STRING, "nullable": True}, d=obj())
    value: dict[str, Any] = {"a": None, "b": None, "c": None, "d": None}
    apply_defaults(value, schema)
    assert value == {"b": "x", "c": None}
    labels = {"type": "object", "additionalProperties": STRING}
    value = {"a": None, "b": "1"}
    apply_defaults(value, labels)
    assert value == {"b": "1"}
