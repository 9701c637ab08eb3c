"""From models to OpenAPI v3: structural schemas as CustomResourceDefinitions want them. Pure."""

from typing import Any

import msgspec
from msgspec import inspect

from armillary.base.errors import InvariantError

Schema = dict[str, Any]


def schema_of(model: type[msgspec.Struct]) -> Schema:
    """Return the structural schema of one model, without `$ref`."""
    return _schema(inspect.type_info(model))


def _schema(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.Metadata):
        return _with_extra(_schema(kind.type), kind)
    if isinstance(kind, inspect.UnionType):
        return _union(kind)
    if isinstance(kind, inspect.StructType):
        return _object(kind)
    if isinstance(kind, inspect.DictType):
        return _map(kind)
    if isinstance(kind, inspect.ListType):
        return _list(kind)
    if isinstance(kind, inspect.LiteralType):
        return {"type": "string", "enum": list(kind.values)}
    return _scalar(kind)


def _scalar(kind: inspect.Type) -> Schema:
    if isinstance(kind, inspect.StrType):
        limits = {
            "pattern": kind.pattern,
            "minLength": kind.min_length,
            "maxLength": kind.max_length,
        }
        return {"type": "string"} | _given(limits)
    if isinstance(kind, inspect.IntType):
        schema: Schema = {"type": "integer"}
        return schema | _given({"minimum": kind.ge, "maximum": kind.le})
    if isinstance(kind, inspect.BoolType):
        return {"type": "boolean"}
    raise InvariantError(f"no schema for {kind!r}")


def _given(limits: Schema) -> Schema:
    return {key: limit for key, limit in limits.items() if limit is not None}


def _object(kind: inspect.StructType) -> Schema:
    properties = {field.encode_name: _schema(field.type) for field in kind.fields}
    required = [field.encode_name for field in kind.fields if field.required]
    schema: Schema = {"type": "object"}
    if properties:
        schema["properties"] = dict(sorted(properties.items()))
    if required:
        schema["required"] = sorted(required)
    return schema


def _map(kind: inspect.DictType) -> Schema:
    if isinstance(kind.value_type, inspect.AnyType):
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"type": "object", "additionalProperties": _schema(kind.value_type)}


def _list(kind: inspect.ListType) -> Schema:
    limits = {"minItems": kind.min_length, "maxItems": kind.max_length}
    return {"type": "array", "items": _schema(kind.item_type)} | _given(limits)


def _union(kind: inspect.UnionType) -> Schema:
    members = [member for member in kind.types if not isinstance(member, inspect.NoneType)]
    if len(members) == 1:
        return _schema(members[0])
    if {type(member) for member in members} == {inspect.IntType, inspect.StrType}:
        limits = [_scalar(member) for member in members]
        return {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            **{key: limit for each in limits for key, limit in each.items() if key != "type"},
        }
    raise InvariantError(f"no structural schema for {kind!r}")


def _with_extra(schema: Schema, metadata: inspect.Metadata) -> Schema:
    schema = schema | (metadata.extra_json_schema or {})
    extra = metadata.extra or {}
    if extra.get("nullable"):
        schema["nullable"] = True
    if extra.get("map_keys"):
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = list(extra["map_keys"])
    if extra.get("schema_default") is not None:
        schema["default"] = extra["schema_default"]
    return schema
