"""What the global topology should say of cells and keyspaces, and what to do about it. Pure.

Keyspace records are never created here and never changed: a tablet creates the record of its
keyspace, and a user may delete it and create it anew as a snapshot of another one. A keyspace that
is in the spec is never pruned, whatever its record says, and a snapshot keyspace never at all.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from armillary.operator.crd.topology import TopologyReconciliation

CELLS_ALIAS = "planetscale_operator_default"


@dataclass(frozen=True, slots=True)
class CellRecord:
    server_address: str
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySeen:
    cells: Mapping[str, CellRecord]
    alias: AbstractSet[str] | None  # cells of our alias; None when there is no such alias
    keyspaces: Mapping[str, bool]  # name -> is a snapshot keyspace
    # By cell that answers: keyspaces with a serving record, and those whose VSchema vtgates see.
    served: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    vschemas: Mapping[str, AbstractSet[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyWanted:
    cells: Mapping[str, CellRecord]
    kept_cells: AbstractSet[str]  # in the spec, or orphaned: not to be pruned
    kept_keyspaces: AbstractSet[str]
    # Keyspaces with a tablet pool, by cell that left the spec and is there still.
    leaving_cells: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    reconciliation: TopologyReconciliation


@dataclass(frozen=True, slots=True)
class PutCell:
    cell: str
    record: CellRecord
    is_new: bool


@dataclass(frozen=True, slots=True)
class PutAlias:
    cells: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class PruneCell:
    cell: str


@dataclass(frozen=True, slots=True)
class PruneKeyspace:
    keyspace: str


@dataclass(frozen=True, slots=True)
class PruneSrvKeyspace:
    cell: str
    keyspace: str


@dataclass(frozen=True, slots=True)
class PutSrvKeyspace:
    """Make a cell's vtgates serve a keyspace whose tablets are in others."""

    cell: str
    keyspace: str
    is_snapshot: bool


@dataclass(frozen=True, slots=True)
class PutSrvVSchema:
    cell: str


TopologyAction = (
    PutCell
    | PutAlias
    | PruneCell
    | PruneKeyspace
    | PruneSrvKeyspace
    | PutSrvKeyspace
    | PutSrvVSchema
)


def plan_topology(wanted: TopologyWanted, seen: TopologySeen) -> tuple[TopologyAction, ...]:
    """Return what to do, in order: cells before the alias that names them."""
    settings = wanted.reconciliation
    actions: list[TopologyAction] = []
    if settings.register_cells:
        actions += [
            PutCell(cell, record, is_new=cell not in seen.cells)
            for cell, record in sorted(wanted.cells.items())
            if seen.cells.get(cell) != record
        ]
    if settings.register_cells_aliases and wanted.cells and seen.alias != set(wanted.cells):
        actions.append(PutAlias(tuple(sorted(wanted.cells)), is_new=seen.alias is None))
    if settings.register_cells:
        actions += _plan_serving(wanted, seen)
    if settings.prune_keyspaces:
        actions += [
            PruneKeyspace(keyspace)
            for keyspace, is_snapshot in sorted(seen.keyspaces.items())
            if keyspace not in wanted.kept_keyspaces and not is_snapshot
        ]
    if settings.prune_srv_keyspaces:
        # While anything is deployed in a cell, they stay: vtgates there send queries to tablets of
        # other cells.
        actions += [
            PruneSrvKeyspace(cell, keyspace)
            for cell, deployed in sorted(wanted.leaving_cells.items())
            if not deployed
            for keyspace in sorted(seen.served.get(cell, frozenset()))
        ]
    if settings.prune_cells:
        actions += [PruneCell(cell) for cell in sorted(seen.cells) if cell not in wanted.kept_cells]
    return tuple(actions)


def _plan_serving(wanted: TopologyWanted, seen: TopologySeen) -> list[TopologyAction]:
    """Return what vtgates of a cell lack of keyspaces that are served in another one.

    A tablet writes the serving record of its own cell; one Service has the vtgates of all. What is
    there is never changed: others may have moved traffic with it.
    """
    cells = sorted(cell for cell in wanted.cells if cell not in wanted.leaving_cells)
    everywhere = frozenset().union(*(seen.served.get(cell, frozenset()) for cell in cells))
    keyspaces = sorted(everywhere & seen.keyspaces.keys() & wanted.kept_keyspaces)
    actions: list[TopologyAction] = []
    for cell in cells:
        if cell in seen.served:
            actions += [
                PutSrvKeyspace(cell, keyspace, is_snapshot=seen.keyspaces[keyspace])
                for keyspace in keyspaces
                if keyspace not in seen.served[cell]
            ]
        if not seen.vschemas.get(cell, frozenset(keyspaces)) >= set(keyspaces):
            actions.append(PutSrvVSchema(cell))
    return actions
