"""The schemas of the built-in kinds, from the generated file, and our words on them. I/O: reads
package data.

Two forms: `definitions` as OpenAPI writes them, and a linked form for walking, in which a `$ref`
is replaced by the schema that it names (so the links can be circular).
"""

import functools
import hashlib
import importlib.resources
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Any

from armillary.local.apiserver.store.records import decode_json

Schema = Mapping[str, Any]

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_DEFINITIONS = "builtin_generated.json"
_DESCRIPTIONS = "descriptions.json"  # by the last part of a definition's name; "" is the whole
_GROUP_KINDS = "x-kubernetes-group-version-kind"


class BuiltinSchemas:
    def __init__(self) -> None:
        self._linked: dict[str, dict[str, Any]] = _link(_read(_DEFINITIONS))
        self._by_kind = {
            (gvk["group"], gvk["version"], gvk["kind"]): schema
            for schema in self._linked.values()
            for gvk in schema.get(_GROUP_KINDS, ())
        }

    @property
    def object_meta(self) -> Schema:
        return self._linked[OBJECT_META]

    def schema_of(self, group: str, version: str, kind: str) -> Schema | None:
        """Return the linked schema of a kind, or None when it is not built in."""
        return self._by_kind.get((group, version, kind))


def read_definitions() -> dict[str, dict[str, Any]]:
    """Return all definitions as OpenAPI writes them; big, so made only when somebody asks.

    The generated file has types and no prose: Kubernetes' descriptions are not ours to ship. Those
    of the fields that are read most are our own.
    """
    definitions: dict[str, dict[str, Any]] = _read(_DEFINITIONS)
    described: dict[str, dict[str, str]] = _read(_DESCRIPTIONS)
    for name, definition in definitions.items():
        texts = described.get(name.rpartition(".")[2], {})
        for field, text in texts.items():
            (definition["properties"][field] if field else definition)["description"] = text
    return definitions


@functools.cache
def definitions_version() -> str:
    """Return what changes with the definitions: kubectl keeps what it has read until then."""
    digest = hashlib.sha256()
    for name in (_DEFINITIONS, _DESCRIPTIONS):
        digest.update(_file(name).read_bytes())
    return digest.hexdigest()


def _read(name: str) -> Any:
    return decode_json(_file(name).read_bytes())


def _file(name: str) -> Traversable:
    return importlib.resources.files(__package__).joinpath(name)


def _link(definitions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Replace each reference by what it names, in place.

    Two passes: a reference with keywords beside it becomes a copy of its target with those
    keywords, and the target must be linked before it is copied.
    """
    pending: list[tuple[dict[str, Any], str]] = []
    for definition in definitions.values():
        _link_children(definition, definitions, pending)
    for schema, target in pending:
        for key, value in definitions[target].items():
            schema.setdefault(key, value)
    return definitions


def _link_children(
    schema: dict[str, Any],
    definitions: dict[str, dict[str, Any]],
    pending: list[tuple[dict[str, Any], str]],
) -> None:
    children = schema.get("properties", {})
    for name in children:
        children[name] = _linked(children[name], definitions, pending)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            schema[name] = _linked(schema[name], definitions, pending)


def _linked(
    schema: dict[str, Any],
    definitions: dict[str, dict[str, Any]],
    pending: list[tuple[dict[str, Any], str]],
) -> dict[str, Any]:
    target = schema.pop("$ref", None)
    if target is None:
        _link_children(schema, definitions, pending)
        return schema
    if not schema:
        return definitions[target]
    pending.append((schema, target))
    return schema
