"""Commands on vschemas and routing rules."""

import json

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from armillary.base.errors import InputError, NotFoundError
from armillary.pb import vschema_pb2
from armillary.routing.vschema import build_keyspace
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import vschema_json
from armillary.vtctld.registry import Call, Command, Flag
from armillary.vtctld.server_file import read_server_file


async def get_vschema(context: Context, call: Call) -> None:
    await context.keyspace(call.args[0])
    try:
        stored = await context.topo.get_vschema(call.args[0])
    except NotFoundError:
        raise NotFoundError(f"keyspace {call.args[0]} has no vschema") from None
    await context.console.print(vschema_json(stored.value))


async def apply_vschema(context: Context, call: Call) -> None:
    """Check everything about the new vschema, then replace the old one and tell vtgate."""
    keyspace = call.args[0]
    given = sorted(call.given & {"vschema", "vschema_file", "sql", "sql_file"})
    if len(given) != 1:
        raise InputError(
            "wanted exactly one of -vschema, -vschema_file; found "
            f"{', '.join('-' + name for name in given) or 'none'}"
        )
    if given[0] in ("sql", "sql_file"):
        raise InputError(f"-{given[0]} is not supported: give the whole vschema as JSON")
    if keyspace not in await context.topo.list_keyspaces():
        raise NotFoundError(
            f"keyspace({keyspace}) doesn't exist, check if the keyspace is initialized"
        )
    await context.require_cells(call.flag("cells"))
    text = call.flag("vschema")
    if given == ["vschema_file"]:
        text = read_server_file(call.flag("vschema_file"), flag="vschema")
    vschema, warning = parse_vschema(keyspace, text)
    if warning:
        await context.console.warning(warning)
    await context.console.print(f"New VSchema object:\n{vschema_json(vschema)}")
    await context.console.print(
        "If this is not what you expected, check the input data"
        " (as JSON parsing will skip unexpected fields)."
    )
    if call.flag("dry-run"):
        await context.console.print("Dry run: Skipping update of VSchema")
        return
    await context.topo.put_vschema(keyspace, vschema)
    if call.flag("skip_rebuild"):
        await context.console.warning("vtgate does not see it before RebuildVSchemaGraph")
        return
    await context.topo.rebuild_srv_vschema(call.flag("cells") or None)


def parse_vschema(keyspace: str, text: str) -> tuple[vschema_pb2.Keyspace, str]:
    """Return the vschema and a warning about fields that it does not have (may be empty).

    Raises:
        InputError: no JSON, wrong kinds of values, or a schema that does not make sense.
    """
    vschema = vschema_pb2.Keyspace()
    warning = _parse_json("vschema", text, vschema)
    build_keyspace(keyspace, MessageToDict(vschema, preserving_proto_field_name=True))
    return vschema, warning


def _parse_json(what: str, text: str, message: Message) -> str:
    """Fill `message`; returns what was skipped."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"{what}: wanted JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{what}: wanted JSON: this is nested too deep") from None
    if not isinstance(document, dict):
        raise InputError(f"{what}: wanted a JSON object, found {type(document).__name__}")
    try:
        ParseDict(document, message)
        return ""
    except ParseError as error:
        strict_problem = str(error)
    message.Clear()
    try:
        ParseDict(document, message, ignore_unknown_fields=True)
    except ParseError as error:
        raise InputError(f"{what}: {error}") from None
    return f"{what}: skipped: {strict_problem}"


async def get_routing_rules(context: Context, call: Call) -> None:
    await context.console.print(vschema_json(await context.topo.get_routing_rules()))


async def apply_routing_rules(context: Context, call: Call) -> None:
    given = sorted(call.given & {"rules", "rules_file"})
    if len(given) != 1:
        raise InputError("wanted exactly one of -rules, -rules_file")
    await context.require_cells(call.flag("cells"))
    rules = vschema_pb2.RoutingRules()
    text = call.flag("rules")
    if given == ["rules_file"]:
        text = read_server_file(call.flag("rules_file"), flag="rules")
    warning = _parse_json("rules", text, rules)
    if warning:
        await context.console.warning(warning)
    await context.console.print(f"New RoutingRules object:\n{vschema_json(rules)}")
    if call.flag("dry-run"):
        return
    await context.topo.put_routing_rules(rules)
    if not call.flag("skip_rebuild"):
        await context.topo.rebuild_srv_vschema(call.flag("cells") or None)


_APPLY_FLAGS = (
    Flag("dry-run", "Check and print, change nothing", False),
    Flag("skip_rebuild", "Do not give it to vtgate yet", False),
    Flag("cells", "Give it to vtgate in these cells only", ()),
)

COMMANDS = (
    Command(
        "GetVSchema",
        "VSchema",
        "<keyspace>",
        "Shows a keyspace's vschema as JSON.",
        get_vschema,
        args_min=1,
        args_max=1,
    ),
    Command(
        "ApplyVSchema",
        "VSchema",
        "<keyspace>",
        "Replaces a keyspace's vschema, which tells vtgate how its tables are sharded.",
        apply_vschema,
        (
            Flag("vschema", "The vschema as JSON"),
            Flag("vschema_file", "A file of it, where vtctld runs"),
            Flag("sql", "Not supported"),
            Flag("sql_file", "Not supported"),
            *_APPLY_FLAGS,
        ),
        args_min=1,
        args_max=1,
    ),
    Command("GetRoutingRules", "VSchema", "", "Shows the routing rules.", get_routing_rules),
    Command(
        "ApplyRoutingRules",
        "VSchema",
        "",
        "Replaces the routing rules.",
        apply_routing_rules,
        (Flag("rules", "The rules as JSON"), Flag("rules_file", "A file of them"), *_APPLY_FLAGS),
    ),
)
