"""Commands that decide who is primary."""

from datetime import timedelta

from armillary.base.errors import InputError, PreconditionError
from armillary.model.keyrange import parse_keyspace_shard
from armillary.model.tablet import TabletAlias
from armillary.topo.convert import alias_to_pb, primary_alias_of
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Call, Command, Flag
from armillary.vtctld.reparent.emergency import emergency_reparent
from armillary.vtctld.reparent.emergency_plan import EmergencyRequest
from armillary.vtctld.reparent.initial import init_shard_primary
from armillary.vtctld.reparent.observe import acknowledges_now
from armillary.vtctld.reparent.planned import planned_reparent
from armillary.vtctld.reparent.planned_plan import PlannedRequest


async def planned_reparent_shard(context: Context, call: Call) -> None:
    keyspace, shard, new_primary = await _target(context, call)
    primary = await planned_reparent(
        context.topo,
        context.tablets,
        keyspace,
        shard,
        PlannedRequest(
            new_primary=new_primary,
            avoid=_alias(call.flag("avoid_tablet")),
            expected_primary=_alias(call.flag("expected_primary")),
            lag_s_max=int(call.flag("tolerable-replication-lag").total_seconds()),
            allow_cross_cell=call.flag("allow-cross-cell-promotion"),
        ),
        report=context.console.info,
        wait_replicas_s=call.flag("wait_replicas_timeout").total_seconds(),
    )
    await context.console.info(f"the master of {keyspace}/{shard} is {primary}")


async def emergency_reparent_shard(context: Context, call: Call) -> None:
    keyspace, shard, new_primary = await _target(context, call)
    ignored = (TabletAlias.parse(word) for word in call.flag("ignore_replicas"))
    primary = await emergency_reparent(
        context.topo,
        context.tablets,
        keyspace,
        shard,
        EmergencyRequest(
            new_primary=new_primary,
            ignore=frozenset(ignored),
            expected_primary=_alias(call.flag("expected_primary")),
            prevent_cross_cell=call.flag("prevent_cross_cell_promotion"),
            wait_for_all=call.flag("wait_for_all_tablets"),
        ),
        report=context.console.info,
        wait_replicas_s=call.flag("wait_replicas_timeout").total_seconds(),
    )
    await context.console.info(f"the master of {keyspace}/{shard} is {primary}")


async def init_shard_master(context: Context, call: Call) -> None:
    _require_active(context)
    keyspace, shard, _ = await context.shard(call.args[0])
    await init_shard_primary(
        context.topo,
        context.tablets,
        keyspace,
        shard,
        TabletAlias.parse(call.args[1]),
        force=call.flag("force"),
        report=context.console.info,
        wait_replicas_s=call.flag("wait_replicas_timeout").total_seconds(),
    )


async def reparent_tablet(context: Context, call: Call) -> None:
    """Point one tablet at its shard's primary."""
    _require_active(context)
    tablet = await context.tablet(call.args[0])
    shard = (await context.topo.get_shard(tablet.keyspace, tablet.shard)).value
    primary = primary_alias_of(shard)
    if primary is None:
        raise PreconditionError(f"shard {tablet.keyspace}/{tablet.shard} has no master")
    if primary == TabletAlias.parse(call.args[0]):
        raise PreconditionError(f"{primary} is the master itself")
    await context.tablets.set_replication_source(
        tablet,
        alias_to_pb(primary),
        force_start=True,
        semi_sync=await acknowledges_now(context.topo, tablet),
    )


def _require_active(context: Context) -> None:
    if context.settings.disable_active_reparents:
        raise PreconditionError("active reparents are disabled (--disable_active_reparents)")


async def _target(context: Context, call: Call) -> tuple[str, str, TabletAlias | None]:
    """Read shard and new primary, from flags or in the old form `<keyspace/shard> <alias>`.

    Raises:
        InputError: neither form, or both.
    """
    _require_active(context)
    path, new_primary = call.flag("keyspace_shard"), call.flag("new_primary")
    if call.args and path:
        raise InputError("wanted flags or arguments, found both")
    if not call.args and not path:
        raise InputError("-keyspace_shard=<keyspace/shard> is required")
    if call.args:
        path, new_primary = call.args[0], (call.args[1] if len(call.args) > 1 else new_primary)
    parse_keyspace_shard(path)
    alias = _alias(new_primary)
    keyspace, shard, _ = await context.shard(path)
    return keyspace, shard, alias


def _alias(text: str) -> TabletAlias | None:
    return TabletAlias.parse(text) if text else None


_WAIT = Flag(
    "wait_replicas_timeout",
    "How long replicas may take to catch up and to follow",
    timedelta(seconds=15),
    ("wait_slave_timeout",),
)
_SHARD = Flag("keyspace_shard", "The shard, as main/-80")
_NEW = Flag("new_primary", "The tablet to promote; empty chooses one", "", ("new_master",))
_EXPECTED = Flag("expected_primary", "Refuse when another one is master", "", ("expected_master",))

COMMANDS = (
    Command(
        "PlannedReparentShard",
        "Reparenting",
        "[<keyspace/shard> [<tablet alias>]]",
        "Moves a shard's master to another tablet without losing a write. All tablets of the\n"
        "shard must answer. With -new_master naming the master itself it repairs its replicas.",
        planned_reparent_shard,
        (
            _SHARD,
            _NEW,
            Flag("avoid_tablet", "Move the master off this tablet", "", ("avoid_master",)),
            _WAIT,
            _EXPECTED,
            Flag("tolerable-replication-lag", "Choose nobody with more lag", timedelta(0)),
            Flag("allow-cross-cell-promotion", "Choose in other cells as well", True),
        ),
        args_max=2,
    ),
    Command(
        "EmergencyReparentShard",
        "Reparenting",
        "[<keyspace/shard> [<tablet alias>]]",
        "Promotes the most advanced replica of a shard whose master is lost.",
        emergency_reparent_shard,
        (
            _SHARD,
            _NEW,
            Flag("ignore_replicas", "Tablets that are lost for good, comma separated", ()),
            _WAIT,
            _EXPECTED,
            Flag("prevent_cross_cell_promotion", "Stay in the old master's cell", False),
            Flag("wait_for_all_tablets", "Go on only when every tablet answers", False),
        ),
        args_max=2,
    ),
    Command(
        "InitShardMaster",
        "Reparenting",
        "<keyspace/shard> <tablet alias>",
        "Starts a new shard with this tablet as its master. All tablets forget their history.",
        init_shard_master,
        (Flag("force", "Though the shard has or had a master", False), _WAIT),
        args_min=2,
        args_max=2,
        aliases=("InitShardPrimary",),
    ),
    Command(
        "ReparentTablet",
        "Reparenting",
        "<tablet alias>",
        "Points a tablet at its shard's master.",
        reparent_tablet,
        args_min=1,
        args_max=1,
    ),
)
