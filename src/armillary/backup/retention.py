"""Decide which backups of one shard may be deleted. Pure: no clock, no storage.

The rule is Vitess's (vtbackup's pruneBackups): with a retention time set, backups older than it
go, oldest first, as long as the count stays above the minimum. It counts directory entries there,
so a few incomplete ones could push the last restorable backup out; here only complete ones count
for the guarantee, and the newest complete backup never goes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.backup.catalog import BackupRecord
from armillary.model.backup_name import CLOCKS_APART_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    min_retention_time: timedelta  # younger backups stay; zero: nothing is ever deleted
    min_retention_count: int = 1  # newest complete backups that stay whatever their age


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    raw_name: str
    is_removed: bool
    reason: str


def plan_retention(
    records: Sequence[BackupRecord],
    policy: RetentionPolicy,
    *,
    now: datetime,
    damaged: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """Return a verdict on every backup of one shard, oldest first.

    The newest `min_retention_count` complete backups stay, so at least one complete backup is
    always left if there was one. Entries whose name is none of ours are never touched. An
    incomplete backup may still be in the making, and is judged by its age alone.

    Args:
        damaged: complete backups that were found to be damaged; they guarantee nothing.
    """
    assert policy.min_retention_count >= 1
    newest_first = sorted(
        (r for r in records if r.name is not None), key=lambda r: str(r.name), reverse=True
    )
    sound = [r for r in newest_first if r.is_complete and r.raw_name not in damaged]
    # What a wrong clock dated ahead stays for long, and must not push out what is really new.
    limit = now + CLOCKS_APART_MAX
    dated = [r for r in sound if r.started_at is not None and r.started_at <= limit] or sound
    guaranteed = frozenset(r.raw_name for r in dated[: policy.min_retention_count])
    verdicts = [_judge(record, guaranteed, policy, now) for record in records]
    return tuple(sorted(verdicts, key=lambda verdict: verdict.raw_name))


def _judge(
    record: BackupRecord, guaranteed: frozenset[str], policy: RetentionPolicy, now: datetime
) -> Verdict:
    def verdict(is_removed: bool, reason: str) -> Verdict:
        return Verdict(raw_name=record.raw_name, is_removed=is_removed, reason=reason)

    if record.started_at is None:
        return verdict(False, "is not named like a backup")
    if not policy.min_retention_time:
        return verdict(False, "no retention time is set")
    if record.raw_name in guaranteed:
        return verdict(False, f"among the newest {policy.min_retention_count} complete backups")
    if now - record.started_at < policy.min_retention_time:
        return verdict(False, f"younger than {policy.min_retention_time}")
    if not guaranteed:
        return verdict(False, "no sound and complete backup is left to replace it")
    kind = "" if record.is_complete else "incomplete and "
    return verdict(True, f"{kind}older than {policy.min_retention_time}")
