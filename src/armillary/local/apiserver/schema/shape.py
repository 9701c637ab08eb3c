"""What a schema says about the shape of a value: what lies below it, and how lists merge. Pure."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}


def field_schema(schema: Schema, name: str) -> Schema | None:
    """Return the schema of one field of an object; None when the field is unknown."""
    properties = schema.get("properties")
    if properties is not None and name in properties:
        found: Schema = properties[name]
        return found
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        return more
    if more is True or is_open(schema):
        return ANYTHING
    return None


def item_schema(schema: Schema) -> Schema:
    found: Schema = schema.get("items") or ANYTHING
    return found


def is_open(schema: Schema) -> bool:
    """True when fields that the schema does not name are kept."""
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) or not (
        "type" in schema or "properties" in schema
    )


def is_atomic_map(schema: Schema) -> bool:
    return schema.get("x-kubernetes-map-type") == "atomic"


def list_keys(schema: Schema) -> tuple[str, ...]:
    """Return the fields that tell the items of a list apart; empty unless its type is `map`."""
    if schema.get("x-kubernetes-list-type") == "map":
        return tuple(schema.get("x-kubernetes-list-map-keys", ()))
    return ()


def is_set(schema: Schema) -> bool:
    return schema.get("x-kubernetes-list-type") == "set"


# The defaults that Kubernetes declares for key fields, so that an item may leave them out.
_KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


def item_key(item: Mapping[str, Any], keys: tuple[str, ...], schema: Schema) -> tuple[Any, ...]:
    """Return the values of an item's key fields, defaults filled in; None for what is missing."""
    properties = item_schema(schema).get("properties", {})
    return tuple(
        item.get(key, properties.get(key, {}).get("default", _KEY_DEFAULTS.get(key)))
        for key in keys
    )
