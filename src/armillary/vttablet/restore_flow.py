"""Fill a tablet from a backup: when it starts empty, and when somebody asks. I/O.

While data is missing the tablet's type is RESTORE and it is not ready; it never comes up empty in
place of a backup that was asked for. What to restore: the newest backup of the keyspace; for a
SNAPSHOT keyspace the newest of its base keyspace that started at or before its time.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio

from armillary.backup.engines.contract import Server
from armillary.backup.errors import NoBackupError
from armillary.backup.progress import OnProgress, Progress
from armillary.backup.restore import RestoreOutcome, RestoreRequest, plan_for, restore_backup
from armillary.backup.restore_memory import RestoreMemory
from armillary.backup.storage import BackupStorage
from armillary.base.errors import (
    ArmillaryError,
    InputError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from armillary.model.tablet import (
    CANNOT_RESTORE,
    RESTORE_DAMAGED_TAG,
    RESTORE_USED_TAG,
    TabletType,
)
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import Connection
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.vttablet.agent import Agent
from armillary.vttablet.origin import Origin, read_origin
from armillary.vttablet.plan import DataSeen, RestoreDecision, decide_restore, poll_delay_s

logger = logging.getLogger(__name__)

_TIME_FORMAT = "%Y-%m-%d.%H%M%S"
_BLOCKED_S = 5.0

WaitForMysqld = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose backups, and until when."""

    keyspace: str
    at: datetime | None
    origin: Origin  # what the keyspace's record asks for; `at` may be what a person asked for


async def restore_if_empty(agent: Agent, wait_for_mysqld: WaitForMysqld) -> bool:
    """Restore when this tablet has no data of its own; return whether it did.

    Tries until it works: a backup may still be made, storage may come back.
    """
    if not await _should_restore(agent, wait_for_mysqld):
        return False
    await agent.change_role(TabletType.RESTORE, reason="restoring")
    attempt = 0
    memory = RestoreMemory()

    def tell(progress: Progress) -> None:
        agent.explain("restoring")  # no more what an earlier attempt could not do
        logger.info("restoring", extra={"progress": str(progress)})

    while True:
        try:
            await _give_up_primaryship(agent)
            source = await choose_source(agent)
            outcome = await restore_now(agent, source, tell, memory=memory)
            await tell_outcome(agent, outcome)
            logger.info("restored", extra={"backup": outcome.raw_name})
            return True
        except (ArmillaryError, OSError) as error:
            reason = str(error) or type(error).__name__
            if isinstance(error, NoBackupError) and error.none_exist and _may_start_empty(agent):
                logger.info("no backup to restore; starting empty", extra={"reason": reason})
                await wait_for_mysqld()
                return False
            _explain(agent, f"{CANNOT_RESTORE}{reason}")
        await anyio.sleep(poll_delay_s(attempt, agent.settings.wait_for_backup_interval))
        attempt += 1


def _may_start_empty(agent: Agent) -> bool:
    """Only as Vitess has it: nobody told us to wait for a backup, and no snapshot is wanted.

    Asked only where no backup exists. One that is incomplete, damaged or unfit is a reason to wait.
    """
    waits = agent.settings.wait_for_backup_interval.total_seconds() > 0
    return not waits and not agent.flags.is_snapshot and not agent.dirs.restore_in_progress.exists()


def _explain(agent: Agent, reason: str) -> None:
    if agent.role.reason != reason:
        logger.warning("the tablet stays in RESTORE", extra={"reason": reason})
    agent.explain(reason)


async def _should_restore(agent: Agent, wait_for_mysqld: WaitForMysqld) -> bool:
    """Return whether to restore; for ever undecided while other data is in the way."""
    while True:
        decision = await _decide(agent, wait_for_mysqld)
        if not decision.is_blocked:
            break
        await agent.change_role(TabletType.RESTORE, reason=agent.role.reason)
        _explain(agent, f"{CANNOT_RESTORE}{decision.reason}")
        await anyio.sleep(_BLOCKED_S)
    logger.info("restore" if decision.restore else "no restore", extra={"reason": decision.reason})
    return decision.restore


async def _decide(agent: Agent, wait_for_mysqld: WaitForMysqld) -> RestoreDecision:
    unfinished = await anyio.Path(agent.dirs.restore_in_progress).exists()
    wanted = agent.settings.restore_from_backup and agent.storage is not None
    seen = DataSeen(restore_unfinished=unfinished, database_exists=False, table_count=0)
    if not unfinished:
        await wait_for_mysqld()  # while a restore is unfinished, mysqld may not run at all
        seen = await _look_at_data(agent)
    return decide_restore(
        seen,
        wanted=wanted,
        database=agent.identity.database,
        is_primary=agent.role.tablet_type == TabletType.PRIMARY,
        snapshot=await _wanted_snapshot(agent),
    )


async def _look_at_data(agent: Agent) -> DataSeen:
    async with await agent.dba() as connection:
        databases = await admin.list_databases(connection)
        return DataSeen(
            restore_unfinished=False,
            database_exists=agent.identity.database in databases,
            table_count=await admin.count_tables(connection, agent.identity.database),
            follows=await _follows(agent, connection),
            origin=await read_origin(agent.dirs),
        )


async def _wanted_snapshot(agent: Agent) -> Origin | None:
    """Return what a SNAPSHOT keyspace is to hold; None for another, and for one that is broken."""
    try:
        source = await choose_source(agent)
    except (NotFoundError, PreconditionError):
        return None
    return source.origin if agent.flags.is_snapshot else None


async def _follows(agent: Agent, connection: Connection) -> bool:
    """Whether this is a replica in order, of a shard that has a primary.

    Not in a snapshot: what a tablet of it did before is another keyspace's. And not where the
    primary is gone or replication has failed: only a backup helps then.
    """
    if agent.flags.is_snapshot:
        return False
    try:
        primary = convert.primary_alias_of(await agent.shard_record())
    except NotFoundError:
        return False
    if primary is None or primary == agent.identity.alias:
        return False
    status = await replication.replication_status(connection, agent.flavor)
    if status is None or not status.source_host or status.last_sql_error or status.last_io_error:
        return False
    return (await replication.executed_position(connection, agent.flavor)).gtids is not None


async def choose_source(agent: Agent, at: datetime | None = None) -> Source:
    """Say whose backups to restore, and until when.

    Raises:
        NotFoundError: the keyspace has no record.
        PreconditionError: a SNAPSHOT keyspace without a base keyspace.
    """
    keyspace = (await agent.topo.get_keyspace(agent.identity.keyspace)).value
    agent.flags.is_snapshot = keyspace.keyspace_type == topodata_pb2.SNAPSHOT
    asked = parse_backup_time(agent.settings.restore_from_backup_ts)
    if asked is None and convert.is_set(keyspace.snapshot_time):
        asked = convert.time_from_pb(keyspace.snapshot_time)
    base = keyspace.base_keyspace if agent.flags.is_snapshot else agent.identity.keyspace
    if not base:
        raise PreconditionError(f"snapshot keyspace {agent.identity.keyspace} has no base keyspace")
    return Source(keyspace=base, at=at or asked, origin=Origin(keyspace=base, at=asked))


def parse_backup_time(text: str) -> datetime | None:
    """Parse the time of a backup's name; None for empty text.

    Raises:
        InputError: another form.
    """
    if not text:
        return None
    try:
        return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"invalid backup time {text!r}: wanted YYYY-MM-DD.HHMMSS") from None


async def explain_restore(agent: Agent, source: Source) -> str:
    """Return which backup would be restored now, and why.

    Raises:
        NoBackupError: none would.
    """
    storage, request = _request(agent, source)
    plan = await plan_for(request, storage)
    if plan.none_because is not None:
        raise NoBackupError(f"nothing to restore of {source.keyspace}: {plan.explain()}")
    return f"{source.keyspace}/{agent.identity.shard}: {plan.explain()}"


async def restore_now(
    agent: Agent,
    source: Source,
    on_progress: OnProgress,
    *,
    fall_back: bool = True,
    memory: RestoreMemory | None = None,
) -> RestoreOutcome:
    """Replace this tablet's data by the backup that fits; mysqld runs on it afterwards.

    Args:
        fall_back: whether an older backup may take the place of a damaged one.
        memory: what earlier attempts found wrong.
    """
    storage, request = _request(agent, source)
    try:
        outcome = await restore_backup(
            replace(request, fall_back=fall_back),
            storage=storage,
            settings=agent.settings,
            on_progress=on_progress,
            memory=memory,
        )
    finally:
        agent.look_now()
    if outcome.raw_name == "":
        raise UnavailableError("the restore says nothing of what it restored")
    return outcome


def _request(agent: Agent, source: Source) -> tuple[BackupStorage, RestoreRequest]:
    if agent.storage is None:
        raise PreconditionError("this tablet has no backup storage")
    return agent.storage, RestoreRequest(
        keyspace=source.keyspace,
        shard=agent.identity.shard,
        server=Server(dirs=agent.dirs, params=agent.params(), control=agent.control),
        flavor=agent.flavor,
        at=source.at,
        database=agent.identity.database,
        origin=source.origin.encode(),
    )


async def tell_outcome(agent: Agent, outcome: RestoreOutcome) -> None:
    """Keep in the tablet's record that newer backups were damaged: the operator shows it."""
    if outcome.passed_over:
        logger.warning(
            "an older backup was restored: the newer ones that fitted are damaged",
            extra={"backup": outcome.raw_name, "damaged": ", ".join(outcome.passed_over)},
        )

    def change(tablet: topodata_pb2.Tablet) -> bool:
        before = dict(tablet.tags)
        for tag in (RESTORE_USED_TAG, RESTORE_DAMAGED_TAG):
            tablet.tags.pop(tag, None)
        if outcome.passed_over:
            tablet.tags[RESTORE_USED_TAG] = outcome.raw_name
            tablet.tags[RESTORE_DAMAGED_TAG] = ",".join(outcome.passed_over)
        return before != dict(tablet.tags)

    try:
        await agent.topo.update_tablet(agent.identity.alias, change)
    except ArmillaryError as error:
        # The log has it; a restore that worked is not undone for want of a tag.
        logger.warning("the outcome is not in the record", extra={"reason": str(error)})


async def _give_up_primaryship(agent: Agent) -> None:
    """See that the shard's record does not name this tablet, which has lost what it had.

    Before the restore: one that was killed right after it would come up as the primary, of data
    that others are ahead of. And somebody who has it all can be elected at once.
    """
    alias = convert.alias_to_pb(agent.identity.alias)

    def change(shard: topodata_pb2.Shard) -> bool:
        if shard.primary_alias != alias:
            return False
        shard.ClearField("primary_alias")
        return True

    try:
        await agent.topo.update_shard(agent.identity.keyspace, agent.identity.shard, change)
    except NotFoundError:
        return
