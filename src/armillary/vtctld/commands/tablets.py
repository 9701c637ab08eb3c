"""Commands that list and show tablets, and delete their records."""

from collections.abc import Sequence
from datetime import datetime

from armillary.base.clock import utc_now
from armillary.base.errors import NotFoundError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.topo.convert import alias_of, primary_alias_of, primary_term_of, time_to_pb, type_of
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import tablet_json, tablet_line
from armillary.vtctld.registry import Call, Command, Flag

Tablet = topodata_pb2.Tablet


def newest_primaries_only(tablets: Sequence[Tablet]) -> list[Tablet]:
    """Return the tablets with each superseded primary shown as UNKNOWN.

    A tablet that was primary and is down still says so in its record; the newest term is right.
    """
    newest: dict[tuple[str, str], datetime] = {}
    for tablet in tablets:
        term = primary_term_of(tablet)
        if type_of(tablet) is TabletType.PRIMARY and term is not None:
            key = (tablet.keyspace, tablet.shard)
            newest[key] = max(newest.get(key, term), term)
    shown = []
    for tablet in tablets:
        superseded = type_of(tablet) is TabletType.PRIMARY and newest.get(
            (tablet.keyspace, tablet.shard), primary_term_of(tablet)
        ) != primary_term_of(tablet)
        copy = Tablet()
        copy.CopyFrom(tablet)
        if superseded:
            copy.type = topodata_pb2.UNKNOWN
        shown.append(copy)
    return shown


async def _print_tablets(context: Context, tablets: Sequence[Tablet]) -> None:
    for tablet in newest_primaries_only(tablets):
        await context.console.print(tablet_line(tablet))


async def list_all_tablets(context: Context, call: Call) -> None:
    cells: list[str] | None = None
    if call.args:
        cells = await _expand_cells(context, call.args[0].split(","))
    wanted_type = TabletType.parse(call.flag("tablet_type")) if call.flag("tablet_type") else None
    if call.flag("keyspace"):
        await context.keyspace(call.flag("keyspace"))
    tablets = [
        tablet
        for tablet in await context.topo.list_tablets(cells)
        if call.flag("keyspace") in ("", tablet.keyspace) and wanted_type in (None, type_of(tablet))
    ]
    await _print_tablets(context, tablets)


async def _expand_cells(context: Context, words: Sequence[str]) -> list[str]:
    """Return cell names for cells and cells aliases."""
    known = await context.topo.list_cells()
    aliases = await context.topo.get_cells_aliases()
    cells: list[str] = []
    for word in words:
        if word in aliases:
            cells += aliases[word].cells
        elif word in known:
            cells.append(word)
        else:
            raise NotFoundError(f"cell {word!r} doesn't exist; cells: {', '.join(known) or 'none'}")
    return cells


async def list_tablets(context: Context, call: Call) -> None:
    await _print_tablets(context, [await context.tablet(alias) for alias in call.args])


async def list_shard_tablets(context: Context, call: Call) -> None:
    keyspace, shard, _ = await context.shard(call.args[0])
    tablets = await context.topo.tablets_of_shard(keyspace, shard)
    await _print_tablets(context, list(tablets.values()))


async def get_tablet(context: Context, call: Call) -> None:
    await context.console.print(tablet_json(await context.tablet(call.args[0])))


async def delete_tablet(context: Context, call: Call) -> None:
    """Check all tablets first: a refusal deletes none."""
    tablets = [await context.tablet(alias) for alias in call.args]
    for tablet in tablets:
        if await _is_primary(context, tablet) and not call.flag("allow_primary"):
            raise PreconditionError(
                f"cannot delete tablet {alias_of(tablet)} as it is a master, pass -allow_master"
            )
    for tablet in tablets:
        await delete_one_tablet(context, tablet)


async def delete_one_tablet(context: Context, tablet: Tablet) -> None:
    """Delete a tablet's record; a shard whose primary it was has none afterwards."""
    alias = alias_of(tablet)
    if not await _is_primary(context, tablet):
        await context.topo.delete_tablet(alias)
        return
    async with context.topo.lock_shard(
        tablet.keyspace, tablet.shard, f"DeleteTablet({alias})"
    ) as lock:

        def clear(shard: topodata_pb2.Shard) -> bool:
            if primary_alias_of(shard) != alias:
                return False
            shard.ClearField("primary_alias")
            shard.primary_term_start_time.CopyFrom(time_to_pb(utc_now()))
            return True

        await lock.check()
        await context.topo.update_shard(tablet.keyspace, tablet.shard, clear)
        await context.topo.delete_tablet(alias)


async def _is_primary(context: Context, tablet: Tablet) -> bool:
    """By the shard's record, which is what counts; a stale PRIMARY record is not enough."""
    try:
        shard = (await context.topo.get_shard(tablet.keyspace, tablet.shard)).value
    except NotFoundError:
        return False
    alias: TabletAlias | None = primary_alias_of(shard)
    return alias == alias_of(tablet)


COMMANDS = (
    Command(
        "ListAllTablets",
        "Tablets",
        "[<cell1>,<cell2>,...]",
        "Lists all tablets, one a line: alias, keyspace, shard, type, address, MySQL address,"
        " tags, master term start.",
        list_all_tablets,
        (
            Flag("keyspace", "Only tablets of this keyspace"),
            Flag("tablet_type", "Only tablets of this type"),
        ),
        args_max=1,
    ),
    Command(
        "ListTablets",
        "Tablets",
        "<tablet alias> ...",
        "Lists the given tablets in the form of ListAllTablets.",
        list_tablets,
        args_min=1,
        args_max=None,
    ),
    Command(
        "ListShardTablets",
        "Tablets",
        "<keyspace/shard>",
        "Lists all tablets of a shard in the form of ListAllTablets.",
        list_shard_tablets,
        args_min=1,
        args_max=1,
    ),
    Command(
        "GetTablet",
        "Tablets",
        "<tablet alias>",
        "Shows a tablet's record as JSON.",
        get_tablet,
        args_min=1,
        args_max=1,
    ),
    Command(
        "DeleteTablet",
        "Tablets",
        "<tablet alias> ...",
        "Deletes tablets from the topology. It does not stop their processes.",
        delete_tablet,
        (Flag("allow_primary", "Delete it though it is the master", False, ("allow_master",)),),
        args_min=1,
        args_max=None,
    ),
)
