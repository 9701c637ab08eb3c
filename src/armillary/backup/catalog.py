"""Which backups of a shard exist, and what is wrong with those that cannot be used. I/O.

One unreadable backup never hides another: it becomes a record with a problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import anyio
from anyio import to_thread

from armillary.backup.errors import ManifestError
from armillary.backup.manifest import Manifest, parse_manifest
from armillary.backup.storage.contract import MANIFEST_FILE, BackupStorage
from armillary.base.errors import InputError
from armillary.model.backup_name import BackupName

MANIFEST_BYTES_MAX = 64 * 1024 * 1024
PARSED_AT_ONCE_BYTES = 1024 * 1024  # larger ones would hold the event loop up
READS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRecord:
    """One directory entry of a shard. Complete exactly if it has a manifest."""

    raw_name: str
    name: BackupName | None
    manifest: Manifest | None = None
    problem: str = ""  # why it is not complete, for people
    has_bad_manifest: bool = False  # there is a MANIFEST, and it is none: it will never be complete

    @property
    def is_complete(self) -> bool:
        return self.manifest is not None

    @property
    def started_at(self) -> datetime | None:
        """The time in the name; None when the name is not one of a backup."""
        return self.name.started_at if self.name else None


def shard_directory(keyspace: str, shard: str) -> str:
    return f"{keyspace}/{shard}"


async def read_catalog(
    storage: BackupStorage, keyspace: str, shard: str
) -> tuple[BackupRecord, ...]:
    """Return all backups of a shard, oldest first.

    Raises:
        StorageUnavailableError: the list itself could not be read. A single MANIFEST that cannot
            be fetched for that reason raises too: calling its backup incomplete would be a lie.
    """
    directory = shard_directory(keyspace, shard)
    raw_names = await storage.list_backups(directory)
    return await read_records(storage, directory, raw_names)


async def read_records(
    storage: BackupStorage, directory: str, raw_names: Sequence[str]
) -> tuple[BackupRecord, ...]:
    """Return the records of the named backups, in the same order. Raises: as `read_catalog`."""
    records: dict[str, BackupRecord] = {}
    slots = anyio.Semaphore(READS_AT_ONCE)

    async def read(raw_name: str) -> None:
        async with slots:
            records[raw_name] = await read_record(storage, directory, raw_name)

    for start in range(0, len(raw_names), 256):
        try:
            async with anyio.create_task_group() as tasks:
                for raw_name in raw_names[start : start + 256]:
                    tasks.start_soon(read, raw_name)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
    return tuple(records[raw_name] for raw_name in raw_names)


async def read_record(storage: BackupStorage, directory: str, raw_name: str) -> BackupRecord:
    """Return what is known of one backup. Raises: as `read_catalog`."""
    try:
        name = BackupName.parse(raw_name)
    except InputError as error:
        # Not a backup, so nothing in it is ours to read (`lost+found` may not even be allowed).
        return BackupRecord(raw_name=raw_name, name=None, problem=str(error))
    try:
        data = await storage.read_small(
            directory, raw_name, MANIFEST_FILE, bytes_max=MANIFEST_BYTES_MAX
        )
        if data is None:
            return BackupRecord(raw_name=raw_name, name=name, problem="has no MANIFEST: incomplete")
        manifest = (
            parse_manifest(data)
            if len(data) <= PARSED_AT_ONCE_BYTES
            else await to_thread.run_sync(parse_manifest, data)
        )
        return BackupRecord(raw_name=raw_name, name=name, manifest=manifest)
    except (ManifestError, InputError) as error:
        return BackupRecord(raw_name=raw_name, name=name, problem=str(error), has_bad_manifest=True)
