"""Commands on cells and cells aliases."""

from armillary.base.errors import InputError, NotFoundError
from armillary.pb import topodata_pb2
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import json_text, message_json
from armillary.vtctld.registry import Call, Command, Flag

_ADDRESS_FLAGS = (
    Flag("server_address", "The cell's topology server, host:port,..."),
    Flag("root", "The cell's path in it, as /vitess/zone1"),
)


async def add_cell_info(context: Context, call: Call) -> None:
    if not call.flag("root"):
        raise InputError("-root is required: the cell's path in its topology server")
    info = topodata_pb2.CellInfo(server_address=call.flag("server_address"), root=call.flag("root"))
    await context.topo.create_cell_info(call.args[0], info)


async def update_cell_info(context: Context, call: Call) -> None:
    def change(info: topodata_pb2.CellInfo) -> None:
        info.server_address = call.flag("server_address") or info.server_address
        info.root = call.flag("root") or info.root

    await context.topo.update_cell_info(call.args[0], change)


async def delete_cell_info(context: Context, call: Call) -> None:
    await context.topo.delete_cell_info(call.args[0], force=call.flag("force"))


async def get_cell_info(context: Context, call: Call) -> None:
    cells = await context.topo.list_cells()
    if call.args[0] not in cells:
        known = ", ".join(cells) or "none"
        raise NotFoundError(f"cell {call.args[0]!r} doesn't exist; cells: {known}")
    stored = await context.topo.get_cell_info(call.args[0])
    await context.console.print(message_json(stored.value))


async def get_cell_info_names(context: Context, call: Call) -> None:
    for cell in await context.topo.list_cells():
        await context.console.print(cell)


async def get_cells_aliases(context: Context, call: Call) -> None:
    aliases = await context.topo.get_cells_aliases()
    await context.console.print(
        json_text({name: {"cells": list(alias.cells)} for name, alias in sorted(aliases.items())})
    )


async def add_cells_alias(context: Context, call: Call) -> None:
    await context.topo.create_cells_alias(call.args[0], call.flag("cells"))


async def update_cells_alias(context: Context, call: Call) -> None:
    await context.topo.update_cells_alias(call.args[0], call.flag("cells"))


async def delete_cells_alias(context: Context, call: Call) -> None:
    await context.topo.delete_cells_alias(call.args[0])


_CELLS = (Flag("cells", "The cells of the alias, comma separated", ()),)

COMMANDS = (
    Command("AddCellInfo", "Cells", "<cell>", "Registers a cell.", add_cell_info,
            _ADDRESS_FLAGS, args_min=1, args_max=1),
    Command("UpdateCellInfo", "Cells", "<cell>", "Changes where a cell's topology lies.",
            update_cell_info, _ADDRESS_FLAGS, args_min=1, args_max=1),
    Command("DeleteCellInfo", "Cells", "<cell>", "Forgets a cell that serves nothing.",
            delete_cell_info, (Flag("force", "Though it still serves keyspaces", False),),
            args_min=1, args_max=1),
    Command("GetCellInfo", "Cells", "<cell>", "Shows a cell's record as JSON.", get_cell_info,
            args_min=1, args_max=1),
    Command("GetCellInfoNames", "Cells", "", "Lists all cells.", get_cell_info_names),
    Command("AddCellsAlias", "Cells", "<alias>", "Groups cells under a name.", add_cells_alias,
            _CELLS, args_min=1, args_max=1),
    Command("UpdateCellsAlias", "Cells", "<alias>", "Changes a group of cells.",
            update_cells_alias, _CELLS, args_min=1, args_max=1),
    Command("DeleteCellsAlias", "Cells", "<alias>", "Deletes a group of cells.",
            delete_cells_alias, args_min=1, args_max=1),
    Command("GetCellsAliases", "Cells", "", "Shows all groups of cells as JSON.",
            get_cells_aliases),
)  # fmt: skip
