"""Prune, default and validate an object by its schema, as Kubernetes does it. Pure.

Source: the Kubernetes documentation of structural schemas; the sentences of refusals are those of
kube-openapi's validator, because people search for them.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from armillary.local.apiserver.schema.shape import (
    ANYTHING,
    Schema,
    field_schema,
    item_key,
    item_schema,
    list_keys,
)
from armillary.local.apiserver.status import Cause

_TYPE_FIELDS = ("apiVersion", "kind", "metadata")


def prune(value: Any, schema: Schema, path: str = "", *, is_resource: bool = False) -> list[str]:
    """Remove the fields that the schema does not know, in place; return their paths.

    `is_resource` keeps apiVersion, kind and metadata whatever the schema says.
    """
    if isinstance(value, dict):
        return _prune_object(value, schema, path, is_resource=is_resource)
    unknown: list[str] = []
    if isinstance(value, list):
        items = item_schema(schema)
        for index, item in enumerate(value):
            unknown += prune(item, items, f"{path}[{index}]")
    return unknown


def _prune_object(
    value: dict[str, Any], schema: Schema, path: str, *, is_resource: bool
) -> list[str]:
    unknown: list[str] = []
    is_resource = is_resource or bool(schema.get("x-kubernetes-embedded-resource"))
    for name in list(value):
        if is_resource and name in _TYPE_FIELDS:
            continue
        child = field_schema(schema, name)
        child_path = f"{path}.{name}" if path else name
        if child is None:
            del value[name]
            unknown.append(child_path)
        elif child is not ANYTHING:
            unknown += prune(value[name], child, child_path)
    return unknown


def apply_defaults(value: Any, schema: Schema) -> None:
    """Fill in the schema's defaults, in place; a null that is not allowed counts as absent."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name, child in properties.items():
            _drop_null(value, name, child)
            if "default" in child and name not in value:
                value[name] = _copy(child["default"])
            if name in value:
                apply_defaults(value[name], child)
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            for name in value.keys() - properties.keys():
                _drop_null(value, name, more)
                apply_defaults(value.get(name), more)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            apply_defaults(item, schema["items"])


def _drop_null(value: dict[str, Any], name: str, schema: Schema) -> None:
    """`field:` without a value in a manifest is a null, and means that the field is not set."""
    if name in value and value[name] is None and not schema.get("nullable"):
        del value[name]


def drop_nulls(value: Any) -> None:
    """Remove null fields, in place: a built-in kind has no other way to be absent."""
    if isinstance(value, dict):
        for name in [name for name, child in value.items() if child is None]:
            del value[name]
        for child in value.values():
            drop_nulls(child)
    elif isinstance(value, list):
        for item in value:
            drop_nulls(item)


def validate(value: Any, schema: Schema, path: str = "") -> list[Cause]:
    """Return everything that is wrong with `value`, in the order of its fields."""
    return list(_validate(value, schema, path))


def _validate(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if value is None:
        if not schema.get("nullable") and schema.get("type") is not None:
            yield _wrong_type(path, "null", schema["type"])
        return
    wrong = _type_problem(value, schema, path)
    if wrong is not None:
        yield wrong
        return
    yield from _validate_enum(value, schema, path)
    if isinstance(value, str):
        yield from _validate_string(value, schema, path)
    elif isinstance(value, bool):
        pass
    elif isinstance(value, int | float):
        yield from _validate_number(value, schema, path)
    elif isinstance(value, list):
        yield from _validate_list(value, schema, path)
    elif isinstance(value, dict):
        yield from _validate_object(value, schema, path)
    yield from _validate_combined(value, schema, path)


def _type_problem(value: Any, schema: Schema, path: str) -> Cause | None:
    wanted = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool | float | list | dict):
            return _wrong_type(path, _type_name(value), "integer,string")
        return None
    if wanted is None or _is_of_type(value, wanted):
        return None
    return _wrong_type(path, _type_name(value), wanted)


def _is_of_type(value: Any, wanted: str) -> bool:
    match wanted:
        case "integer":
            is_int = isinstance(value, int) and not isinstance(value, bool)
            return is_int or (isinstance(value, float) and value.is_integer())
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return True


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return names.get(type(value), "array" if isinstance(value, list) else "object")


def _wrong_type(path: str, found: str, wanted: str) -> Cause:
    where = path or "<nil>"
    text = f'Invalid value: "{found}": {where} in body must be of type {wanted}: "{found}"'
    return Cause(where, "FieldValueTypeInvalid", text)


def _invalid(path: str, value: Any, why: str) -> Cause:
    shown = json.dumps(value) if isinstance(value, str | int | float) else f'"{_type_name(value)}"'
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {path} in body {why}")


def _validate_enum(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    allowed: Sequence[Any] | None = schema.get("enum")
    if allowed is not None and value not in allowed:
        listed = ", ".join(json.dumps(item) for item in allowed)
        text = f"Unsupported value: {json.dumps(value)}: supported values: {listed}"
        yield Cause(path, "FieldValueNotSupported", text)


def _validate_string(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest is not None and len(value) < shortest:
        yield _invalid(path, value, f"should be at least {shortest} chars long")
    if longest is not None and len(value) > longest:
        text = f"Too long: may not be more than {longest} bytes"
        yield Cause(path, "FieldValueTooLong", text)
    pattern = schema.get("pattern")
    if pattern is not None and not compile_pattern(pattern).search(value):
        yield _invalid(path, value, f"should match '{pattern}'")
    if schema.get("format") == "date-time" and not _is_date_time(value):
        yield _invalid(path, value, f'must be of type date-time: "{value}"')


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile what Kubernetes matches with Go's rules: `$` is the end, not a newline before it."""
    return re.compile(
        _END.sub(lambda part: r"\Z" if part[0] == "$" else part[0], pattern), re.ASCII
    )


# A `$` that means the end; escapes and character classes are passed over.
_END = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def _is_date_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _validate_number(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
        than = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield _invalid(path, value, f"should be {than} {least}")
    if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
        than = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield _invalid(path, value, f"should be {than} {most}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield _invalid(path, value, f"should be a multiple of {step}")


def _validate_list(value: list[Any], schema: Schema, path: str) -> Iterator[Cause]:
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and len(value) < fewest:
        yield _invalid(path, len(value), f"should have at least {fewest} items")
    if most is not None and len(value) > most:
        text = f"Too many: {len(value)}: must have at most {most} items"
        yield Cause(path, "FieldValueTooMany", text)
    items = item_schema(schema)
    for index, item in enumerate(value):
        yield from _validate(item, items, f"{path}[{index}]")
    yield from _find_duplicates(value, schema, path)


def _find_duplicates(value: list[Any], schema: Schema, path: str) -> Iterator[Cause]:
    keys = list_keys(schema)
    is_set = schema.get("x-kubernetes-list-type") == "set" or schema.get("uniqueItems")
    if not keys and not is_set:
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        shown: Any = item
        if keys and isinstance(item, dict):
            shown = dict(zip(keys, item_key(item, keys, schema), strict=True))
        identity = json.dumps(shown, sort_keys=True)
        if identity in seen:
            text = f"Duplicate value: {json.dumps(shown, separators=(',', ':'))}"
            yield Cause(f"{path}[{index}]", "FieldValueDuplicate", text)
        seen.add(identity)


def _validate_object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[Cause]:
    for name in schema.get("required", ()):
        if name not in value:
            where = f"{path}.{name}" if path else name
            yield Cause(where, "FieldValueRequired", "Required value")
    fewest, most = schema.get("minProperties"), schema.get("maxProperties")
    if fewest is not None and len(value) < fewest:
        yield _invalid(path, value, f"should have at least {fewest} properties")
    if most is not None and len(value) > most:
        text = f"Too many: {len(value)}: must have at most {most} items"
        yield Cause(path, "FieldValueTooMany", text)
    for name, item in value.items():
        child = field_schema(schema, name)
        if child is not None and child is not ANYTHING:
            yield from _validate(item, child, f"{path}.{name}" if path else name)


def _validate_combined(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    """allOf, anyOf, oneOf, not. In a structural schema these only add value checks."""
    for part in schema.get("allOf", ()):
        yield from _validate(value, part, path)
    choices = schema.get("anyOf")
    if choices and not any(_holds(value, part, path) for part in choices):
        yield _must_validate(path, "at least one schema (anyOf)")
    choices = schema.get("oneOf")
    if choices:
        count = sum(_holds(value, part, path) for part in choices)
        if count != 1:
            found = "Found none valid" if count == 0 else f"Found {count} valid alternatives"
            yield _must_validate(path, f"one and only one schema (oneOf). {found}")
    if "not" in schema and _holds(value, schema["not"], path):
        text = f'Invalid value: "": "{path}" must not validate the schema (not)'
        yield Cause(path or "<nil>", "FieldValueInvalid", text)


def _holds(value: Any, schema: Schema, path: str) -> bool:
    return not any(_validate(value, schema, path))


def _must_validate(path: str, what: str) -> Cause:
    text = f'Invalid value: "": "{path}" must validate {what}'
    return Cause(path or "<nil>", "FieldValueInvalid", text)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value
