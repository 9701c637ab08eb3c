"""Take one backup of one server and store it. I/O.

The order is the guarantee: files, then the chunk table, then the MANIFEST, created only if absent.
A take that dies at any point leaves a backup without MANIFEST, which nobody restores.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import anyio

from armillary.backup.catalog import MANIFEST_BYTES_MAX, shard_directory
from armillary.backup.content import BackupWriter, worker_limiter
from armillary.backup.engines.contract import Engine, Server, Taken
from armillary.backup.errors import os_error_text
from armillary.backup.manifest import Integrity, Manifest, encode_manifest
from armillary.backup.pipeline.codec import Codec, PlainCodec, ZstdCodec
from armillary.backup.progress import Meter, OnProgress, ignore_progress
from armillary.backup.storage.contract import MANIFEST_FILE, BackupStorage
from armillary.base.clock import utc_now
from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    InputError,
    InvariantError,
    UnavailableError,
)
from armillary.model.backup_name import BackupName
from armillary.model.tablet import TabletAlias
from armillary.mysqld import admin
from armillary.mysqld.connection import connect
from armillary.settings.backup import BackupFlags

logger = logging.getLogger(__name__)

CLEANUP_S = 60.0
NAME_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRequest:
    keyspace: str
    shard: str
    alias: TabletAlias
    server: Server
    # The instant that a restore of this backup is sure to contain, and the time in its name; None:
    # when the take starts.
    backup_time: datetime | None = None


async def take_backup(
    request: TakeRequest,
    *,
    engine: Engine,
    storage: BackupStorage,
    settings: BackupFlags,
    on_progress: OnProgress = ignore_progress,
) -> Manifest:
    """Back up a server and return the MANIFEST that now stands in storage.

    Raises:
        ArmillaryError: what the engine, the server or the storage said. The backup's directory is
            gone again then, or at least incomplete.
    Cancelled: as when it raises.
    """
    directory = shard_directory(request.keyspace, request.shard)
    name = await _claim_name(storage, directory, request)
    logger.info(
        "backup starts",
        extra={"directory": directory, "backup": str(name), "engine": engine.method},
    )
    meter = Meter(on_progress)
    writer = BackupWriter(
        storage,
        directory,
        str(name),
        codec=codec_of(settings),
        workers=worker_limiter(settings.backup_storage_number_blocks),
        meter=meter,
    )
    try:
        facts = await _server_facts(request.server)
        before = await _databases(request.server)
        taken = await engine.take(request.server, writer)
        meter.start("finish")
        databases = _either(before, await _databases(request.server))
        integrity = await writer.finish()
        manifest = replace(
            _manifest(request, name, facts, taken, writer.codec, integrity), databases=databases
        )
        await writer.expect_stored()
        await _commit(storage, directory, manifest)
    except BaseException as error:
        await _abort(storage, directory, str(name))
        if isinstance(error, OSError):  # of this machine's disks and pipes, not of the store
            raise UnavailableError(f"backup {directory}/{name}: {os_error_text(error)}") from error
        raise
    meter.finish()
    logger.info(
        "backup is complete",
        extra={
            "directory": directory,
            "backup": str(name),
            "position": str(manifest.position),
            "raw_bytes": integrity.raw_bytes,
            "stored_bytes": integrity.stored_bytes,
        },
    )
    return manifest


def codec_of(settings: BackupFlags) -> Codec:
    """Return the codec that `settings` ask for.

    Raises:
        InputError: a compression that we do not write.
    """
    if not settings.backup_storage_compress:
        return PlainCodec()
    if settings.compression_engine_name != "zstd":
        raise InputError(
            f"compression_engine_name is {settings.compression_engine_name!r}: wanted zstd"
        )
    return ZstdCodec(settings.compression_level)


@dataclass(frozen=True, slots=True)
class _ServerFacts:
    version: str
    server_uuid: str


def _manifest(
    request: TakeRequest,
    name: BackupName,
    facts: _ServerFacts,
    taken: Taken,
    codec: Codec,
    integrity: Integrity,
) -> Manifest:
    return Manifest(
        backup_name=str(name),
        method=taken.method,
        position=taken.position,
        purged_position=taken.purged_position,
        backup_time=request.backup_time or name.started_at,
        finished_time=utc_now(),
        server_uuid=facts.server_uuid,
        tablet_alias=str(request.alias),
        keyspace=request.keyspace,
        shard=request.shard,
        mysql_version=facts.version,
        upgrade_safe=taken.upgrade_safe,
        compression_engine=codec.engine_name,
        skip_compress=not codec.engine_name,
        content=taken.content,
        integrity=integrity,
    )


async def _server_facts(server: Server) -> _ServerFacts:
    version = await server.control.version()
    async with await connect(server.params) as connection:
        row = (await connection.query("SHOW GLOBAL VARIABLES LIKE 'server_u_id'")).first()
    return _ServerFacts(version, str(row["Value"]) if row else "")


async def _databases(server: Server) -> tuple[str, ...] | None:
    """Return the server's databases, so that a restore knows them before it unpacks.

    Asked before and after the data is copied: one that is made or dropped meanwhile may then be
    named without being inside, which the restore finds out, but never the reverse. None if the
    server does not say.
    """
    try:
        async with await connect(server.params) as connection:
            return tuple(await admin.list_databases(connection))
    except ArmillaryError as error:
        logger.warning("the backup will not name its databases", extra={"reason": str(error)})
        return None


def _either(
    before: tuple[str, ...] | None, after: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    if before is None or after is None:
        return None
    return tuple(sorted({*before, *after}))


async def _claim_name(storage: BackupStorage, directory: str, request: TakeRequest) -> BackupName:
    """Claim a name with the backup's second; when it is taken, wait for the next one."""
    started_at = request.backup_time or utc_now()
    for _ in range(NAME_ATTEMPTS):
        name = BackupName(started_at.replace(microsecond=0), request.alias)
        try:
            await storage.start_backup(directory, str(name))
        except AlreadyExistsError:
            next_second = name.started_at + timedelta(seconds=1)
            await anyio.sleep(max(0.0, (next_second - utc_now()).total_seconds()))
            started_at = next_second
            continue
        return name
    raise AlreadyExistsError(f"backup {directory}/{name} exists already, and so do those before")


async def _commit(storage: BackupStorage, directory: str, manifest: Manifest) -> None:
    data = encode_manifest(manifest)
    await storage.put_if_absent(directory, manifest.backup_name, MANIFEST_FILE, data)
    # Absent or not, what stands there must be ours: a store whose answer was lost is asked again by
    # its client and finds our own first attempt, and one may have taken it and kept something else.
    found = await storage.read_small(
        directory, manifest.backup_name, MANIFEST_FILE, bytes_max=MANIFEST_BYTES_MAX
    )
    if found != data:
        raise InvariantError(f"{directory}/{manifest.backup_name} has a MANIFEST already")


async def _abort(storage: BackupStorage, directory: str, name: str) -> None:
    """Try to remove what was stored; a backup that stays is incomplete, and swept later."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(CLEANUP_S) as scope:
        try:
            await storage.remove_backup(directory, name)
        except Exception:
            logger.warning(
                "could not remove an aborted backup; it stays incomplete",
                extra={"directory": directory, "backup": name},
                exc_info=True,
            )
    if scope.cancelled_caught:
        logger.warning(
            "removing an aborted backup took too long; it stays incomplete",
            extra={"directory": directory, "backup": name},
        )
