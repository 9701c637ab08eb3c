"""Find the backups that somebody wants verified, and verify them one after another. I/O."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from armillary.backup.catalog import BackupRecord, read_catalog
from armillary.backup.progress import Progress
from armillary.backup.storage.contract import BackupStorage
from armillary.backup.verify import VerifyReport, verify_backup
from armillary.base.errors import InputError, NotFoundError, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked for; empty parts mean all keyspaces, all shards, the newest backup."""

    keyspace: str = ""
    shard: str = ""
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Raises: InputError: not KEYSPACE[/SHARD[/BACKUP]]."""
        parts = text.split("/")
        if len(parts) > 3 or not all(parts):
            raise InputError(f"invalid target {text!r}: wanted KEYSPACE[/SHARD[/BACKUP]]")
        return cls(**dict(zip(("keyspace", "shard", "name"), parts, strict=False)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came out for one backup, or for a shard that has none that is complete."""

    location: str
    keyspace: str
    shard: str
    report: VerifyReport


@dataclass(slots=True)
class Gaps:
    """What was not verified, over several locations: each goes on without the others."""

    verified: set[Target] = field(default_factory=set)
    missing: dict[Target, NotFoundError] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.unread)

    def expect_none(self) -> None:
        """Raises: UnavailableError: a location was not read; NotFoundError: none has a target."""
        if self.unread:
            raise UnavailableError(f"not all was verified: {'; '.join(self.unread)}")
        for target, error in self.missing.items():
            if target not in self.verified:
                raise error


OnBackup = Callable[[str, Progress], None]  # (which backup, how far)


async def verify_location(
    storage: BackupStorage,
    targets: Sequence[Target],
    gaps: Gaps,
    *,
    location: str,
    every: bool,
    on_progress: OnBackup,
) -> AsyncGenerator[Verified, None]:
    """Yield one report after another; what the location does not have or tell goes into `gaps`."""
    for target in targets:
        try:
            reports = _verify_target(
                storage, target, location=location, every=every, on_progress=on_progress
            )
            async with aclosing(reports):
                async for verified in reports:
                    gaps.verified.add(target)
                    yield verified
        except NotFoundError as error:
            gaps.missing[target] = error
        except UnavailableError as error:
            gaps.unread.append(f"{location}: {error}" if location else str(error))


async def _verify_target(
    storage: BackupStorage,
    target: Target,
    *,
    location: str,
    every: bool,
    on_progress: OnBackup,
) -> AsyncGenerator[Verified, None]:
    """Yield one report after another.

    Args:
        every: all backups of a shard, complete or not; else its newest complete one.

    Raises:
        NotFoundError: storage does not have it.
        StorageUnavailableError: the storage does not answer.
    """
    for keyspace, shard in await _shards(storage, target):
        for record in _chosen(await read_catalog(storage, keyspace, shard), target, every):
            label = f"{keyspace}/{shard}/{record.raw_name}"
            report = await verify_backup(
                storage,
                keyspace,
                shard,
                record,
                on_progress=lambda progress, label=label: on_progress(label, progress),  # type: ignore[misc]
            )
            yield Verified(location=location, keyspace=keyspace, shard=shard, report=report)


async def _shards(storage: BackupStorage, target: Target) -> list[tuple[str, str]]:
    keyspaces = [target.keyspace] if target.keyspace else await storage.list_directories()
    found = []
    for keyspace in keyspaces:
        shards = await storage.list_directories(keyspace)
        found += [(keyspace, shard) for shard in shards if target.shard in ("", shard)]
    if not found:
        wanted = "/".join(filter(None, (target.keyspace, target.shard))) or "anything"
        raise NotFoundError(f"storage has no backups of {wanted}")
    return found


def _chosen(records: Sequence[BackupRecord], target: Target, every: bool) -> Sequence[BackupRecord]:
    if target.name:
        named = [record for record in records if record.raw_name == target.name]
        if not named:
            raise NotFoundError(
                f"storage has no backup {target.keyspace}/{target.shard}/{target.name}"
            )
        return named
    if every:
        return [record for record in records if record.name is not None]
    complete = [record for record in records if record.manifest is not None]
    if complete:
        return [max(complete, key=_age)]
    return [BackupRecord(raw_name="", name=None, problem="the shard has no complete backup")]


def _age(record: BackupRecord) -> tuple[float, str]:
    assert record.manifest is not None
    return record.manifest.backup_time.timestamp(), record.raw_name
