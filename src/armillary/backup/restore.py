"""Bring a backup back into a tablet's directory and start the server on it. I/O.

The backup is fetched, checked and prepared beside the server's data; only then is that data given
up. From that instant until the position is set a sentinel file stands in the tablet's directory:
whoever finds it starts the restore anew, because what is there must not be used. Where the disk has
no room for both, the old data goes first, under the same sentinel.
"""

import logging
import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import anyio
from anyio import to_thread

from armillary.backup.catalog import BackupRecord, read_catalog, read_record, shard_directory
from armillary.backup.content import BackupReader, worker_limiter
from armillary.backup.engines.choose import engine_named
from armillary.backup.engines.contract import Engine, Server
from armillary.backup.errors import (
    DamagedBackupError,
    NoBackupError,
    RestoreMismatchError,
    os_error_text,
)
from armillary.backup.leftovers import STAGING_NAME
from armillary.backup.manifest import Manifest
from armillary.backup.progress import Meter, OnProgress, ignore_progress
from armillary.backup.restore_memory import RestoreMemory
from armillary.backup.restore_plan import (
    NoBackupReason,
    RestorePlan,
    RestoreWish,
    is_of_older_series,
    plan_restore,
)
from armillary.backup.storage.contract import MANIFEST_FILE, BackupStorage
from armillary.backup.verify import verify_backup
from armillary.base.clock import utc_now
from armillary.base.errors import (
    ArmillaryError,
    IntegrityError,
    InvariantError,
    UnavailableError,
    UnsupportedError,
)
from armillary.model.gtid import Position
from armillary.mysqld import replication
from armillary.mysqld.bootstrap import empty_server_dirs
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.layout import TabletDir
from armillary.settings.backup import BackupFlags

logger = logging.getLogger(__name__)

# Unpacking and preparing needs a bit more than the raw bytes: undo logs, a redo log.
SPACE_FACTOR = 1.2
SPACE_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What to restore, and where to."""

    keyspace: str  # whose backups; the base keyspace when the tablet's own is a SNAPSHOT
    shard: str
    server: Server
    flavor: Flavor
    at: datetime | None = None  # newest backup that started at or before; None: the newest
    # A damaged choice makes room for the next older one, which the outcome then tells. Off where a
    # person asks for a time and waits for the answer (ADR 17).
    fall_back: bool = True
    database: str = ""  # must be in the backup; "" if it does not matter
    origin: str = ""  # a text to keep beside the restored data; "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOutcome:
    raw_name: str
    manifest: Manifest
    position: Position  # what the server now says it has executed
    passed_over: tuple[str, ...] = ()  # newer backups that fitted, and were damaged


async def restore_backup(
    request: RestoreRequest,
    *,
    storage: BackupStorage,
    settings: BackupFlags,
    on_progress: OnProgress = ignore_progress,
    memory: RestoreMemory | None = None,
) -> RestoreOutcome:
    """Restore the backup that fits `request`; mysqld runs on it when this returns.

    The position is set and has been read back. Replication is not touched beyond being reset.

    Args:
        memory: what earlier calls found wrong; they are not fetched again to find the same.

    Raises:
        NoBackupError: nothing fits, and why; the server and its data are as before.
        DamagedBackupError: the choice is damaged and no older one was allowed or fits; as before.
        RestoreMismatchError: the expected database is not in the backup; as before.
        ArmillaryError: what storage, tool or server said. If the data was given up already, the
            sentinel stands, and calling again restores from the start.
    Again: does the whole restore again.
    Cancelled: as with an error.
    """
    memory = memory or RestoreMemory()
    plan = await _plan(request, storage)
    directory = shard_directory(request.keyspace, request.shard)
    broken = _newer_broken_ones(plan, request, directory)
    damaged: dict[str, DamagedBackupError] = {}
    for record in plan.candidates:
        known = memory.recall(directory, record.raw_name)
        try:
            if known is not None:
                # Its old traceback would grow with each raise, and keep every catalogue alive.
                raise known.with_traceback(None)
            logger.info("restore starts", extra={"backup": record.raw_name, "plan": plan.explain()})
            outcome = await _restore_one(request, record, storage, settings, Meter(on_progress))
            return replace(outcome, passed_over=(*damaged, *broken))
        except OSError as error:  # of this machine's disk, not of the store
            label = f"{directory}/{record.raw_name}"
            raise UnavailableError(f"restore of {label}: {os_error_text(error)}") from error
        except RestoreMismatchError as error:
            memory.note(directory, record.raw_name, error)
            raise
        except DamagedBackupError as error:
            found = error
            if known is None:
                found = await _explain_damage(storage, directory, record, error)
                memory.note(directory, record.raw_name, found)
            damaged[record.raw_name] = found
            if not request.fall_back:
                raise found from None
            logger.warning(
                "backup is damaged; trying the next older one",
                extra={"backup": record.raw_name, "reason": found.reason, "file": found.file},
            )
    reasons = "; ".join(str(error) for error in damaged.values())
    raise NoBackupError(f"every backup that fits is damaged: {reasons}")


def _newer_broken_ones(plan: RestorePlan, request: RestoreRequest, directory: str) -> list[str]:
    """Return the names of newer backups whose MANIFEST is none; a refusal where none may be."""
    broken = plan.broken_since(plan.candidates[0].raw_name)
    if broken and not request.fall_back:
        label = f"{directory}/{broken[-1].raw_name}"
        raise DamagedBackupError(label, MANIFEST_FILE, broken[-1].problem)
    return [record.raw_name for record in broken]


async def _explain_damage(
    storage: BackupStorage, directory: str, record: BackupRecord, error: DamagedBackupError
) -> DamagedBackupError:
    """Say that it was removed meanwhile, if that is what happened to its files."""
    try:
        still = await read_record(storage, directory, record.raw_name)
    except ArmillaryError:
        return error
    if still.is_complete:
        return error
    return DamagedBackupError(error.backup, error.file, "was removed while it was being restored")


def is_restore_unfinished(server: Server) -> bool:
    """Whether an earlier restore gave the data up and did not finish: restore again."""
    return server.dirs.restore_in_progress.exists()


async def plan_for(request: RestoreRequest, storage: BackupStorage) -> RestorePlan:
    """Return what `restore_backup` would choose from, and why; changes nothing."""
    wish = RestoreWish(
        at=request.at,
        now=utc_now(),
        flavor="MariaDB" if request.flavor.name == "MariaDB" else "MySQL56",
        mysql_version=request.flavor.version.line,
    )
    return plan_restore(await read_catalog(storage, request.keyspace, request.shard), wish)


async def _plan(request: RestoreRequest, storage: BackupStorage) -> RestorePlan:
    plan = await plan_for(request, storage)
    if plan.none_because is not None:
        directory = shard_directory(request.keyspace, request.shard)
        raise NoBackupError(
            f"nothing to restore from {directory}: {plan.explain()}",
            none_exist=plan.none_because is NoBackupReason.NONE_EXIST,
        )
    return plan


async def _restore_one(
    request: RestoreRequest,
    record: BackupRecord,
    storage: BackupStorage,
    settings: BackupFlags,
    meter: Meter,
) -> RestoreOutcome:
    manifest = record.manifest
    if manifest is None:
        raise InvariantError(f"backup {record.raw_name} was chosen without a MANIFEST")
    server = request.server
    directory = shard_directory(request.keyspace, request.shard)
    label = f"{directory}/{record.raw_name}"
    if manifest.databases is not None:
        _expect_database(request, frozenset(manifest.databases), label)
    engine = engine_named(manifest.method, settings)
    reader = BackupReader(
        storage,
        directory,
        record.raw_name,
        manifest,
        workers=worker_limiter(),
        meter=meter,
    )
    await reader.load_table()
    staging = server.dirs.path / STAGING_NAME
    try:
        await to_thread.run_sync(_make_empty, staging)
        if not await to_thread.run_sync(_has_room, server.dirs.path, manifest):
            logger.warning("no room for old and new data: giving up the old data first")
            await _expect_sound(request, record, storage)
            await _give_up_data(server)
        await engine.unpack(reader, staging)
        _expect_database(request, engine.databases(staging), label)
        await _replace_data(server, engine, staging, meter)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(lambda: shutil.rmtree(staging, ignore_errors=True))
    if is_of_older_series(manifest.mysql_version, request.flavor.version.line):
        meter.start("upgrade")
        await server.control.upgrade()
    position = await _set_position(request, manifest)
    await to_thread.run_sync(_end_restore, server.dirs, request.origin)
    meter.finish()
    logger.info(
        "restore is complete",
        extra={"backup": record.raw_name, "position": str(position)},
    )
    return RestoreOutcome(raw_name=record.raw_name, manifest=manifest, position=position)


async def _expect_sound(
    request: RestoreRequest, record: BackupRecord, storage: BackupStorage
) -> None:
    """Read all of the backup once for the sake of the data that is about to be given up for it."""
    report = await verify_backup(storage, request.keyspace, request.shard, record)
    if report.unsupported:
        raise UnsupportedError(report.unsupported)
    if not report.is_sound:
        label = f"{shard_directory(request.keyspace, request.shard)}/{record.raw_name}"
        raise DamagedBackupError(label, "(several)", "; ".join(report.problems))


async def _give_up_data(server: Server) -> None:
    """The point of no return: sentinel, then stop, then delete."""
    await to_thread.run_sync(_write_sentinel, server.dirs.restore_in_progress)
    await server.control.shutdown(wait=True)
    await to_thread.run_sync(empty_server_dirs, server.dirs)


async def _replace_data(server: Server, engine: Engine, staging: Path, meter: Meter) -> None:
    meter.start("install")
    await _give_up_data(server)
    await server.control.reinit_config()
    await engine.install(staging, server.dirs)
    # The unpacker does not sync what it writes, and the sentinel must not go before the data is
    # safe.
    await to_thread.run_sync(os.sync)
    meter.start("start")
    await server.control.start()


async def _set_position(request: RestoreRequest, manifest: Manifest) -> Position:
    """Set the server's position to the backup's and read it back."""
    async with await connect(request.server.params) as connection:
        await replication.set_position(connection, request.flavor, manifest.position)
        found = await replication.executed_position(connection, request.flavor)
    if not (found.at_least(manifest.position) and manifest.position.at_least(found)):
        raise IntegrityError(
            f"the restored server is at {found}: the backup says {manifest.position}"
        )
    return found


def _expect_database(request: RestoreRequest, databases: frozenset[str], label: str) -> None:
    """See that the database which this tablet serves is in the backup, before anything is lost."""
    if request.database and request.database not in databases:
        inside = ", ".join(sorted(name for name in databases if name.startswith("vt_")))
        raise RestoreMismatchError(
            f"backup {label} does not hold the database {request.database}; of those named vt_* it "
            f"holds: {inside or 'none'}. Set databaseName of the keyspace to the one wanted"
        )


def _has_room(path: Path, manifest: Manifest) -> bool:
    if manifest.integrity is None:
        return True  # a backup of Vitess's does not tell its size
    free = shutil.disk_usage(path).free
    return free >= manifest.integrity.raw_bytes * SPACE_FACTOR + SPACE_SPARE_BYTES


def _make_empty(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, mode=0o700)


def _write_sentinel(path: Path) -> None:
    if path.exists():
        return
    path.write_text("a restore gave up the data of this tablet and has not finished\n")
    _sync(path)
    _sync(path.parent)


def _end_restore(dirs: TabletDir, origin: str) -> None:
    if origin:
        dirs.origin.write_text(origin)
        _sync(dirs.origin)
        _sync(dirs.path)
    dirs.restore_in_progress.unlink(missing_ok=True)
    _sync(dirs.path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = [
    "RestoreOutcome",
    "RestoreRequest",
    "is_restore_unfinished",
    "plan_for",
    "restore_backup",
]
