"""Read a whole backup back and check every byte of it, without a server. I/O.

What is checked: every chunk against the table of chunks, the table against the MANIFEST, and the
structure and the sums of the stream inside; of a backup of Vitess's what its format offers. Not
what the tables hold: only a restore shows that. Memory is bounded, nothing is written.
"""

from contextlib import aclosing
from dataclasses import dataclass

from armillary.backup.catalog import BackupRecord, shard_directory
from armillary.backup.content import BackupReader, worker_limiter
from armillary.backup.errors import DamagedBackupError
from armillary.backup.manifest import FilesContent, Manifest, OtherContent, StreamContent
from armillary.backup.progress import Meter, OnProgress, ignore_progress
from armillary.backup.storage.contract import MANIFEST_FILE, BackupStorage
from armillary.base.errors import UnsupportedError


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    raw_name: str
    raw_bytes: int  # read and found right
    problems: tuple[str, ...]
    unsupported: str = ""  # why we cannot read it; that says nothing about the backup
    damaged_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # odd, and no damage

    @property
    def is_sound(self) -> bool:
        return not (self.problems or self.unsupported)


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
        damaged = (MANIFEST_FILE,) if record.has_bad_manifest else ()
        return VerifyReport(
            raw_name=record.raw_name,
            raw_bytes=0,
            problems=(record.problem,),
            damaged_files=damaged,
        )
    meter = Meter(on_progress)
    directory = shard_directory(keyspace, shard)
    reader = BackupReader(
        storage, directory, record.raw_name, manifest, workers=worker_limiter(), meter=meter
    )
    total = manifest.integrity.raw_bytes if manifest.integrity else None
    meter.start("verify", raw_bytes_total=total)
    found: list[DamagedBackupError] = []
    problems: list[str] = []
    unsupported = ""
    raw_bytes = 0
    try:
        await reader.load_table()
        raw_bytes = await _read_content(reader, manifest, found)
        if not found and total is not None and raw_bytes != total:
            problems.append(f"holds {raw_bytes} bytes: the manifest says {total}")
    except DamagedBackupError as error:
        found.append(error)
    except UnsupportedError as error:
        unsupported = str(error)
    meter.finish()
    return VerifyReport(
        raw_name=record.raw_name,
        raw_bytes=raw_bytes,
        problems=(*problems, *map(str, found)),
        unsupported=unsupported,
        damaged_files=tuple(dict.fromkeys(error.file for error in found)),
        notes=await _notes(storage, directory, record.raw_name, manifest),
    )


async def _read_content(
    reader: BackupReader, manifest: Manifest, found: list[DamagedBackupError]
) -> int:
    """Read all of it and return its length; what is damaged goes into `found`."""
    match manifest.content:
        case FilesContent(entries=entries):
            files = [(str(index), entry.hash) for index, entry in enumerate(entries)]
            return await _read_files(reader, files, found)
        case StreamContent() as stream:
            try:
                return await reader.read_stream(stream, _let_go, check_sums=True)
            except DamagedBackupError as error:
                # The first damage ends the stream: the other files are looked at one by one.
                reader.meter.start("look for more damage")
                size = await _read_files(reader, [(n, "") for n in stream.stored_names], found)
                if not found:
                    found.append(error)
                return size
        case OtherContent():
            raise UnsupportedError(
                f"backup {reader.label} was taken by the engine {manifest.method!r}, "
                f"which we cannot read"
            )


async def _let_go(views: list[memoryview]) -> None:
    return None


async def _read_files(
    reader: BackupReader, files: list[tuple[str, str]], found: list[DamagedBackupError]
) -> int:
    size = 0
    for stored_name, crc32 in files:
        try:
            async with aclosing(await reader.read_file(stored_name, crc32=crc32)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    reader.meter.add(len(piece))
        except DamagedBackupError as error:
            found.append(error)
    return size


async def _notes(
    storage: BackupStorage, directory: str, raw_name: str, manifest: Manifest
) -> tuple[str, ...]:
    """Return what is odd about a backup and keeps nobody from restoring it."""
    notes = []
    place = shard_directory(manifest.keyspace, manifest.shard)
    if manifest.keyspace and place != directory:
        notes.append(f"the MANIFEST says that it is of {place}")
    known = {MANIFEST_FILE}
    match manifest.content:
        case FilesContent(entries=entries):
            known |= {str(index) for index in range(len(entries))}
        case StreamContent() as stream:
            known |= set(stream.stored_names)
        case OtherContent():
            return tuple(notes)
    if manifest.integrity is not None:
        known.add(manifest.integrity.chunk_table)
    stored = await storage.list_files(directory, raw_name)
    extra = [file.name for file in stored if file.name not in known]
    if extra:
        notes.append(f"holds files that the MANIFEST does not name: {', '.join(extra[:5])}")
    return tuple(notes)
