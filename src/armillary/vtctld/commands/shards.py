"""Commands on shards: create, show, delete, positions."""

from armillary.base.clock import utc_now
from armillary.base.errors import AlreadyExistsError, ArmillaryError, PreconditionError
from armillary.model.keyrange import parse_keyspace_shard
from armillary.model.tablet import TabletType
from armillary.pb import topodata_pb2
from armillary.topo.convert import primary_alias_of, type_of
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import message_json, shard_json, tablet_line
from armillary.vtctld.registry import Call, Command, Flag


async def create_shard(context: Context, call: Call) -> None:
    keyspace, shard = parse_keyspace_shard(call.args[0])
    if call.flag("parent"):
        try:
            await context.topo.create_keyspace(keyspace, topodata_pb2.Keyspace())
            await context.topo.ensure_vschema(keyspace)
        except AlreadyExistsError:
            pass
    await context.keyspace(keyspace)
    try:
        await context.topo.create_shard(keyspace, shard)
    except AlreadyExistsError as error:
        if not call.flag("force"):
            raise AlreadyExistsError(
                f"shard {keyspace}/{shard} exists already (use -force to go on, or DeleteShard)"
            ) from None
        await context.console.info(f"shard {keyspace}/{shard} exists already ({error})")


async def get_shard(context: Context, call: Call) -> None:
    _, _, shard = await context.shard(call.args[0])
    await context.console.print(shard_json(shard))


async def find_all_shards(context: Context, call: Call) -> None:
    await context.keyspace(call.args[0])
    shards = await context.topo.shards_of_keyspace(call.args[0])
    entries = [f'"{name}": {shard_json(stored.value)}' for name, stored in shards.items()]
    await context.console.print("{\n" + _indent(",\n".join(entries)) + "\n}" if entries else "{\n}")


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


async def delete_shard(context: Context, call: Call) -> None:
    """Look at all shards first: a refusal deletes nothing."""
    named = [await context.shard(path) for path in call.args]
    recursive = bool(call.flag("recursive"))
    for keyspace, shard, record in named:
        if not call.flag("even_if_serving") and await _serves(context, keyspace, shard, record):
            raise PreconditionError(
                f"shard {keyspace}/{shard} is still serving, cannot delete it, use "
                "-even_if_serving to force"
            )
        await require_deletable(context, keyspace, shard, recursive=recursive)
    for keyspace, shard, _ in named:
        await remove_shard(context, keyspace, shard, recursive=recursive)


async def _serves(context: Context, keyspace: str, shard: str, record: topodata_pb2.Shard) -> bool:
    if not record.is_primary_serving:
        return False
    for cell in await context.topo.list_cells():
        if keyspace not in await context.topo.list_srv_keyspaces(cell):
            continue
        graph = (await context.topo.get_srv_keyspace(cell, keyspace)).value
        if any(
            reference.name == shard
            for partition in graph.partitions
            for reference in partition.shard_references
        ):
            return True
    return False


async def require_deletable(
    context: Context, keyspace: str, shard: str, *, recursive: bool
) -> None:
    """Raises PreconditionError when the shard has tablets and they are not to go with it."""
    tablets = await context.topo.tablets_of_shard(keyspace, shard, strict=True)
    if tablets and not recursive:
        aliases = ", ".join(str(alias) for alias in tablets)
        raise PreconditionError(
            f"shard {keyspace}/{shard} still has {len(tablets)} tablets ({aliases}); use "
            "-recursive or remove them manually"
        )


async def remove_shard(context: Context, keyspace: str, shard: str, *, recursive: bool) -> None:
    """Delete a shard: its tablets' records, its lists in the cells, then its own record.

    Again: what is gone is skipped, so an interrupted run can be repeated.
    """
    async with context.topo.lock_shard(keyspace, shard, f"DeleteShard({keyspace}/{shard})") as lock:
        await require_deletable(context, keyspace, shard, recursive=recursive)
        for alias in await context.topo.tablets_of_shard(keyspace, shard, strict=True):
            await context.console.info(f"deleting tablet {alias}")
            await lock.check()
            await context.topo.delete_tablet(alias)
        for cell in await context.topo.list_cells():
            await lock.check()
            await context.topo.delete_shard_replication(cell, keyspace, shard)
        await lock.check()
        await context.topo.delete_shard(keyspace, shard)


async def get_shard_replication(context: Context, call: Call) -> None:
    cell = call.args[0]
    keyspace, shard, _ = await context.shard(call.args[1])
    stored = await context.topo.get_shard_replication(cell, keyspace, shard)
    await context.console.print(message_json(stored.value))


async def shard_replication_positions(context: Context, call: Call) -> None:
    keyspace, shard, record = await context.shard(call.args[0])
    if primary_alias_of(record) is None:
        raise PreconditionError(f"no master in shard record {keyspace}/{shard}")
    tablets = await context.topo.tablets_of_shard(keyspace, shard)
    for tablet in sorted(tablets.values(), key=lambda t: type_of(t) is not TabletType.PRIMARY):
        try:
            if type_of(tablet) is TabletType.PRIMARY:
                position, lag_s = await context.tablets.primary_position(tablet), "0"
            else:
                status = await context.tablets.replication_status(tablet)
                position, lag_s = status.position, str(status.replication_lag_seconds)
        except ArmillaryError as error:
            await context.console.warning(f"{tablet_line(tablet)}: {error}")
            position, lag_s = "<err>", "<err> <err>"
        await context.console.print(f"{tablet_line(tablet)} {position} {lag_s}")


async def set_shard_is_primary_serving(context: Context, call: Call) -> None:
    keyspace, shard, _ = await context.shard(call.args[0])
    words = {"true": True, "false": False}
    if call.args[1] not in words:
        raise PreconditionError(f"wanted true or false, found {call.args[1]!r}")

    def change(record: topodata_pb2.Shard) -> None:
        record.is_primary_serving = words[call.args[1]]

    async with context.topo.lock_shard(keyspace, shard, "SetShardIsMasterServing") as lock:
        await lock.check()
        await context.topo.update_shard(keyspace, shard, change)


async def tablet_externally_reparented(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    shard = (await context.topo.get_shard(tablet.keyspace, tablet.shard)).value
    if (
        primary_alias_of(shard) == primary_alias_of(topodata_pb2.Shard(primary_alias=tablet.alias))
        and type_of(tablet) is TabletType.PRIMARY
    ):
        await context.console.info(f"{call.args[0]} is the master already")
        return
    await context.tablets.change_type(tablet, TabletType.PRIMARY)
    await context.console.info(f"{call.args[0]} is the master since {utc_now().isoformat()}")


COMMANDS = (
    Command(
        "CreateShard",
        "Shards",
        "<keyspace/shard>",
        "Creates a shard.",
        create_shard,
        (
            Flag("force", "It is fine when the shard exists", False),
            Flag("parent", "Create the keyspace as well when it is missing", False),
        ),
        args_min=1,
        args_max=1,
    ),
    Command(
        "GetShard",
        "Shards",
        "<keyspace/shard>",
        "Shows a shard's record as JSON.",
        get_shard,
        args_min=1,
        args_max=1,
    ),
    Command(
        "DeleteShard",
        "Shards",
        "<keyspace/shard> ...",
        "Deletes shards from the topology.",
        delete_shard,
        (
            Flag("recursive", "Delete the records of their tablets as well", False),
            Flag("even_if_serving", "Though vtgate still sends queries there", False),
        ),
        args_min=1,
        args_max=None,
    ),
    Command(
        "GetShardReplication",
        "Shards",
        "<cell> <keyspace/shard>",
        "Shows which tablets of a cell belong to a shard.",
        get_shard_replication,
        args_min=2,
        args_max=2,
    ),
    Command(
        "ShardReplicationPositions",
        "Shards",
        "<keyspace/shard>",
        "Shows the replication position of each tablet, the master first.",
        shard_replication_positions,
        args_min=1,
        args_max=1,
    ),
    Command(
        "FindAllShardsInKeyspace",
        "Shards",
        "<keyspace>",
        "Shows all shards of a keyspace as JSON.",
        find_all_shards,
        args_min=1,
        args_max=1,
    ),
    Command(
        "SetShardIsMasterServing",
        "Shards",
        "<keyspace/shard> <true/false>",
        "Sets whether a shard serves.",
        set_shard_is_primary_serving,
        args_min=2,
        args_max=2,
        aliases=("SetShardIsPrimaryServing",),
    ),
    Command(
        "TabletExternallyReparented",
        "Shards",
        "<tablet alias>",
        "Tells the topology that a tool of yours has made this tablet the master.",
        tablet_externally_reparented,
        args_min=1,
        args_max=1,
    ),
)
