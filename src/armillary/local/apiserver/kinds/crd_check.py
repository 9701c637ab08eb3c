"""The rules that Kubernetes holds a CustomResourceDefinition to. Pure.

Kubernetes refuses a CRD whose schemas are not structural; were we to take it, the same manifest
would fail on a real cluster.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from armillary.local.apiserver.schema.structural import compile_pattern, validate
from armillary.local.apiserver.status import Cause

_FORBIDDEN = ("$ref", "definitions", "dependencies", "id", "additionalItems", "patternProperties")
_VALUE_ONLY = ("type", "description", "default", "additionalProperties", "nullable", "title")
_TYPES = ("array", "boolean", "integer", "number", "object", "string")


def check_crd(crd: Mapping[str, Any]) -> list[Cause]:
    spec = crd["spec"]
    causes = list(_check_names(crd["metadata"]["name"], spec))
    versions = spec["versions"]
    storage_count = sum(bool(version.get("storage")) for version in versions)
    if storage_count != 1:
        text = "Invalid value: must have exactly one version marked as storage version"
        causes.append(Cause("spec.versions", "FieldValueInvalid", text))
    for index, version in enumerate(versions):
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            causes.append(Cause(path, "FieldValueRequired", "Required value: schemas are required"))
        else:
            causes += _check_root(schema, path)
    return causes


def check_crd_update(crd: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[Cause]:
    """What objects that are there rely on stays."""
    for path in (("group",), ("scope",), ("names", "kind"), ("names", "plural")):
        old: Any = before["spec"]
        new: Any = crd["spec"]
        for name in path:
            old, new = old[name], new[name]
        if old != new:
            text = f"Invalid value: {json.dumps(new)}: field is immutable"
            yield Cause(f"spec.{'.'.join(path)}", "FieldValueInvalid", text)
    names = [version["name"] for version in crd["spec"]["versions"]]
    for index, stored in enumerate((before.get("status") or {}).get("storedVersions") or ()):
        if stored not in names:
            text = f"Invalid value: {json.dumps(stored)}: must appear in spec.versions"
            yield Cause(f"status.storedVersions[{index}]", "FieldValueInvalid", text)


def tell_unchecked_rules(crd: Mapping[str, Any]) -> list[str]:
    """Return a warning for each version with rules in CEL, which nobody evaluates here."""
    return [
        f"spec.versions[{index}].schema.openAPIV3Schema: x-kubernetes-validations are not checked "
        "by this API server: objects that break these rules are accepted"
        for index, version in enumerate(crd["spec"]["versions"])
        if _has_rules((version.get("schema") or {}).get("openAPIV3Schema") or {})
    ]


def _has_rules(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("x-kubernetes-validations")) or any(
        _has_rules(child) for _, child in _children(schema, "")
    )


def _check_names(name: str, spec: Mapping[str, Any]) -> Iterator[Cause]:
    wanted = f"{spec['names']['plural']}.{spec['group']}"
    if name != wanted:
        text = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        yield Cause("metadata.name", "FieldValueInvalid", text)
    if spec["scope"] not in ("Namespaced", "Cluster"):
        text = f'Unsupported value: "{spec["scope"]}": supported values: "Cluster", "Namespaced"'
        yield Cause("spec.scope", "FieldValueNotSupported", text)
    strategy = (spec.get("conversion") or {}).get("strategy", "None")
    if strategy != "None":  # nobody would call the webhook: objects would come back unconverted
        text = f'Unsupported value: "{strategy}": supported values: "None"'
        yield Cause("spec.conversion.strategy", "FieldValueNotSupported", text)


def _check_root(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if schema.get("type") != "object":
        text = f'Invalid value: "{schema.get("type", "")}": must be object at the root'
        yield Cause(f"{path}.type", "FieldValueInvalid", text)
    metadata = (schema.get("properties") or {}).get("metadata") or {}
    if set(metadata.get("properties") or {}) - {"name", "generateName"}:
        text = (
            "Forbidden: must not specify anything other than name and generateName, "
            "but metadata is implicitly specified"
        )
        yield Cause(f"{path}.properties[metadata]", "FieldValueForbidden", text)
    yield from _check_schema(schema, path)


def _check_schema(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    yield from _check_type(schema, path)
    yield from _check_pattern(schema, path)
    for name in _FORBIDDEN:
        if name in schema:
            yield Cause(f"{path}.{name}", "FieldValueForbidden", f"Forbidden: {name} not supported")
    if schema.get("properties") and schema.get("additionalProperties"):
        text = "Forbidden: additionalProperties and properties are mutual exclusive"
        yield Cause(f"{path}.additionalProperties", "FieldValueForbidden", text)
    if schema.get("type") == "array" and "items" not in schema:
        text = "Required value: must be specified when type is array"
        yield Cause(f"{path}.items", "FieldValueRequired", text)
    yield from _check_list_type(schema, path)
    yield from _check_default(schema, path)
    for where, child in _children(schema, path):
        yield from _check_schema(child, where)
    yield from _check_value_validations(schema, path)


def _check_type(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    kind = schema.get("type")
    is_free = schema.get("x-kubernetes-int-or-string") or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if kind is None and not is_free:
        text = "Required value: must not be empty for specified object fields"
        yield Cause(f"{path}.type", "FieldValueRequired", text)
    elif kind is not None and kind not in _TYPES:
        listed = ", ".join(f'"{name}"' for name in _TYPES)
        text = f'Unsupported value: "{kind}": supported values: {listed}'
        yield Cause(f"{path}.type", "FieldValueNotSupported", text)


def _check_pattern(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    pattern = schema.get("pattern")
    if pattern is None:
        return
    try:
        compile_pattern(pattern)
    except re.error as error:
        why = f"must be a valid regular expression, but isn't: {error}"
        text = f"Invalid value: {json.dumps(pattern)}: {why}"
        yield Cause(f"{path}.pattern", "FieldValueInvalid", text)


def _children(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, child in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", child
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), Mapping):
            yield f"{path}.{name}", schema[name]


def _check_list_type(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if schema.get("x-kubernetes-list-type") != "map":
        return
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    items = schema.get("items") or {}
    if not keys:
        text = "Required value: must not be empty if x-kubernetes-list-type is map"
        yield Cause(f"{path}.x-kubernetes-list-map-keys", "FieldValueRequired", text)
    for index, key in enumerate(keys):
        where = f"{path}.x-kubernetes-list-map-keys[{index}]"
        declared = (items.get("properties") or {}).get(key)
        if declared is None:
            text = f'Invalid value: "{key}": entries must all be names of item properties'
            yield Cause(where, "FieldValueInvalid", text)
        elif key not in (items.get("required") or ()) and "default" not in declared:
            text = (
                "Required value: this property is in x-kubernetes-list-map-keys, so it must "
                "have a default or be a required property"
            )
            yield Cause(f"{path}.items.properties[{key}].default", "FieldValueRequired", text)


def _check_default(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if schema.get("default") is not None and not any(_bad_patterns(schema, path)):
        for cause in validate(schema["default"], schema):
            where = f"{path}.default" + (f".{cause.field}" if cause.field != "<nil>" else "")
            yield Cause(where, cause.reason, cause.text)


def _bad_patterns(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    yield from _check_pattern(schema, path)
    for where, child in _children(schema, path):
        yield from _bad_patterns(child, where)


def _check_value_validations(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    """Below allOf, anyOf, oneOf and not, a structural schema may only restrict values."""
    nested = [
        (f"{path}.{name}[{index}]", part)
        for name in ("allOf", "anyOf", "oneOf")
        for index, part in enumerate(schema.get(name) or ())
    ]
    if schema.get("not"):
        nested.append((f"{path}.not", schema["not"]))
    is_int_or_string = schema.get("x-kubernetes-int-or-string")
    for where, part in nested:
        for name in _VALUE_ONLY:
            if name in part and not (name == "type" and is_int_or_string):
                text = f"Forbidden: must be empty to be structural ({name})"
                yield Cause(f"{where}.{name}", "FieldValueForbidden", text)
