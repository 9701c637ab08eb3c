"""Commands on keyspaces: create (also snapshots), show, delete."""

from datetime import UTC, datetime

from armillary.base.clock import utc_now
from armillary.base.errors import (
    AlreadyExistsError,
    InputError,
    NotFoundError,
    PreconditionError,
)
from armillary.pb import topodata_pb2, vschema_pb2
from armillary.topo.convert import time_to_pb
from armillary.topo.names import require_keyspace_name
from armillary.vtctld.commands.shards import remove_shard
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import keyspace_json, rfc3339
from armillary.vtctld.registry import Call, Command, Flag

_SIDECAR = "_vt"
_DURABILITY_POLICIES = (
    "none",
    "semi_sync",
    "cross_cell",
    "semi_sync_with_rdonly_ack",
    "cross_cell_with_rdonly_ack",
)


async def create_keyspace(context: Context, call: Call) -> None:
    """Check everything, then create the record, its vschema, and tell vtgate."""
    keyspace = require_keyspace_name(call.args[0])
    if call.flag("sidecar-db-name") != _SIDECAR:
        raise InputError(
            f"-sidecar-db-name {call.flag('sidecar-db-name')!r}: it can only be {_SIDECAR} here"
        )
    record = topodata_pb2.Keyspace()
    vschema = vschema_pb2.Keyspace()
    if _parse_type(call.flag("keyspace_type")) == topodata_pb2.SNAPSHOT:
        record, vschema = await _snapshot(context, call)
    else:
        _refuse_snapshot_flags(call)
        policy = call.flag("durability-policy")
        if policy not in _DURABILITY_POLICIES:
            raise InputError(
                f"durability policy {policy!r}: wanted one of {', '.join(_DURABILITY_POLICIES)}"
            )
        record.durability_policy = "" if policy == "none" else policy
    try:
        await context.topo.create_keyspace(keyspace, record)
    except AlreadyExistsError:
        if not call.flag("force"):
            raise AlreadyExistsError(
                f"keyspace {keyspace} exists already (use -force to go on, or DeleteKeyspace)"
            ) from None
        await context.console.info(f"keyspace {keyspace} exists already (ignoring it, -force)")
    await _create_vschema(context, call, keyspace, record, vschema)
    await context.topo.rebuild_srv_vschema()


def _parse_type(text: str) -> topodata_pb2.KeyspaceType:
    names = {"": topodata_pb2.NORMAL, "NORMAL": topodata_pb2.NORMAL}
    names["SNAPSHOT"] = topodata_pb2.SNAPSHOT
    if text.upper() not in names:
        raise InputError(f"unknown keyspace type {text!r}: wanted NORMAL or SNAPSHOT")
    return names[text.upper()]


def _refuse_snapshot_flags(call: Call) -> None:
    for name in ("base_keyspace", "snapshot_time"):
        if call.flag(name):
            raise InputError(f"-{name} needs -keyspace_type=SNAPSHOT")


async def _snapshot(
    context: Context, call: Call
) -> tuple[topodata_pb2.Keyspace, vschema_pb2.Keyspace]:
    """Return the records of a snapshot keyspace: the base's vschema, reachable by name only."""
    base = call.flag("base_keyspace")
    if not base:
        raise InputError("-base_keyspace is required for a SNAPSHOT keyspace: whose backups?")
    if base == call.args[0]:
        raise InputError(f"-base_keyspace {base!r} is the keyspace itself: wanted another one")
    snapshot_at = _parse_snapshot_time(call.flag("snapshot_time"))
    if call.flag("durability-policy") != "none":
        raise InputError("-durability-policy cannot be set for a SNAPSHOT keyspace")
    try:
        base_record = (await context.topo.get_keyspace(base)).value
    except NotFoundError:
        names = ", ".join(await context.topo.list_keyspaces()) or "none"
        raise NotFoundError(f"Cannot find base_keyspace: {base} (keyspaces: {names})") from None
    if base_record.keyspace_type == topodata_pb2.SNAPSHOT:
        raise InputError(f"-base_keyspace {base!r} is a SNAPSHOT keyspace: it has no backups")
    record = topodata_pb2.Keyspace(
        keyspace_type=topodata_pb2.SNAPSHOT,
        base_keyspace=base,
        snapshot_time=time_to_pb(snapshot_at),
    )
    vschema = vschema_pb2.Keyspace()
    try:
        vschema.CopyFrom((await context.topo.get_vschema(base)).value)
    except NotFoundError:
        await context.console.info(f"keyspace {base} has no vschema: an unsharded one is used")
    # Without this the base's tables would be ambiguous for everybody who names no keyspace.
    vschema.require_explicit_routing = True
    return record, vschema


def _parse_snapshot_time(text: str) -> datetime:
    """Read an RFC 3339 time that is not in the future.

    Raises:
        InputError: absent, another form, without offset, or in the future.
    """
    if not text:
        raise InputError(
            "-snapshot_time is required for a SNAPSHOT keyspace, as in 2020-08-12T04:41:15+00:00"
        )
    instant: datetime | None = None
    try:
        found = datetime.fromisoformat(text)
        instant = found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):  # OverflowError: in UTC, before the year 1 or after 9999
        pass
    if instant is None or len(text) < len("2020-08-12T04:41:15Z"):
        raise InputError(
            f"-snapshot_time {text!r}: wanted RFC 3339 with an offset, as in "
            "2020-08-12T04:41:15+00:00 or 2020-08-12T04:41:15Z"
        )
    now = utc_now()
    if instant > now:
        raise InputError(
            f"-snapshot_time {text} ({rfc3339(instant)}) lies in the future: now is {rfc3339(now)}"
        )
    return instant


async def _create_vschema(
    context: Context,
    call: Call,
    keyspace: str,
    record: topodata_pb2.Keyspace,
    vschema: vschema_pb2.Keyspace,
) -> None:
    if record.keyspace_type == topodata_pb2.SNAPSHOT:
        await context.topo.put_vschema(keyspace, vschema)
    elif not call.flag("allow_empty_vschema"):
        await context.topo.ensure_vschema(keyspace)


async def delete_keyspace(context: Context, call: Call) -> None:
    """Delete a keyspace, with -recursive its shards and tablets too, and tell vtgate."""
    keyspace = call.args[0]
    await context.keyspace(keyspace)
    async with context.topo.lock_keyspace(keyspace, f"DeleteKeyspace({keyspace})") as lock:
        shards = await context.topo.list_shards(keyspace)
        if shards and not call.flag("recursive"):
            raise PreconditionError(
                f"keyspace {keyspace} still has {len(shards)} shards ({', '.join(shards)}); use "
                "-recursive or remove them manually"
            )
        for shard in shards:
            await context.console.info(f"deleting shard {keyspace}/{shard}")
            await lock.check()
            await remove_shard(context, keyspace, shard, recursive=True)
        for cell in await context.topo.list_cells():
            await context.topo.delete_srv_keyspace(cell, keyspace)
        await lock.check()
        await context.topo.delete_keyspace(keyspace)
    # Vitess forgets this, and its vtgate goes on listing the keyspace.
    await context.topo.rebuild_srv_vschema()


async def get_keyspace(context: Context, call: Call) -> None:
    await context.console.print(keyspace_json(await context.keyspace(call.args[0])))


async def get_keyspaces(context: Context, call: Call) -> None:
    for keyspace in await context.topo.list_keyspaces():
        await context.console.print(keyspace)


async def set_durability_policy(context: Context, call: Call) -> None:
    keyspace = call.args[0]
    await context.keyspace(keyspace)
    policy = call.flag("durability-policy")
    if policy not in _DURABILITY_POLICIES:
        raise InputError(
            f"durability policy {policy!r}: wanted one of {', '.join(_DURABILITY_POLICIES)}"
        )

    def change(record: topodata_pb2.Keyspace) -> None:
        record.durability_policy = policy

    async with context.topo.lock_keyspace(keyspace, "SetKeyspaceDurabilityPolicy") as lock:
        await lock.check()
        await context.topo.update_keyspace(keyspace, change)


COMMANDS = (
    Command(
        "CreateKeyspace",
        "Keyspaces",
        "<keyspace>",
        "Creates a keyspace. A SNAPSHOT keyspace takes its data from a backup of its base\n"
        "keyspace: each of its tablets that starts empty restores the newest backup that was\n"
        "started at or before the snapshot time.",
        create_keyspace,
        (
            Flag("force", "It is fine when the keyspace exists", False),
            Flag("allow_empty_vschema", "Do not create a blank vschema", False),
            Flag("keyspace_type", "NORMAL or SNAPSHOT", "NORMAL"),
            Flag("base_keyspace", "Whose backups a SNAPSHOT keyspace restores"),
            Flag("snapshot_time", "RFC 3339 time, as 2020-08-12T04:41:15+00:00"),
            Flag("durability-policy", f"one of {', '.join(_DURABILITY_POLICIES)}", "none"),
            Flag("sidecar-db-name", "Can only be _vt here", _SIDECAR),
        ),
        args_min=1,
        args_max=1,
    ),
    Command(
        "DeleteKeyspace",
        "Keyspaces",
        "<keyspace>",
        "Deletes a keyspace from the topology. It stops no process and deletes no data.",
        delete_keyspace,
        (Flag("recursive", "Delete its shards and their tablets' records as well", False),),
        args_min=1,
        args_max=1,
    ),
    Command(
        "GetKeyspace",
        "Keyspaces",
        "<keyspace>",
        "Shows a keyspace's record as JSON.",
        get_keyspace,
        args_min=1,
        args_max=1,
    ),
    Command("GetKeyspaces", "Keyspaces", "", "Lists all keyspaces.", get_keyspaces),
    Command(
        "SetKeyspaceDurabilityPolicy",
        "Keyspaces",
        "<keyspace>",
        "Sets how many replicas acknowledge a commit.",
        set_durability_policy,
        (Flag("durability-policy", f"one of {', '.join(_DURABILITY_POLICIES)}", "none"),),
        args_min=1,
        args_max=1,
    ),
)
