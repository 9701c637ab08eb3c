"""Who owns which field of an object: `metadata.managedFields`. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from armillary.local.apiserver.patch.fieldset import (
    FieldSet,
    Path,
    decode_fields,
    encode_fields,
    leaves,
)
from armillary.local.apiserver.schema.shape import Schema

APPLY = "Apply"
UPDATE = "Update"

# Fields that have no owner: they name the object, or the server alone writes them.
_UNOWNED = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generation",
            "managedFields",
            "name",
            "namespace",
            "resourceVersion",
            "selfLink",
            "uid",
        )
    }
)


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of managedFields. `name`, `operation` and `subresource` identify it."""

    name: str
    operation: str
    subresource: str
    api_version: str
    time: str
    fields: FieldSet = frozenset()

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.name, self.operation, self.subresource)


Managers = dict[tuple[str, str, str], Manager]


def read_managers(value: Mapping[str, Any]) -> Managers:
    managers: Managers = {}
    for entry in value["metadata"].get("managedFields") or ():
        manager = Manager(
            entry.get("manager", ""),
            entry.get("operation", UPDATE),
            entry.get("subresource", ""),
            entry.get("apiVersion", ""),
            entry.get("time", ""),
            decode_fields(entry.get("fieldsV1") or {}),
        )
        managers[manager.identity] = manager
    return managers


def write_managers(value: dict[str, Any], managers: Managers) -> None:
    entries = [_encode(manager) for manager in managers.values() if manager.fields]
    if entries:
        value["metadata"]["managedFields"] = entries
    else:
        value["metadata"].pop("managedFields", None)


def _encode(manager: Manager) -> dict[str, Any]:
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": manager.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode_fields(manager.fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def track_update(
    before: Mapping[str, Any] | None,
    after: dict[str, Any],
    schema: Schema,
    writer: Manager,
    managers: Managers,
) -> None:
    """Note in `after` that `writer` changed what differs from `before`.

    `managers` are those of `before`. The writer takes over what it changed, silently; what is gone
    belongs to nobody.
    """
    old = owned_leaves(before, schema) if before is not None else {}
    new = owned_leaves(after, schema)
    changed = frozenset(p for p, value in new.items() if p not in old or old[p] != value)
    removed = old.keys() - new.keys()
    if changed or removed:
        managers = _without(managers, changed | removed)
    if changed:
        own = managers.get(writer.identity, writer)
        managers[writer.identity] = replace(writer, fields=own.fields | changed)
    write_managers(after, managers)


def owned_leaves(value: Mapping[str, Any], schema: Schema) -> dict[Path, Any]:
    return {
        path: leaf
        for path, leaf in leaves(value, schema).items()
        if path not in _UNOWNED and path[:2] not in _UNOWNED
    }


def _without(managers: Managers, paths: Iterable[Path]) -> Managers:
    gone = frozenset(paths)
    return {
        identity: replace(manager, fields=manager.fields - gone)
        if manager.fields & gone
        else manager
        for identity, manager in managers.items()
    }


def take_over(managers: Managers, paths: FieldSet, *, by: Manager) -> Managers:
    """Remove `paths` from every manager but `by`."""
    mine = managers.get(by.identity)
    result = _without(managers, paths)
    if mine is not None:
        result[by.identity] = mine
    return result
