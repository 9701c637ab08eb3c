"""vtbackup: make one backup of a shard without touching its tablets, prune, and end. I/O.

It runs its own mysqld. Its tablet is imaginary: cell `vtbackup`, random uid.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import anyio
from anyio.abc import TaskStatus

from armillary.backup.catalog import read_catalog
from armillary.backup.engines.choose import engine_named
from armillary.backup.progress import Progress
from armillary.backup.prune import prune_backups
from armillary.backup.restore import RestoreRequest, restore_backup
from armillary.backup.retention import RetentionPolicy
from armillary.backup.storage import BackupStorage, open_storage
from armillary.backup.take import TakeRequest, take_backup
from armillary.base.clock import utc_now
from armillary.base.errors import DeadlineError, InputError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld.process import MysqldProcess
from armillary.rpc.static_users import load_client_credentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.backup import with_environment
from armillary.settings.program import FAILED, read_flags, run_program, until_signal
from armillary.settings.vtbackup import VTBACKUP_WITHOUT_EFFECT, VtbackupSettings
from armillary.topo.server import TopoServer
from armillary.vtbackup.catch_up import PrimaryPositions, catch_up
from armillary.vtbackup.initial import make_empty_shard
from armillary.vtbackup.plan import Action, MakeInitial, MakeUpdate, Refuse, Skip, Wish, plan_run
from armillary.vtbackup.server import server_of, temporary_mysqld

logger = logging.getLogger(__name__)

IMAGINARY_CELL = "vtbackup"
# No write to storage is idle for this long; what a killed writer left may go then.
LEFTOVER_AGE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class World:
    """What a run talks to."""

    storage: BackupStorage
    topo: TopoServer
    tablets: PrimaryPositions


def main() -> None:
    """Exit with 0 if everything was done or nothing was to do, 1 if not, 2 for wrong flags."""
    settings = read_flags(
        VtbackupSettings, program="vtbackup", accepted_without_effect=VTBACKUP_WITHOUT_EFFECT
    )
    run_program(
        "vtbackup",
        lambda: until_signal(lambda: run_once(settings, os.environ), code_when_asked=FAILED),
    )


async def run(
    settings: VtbackupSettings,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Do one run with the environment of this process. Raises: ArmillaryError, and why."""
    task_status.started()
    await run_once(settings, os.environ)


async def run_once(settings: VtbackupSettings, environ: Mapping[str, str]) -> None:
    """Make the backup that is due, then remove those that have had their time.

    Raises:
        ArmillaryError: not everything was done. A backup that fell short of its goal is kept all
            the same.
    """
    settings = with_environment(settings, environ)
    if settings.min_retention_count < 1:
        raise InputError(f"min_retention_count is {settings.min_retention_count}: wanted 1 or more")
    with anyio.move_on_after(settings.timeout.total_seconds()) as scope:
        creds = settings.grpc_auth_static_client_creds
        async with (
            open_storage(settings) as storage,
            TopoServer.open(settings) as topo,
            TabletManagerClient(load_client_credentials(creds) if creds else None) as tablets,
        ):
            await back_up_and_prune(settings, environ, World(storage, topo, tablets))
        return
    if scope.cancelled_caught:
        raise DeadlineError(f"not done within {settings.timeout}")


async def back_up_and_prune(
    settings: VtbackupSettings, environ: Mapping[str, str], world: World
) -> None:
    """`run_once` with everything outside already open. Raises: as there."""
    damaged = await _back_up(settings, environ, world)
    policy = RetentionPolicy(
        min_retention_time=settings.min_retention_time,
        min_retention_count=settings.min_retention_count,
    )
    await prune_backups(
        world.storage, settings.init_keyspace, settings.init_shard, policy, damaged=damaged
    )
    await world.storage.sweep_leftovers(older_than_s=LEFTOVER_AGE_S)


async def _back_up(
    settings: VtbackupSettings,
    environ: Mapping[str, str],
    world: World,
) -> tuple[str, ...]:
    """Make the backup that is due; return those that were found to be damaged on the way."""
    action = await _decide(settings, world)
    shard = f"{settings.init_keyspace}/{settings.init_shard}"
    logger.info("decided", extra={"shard": shard, "action": action})
    match action:
        case Skip():
            return ()
        case Refuse(reason):
            raise PreconditionError(f"no backup of {shard} was made: {reason}")
        case MakeInitial():
            async with temporary_mysqld(settings, environ) as process:
                await _make_initial(settings, world, process)
                return ()
        case MakeUpdate():
            async with temporary_mysqld(settings, environ) as process:
                return await _make_update(settings, world, process)


async def _decide(settings: VtbackupSettings, world: World) -> Action:
    keyspace, shard = settings.init_keyspace, settings.init_shard
    tablets = (
        await world.topo.tablets_of_shard(keyspace, shard, strict=True)
        if settings.initial_backup
        else {}
    )
    return plan_run(
        Wish(
            initial_backup=settings.initial_backup,
            min_backup_interval=settings.min_backup_interval,
        ),
        await read_catalog(world.storage, keyspace, shard),
        [alias for alias, tablet in tablets.items() if TabletType(tablet.type).is_serving],
        now=utc_now(),
    )


async def _make_initial(settings: VtbackupSettings, world: World, process: MysqldProcess) -> None:
    await make_empty_shard(process, _database(settings))
    # Time has passed: a tablet may have begun to serve, or another run may have been faster.
    action = await _decide(settings, world)
    match action:
        case MakeInitial():
            await take_backup(
                _take_request(settings, process),
                engine=engine_named(settings.backup_engine_implementation, settings),
                storage=world.storage,
                settings=settings,
                on_progress=_log_progress,
            )
        case Refuse(reason):
            raise PreconditionError(reason)
        case _:
            logger.info("nothing to do any more", extra={"action": action})


async def _make_update(
    settings: VtbackupSettings, world: World, process: MysqldProcess
) -> tuple[str, ...]:
    """Return the backups that were passed over because they are damaged."""
    restored = await restore_backup(
        RestoreRequest(
            keyspace=settings.init_keyspace,
            shard=settings.init_shard,
            server=server_of(process),
            flavor=process.flavor,
        ),
        storage=world.storage,
        settings=settings,
        on_progress=_log_progress,
    )
    caught_up = await catch_up(
        process,
        topo=world.topo,
        tablets=world.tablets,
        keyspace=settings.init_keyspace,
        shard=settings.init_shard,
        timeout_s=settings.replication_timeout.total_seconds(),
    )
    if settings.restart_before_backup:
        await process.shutdown()
        await process.start()
    await take_backup(
        _take_request(settings, process, caught_up.goal_at),
        engine=engine_named(settings.backup_engine_implementation, settings),
        storage=world.storage,
        settings=settings,
        on_progress=_log_progress,
    )
    if not caught_up.is_reached:
        raise PreconditionError(
            f"the backup is kept, but it is short of its goal: wanted {caught_up.goal}, "
            f"reached {caught_up.position}"
        )
    return restored.passed_over


def _take_request(
    settings: VtbackupSettings, process: MysqldProcess, goal_at: datetime | None = None
) -> TakeRequest:
    return TakeRequest(
        keyspace=settings.init_keyspace,
        shard=settings.init_shard,
        alias=TabletAlias(IMAGINARY_CELL, process.spec.tablet.uid),
        server=server_of(process),
        backup_time=goal_at.replace(microsecond=0) if goal_at else None,
    )


def _database(settings: VtbackupSettings) -> str:
    return settings.init_db_name_override or f"vt_{settings.init_keyspace}"


def _log_progress(progress: Progress) -> None:
    logger.info("progress", extra={"progress": str(progress)})


if __name__ == "__main__":
    main()
