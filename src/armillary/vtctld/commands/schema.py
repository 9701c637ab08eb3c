"""Commands on SQL schemas: apply to all shards, show, reload, compare."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import anyio

from armillary.base.errors import (
    ArmillaryError,
    InputError,
    MysqlError,
    NotFoundError,
    PreconditionError,
)
from armillary.model.tablet import TabletAlias
from armillary.pb import tabletmanagerdata_pb2
from armillary.rpc.tablet_client import Tablet
from armillary.topo.convert import primary_alias_of
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import message_json
from armillary.vtctld.registry import Call, Command, Flag
from armillary.vtctld.schema_text import (
    how_to_repeat,
    may_be_applied,
    may_be_done_already,
    parse_ddl,
    where_it_stands,
)
from armillary.vtctld.server_file import read_server_file

logger = logging.getLogger(__name__)

_DIRECT = ("", "direct", "mysql")
_ER_UNSUPPORTED_PS = 1295  # a statement that cannot be prepared: no proof that it is wrong
_PING_TIMEOUT_S = 5.0


async def apply_schema(context: Context, call: Call) -> None:
    """Check all that can be checked on all shards, then run the statements shard by shard.

    A statement that fails later on one shard has run on those before it: the error says where it
    stands. It is safe to repeat with statements like CREATE TABLE IF NOT EXISTS.

    Cancelled: the statement at work is given up, those before it stay; the log has how far it came.
    """
    keyspace = call.args[0]
    statements = parse_ddl(_sql_of(call))
    if call.flag("ddl-strategy") not in _DIRECT:
        raise InputError(
            f"-ddl-strategy {call.flag('ddl-strategy')!r} is not supported: wanted direct"
        )
    await context.keyspace(keyspace)
    primaries = await _reachable_primaries(context, keyspace)
    await _check_syntax(context, next(iter(primaries.values())), statements)
    for number in range(1, len(primaries) + 1):
        await _apply_to_shard(context, keyspace, primaries, number, statements)


async def _apply_to_shard(
    context: Context,
    keyspace: str,
    primaries: Mapping[str, Tablet],
    shard_number: int,
    statements: Sequence[str],
) -> None:
    """Run the statements on one shard; what was said before each tells whoever is cut off.

    Raises:
        PreconditionError: one failed; says what is applied where.
    """
    shards = list(primaries)
    done, (shard, *rest) = shards[: shard_number - 1], shards[shard_number - 1 :]
    tablet = primaries[shard]
    where = f"{keyspace}/{shard}"
    await context.console.info(
        f"{where}: applying {len(statements)} statements (shard {shard_number} of {len(shards)})"
    )
    for number, statement in enumerate(statements, start=1):
        stands = partial(where_it_stands, shard, number, len(statements), done=done, rest=rest)
        try:
            await context.tablets.apply_schema(tablet, statement)
        except ArmillaryError as error:
            await context.console.error(f"{where} ({_alias(tablet)}): {error}")
            told = stands(is_unknown=may_be_applied(statement, error))
            if done or number > 1 or may_be_done_already(error):
                told = f"{told}; {how_to_repeat(keyspace)}"
            raise PreconditionError(
                f"statement {number} of {len(statements)} failed on {where} ({_alias(tablet)}): "
                f"{error}; {told}"
            ) from None
        except anyio.get_cancelled_exc_class():
            told = stands(is_unknown=True)
            logger.warning("schema change given up", extra={"keyspace": keyspace, "stands": told})
            raise
    await context.console.info(f"{where}: {len(statements)} statements applied")


def _sql_of(call: Call) -> str:
    given = sorted(call.given & {"sql", "sql-file"})
    if len(given) != 1:
        raise InputError("wanted exactly one of -sql, -sql-file")
    if given == ["sql"]:
        return str(call.flag("sql"))
    return read_server_file(call.flag("sql-file"), flag="sql")


async def _reachable_primaries(context: Context, keyspace: str) -> dict[str, Tablet]:
    """Return each shard's primary, after each has answered.

    Raises:
        PreconditionError: a shard has none, or it does not answer; names all of them.
    """
    shards = await context.topo.shards_of_keyspace(keyspace)
    if not shards:
        raise PreconditionError(f"keyspace {keyspace} has no shards: no MySQL to change")
    primaries: dict[str, Tablet] = {}
    problems: list[str] = []
    for shard, stored in shards.items():
        alias = primary_alias_of(stored.value)
        if alias is None:
            problems.append(f"shard {keyspace}/{shard} has no master")
            continue
        try:
            tablet = (await context.topo.get_tablet(alias)).value
            await context.tablets.ping(tablet, timeout_s=_PING_TIMEOUT_S)
            primaries[shard] = tablet
        except NotFoundError:
            problems.append(f"the master of {keyspace}/{shard}, {alias}, has no tablet record")
        except ArmillaryError as error:
            problems.append(f"the master of {keyspace}/{shard} does not answer: {error}")
    if problems:
        raise PreconditionError(f"nothing was changed: {'; '.join(problems)}")
    return primaries


async def _check_syntax(context: Context, tablet: Tablet, statements: list[str]) -> None:
    """Let a MySQL read the statements without running them, so that a slip changes no shard.

    Raises:
        InputError: it does not understand one.
    """
    for number, statement in enumerate(statements, start=1):
        quoted = statement.replace("\\", "\\\\").replace("'", "\\'")
        try:
            await context.tablets.execute_fetch_as_dba(
                tablet, f"PREPARE armillary_check FROM '{quoted}'"
            )
        except MysqlError as error:
            if error.errno == _ER_UNSUPPORTED_PS:
                continue
            raise InputError(
                f"nothing was changed: statement {number} of {len(statements)}: {error}"
            ) from None


def _alias(tablet: Tablet) -> TabletAlias:
    return TabletAlias(tablet.alias.cell, tablet.alias.uid)


async def get_schema(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    schema = await context.tablets.get_schema(
        tablet,
        tables=call.flag("tables"),
        exclude_tables=call.flag("exclude_tables"),
        include_views=call.flag("include-views"),
        table_schema_only=call.flag("table_schema_only"),
    )
    if call.flag("table_names_only"):
        for table in schema.table_definitions:
            await context.console.print(table.name)
        return
    if call.flag("table_sizes_only"):
        for table in schema.table_definitions:
            for name in ("schema", "columns", "primary_key_columns", "type", "fields"):
                table.ClearField(name)
    await context.console.print(message_json(schema))


async def reload_schema(context: Context, call: Call) -> None:
    await context.tablets.reload_schema(await context.tablet(call.args[0]))


async def reload_schema_shard(context: Context, call: Call) -> None:
    keyspace, shard, _ = await context.shard(call.args[0])
    await _reload(context, call, keyspace, [shard])


async def reload_schema_keyspace(context: Context, call: Call) -> None:
    await context.keyspace(call.args[0])
    await _reload(context, call, call.args[0], await context.topo.list_shards(call.args[0]))


async def _reload(context: Context, call: Call, keyspace: str, shards: list[str]) -> None:
    async def one(alias: TabletAlias, tablet: Tablet) -> None:
        try:
            await context.tablets.reload_schema(tablet)
        except ArmillaryError as error:
            await context.console.warning(f"{alias}: {error}")

    async with anyio.create_task_group() as tasks:
        for shard in shards:
            primary = primary_alias_of((await context.topo.get_shard(keyspace, shard)).value)
            tablets = await context.topo.tablets_of_shard(keyspace, shard)
            for alias, tablet in tablets.items():
                if alias != primary or call.flag("include_primary"):
                    tasks.start_soon(one, alias, tablet)


async def validate_schema_keyspace(context: Context, call: Call) -> None:
    """Compare every tablet's tables with those of the first shard's primary."""
    keyspace = call.args[0]
    await context.keyspace(keyspace)
    primaries = await _reachable_primaries(context, keyspace)
    reference_tablet = next(iter(primaries.values()))
    exclude = call.flag("exclude_tables")
    reference = _tables(await context.tablets.get_schema(reference_tablet, exclude_tables=exclude))
    problems: list[str] = []
    for shard in primaries:
        for alias, tablet in (await context.topo.tablets_of_shard(keyspace, shard)).items():
            try:
                found = _tables(await context.tablets.get_schema(tablet, exclude_tables=exclude))
            except ArmillaryError as error:
                problems.append(f"{alias}: {error}")
                continue
            problems += [
                f"{alias}: table {name} differs from that of {_alias(reference_tablet)}"
                for name in sorted(reference.keys() | found.keys())
                if reference.get(name) != found.get(name)
            ]
    for problem in problems:
        await context.console.error(problem)
    if problems:
        raise PreconditionError(f"schemas of {keyspace} differ: {'; '.join(problems)}")


def _tables(schema: tabletmanagerdata_pb2.SchemaDefinition) -> dict[str, str]:
    return {table.name: table.schema for table in schema.table_definitions}


_RELOAD_FLAGS = (
    Flag("concurrency", "accepted; all tablets are asked at once", 10),
    Flag("include_primary", "The master as well", True, ("include_master",)),
)

COMMANDS = (
    Command(
        "ApplySchema",
        "Schema",
        "<keyspace>",
        "Runs DDL on the master of every shard of a keyspace. The statements are checked on all\n"
        "shards first, as far as that goes without running them.",
        apply_schema,
        (
            Flag("sql", "Statements, separated by semicolons"),
            Flag("sql-file", "A file of them, where vtctld runs"),
            Flag("ddl-strategy", "direct is the only one supported", "direct"),
            Flag("allow_long_unavailability", "accepted without effect", False),
            Flag("wait_replicas_timeout", "accepted without effect", "", ("wait_slave_timeout",)),
            Flag("caller_id", "accepted without effect"),
        ),
        args_min=1,
        args_max=1,
    ),
    Command(
        "GetSchema",
        "Schema",
        "<tablet alias>",
        "Shows the tables of a tablet as JSON.",
        get_schema,
        (
            Flag("tables", "Only these", ()),
            Flag("exclude_tables", "Without these", ()),
            Flag("include-views", "Views as well", False),
            Flag("table_names_only", "Print names, one a line", False),
            Flag("table_sizes_only", "Only sizes and row counts", False),
            Flag("table_schema_only", "Only the CREATE statements", False),
            Flag("skip-fields", "accepted without effect", False),
        ),
        args_min=1,
        args_max=1,
    ),
    Command(
        "ReloadSchema", "Schema", "<tablet alias>", "Makes a tablet look at its tables again.",
        reload_schema, args_min=1, args_max=1,
    ),
    Command(
        "ReloadSchemaShard", "Schema", "<keyspace/shard>", "ReloadSchema on a shard's tablets.",
        reload_schema_shard, _RELOAD_FLAGS, args_min=1, args_max=1,
    ),
    Command(
        "ReloadSchemaKeyspace", "Schema", "<keyspace>", "ReloadSchema on a keyspace's tablets.",
        reload_schema_keyspace, _RELOAD_FLAGS, args_min=1, args_max=1,
    ),
    Command(
        "ValidateSchemaKeyspace",
        "Schema",
        "<keyspace>",
        "Checks that all tablets of a keyspace have the same tables.",
        validate_schema_keyspace,
        (
            Flag("exclude_tables", "Without these", ()),
            Flag("include-views", "accepted without effect", False),
        ),
        args_min=1,
        args_max=1,
    ),
)  # fmt: skip
