"""Which fields a user has set that we accept and do not act on. Pure."""

from typing import Any

import msgspec
from msgspec import inspect


def fields_not_acted_on(model: type[msgspec.Struct], spec: Any) -> tuple[str, ...]:
    """Return the paths in `spec` (as JSON) of fields marked as not acted on, sorted."""
    return tuple(sorted(set(_walk(inspect.type_info(model), spec, "spec"))))


def _walk(kind: inspect.Type, value: Any, path: str) -> list[str]:
    if isinstance(kind, inspect.Metadata):
        if (kind.extra or {}).get("not_acted_on") and value not in (None, "", [], False):
            return [path]
        return _walk(kind.type, value, path)
    if isinstance(kind, inspect.UnionType):
        return [found for member in kind.types for found in _walk(member, value, path)]
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        return [
            found
            for field in kind.fields
            if field.encode_name in value
            for found in _walk(field.type, value[field.encode_name], f"{path}.{field.encode_name}")
        ]
    if isinstance(kind, inspect.ListType) and isinstance(value, list):
        return [found for item in value for found in _walk(kind.item_type, item, f"{path}[]")]
    return []
