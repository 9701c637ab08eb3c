"""Commands on what vtgate reads: serving graph and vschema of each cell."""

from armillary.vtctld.context import Context
from armillary.vtctld.dialect import message_json, vschema_json
from armillary.vtctld.registry import Call, Command, Flag


async def get_srv_keyspace(context: Context, call: Call) -> None:
    cell, keyspace = call.args
    await context.require_cells((cell,))
    stored = await context.topo.get_srv_keyspace(cell, keyspace)
    await context.console.print(message_json(stored.value))


async def get_srv_keyspace_names(context: Context, call: Call) -> None:
    await context.require_cells(call.args)
    for keyspace in await context.topo.list_srv_keyspaces(call.args[0]):
        await context.console.print(keyspace)


async def get_srv_vschema(context: Context, call: Call) -> None:
    await context.require_cells(call.args)
    stored = await context.topo.get_srv_vschema(call.args[0])
    await context.console.print(vschema_json(stored.value))


async def rebuild_keyspace_graph(context: Context, call: Call) -> None:
    await context.require_cells(call.flag("cells"))
    for keyspace in call.args:
        await context.keyspace(keyspace)
    for keyspace in call.args:
        await context.topo.rebuild_keyspace_graph(
            keyspace, call.flag("cells") or None, allow_partial=call.flag("allow_partial")
        )


async def rebuild_vschema_graph(context: Context, call: Call) -> None:
    await context.require_cells(call.flag("cells"))
    await context.topo.rebuild_srv_vschema(call.flag("cells") or None)


async def delete_srv_vschema(context: Context, call: Call) -> None:
    await context.require_cells(call.args)
    await context.topo.delete_srv_vschema(call.args[0])


COMMANDS = (
    Command(
        "GetSrvKeyspace",
        "Serving graph",
        "<cell> <keyspace>",
        "Shows what vtgate of a cell knows of a keyspace's shards.",
        get_srv_keyspace,
        args_min=2,
        args_max=2,
    ),
    Command(
        "GetSrvKeyspaceNames",
        "Serving graph",
        "<cell>",
        "Lists the keyspaces served in a cell.",
        get_srv_keyspace_names,
        args_min=1,
        args_max=1,
    ),
    Command(
        "GetSrvVSchema",
        "Serving graph",
        "<cell>",
        "Shows all vschemas that a cell's vtgate uses.",
        get_srv_vschema,
        args_min=1,
        args_max=1,
    ),
    Command(
        "DeleteSrvVSchema",
        "Serving graph",
        "<cell>",
        "Deletes the vschemas of a cell's vtgate.",
        delete_srv_vschema,
        args_min=1,
        args_max=1,
    ),
    Command(
        "RebuildKeyspaceGraph",
        "Serving graph",
        "<keyspace> ...",
        "Computes anew which shards vtgate knows for keyspaces.",
        rebuild_keyspace_graph,
        (
            Flag("cells", "Only in these cells", ()),
            Flag("allow_partial", "Let a SNAPSHOT keyspace have gaps", False),
        ),
        args_min=1,
        args_max=None,
    ),
    Command(
        "RebuildVSchemaGraph",
        "Serving graph",
        "",
        "Gives all vschemas to vtgate anew.",
        rebuild_vschema_graph,
        (Flag("cells", "Only in these cells", ()),),
    ),
)
