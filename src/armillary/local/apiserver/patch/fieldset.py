"""Sets of fields, as `metadata.managedFields` writes them (FieldsV1). Pure.

A path is a tuple of elements: `f:name` a field, `k:{"name":"x"}` an item of a list by its key
fields, `v:"x"` a member of a set. Lists and maps that are atomic are leaves.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from armillary.local.apiserver.schema.shape import (
    ANYTHING,
    Schema,
    field_schema,
    is_atomic_map,
    is_set,
    item_key,
    item_schema,
    list_keys,
)

Path = tuple[str, ...]
FieldSet = frozenset[Path]

_ITEM = "an item of a keyed list"  # its value is in its fields


def leaves(value: Any, schema: Schema, path: Path = ()) -> dict[Path, Any]:
    """Return every leaf of `value` by its path; each item of a keyed list counts as a leaf too."""
    found: dict[Path, Any] = {}
    _walk(value, schema, path, found)
    return found


def _walk(value: Any, schema: Schema, path: Path, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value and not is_atomic_map(schema):
        for name, child in value.items():
            _walk(child, field_schema(schema, name) or ANYTHING, (*path, f"f:{name}"), found)
    elif isinstance(value, list) and value and (elements := item_elements(value, schema)):
        items = item_schema(schema)
        for element, item in zip(elements, value, strict=True):
            item_path = (*path, element)
            found[item_path] = _ITEM
            if isinstance(item, dict):
                _walk(item, items, item_path, found)
    else:
        found[path] = value


def item_elements(value: list[Any], schema: Schema) -> list[str]:
    """Return the path element of each item; empty when the list is atomic."""
    keys = list_keys(schema)
    if keys and all(isinstance(item, dict) for item in value):
        return [key_element(item, keys, schema) for item in value]
    if is_set(schema):
        return ["v:" + json.dumps(item, separators=(",", ":")) for item in value]
    return []


def key_element(item: Mapping[str, Any], keys: tuple[str, ...], schema: Schema) -> str:
    values = dict(zip(keys, item_key(item, keys, schema), strict=True))
    present = {key: value for key, value in values.items() if value is not None}
    return "k:" + json.dumps(present, sort_keys=True, separators=(",", ":"))


def encode_fields(paths: Iterable[Path]) -> dict[str, Any]:
    """Return the FieldsV1 form: nested objects, `.` where a node with children is a member too."""
    root: dict[str, Any] = {}
    nodes = []
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        nodes.append(node)
    for node in nodes:
        if node:
            node["."] = {}
    return root


def decode_fields(fields: Mapping[str, Any]) -> FieldSet:
    paths: set[Path] = set()
    _decode(fields, (), paths)
    return frozenset(paths)


def _decode(node: Mapping[str, Any], path: Path, paths: set[Path]) -> None:
    if path and (not node or "." in node):
        paths.add(path)
    for element, child in node.items():
        if element != ".":
            _decode(child, (*path, element), paths)


def show_path(path: Path) -> str:
    """Write a path for people: `.spec.containers[name="a"].image`."""
    text = ""
    for element in path:
        kind, rest = element[:2], element[2:]
        if kind == "f:":
            text += f".{rest}"
        elif kind == "k:":
            pairs = (f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            text += f"[{','.join(pairs)}]"
        else:
            text += f"[={rest}]"
    return text
