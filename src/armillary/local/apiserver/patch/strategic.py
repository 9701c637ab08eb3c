"""Strategic merge patch: a merge patch that merges lists by key where the schema says so. Pure.

Source: Kubernetes' strategicpatch package. Directives: `$patch: replace|delete|merge`,
`$deleteFromPrimitiveList/F`, `$setElementOrder/F`, `$retainKeys`.
"""

from typing import Any

from armillary.base.errors import InputError
from armillary.local.apiserver.schema.shape import ANYTHING, Schema, field_schema, item_schema

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"


def strategic_merge(target: Any, patch: Any, schema: Schema) -> Any:
    """Return `target` changed by `patch`; parts that do not change are shared.

    Raises:
        InputError: an unknown directive, or a list item without its merge key.
    """
    if not isinstance(patch, dict):
        return patch
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return _without_directives(patch)
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise InputError(f"Unrecognized patch type: {directive}")
    result = dict(target) if isinstance(target, dict) else {}
    for directive, value in patch.items():
        if directive.startswith((_RETAIN, _ORDER, _DELETE_PRIMITIVES)) and not isinstance(
            value, list
        ):
            raise InputError(f"{directive} wants a list, found {value!r}")
    if _RETAIN in patch:
        result = {name: value for name, value in result.items() if name in patch[_RETAIN]}
    for name, value in patch.items():
        if not name.startswith("$"):
            _merge_field(result, name, value, patch, field_schema(schema, name) or ANYTHING)
    _apply_list_directives(result, patch, schema)
    return result


def _merge_field(
    result: dict[str, Any], name: str, value: Any, patch: dict[str, Any], schema: Schema
) -> None:
    if value is None:
        result.pop(name, None)
    elif isinstance(value, list) and _merges(schema):
        result[name] = _merge_list(result.get(name) or [], value, schema)
    elif isinstance(value, list):
        result[name] = value
    elif isinstance(value, dict) and value.get(_DIRECTIVE) == "delete":
        result.pop(name, None)
    else:
        result[name] = strategic_merge(result.get(name), value, schema)


def _merges(schema: Schema) -> bool:
    return "merge" in schema.get("x-kubernetes-patch-strategy", "").split(",")


def _merge_list(current: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    key = schema.get("x-kubernetes-patch-merge-key")
    if key is None:
        return current + [item for item in patch if item not in current]
    if any(item.get(_DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if _DIRECTIVE not in item]
    items = item_schema(schema)
    result = list(current)
    for item in patch:
        if key not in item:
            raise InputError(f"map: {item} does not contain declared merge key: {key}")
        found = [index for index, old in enumerate(result) if old.get(key) == item[key]]
        if item.get(_DIRECTIVE) == "delete":
            result = [old for old in result if old.get(key) != item[key]]
        elif found:
            result[found[0]] = strategic_merge(result[found[0]], item, items)
        else:
            result.append(strategic_merge({}, item, items))
    return result


def _apply_list_directives(result: dict[str, Any], patch: dict[str, Any], schema: Schema) -> None:
    for directive, value in patch.items():
        if directive.startswith(_DELETE_PRIMITIVES):
            name = directive.removeprefix(_DELETE_PRIMITIVES)
            result[name] = [item for item in result.get(name) or [] if item not in value]
    for directive, value in patch.items():
        if directive.startswith(_ORDER):
            name = directive.removeprefix(_ORDER)
            if isinstance(result.get(name), list):
                key = (field_schema(schema, name) or {}).get("x-kubernetes-patch-merge-key")
                result[name] = _in_order(result[name], value, key)


def _in_order(items: list[Any], order: list[Any], key: str | None) -> list[Any]:
    """Sort by `order`; what it does not name keeps its place after the item it followed."""

    def identity(item: Any) -> Any:
        return item.get(key) if key is not None and isinstance(item, dict) else item

    ranks = {identity(item): rank for rank, item in enumerate(order)}
    rank = -1
    keyed: list[tuple[int, int, Any]] = []
    for position, item in enumerate(items):
        named = ranks.get(identity(item))
        rank = rank if named is None else named
        keyed.append((rank, position, item))
    return [item for _, _, item in sorted(keyed, key=lambda entry: entry[:2])]


def _without_directives(patch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patch.items() if not name.startswith("$")}
