"""Read a whole backup back and check every byte of it, without a server. I/O."""

from contextlib import aclosing
from dataclasses import dataclass

from armillary.backup.catalog import BackupRecord, shard_directory
from armillary.backup.content import BackupReader, worker_limiter
from armillary.backup.errors import DamagedBackupError
from armillary.backup.manifest import FilesContent, Manifest, OtherContent, StreamContent
from armillary.backup.progress import Meter, OnProgress, ignore_progress
from armillary.backup.storage.contract import BackupStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    raw_name: str
    raw_bytes: int  # read and found right
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return not self.problems


async def verify_backup(
    storage: BackupStorage,
    keyspace: str,
    shard: str,
    record: BackupRecord,
    *,
    on_progress: OnProgress = ignore_progress,
) -> VerifyReport:
    """Say what is wrong with a backup; every file is looked at, whatever the others are like.

    Raises:
        StorageUnavailableError: the storage does not answer; that says nothing about the backup.
    """
    manifest = record.manifest
    if manifest is None:
        return VerifyReport(raw_name=record.raw_name, raw_bytes=0, problems=(record.problem,))
    meter = Meter(on_progress)
    directory = shard_directory(keyspace, shard)
    reader = BackupReader(
        storage, directory, record.raw_name, manifest, workers=worker_limiter(), meter=meter
    )
    total = manifest.integrity.raw_bytes if manifest.integrity else None
    meter.start("verify", raw_bytes_total=total)
    problems: list[str] = []
    raw_bytes = 0
    try:
        await reader.load_table()
    except DamagedBackupError as error:
        return VerifyReport(raw_name=record.raw_name, raw_bytes=0, problems=(str(error),))
    for stored_name, crc32 in _stored_files(manifest):
        try:
            raw_bytes += await _read_through(reader, stored_name, crc32)
        except DamagedBackupError as error:
            problems.append(str(error))
    if not problems and total is not None and raw_bytes != total:
        problems.append(f"holds {raw_bytes} bytes: the manifest says {total}")
    meter.finish()
    return VerifyReport(raw_name=record.raw_name, raw_bytes=raw_bytes, problems=tuple(problems))


async def _read_through(reader: BackupReader, stored_name: str, crc32: str) -> int:
    size = 0
    async with aclosing(await reader.read_file(stored_name, crc32=crc32)) as pieces:
        async for piece in pieces:
            size += len(piece)
            reader.meter.add(len(piece))
    return size


def _stored_files(manifest: Manifest) -> list[tuple[str, str]]:
    """Return (file, CRC-32 of the stored bytes or "") of everything the manifest names."""
    match manifest.content:
        case FilesContent(entries=entries):
            return [(str(index), entry.hash) for index, entry in enumerate(entries)]
        case StreamContent() as stream:
            return [(name, "") for name in stream.stored_names]
        case OtherContent():
            return []
