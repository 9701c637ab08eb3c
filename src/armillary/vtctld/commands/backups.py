"""Commands that back up and restore, and list and remove backups."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import anyio

from armillary.backup.storage.contract import BackupStorage
from armillary.base.clock import utc_now
from armillary.base.errors import (
    ArmillaryError,
    InputError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from armillary.model.backup_name import BackupName
from armillary.model.keyrange import parse_keyspace_shard
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import logutil_pb2
from armillary.rpc.tablet_client import Tablet
from armillary.topo.convert import alias_of, time_to_pb, type_of
from armillary.vtctld.context import Context
from armillary.vtctld.dialect import type_name
from armillary.vtctld.locations import look_everywhere
from armillary.vtctld.registry import Call, Command, Flag

if TYPE_CHECKING:
    from armillary.backup.catalog import BackupRecord

_STATUS_TIMEOUT_S = 10.0
_ANY_LOCATION = "*"
_INT32_MAX = 2**31 - 1
_BACKUP_TYPES = (TabletType.REPLICA, TabletType.RDONLY, TabletType.SPARE)


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is known of a tablet that might take a backup. `lag_s` is None when unknown."""

    alias: TabletAlias
    tablet_type: TabletType
    lag_s: int | None
    problem: str = ""


def choose_backup_tablet(
    tablets: Sequence[Fitness], *, allow_primary: bool
) -> tuple[TabletAlias | None, str]:
    """Return who takes the backup, and why; or None and why nobody can.

    The replica with the smallest lag takes it, of equals the first alias; a primary only when
    allowed and nobody else can. Source: Vitess BackupShard.
    """
    fit = [t for t in tablets if t.tablet_type in _BACKUP_TYPES and t.lag_s is not None]
    if fit:
        best = min(fit, key=lambda t: (t.lag_s, t.alias))
        return best.alias, f"{type_name(best.tablet_type)} with the least lag, {best.lag_s} s"
    primaries = [t for t in tablets if t.tablet_type is TabletType.PRIMARY and not t.problem]
    if primaries and allow_primary:
        return primaries[0].alias, "the master, as allowed: no replica can"
    reasons = [f"{t.alias} is {type_name(t.tablet_type)}{_why(t)}" for t in tablets]
    if primaries:
        reasons.append("-allow_master would let the master take it")
    return None, "; ".join(reasons) or "the shard has no tablets"


def _why(tablet: Fitness) -> str:
    return f" ({tablet.problem})" if tablet.problem else ""


async def backup_shard(context: Context, call: Call) -> None:
    keyspace, shard, _ = await context.shard(call.args[0])
    tablets = await context.topo.tablets_of_shard(keyspace, shard)
    fitness = await _observe(context, tablets)
    alias, reason = choose_backup_tablet(fitness, allow_primary=call.flag("allow_primary"))
    if alias is None:
        raise PreconditionError(f"no tablet available for backup of {keyspace}/{shard}: {reason}")
    await context.console.info(f"{alias} backs up {keyspace}/{shard}: {reason}")
    await _take(context, call, tablets[alias])


async def _observe(context: Context, tablets: Mapping[TabletAlias, Tablet]) -> list[Fitness]:
    found: dict[TabletAlias, Fitness] = {}

    async def ask(alias: TabletAlias, tablet: Tablet) -> None:
        tablet_type = type_of(tablet)
        try:
            if tablet_type is TabletType.PRIMARY:
                await context.tablets.ping(tablet, timeout_s=_STATUS_TIMEOUT_S)
                found[alias] = Fitness(alias, tablet_type, None)
                return
            status = await context.tablets.replication_status(tablet, timeout_s=_STATUS_TIMEOUT_S)
            lag_s = None if status.replication_lag_unknown else status.replication_lag_seconds
            problem = "its replication lag is unknown" if lag_s is None else ""
            found[alias] = Fitness(alias, tablet_type, lag_s, problem)
        except ArmillaryError as error:
            found[alias] = Fitness(alias, tablet_type, None, str(error))

    async with anyio.create_task_group() as tasks:
        for alias, tablet in tablets.items():
            tasks.start_soon(ask, alias, tablet)
    return [found[alias] for alias in sorted(found)]


async def backup(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    if type_of(tablet) is TabletType.PRIMARY and not call.flag("allow_primary"):
        raise PreconditionError(
            f"{alias_of(tablet)} is the master of {tablet.keyspace}/{tablet.shard}: it takes a "
            "backup only with -allow_master"
        )
    await _take(context, call, tablet)


async def _take(context: Context, call: Call, tablet: Tablet) -> None:
    if not 1 <= call.flag("concurrency") <= _INT32_MAX:
        raise InputError(f"-concurrency {call.flag('concurrency')}: wanted 1 to {_INT32_MAX}")
    asked_at = utc_now().replace(microsecond=0)
    events = context.tablets.backup(
        tablet,
        concurrency=call.flag("concurrency"),
        allow_primary=call.flag("allow_primary"),
        incremental_from_pos=call.flag("incremental_from_pos"),
        upgrade_safe=call.flag("upgrade-safe"),
        backup_engine=call.flag("backup-engine") or None,
        mysql_shutdown_timeout=call.flag("mysql-shutdown-timeout"),
    )
    await _forward(context, events)
    await _verify(context, tablet, asked_at)


async def _forward(context: Context, events: AsyncGenerator[logutil_pb2.Event, None]) -> None:
    async with aclosing(events):
        async for event in events:
            await context.console.forward(event)


async def _verify(context: Context, tablet: Tablet, asked_at: datetime) -> None:
    """Look with our own eyes whether storage lists what the tablet says it has stored."""
    if not context.locations:
        await context.console.info("vtctld has no backup storage: the backup was not looked up")
        return
    alias = alias_of(tablet)
    mine, problems = await _backups_since(context, tablet, asked_at)
    if problems and not (mine and mine[-1].is_complete):
        raise UnavailableError(
            f"{alias} reported success, but whether storage lists its backup is not known: "
            f"{'; '.join(problems)}"
        )
    if not mine:
        raise IntegrityError(
            f"{alias} reported success, but storage lists no backup of it since {asked_at}"
        )
    if not mine[-1].is_complete:
        raise IntegrityError(
            f"{alias} reported success, but backup {mine[-1].raw_name} is not complete: "
            f"{mine[-1].problem}"
        )
    await context.console.info(f"backup {mine[-1].raw_name} is listed and complete")


async def _backups_since(
    context: Context, tablet: Tablet, asked_at: datetime
) -> tuple[list["BackupRecord"], Sequence[str]]:
    """Return the tablet's backups since then, the best one last, and what could not be read.

    No other backup is looked into: there may be many, and one that cannot be read says nothing of
    this one.
    """
    from armillary.backup.catalog import read_records  # noqa: PLC0415  # heavy, seldom used

    directory = f"{tablet.keyspace}/{tablet.shard}"

    async def read(storage: BackupStorage) -> tuple["BackupRecord", ...]:
        raw_names = await storage.list_backups(directory)
        mine = [name for name in raw_names if _is_since(name, alias_of(tablet), asked_at)]
        return await read_records(storage, directory, mine)

    try:
        looked = await look_everywhere(context.locations, read)
    except ArmillaryError as error:  # of the only location there is
        return [], [str(error)]
    records = [record for _, found in looked.found for record in found]
    records.sort(key=lambda record: (record.is_complete, record.raw_name))
    return records, looked.problems


def _is_since(raw_name: str, alias: TabletAlias, asked_at: datetime) -> bool:
    try:
        name = BackupName.parse(raw_name)
    except InputError:
        return False
    # The clocks of two machines may differ by a little.
    return name.alias == alias and name.started_at >= asked_at - timedelta(seconds=60)


async def list_backups(context: Context, call: Call) -> None:
    keyspace, shard = parse_keyspace_shard(call.args[0])
    looked = await look_everywhere(
        context.locations, lambda storage: storage.list_backups(f"{keyspace}/{shard}")
    )
    names = {name for _, found in looked.found for name in found}
    if not names:
        await context.shard(call.args[0])  # a name mistyped is no shard without backups
    for name in sorted(names):
        await context.console.print(name)
    if looked.problems:
        raise UnavailableError(f"there may be more backups: {'; '.join(looked.problems)}")


async def remove_backup(context: Context, call: Call) -> None:
    """Remove it from the one location that has it; of several, only from the one that is named."""
    keyspace, shard = parse_keyspace_shard(call.args[0])
    directory, name = f"{keyspace}/{shard}", call.args[1]
    wanted = call.flag("location")
    locations = [one for one in context.locations if wanted in (_ANY_LOCATION, one.name)]
    if context.locations and not locations:
        known = ", ".join(repr(one.name) for one in context.locations)
        raise NotFoundError(f"backup location {wanted!r} doesn't exist; locations: {known}")
    looked = await look_everywhere(locations, lambda storage: storage.list_backups(directory))
    holders = [location for location, names in looked.found if name in names]
    if not holders:
        names = sorted({known for _, names in looked.found for known in names})
        unread = "".join(f"; not looked into: {problem}" for problem in looked.problems)
        raise NotFoundError(
            f"backup {name!r} of {directory} doesn't exist; backups: "
            f"{', '.join(names) or 'none'}{unread}"
        )
    if len(holders) > 1:
        raise PreconditionError(
            f"backup {name!r} of {directory} is in {' and in '.join(map(str, holders))}: say with "
            "-location which one to remove"
        )
    if looked.problems:
        raise PreconditionError(
            f"backup {name!r} of {directory} is in {holders[0]}, and may be in a location that "
            f"could not be looked into: say with -location which one to remove: "
            f"{'; '.join(looked.problems)}"
        )
    await look_everywhere(holders, lambda storage: storage.remove_backup(directory, name))


async def restore_from_backup(context: Context, call: Call) -> None:
    tablet = await context.tablet(call.args[0])
    if type_of(tablet) is TabletType.PRIMARY:
        raise PreconditionError(
            f"{alias_of(tablet)} is the master of {tablet.keyspace}/{tablet.shard}: a restore "
            "would replace what its replicas follow; reparent first"
        )
    for name in ("restore_to_pos", "restore_to_timestamp"):
        if call.flag(name):
            raise InputError(f"-{name} is not supported: a restore ends at a backup's own position")
    backup_time = None
    if call.flag("backup_timestamp"):
        backup_time = time_to_pb(_parse_backup_time(call.flag("backup_timestamp")))
    events = context.tablets.restore_from_backup(
        tablet, backup_time=backup_time, dry_run=call.flag("dry_run")
    )
    await _forward(context, events)


def _parse_backup_time(text: str) -> datetime:
    """Read `YYYY-MM-DD.HHMMSS`, or a whole backup name."""
    try:
        return BackupName.parse(f"{text}.cell-1").started_at
    except InputError:
        pass
    try:
        return BackupName.parse(text).started_at
    except InputError:
        raise InputError(
            f"-backup_timestamp {text!r}: wanted YYYY-MM-DD.HHMMSS, as in 2020-08-12.044109"
        ) from None


_TAKE_FLAGS = (
    Flag("concurrency", "Files that are handled at the same time", 4),
    Flag("allow_primary", "Let the master take it when no replica can", False, ("allow_master",)),
    Flag("incremental_from_pos", "Position or backup to start an incremental backup from"),
    Flag("upgrade-safe", "Make it fit for a newer MySQL", False),
    Flag("backup-engine", "builtin or xtrabackup; empty: the tablet's own"),
    Flag("mysql-shutdown-timeout", "How long MySQL may take to stop", timedelta(minutes=5)),
)

COMMANDS = (
    Command(
        "ListBackups", "Backups", "<keyspace/shard>", "Lists a shard's backups, oldest first.",
        list_backups, args_min=1, args_max=1,
    ),
    Command(
        "BackupShard", "Backups", "<keyspace/shard>",
        "Chooses the replica with the least lag and makes it take a backup.", backup_shard,
        _TAKE_FLAGS, args_min=1, args_max=1,
    ),
    Command(
        "Backup", "Backups", "<tablet alias>", "Makes a tablet take a backup.", backup,
        _TAKE_FLAGS, args_min=1, args_max=1,
    ),
    Command(
        "RemoveBackup", "Backups", "<keyspace/shard> <backup name>", "Removes a backup.",
        remove_backup,
        (Flag("location", "Backup location to remove it from; *: any that has it", _ANY_LOCATION),),
        args_min=2, args_max=2,
    ),
    Command(
        "RestoreFromBackup",
        "Backups",
        "<tablet alias>",
        "Replaces a tablet's data by a backup: the newest, or that of the time given.",
        restore_from_backup,
        (
            Flag("backup_timestamp", "Newest backup at or before this time, YYYY-MM-DD.HHMMSS"),
            Flag("restore_to_pos", "Position to end at"),
            Flag("restore_to_timestamp", "Time to end at"),
            Flag("dry_run", "Tell what would be restored, change nothing", False),
        ),
        args_min=1,
        args_max=1,
    ),
)  # fmt: skip
