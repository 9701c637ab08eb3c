"""Server-side apply: merge what one manager wants, and take away what it no longer wants. Pure.

Source: Kubernetes' documentation of server-side apply, and structured-merge-diff.

The algorithm, with L the live object and A what is applied:
1. the fields of A are what the manager owns from now on;
2. a field of A whose value differs from L and that another manager owns is a conflict, unless
   `force` takes it over;
3. the result is L with A merged into it, without the fields that this manager owned before, no
   longer applies, and nobody else owns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from armillary.local.apiserver.patch.fieldset import (
    FieldSet,
    Path,
    item_elements,
    show_path,
)
from armillary.local.apiserver.patch.managers import (
    UPDATE,
    Manager,
    Managers,
    owned_leaves,
    take_over,
    write_managers,
)
from armillary.local.apiserver.schema.shape import (
    ANYTHING,
    Schema,
    field_schema,
    is_atomic_map,
    item_schema,
)
from armillary.local.apiserver.status import Cause, StatusError, conflicts_of_apply


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    applied: dict[str, Any]
    manager: Manager
    force: bool


def apply(live: dict[str, Any], request: ApplyRequest, schema: Schema, managers: Managers) -> None:
    """Change `live` in place into what `request` makes of it; `managers` are those of `live`.

    Raises:
        StatusError: a conflict with another manager, and no force.
    """
    wanted = owned_leaves(request.applied, schema)
    present = owned_leaves(live, schema)
    previous = managers.get(request.manager.identity)
    conflicts = _find_conflicts(wanted, present, managers, request.manager)
    if conflicts and not request.force:
        raise _refuse(conflicts)
    managers = take_over(managers, frozenset(p for _, p in conflicts), by=request.manager)
    _merge_object(live, request.applied, schema)
    mine = frozenset(wanted)
    others = [m for i, m in managers.items() if i != request.manager.identity]
    if previous is not None:
        for path in _abandoned(previous.fields - mine, mine, others):
            _remove(live, path, schema)
    if previous is not None and previous.fields == mine:
        managers[request.manager.identity] = previous  # nothing new: the time stays
    else:
        managers[request.manager.identity] = replace(request.manager, fields=mine)
    write_managers(live, managers)


def _find_conflicts(
    wanted: Mapping[Path, Any], present: Mapping[Path, Any], managers: Managers, mine: Manager
) -> list[tuple[Manager, Path]]:
    changed = frozenset(p for p, v in wanted.items() if p not in present or present[p] != v)
    return [
        (manager, path)
        for identity, manager in managers.items()
        if identity != mine.identity
        for path in sorted(manager.fields & changed)
    ]


def _refuse(conflicts: list[tuple[Manager, Path]]) -> StatusError:
    causes = [
        Cause(show_path(path), "FieldManagerConflict", f"conflict with {_show(manager)}")
        for manager, path in conflicts
    ]
    if len(conflicts) == 1:
        message = f"Apply failed with 1 conflict: {causes[0].text}: {causes[0].field}"
        return conflicts_of_apply(message, causes)
    lines: list[str] = []
    for manager in dict.fromkeys(manager for manager, _ in conflicts):
        lines.append(f"conflicts with {_show(manager)}:")
        lines += [f"- {show_path(path)}" for owner, path in conflicts if owner is manager]
    message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    return conflicts_of_apply(message, causes)


def _show(manager: Manager) -> str:
    text = f'"{manager.name}"'
    if manager.subresource:
        text += f' with subresource "{manager.subresource}"'
    if manager.operation == UPDATE:
        text += f" using {manager.api_version}"
    return text


def _abandoned(candidates: FieldSet, mine: FieldSet, others: list[Manager]) -> list[Path]:
    """Return the paths to take away, parents before children.

    An item of a list goes as a whole, with what nobody owns in it, unless somebody still owns
    something inside. Its key fields must not go first, or it could not be found any more.
    """
    kept = set(mine)
    for manager in others:
        kept |= manager.fields
    # Every prefix of a kept path must stay.
    needed = {path[:length] for path in kept for length in range(1, len(path) + 1)}
    return sorted(candidates - needed, key=len)


def _merge(live: Any, applied: Any, schema: Schema) -> Any:
    if isinstance(applied, dict) and isinstance(live, dict) and not is_atomic_map(schema):
        _merge_object(live, applied, schema)
        return live
    if isinstance(applied, list) and isinstance(live, list):
        return _merge_list(live, applied, schema)
    return applied


def _merge_object(live: dict[str, Any], applied: Mapping[str, Any], schema: Schema) -> None:
    for name, value in applied.items():
        child = field_schema(schema, name) or ANYTHING
        live[name] = _merge(live.get(name), value, child)


def _merge_list(live: list[Any], applied: list[Any], schema: Schema) -> list[Any]:
    """Merge by key or membership: applied items in their order, live items that remain before."""
    wanted = item_elements(applied, schema)
    if not wanted:
        return applied
    present = dict(zip(item_elements(live, schema), live, strict=False))
    items = item_schema(schema)
    merged = {
        element: _merge(present.get(element), item, items)
        for element, item in zip(wanted, applied, strict=True)
    }
    return [merged.pop(element, item) for element, item in present.items()] + list(merged.values())


def _remove(value: Any, path: Path, schema: Schema) -> bool:
    """Remove one path, and the containers that this empties; True when `value` is empty now."""
    element, rest = path[0], path[1:]
    if isinstance(value, dict) and element.startswith("f:"):
        name = element[2:]
        if name in value and (
            not rest or _remove(value[name], rest, field_schema(schema, name) or ANYTHING)
        ):
            del value[name]
        return not value
    if isinstance(value, list):
        elements = item_elements(value, schema)
        if element in elements:
            index = elements.index(element)
            if not rest:
                del value[index]
            else:
                _remove(value[index], rest, item_schema(schema))
        return not value
    return False
