"""Which children that left the spec may go, and why others stay. Pure.

Losing data takes two words of the user: the keyspace leaves the spec, and either it was emptied of
tablet pools before or its `turndownPolicy` (as stored in the child) says Immediate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import is_being_deleted, labels_of, name_of
from armillary.operator.crd.parts import Orphan
from armillary.operator.render import labels as keys


@dataclass(frozen=True, slots=True)
class TurndownPlan:
    delete: list[tuple[KubeObject, str]] = field(default_factory=list)  # object, reason
    orphans: dict[str, Orphan] = field(default_factory=dict)  # by the name in the spec


@dataclass(frozen=True, slots=True)
class Orphans:
    """What left the spec and may not go yet, by name, and why."""

    cells: Mapping[str, Orphan]
    keyspaces: Mapping[str, Orphan]


def retained_cells(wanted: Sequence[str], deployed: Mapping[str, KubeObject]) -> dict[str, str]:
    """Return the zones of deployed cells that left the spec and are in use."""
    return {
        name: str((cell.get("spec") or {}).get("zone") or "")
        for name, cell in deployed.items()
        if name not in wanted and not _is_idle(cell)
    }


def plan_keyspace_turndown(
    found: Iterable[KubeObject], wanted_objects: frozenset[str]
) -> TurndownPlan:
    plan = TurndownPlan()
    for obj in _unwanted(found, wanted_objects):
        name = labels_of(obj).get(keys.KEYSPACE, name_of(obj))
        if (obj.get("spec") or {}).get("turndownPolicy") == "Immediate":
            plan.delete.append((obj, "left the spec, and its turndownPolicy is Immediate"))
        elif _is_idle(obj):
            plan.delete.append((obj, "left the spec, and has no tablet pools"))
        else:
            plan.orphans[name] = Orphan(
                reason="NotIdle",
                message="The keyspace left the spec while it has tablet pools. Remove its pools "
                "first, or set its turndownPolicy to Immediate before removing it.",
            )
    return plan


def plan_cell_turndown(found: Iterable[KubeObject], wanted_objects: frozenset[str]) -> TurndownPlan:
    plan = TurndownPlan()
    for obj in _unwanted(found, wanted_objects):
        name = labels_of(obj).get(keys.CELL, name_of(obj))
        if _is_idle(obj):
            plan.delete.append((obj, "left the spec, and nothing is deployed in it"))
        else:
            plan.orphans[name] = Orphan(
                reason="NotIdle",
                message="The cell left the spec while keyspaces are deployed in it. Remove their "
                "tablet pools of the cell first.",
            )
    return plan


def plan_plain_turndown(
    found: Iterable[KubeObject], wanted_objects: frozenset[str]
) -> TurndownPlan:
    """Let go of everything that is not wanted: for objects without data."""
    return TurndownPlan([(obj, "left the spec") for obj in _unwanted(found, wanted_objects)])


def _unwanted(found: Iterable[KubeObject], wanted_objects: frozenset[str]) -> Iterable[KubeObject]:
    return (
        obj for obj in found if name_of(obj) not in wanted_objects and not is_being_deleted(obj)
    )


def _is_idle(obj: KubeObject) -> bool:
    return (obj.get("status") or {}).get("idle") == "True"
