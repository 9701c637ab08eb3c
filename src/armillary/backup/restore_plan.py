"""Choose the backup to restore. Pure: no clock, no storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from armillary.backup.catalog import BackupRecord
from armillary.backup.manifest import Manifest, OtherContent
from armillary.base.errors import InputError
from armillary.model.backup_name import CLOCKS_APART_MAX

EXPLAINED_AT_EITHER_END = 3


class NoBackupReason(Enum):
    """Why nothing can be restored; the first two may change by waiting."""

    NONE_EXIST = "no backups"
    NONE_COMPLETE = "no complete backup"
    NONE_IN_TIME = "all complete backups are later"
    NONE_FIT = "no complete backup fits this server"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWish:
    """What a tablet asks for."""

    at: datetime | None = None  # newest backup that started at or before; None: the newest
    flavor: str = ""  # "MariaDB" or "MySQL56": what this machine can run; "" means any
    mysql_version: str = ""  # version line of this machine's server; "" means do not compare
    now: datetime | None = None  # to know times that lie ahead; None: none do
    engines: frozenset[str] = frozenset()  # BackupMethods allowed; empty means all that we know


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    raw_name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """`candidates`, best first: the first is the choice, the others stand by if it is damaged."""

    candidates: tuple[BackupRecord, ...]
    skipped: tuple[Skipped, ...]
    none_because: NoBackupReason | None = None
    broken: tuple[BackupRecord, ...] = ()  # their MANIFEST is none, so nobody knows if they fit

    def broken_since(self, raw_name: str) -> tuple[BackupRecord, ...]:
        """Return the broken ones that are newer than a backup: it is chosen in their place."""
        return tuple(record for record in self.broken if record.raw_name > raw_name)

    def explain(self) -> str:
        """One line for logs and errors: what was chosen, or why nothing was."""
        passed = "; ".join(_some_of([f"{s.raw_name}: {s.reason}" for s in self.skipped]))
        if self.none_because is not None:
            return self.none_because.value + (f" ({passed})" if passed else "")
        return self.candidates[0].raw_name + (f" (passed over: {passed})" if passed else "")


def _some_of(lines: list[str]) -> list[str]:
    """Return the first and the last ones when there are many: conditions and logs repeat them."""
    if len(lines) <= 2 * EXPLAINED_AT_EITHER_END:
        return lines
    left_out = len(lines) - 2 * EXPLAINED_AT_EITHER_END
    first, last = lines[:EXPLAINED_AT_EITHER_END], lines[-EXPLAINED_AT_EITHER_END:]
    return [*first, f"{left_out} more", *last]


def plan_restore(records: Sequence[BackupRecord], wish: RestoreWish) -> RestorePlan:
    """Return the complete backups that fit `wish`, newest first, and why each other one does not.

    Newest by BackupTime, the instant that a restore is sure to contain; one whose time lies ahead
    must also hold all that the newest of the others holds.
    """
    reasons: dict[str, tuple[NoBackupReason, str]] = {}
    fitting: list[tuple[Manifest, BackupRecord]] = []
    for record in records:
        manifest = record.manifest
        if manifest is None:
            reasons[record.raw_name] = (NoBackupReason.NONE_COMPLETE, record.problem)
        elif misfit := _misfit(manifest, wish):
            reasons[record.raw_name] = (NoBackupReason.NONE_FIT, misfit)
        elif wish.at is not None and manifest.backup_time > wish.at:
            reasons[record.raw_name] = (
                NoBackupReason.NONE_IN_TIME,
                f"started {_text(manifest.backup_time)}, later than {_text(wish.at)}",
            )
        else:
            fitting.append((manifest, record))
    fitting.sort(key=lambda pair: (pair[0].backup_time, pair[1].raw_name), reverse=True)
    return RestorePlan(
        candidates=tuple(record for _, record in _behind_if_ahead(fitting, wish.now)),
        skipped=tuple(
            Skipped(raw_name=name, reason=text) for name, (_, text) in sorted(reasons.items())
        ),
        none_because=None if fitting else _why_none({reason for reason, _ in reasons.values()}),
        broken=tuple(record for record in records if _is_broken(record, wish)),
    )


def _is_broken(record: BackupRecord, wish: RestoreWish) -> bool:
    started_at = record.started_at
    return record.has_bad_manifest and (
        wish.at is None or (started_at is not None and started_at <= wish.at)
    )


def _behind_if_ahead(
    newest_first: list[tuple[Manifest, BackupRecord]], now: datetime | None
) -> list[tuple[Manifest, BackupRecord]]:
    """Put last what only seems to be the newest, by a clock that was wrong."""
    if now is None:
        return newest_first
    limit = now + CLOCKS_APART_MAX
    newest = next((m for m, _ in newest_first if m.backup_time <= limit), None)
    if newest is None:
        return newest_first

    def is_misplaced(manifest: Manifest) -> bool:
        try:
            return manifest.backup_time > limit and not manifest.position.at_least(newest.position)
        except InputError:  # of another flavor
            return True

    return sorted(newest_first, key=lambda pair: is_misplaced(pair[0]))


def _why_none(reasons: set[NoBackupReason]) -> NoBackupReason:
    # The most telling one: a person who asked for a time wants to hear that it is too early.
    for reason in (
        NoBackupReason.NONE_IN_TIME,
        NoBackupReason.NONE_FIT,
        NoBackupReason.NONE_COMPLETE,
    ):
        if reason in reasons:
            return reason
    return NoBackupReason.NONE_EXIST


def _misfit(manifest: Manifest, wish: RestoreWish) -> str:
    """Return why this backup cannot be restored here; empty if it can."""
    if isinstance(manifest.content, OtherContent):
        return f"was taken by the engine {manifest.method!r}, which we cannot restore"
    if wish.engines and manifest.method not in wish.engines:
        return f"was taken by the engine {manifest.method}, wanted {sorted(wish.engines)}"
    if manifest.incremental:
        return "is incremental"
    flavor = manifest.position.gtids.FLAVOR if manifest.position.gtids else ""
    if wish.flavor and flavor and flavor != wish.flavor:
        return f"holds a {flavor} server, this one is {wish.flavor}"
    if wish.mysql_version and manifest.mysql_version:
        return _version_misfit(manifest.mysql_version, wish.mysql_version)
    return ""


def _version_misfit(theirs: str, ours: str) -> str:
    taken_with, here = parse_server_version(theirs), parse_server_version(ours)
    if taken_with is None or here is None:
        return ""
    if taken_with.is_mariadb != here.is_mariadb:
        return f"holds server {taken_with}, this one is {here}"
    if taken_with.numbers[:2] > here.numbers[:2]:
        return f"holds the newer server {taken_with}, this one is {here}"
    return ""


def is_of_older_series(theirs: str, ours: str) -> bool:
    """Whether the server with the version line `theirs` is of an older series than `ours`."""
    taken_with, here = parse_server_version(theirs), parse_server_version(ours)
    return taken_with is not None and here is not None and taken_with.numbers[:2] < here.numbers[:2]


@dataclass(frozen=True, slots=True)
class ServerVersion:
    numbers: tuple[int, ...]
    is_mariadb: bool

    def __str__(self) -> str:
        return f"{'MariaDB' if self.is_mariadb else 'MySQL'} {'.'.join(map(str, self.numbers))}"


def parse_server_version(line: str) -> ServerVersion | None:
    """Return the version in a line as `mysqld --version` prints it; None if there is none."""
    for word in line.replace("(", " ").split():
        numbers = word.split("-")[0].split(".")
        if len(numbers) >= 3 and all(number.isdigit() for number in numbers[:3]):
            return ServerVersion(tuple(int(n) for n in numbers[:3]), "mariadb" in line.lower())
    return None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
