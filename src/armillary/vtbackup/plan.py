"""What one run of vtbackup has to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.backup.catalog import BackupRecord
from armillary.model.backup_name import CLOCKS_APART_MAX
from armillary.model.tablet import TabletAlias


@dataclass(frozen=True, slots=True)
class MakeInitial:
    """Back up an empty server, so that the shard's tablets have something to start from."""

    reason: str


@dataclass(frozen=True, slots=True)
class MakeUpdate:
    """Restore the newest backup, follow the primary, back up again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """Make no backup; the run is a success."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Make no backup; the run is a failure."""

    reason: str


Action = MakeInitial | MakeUpdate | Skip | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    initial_backup: bool
    min_backup_interval: timedelta


def plan_run(
    wish: Wish,
    records: Sequence[BackupRecord],
    serving_tablets: Sequence[TabletAlias],
    *,
    now: datetime,
) -> Action:
    """Return what to do, with the reason.

    An initial backup is made only where nothing can be lost by it: no complete backup, and no
    tablet that serves data of which this would be an older, empty twin.
    """
    complete = [r.started_at for r in records if r.is_complete and r.started_at is not None]
    newest = max(complete, default=None)
    if wish.initial_backup:
        if newest is not None:
            return Skip(f"the shard has a complete backup of {newest:%Y-%m-%d %H:%M:%S} UTC")
        if serving_tablets:
            names = ", ".join(str(alias) for alias in serving_tablets)
            return Refuse(
                f"the shard has serving tablets ({names}): back up one of them, not an empty server"
            )
        return MakeInitial("the shard has no complete backup and no serving tablet")
    if newest is None:
        return Refuse("the shard has no complete backup to start from: wanted --initial_backup")
    dated = max((at for at in complete if at <= now + CLOCKS_APART_MAX), default=None)
    if dated is None:
        return MakeUpdate(f"the newest backup is dated ahead, {newest:%Y-%m-%d %H:%M:%S} UTC")
    age = now - dated
    # Who began this run found it due by another clock: a little too early is due.
    slack = min(CLOCKS_APART_MAX, wish.min_backup_interval / 2)
    if wish.min_backup_interval and age < wish.min_backup_interval - slack:
        return Skip(f"the newest backup is {age} old, less than {wish.min_backup_interval}")
    return MakeUpdate(f"the newest backup is {age} old")
