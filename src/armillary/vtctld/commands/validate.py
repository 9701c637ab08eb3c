"""Commands that look for contradictions in the topology."""

from armillary.base.errors import ArmillaryError, NotFoundError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.topo.convert import alias_of, primary_alias_of, primary_term_of, type_of
from armillary.topo.serving_graph import build_srv_keyspace
from armillary.vtctld.commands.tablets import newest_primaries_only
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Call, Command, Flag

Tablet = topodata_pb2.Tablet


def shard_problems(
    path: str, shard: topodata_pb2.Shard, tablets: dict[TabletAlias, Tablet]
) -> list[str]:
    """Return what does not fit together in a shard's records. Pure."""
    problems: list[str] = []
    by_record = primary_alias_of(shard)
    primaries = [
        alias_of(tablet)
        for tablet in newest_primaries_only(list(tablets.values()))
        if type_of(tablet) is TabletType.PRIMARY
    ]
    if by_record is None and not primaries:
        problems.append(f"no master for shard {path}")
    if by_record is not None and by_record not in tablets:
        problems.append(f"master {by_record} of shard {path} has no tablet record")
    for alias in primaries:
        if by_record is not None and alias != by_record:
            problems.append(
                f"master mismatch for shard {path}: found {alias}, expected {by_record}"
            )
    if by_record in tablets and by_record not in primaries:
        found = type_of(tablets[by_record]).name.lower()
        problems.append(f"master {by_record} of shard {path} has tablet type {found}")
    for alias in primaries:
        if primary_term_of(tablets[alias]) is None:
            problems.append(f"master {alias} of shard {path} has no term start time")
    return problems


async def validate(context: Context, call: Call) -> None:
    problems: list[str] = []
    for keyspace in await context.topo.list_keyspaces():
        problems += await _keyspace_problems(context, keyspace, ping=call.flag("ping-tablets"))
    await _report(context, problems)


async def validate_keyspace(context: Context, call: Call) -> None:
    await context.keyspace(call.args[0])
    problems = await _keyspace_problems(context, call.args[0], ping=call.flag("ping-tablets"))
    await _report(context, problems)


async def validate_shard(context: Context, call: Call) -> None:
    keyspace, shard, _ = await context.shard(call.args[0])
    await _report(
        context, await _shard_problems(context, keyspace, shard, ping=call.flag("ping-tablets"))
    )


async def _report(context: Context, problems: list[str]) -> None:
    for problem in problems:
        await context.console.error(problem)
    if problems:
        raise PreconditionError(f"validation found {len(problems)} problems: {'; '.join(problems)}")


async def _keyspace_problems(context: Context, keyspace: str, *, ping: bool) -> list[str]:
    record = (await context.topo.get_keyspace(keyspace)).value
    shards = await context.topo.shards_of_keyspace(keyspace)
    problems: list[str] = []
    if not shards:
        return [f"no shards in keyspace {keyspace}"]
    try:
        build_srv_keyspace(keyspace, record, {name: s.value for name, s in shards.items()})
    except PreconditionError as error:
        problems.append(str(error))
    for shard in shards:
        problems += await _shard_problems(context, keyspace, shard, ping=ping)
    return problems


async def _shard_problems(context: Context, keyspace: str, shard: str, *, ping: bool) -> list[str]:
    record = (await context.topo.get_shard(keyspace, shard)).value
    tablets = await context.topo.tablets_of_shard(keyspace, shard)
    problems = shard_problems(f"{keyspace}/{shard}", record, tablets)
    for cell in await context.topo.list_cells():
        problems += await _replication_list_problems(context, cell, keyspace, shard, tablets)
    for alias, tablet in tablets.items() if ping else ():
        try:
            await context.tablets.ping(tablet)
        except ArmillaryError as error:
            problems.append(f"Ping({alias}) failed: {error}")
    return problems


async def _replication_list_problems(
    context: Context, cell: str, keyspace: str, shard: str, tablets: dict[TabletAlias, Tablet]
) -> list[str]:
    try:
        stored = await context.topo.get_shard_replication(cell, keyspace, shard)
        listed = {TabletAlias(n.tablet_alias.cell, n.tablet_alias.uid) for n in stored.value.nodes}
    except NotFoundError:
        listed = set()
    expected = {alias for alias in tablets if alias.cell == cell}
    return [
        f"tablet {alias} of shard {keyspace}/{shard} "
        + ("is listed but has no record" if alias in listed else "is missing in its cell's list")
        for alias in sorted(listed ^ expected)
    ]


def _ping_flag(default: bool) -> tuple[Flag, ...]:
    return (Flag("ping-tablets", "Ping every tablet as well", default),)


COMMANDS = (
    Command("Validate", "Checks", "", "Checks the records of all keyspaces.", validate,
            _ping_flag(False)),
    Command("ValidateKeyspace", "Checks", "<keyspace>", "Checks the records of a keyspace.",
            validate_keyspace, _ping_flag(False), args_min=1, args_max=1),
    Command("ValidateShard", "Checks", "<keyspace/shard>", "Checks the records of a shard.",
            validate_shard, _ping_flag(True), args_min=1, args_max=1),
)  # fmt: skip
