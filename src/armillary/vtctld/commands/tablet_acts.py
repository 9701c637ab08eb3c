"""Commands that one tablet carries out: ping, types, read-only, replication, queries."""

import base64

from armillary.base.errors import PreconditionError
from armillary.model.tablet import TabletType
from armillary.pb import query_pb2, topodata_pb2
from armillary.rpc.tablet_client import Tablet
from armillary.topo.convert import alias_of, type_of, type_to_pb
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import json_text, tablet_line, type_name
from armillary.vtctld.registry import Call, Command, Flag, Run
from armillary.vtctld.reparent.observe import acknowledges_now

# Types between which a person may move a tablet. PRIMARY comes and goes by reparenting alone.
_FREE_TYPES = {
    TabletType.REPLICA,
    TabletType.RDONLY,
    TabletType.SPARE,
    TabletType.BACKUP,
    TabletType.EXPERIMENTAL,
    TabletType.DRAINED,
}


async def ping(context: Context, call: Call) -> None:
    await context.tablets.ping(await context.tablet(call.args[0]))


async def refresh_state(context: Context, call: Call) -> None:
    await context.tablets.refresh_state(await context.tablet(call.args[0]))


async def run_health_check(context: Context, call: Call) -> None:
    await context.tablets.run_health_check(await context.tablet(call.args[0]))


async def set_read_only(context: Context, call: Call) -> None:
    await context.tablets.set_read_only(await context.tablet(call.args[0]))


async def set_read_write(context: Context, call: Call) -> None:
    await context.tablets.set_read_write(await context.tablet(call.args[0]))


async def start_replication(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    _refuse_primary(tablet, "start replication")
    semi_sync = await acknowledges_now(context.topo, tablet)
    await context.tablets.start_replication(tablet, semi_sync=semi_sync)


async def stop_replication(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    _refuse_primary(tablet, "stop replication")
    await context.tablets.stop_replication(tablet)


def _refuse_primary(tablet: Tablet, act: str) -> None:
    if type_of(tablet) is TabletType.PRIMARY:
        raise PreconditionError(
            f"cannot {act} on {alias_of(tablet)}: it is the master of "
            f"{tablet.keyspace}/{tablet.shard}"
        )


async def change_tablet_type(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    wanted = TabletType.parse(call.args[1])
    found = type_of(tablet)
    allowed = (found in _FREE_TYPES and wanted in _FREE_TYPES) or (
        found is TabletType.RESTORE and wanted is TabletType.SPARE
    )
    if not allowed:
        raise PreconditionError(
            f"type change {type_name(found)} -> {type_name(wanted)} is not an allowed transition "
            f"for ChangeTabletType: {alias_of(tablet)}"
        )
    if call.flag("dry-run"):
        after = topodata_pb2.Tablet()
        after.CopyFrom(tablet)
        after.type = type_to_pb(wanted)
        await context.console.print(f"- {tablet_line(tablet)}")
        await context.console.print(f"+ {tablet_line(after)}")
        return
    await context.tablets.change_type(tablet, wanted)


async def execute_fetch_as_dba(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    result = await context.tablets.execute_fetch_as_dba(
        tablet,
        call.args[1],
        max_rows=call.flag("max_rows"),
        disable_binlogs=call.flag("disable_binlogs"),
        reload_schema=call.flag("reload_schema"),
    )
    await context.console.print(_result_json(result) if call.flag("json") else _table(result))


def _rows(result: query_pb2.QueryResult) -> list[list[bytes | None]]:
    rows: list[list[bytes | None]] = []
    for row in result.rows:
        offset = 0
        values: list[bytes | None] = []
        for length in row.lengths:
            values.append(None if length < 0 else row.values[offset : offset + length])
            offset += max(length, 0)
        rows.append(values)
    return rows


def _text(value: bytes | None) -> str:
    if value is None:
        return "NULL"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()


def _result_json(result: query_pb2.QueryResult) -> str:
    return json_text(
        {
            "fields": [field.name for field in result.fields],
            "rows": [
                [None if value is None else _text(value) for value in row] for row in _rows(result)
            ],
            "rows_affected": result.rows_affected,
        }
    )


def _table(result: query_pb2.QueryResult) -> str:
    """Return the rows between lines, as the mysql client draws them."""
    if not result.fields:
        return f"{result.rows_affected} rows affected"
    lines = [[field.name for field in result.fields]]
    lines += [[_text(value) for value in row] for row in _rows(result)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    drawn = [
        "|" + "|".join(f" {cell:<{w}} " for cell, w in zip(line, widths, strict=True)) + "|"
        for line in lines
    ]
    return "\n".join([rule, drawn[0], rule, *drawn[1:], rule])


def _act(name: str, help_text: str, run: Run, *aliases: str) -> Command:
    return Command(
        name, "Tablets", "<tablet alias>", help_text, run, args_min=1, args_max=1, aliases=aliases
    )


COMMANDS = (
    _act("Ping", "Checks that a tablet answers.", ping),
    _act("RefreshState", "Makes a tablet read its topology records again.", refresh_state),
    _act("RunHealthCheck", "Makes a tablet check its health now.", run_health_check),
    _act("SetReadOnly", "Makes a tablet's MySQL read-only.", set_read_only),
    _act("SetReadWrite", "Makes a tablet's MySQL writable.", set_read_write),
    _act("StartReplication", "Starts replication on a tablet.", start_replication, "StartSlave"),
    _act("StopReplication", "Stops replication on a tablet.", stop_replication, "StopSlave"),
    Command(
        "ChangeTabletType",
        "Tablets",
        "<tablet alias> <tablet type>",
        "Changes a tablet's type, as from replica to drained. A master is made by reparenting.",
        change_tablet_type,
        (Flag("dry-run", "Print the tablet before and after, change nothing", False),),
        args_min=2,
        args_max=2,
    ),
    Command(
        "ExecuteFetchAsDba",
        "Tablets",
        "<tablet alias> <sql>",
        "Runs a statement on a tablet's MySQL with the dba account.",
        execute_fetch_as_dba,
        (
            Flag("max_rows", "At most so many rows", 10000),
            Flag("disable_binlogs", "Keep it out of the binary log", False),
            Flag("reload_schema", "Reload the tablet's schema afterwards", False),
            Flag("json", "Print JSON instead of a table", False),
        ),
        args_min=2,
        args_max=2,
    ),
)
