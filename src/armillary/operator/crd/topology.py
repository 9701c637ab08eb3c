"""Which topology records the operator keeps in order, and how changes are rolled out. Pure."""

from typing import Annotated, Literal

from armillary.operator.crd.parts import Model, doc


class TopologyReconciliation(Model, frozen=True, kw_only=True):
    """All default to true."""

    register_cells_aliases: Annotated[bool, doc("Register one alias that has all cells.")] = True
    register_cells: Annotated[bool, doc("Register each cell's lockserver.")] = True
    prune_cells: Annotated[bool, doc("Delete cells that left the spec.")] = True
    prune_keyspaces: Annotated[bool, doc("Delete keyspaces that left the spec.")] = True
    prune_srv_keyspaces: Annotated[
        bool,
        doc(
            "Delete serving records of keyspaces that are not deployed in a cell that left the "
            "spec, without which the cell never goes."
        ),
    ] = True
    prune_shards: Annotated[bool, doc("Delete shards that left the spec.")] = True
    prune_shard_cells: Annotated[
        bool,
        doc("Delete a shard's lists of tablets in cells where it has none any more."),
    ] = True
    prune_tablets: Annotated[bool, doc("Delete tablets that left the spec.")] = True


class ExternalUpdateOptions(Model, frozen=True, kw_only=True):
    allow_resource_changes: Annotated[
        list[Literal["storage"]], doc("Changes to apply at once although the type is External.")
    ] = []


class UpdateStrategy(Model, frozen=True, kw_only=True):
    type: Annotated[
        Literal["External", "Immediate"],
        doc(
            "External: changes that restart something wait until they are released by "
            "annotation, level by level. Immediate: the operator rolls them out at once, "
            "replicas first. Default: External."
        ),
    ] = "External"
    external: Annotated[ExternalUpdateOptions | None, doc("Options of the type External.")] = None
