"""Carry out what retention decided for one shard. I/O."""

import logging
from collections.abc import Collection, Sequence

from armillary.backup.catalog import read_catalog, read_record, shard_directory
from armillary.backup.retention import RetentionPolicy, Verdict, plan_retention
from armillary.backup.storage.contract import BackupStorage
from armillary.base.clock import utc_now
from armillary.base.errors import InvariantError

logger = logging.getLogger(__name__)


async def prune_backups(
    storage: BackupStorage,
    keyspace: str,
    shard: str,
    policy: RetentionPolicy,
    *,
    dry_run: bool = False,
    damaged: Collection[str] = (),
) -> tuple[Verdict, ...]:
    """Remove the backups of a shard that have had their time; return every verdict.

    Args:
        damaged: complete backups that were found to be damaged: as for `plan_retention`.
    Again: harmless; the removals go oldest first and each leaves a valid state.
    """
    records = await read_catalog(storage, keyspace, shard)
    verdicts = plan_retention(records, policy, now=utc_now(), damaged=damaged)
    directory = shard_directory(keyspace, shard)
    if dry_run or not any(verdict.is_removed for verdict in verdicts):
        return verdicts
    sound = [v for v in verdicts if not v.is_removed and v.raw_name not in damaged]
    await _recheck(storage, directory, sound, had_complete=any(r.is_complete for r in records))
    for verdict in verdicts:
        if verdict.is_removed:
            logger.info(
                "removing a backup",
                extra={
                    "directory": directory,
                    "backup": verdict.raw_name,
                    "reason": verdict.reason,
                },
            )
            await storage.remove_backup(directory, verdict.raw_name)
    return verdicts


async def _recheck(
    storage: BackupStorage, directory: str, kept: Sequence[Verdict], *, had_complete: bool
) -> None:
    """See that one of the backups that are kept is complete at this very moment.

    Somebody else may have removed it since the catalogue was read.
    """
    if not had_complete:
        return
    for verdict in reversed(kept):
        if (await read_record(storage, directory, verdict.raw_name)).is_complete:
            return
    raise InvariantError(f"pruning {directory} would leave no complete backup: nothing was removed")
