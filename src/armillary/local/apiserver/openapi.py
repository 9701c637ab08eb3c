"""OpenAPI v3 documents: what `kubectl explain` prints and `apply` asks for. Pure, cached by CRD."""

import hashlib
from collections.abc import Mapping
from typing import Any

from armillary.local.apiserver.kinds.registry import Registry
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.schema.builtin import (
    OBJECT_META,
    definitions_version,
    read_definitions,
)
from armillary.local.apiserver.status import path_not_found
from armillary.local.apiserver.store.records import encode_json

Json = dict[str, Any]

_REF = "#/components/schemas/"
_GROUP_KINDS = "x-kubernetes-group-version-kind"
_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
_STRATEGIC = "application/strategic-merge-patch+json"

# kubectl still asks for OpenAPI v2 before it applies a `kind: List`, and takes only protobuf. A
# document without definitions makes it leave validation to us, where it belongs.
V2_JSON: Json = {
    "swagger": "2.0",
    "info": {"title": "Kubernetes", "version": "v1.32.0"},
    "paths": {},
}
V2_PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2_PROTOBUF = (
    b"\x0a\x032.0"  # swagger
    b"\x12\x15\x0a\x0aKubernetes\x12\x07v1.32.0"  # info: title, version
    b"\x42\x00"  # paths
)


class OpenApi:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def document(self, path: str) -> tuple[bytes, str]:
        """Return the document at a path below /openapi/v3, and its hash.

        Raises:
            StatusError: 404, there is no such group and version.
        """
        body = self._index() if not path else self._group(path)
        return body, _hash(body)

    def _index(self) -> bytes:
        """List the groups. Hashes are of what a document is made from: making all is expensive."""
        paths = {}
        for path, resources in self._by_path().items():
            version = _hash(encode_json([_fingerprint(r) for r in resources]))
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={version}"}
        return encode_json({"paths": paths})

    def _by_path(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self._registry.all():
            found.setdefault(_root(resource), []).append(resource)
        return found

    def _group(self, path: str) -> bytes:
        resources = self._by_path().get(path)
        if resources is None:
            raise path_not_found()
        definitions = read_definitions()
        schemas: Json = {}
        paths: Json = {}
        for resource in resources:
            name = _schema_name(resource, definitions)
            if resource.is_custom:
                schemas[name] = _custom_schema(resource)
                _collect(OBJECT_META, definitions, schemas)
            else:
                _collect(name, definitions, schemas)
            paths.update(_paths(resource, name))
        document = {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.32.0"},
            "paths": paths,
            "components": {"schemas": schemas},
        }
        return encode_json(document)


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest().upper()


def _fingerprint(resource: Resource) -> Json:
    schema: object = definitions_version()
    if resource.is_custom:
        schema = _without_common(resource.schema or {})
    return {"kind": resource.kind, "plural": resource.plural, "schema": schema}


def _without_common(schema: Mapping[str, Any]) -> Json:
    """Drop the linked schema of metadata: it is circular, and the same everywhere."""
    properties = {n: s for n, s in schema.get("properties", {}).items() if n != "metadata"}
    return {**schema, "properties": properties}


def _root(resource: Resource) -> str:
    if not resource.group:
        return f"api/{resource.version}"
    return f"apis/{resource.group}/{resource.version}"


def _schema_name(resource: Resource, definitions: Mapping[str, Any]) -> str:
    if resource.is_custom:
        reversed_group = ".".join(reversed(resource.group.split(".")))
        return f"{reversed_group}.{resource.version}.{resource.kind}"
    wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return next(n for n, schema in definitions.items() if wanted in schema.get(_GROUP_KINDS, ()))


def _custom_schema(resource: Resource) -> Json:
    schema = _without_common(resource.schema or {"type": "object"})
    properties = schema["properties"] | {
        "apiVersion": {
            "type": "string",
            "description": "The versioned schema of this object: group/version.",
        },
        "kind": {"type": "string", "description": "The kind of this object, in CamelCase."},
        "metadata": {
            "description": "Standard object's metadata.",
            "allOf": [{"$ref": _REF + OBJECT_META}],
        },
    }
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {"type": "object", **schema, "properties": properties, _GROUP_KINDS: [kind]}


def _collect(name: str, definitions: Mapping[str, Any], schemas: Json) -> None:
    """Add a definition and all that it refers to."""
    if name in schemas:
        return
    schemas[name] = None  # reserve the name: references can be circular
    referred: list[str] = []
    schemas[name] = _with_full_references(definitions[name], referred)
    for other in referred:
        _collect(other, definitions, schemas)


def _with_full_references(schema: Any, referred: list[str]) -> Any:
    """Return a copy whose references are complete; beside other keywords they go into allOf."""
    if isinstance(schema, list):
        return [_with_full_references(item, referred) for item in schema]
    if not isinstance(schema, dict):
        return schema
    target = schema.get("$ref")
    if not isinstance(target, str):
        return {key: _with_full_references(value, referred) for key, value in schema.items()}
    referred.append(target)
    reference = {"$ref": _REF + target}
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {"allOf": [reference], "default": {}, **rest} if rest else reference


def _paths(resource: Resource, schema_name: str) -> Json:
    """Return the path entries that kubectl looks into: which parameters and patches exist."""
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    body = {"schema": {"$ref": _REF + schema_name}}
    collection = f"/{_root(resource)}/{'namespaces/{namespace}/' if resource.namespaced else ''}"
    collection += resource.plural
    patches = _PATCH_TYPES if resource.is_custom else (*_PATCH_TYPES, _STRATEGIC)

    def operation(action: str, content: Json | None) -> Json:
        entry: Json = {
            "parameters": [_parameter(name) for name in _PARAMETERS],
            "responses": {"200": {"description": "OK", "content": {"application/json": body}}},
            "x-kubernetes-action": action,
            _GROUP_KINDS: kind,
        }
        # Kubernetes writes one object here, not a list.
        entry[_GROUP_KINDS] = kind
        if content is not None:
            entry["requestBody"] = {"content": content, "required": True}
        return entry

    empty: Json = {"schema": {"type": "object"}}
    return {
        collection: {
            "get": operation("list", None),
            "post": operation("post", {"application/json": body}),
        },
        f"{collection}/{{name}}": {
            "get": operation("get", None),
            "put": operation("put", {"application/json": body}),
            "patch": operation("patch", {kind: empty for kind in patches}),
            "delete": operation("delete", {"application/json": empty}),
        },
    }


_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def _parameter(name: str) -> Json:
    return {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
