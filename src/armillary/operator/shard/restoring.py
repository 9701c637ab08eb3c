"""What a shard's tablets say about their restores, and how the shard tells it. Pure.

Two conditions: `DataRestored` is False while a tablet has nothing that it could serve, with the
tablet's own reason; `NewestBackupUsed` is False while a tablet serves an older backup than it was
meant to, because newer ones were damaged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.model.tablet import CANNOT_RESTORE, TabletAlias
from armillary.operator.crd.parts import Json, ShardCondition
from armillary.operator.objects.status import dated

DATA_RESTORED = "DataRestored"
RESTORE_BLOCKED = "RestoreBlocked"
NEWEST_USED = "NewestBackupUsed"
# A shard that comes up has nothing to restore for some seconds, and nobody wants an event of that.
TOLD_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class OlderRestored:
    """A tablet restored `used`, though `damaged` ones were newer and fitted."""

    used: str
    damaged: str


def restore_conditions(
    found: Mapping[str, Json],
    restoring: Mapping[TabletAlias, str],
    older: Mapping[TabletAlias, OlderRestored],
    *,
    now: datetime,
) -> dict[str, ShardCondition]:
    """Return the two conditions; one that never was False is not told.

    Args:
        found: the shard's conditions as they are.
        restoring: tablets that have no data yet, with their reasons.
    """
    stuck = any(why.startswith(CANNOT_RESTORE) for why in restoring.values())
    blocked = ShardCondition(
        status="False" if restoring else "True",
        reason=(RESTORE_BLOCKED if stuck else "TabletsRestoring")
        if restoring
        else "TabletsHaveData",
        message="; ".join(f"{alias}: {why}" for alias, why in sorted(restoring.items()))
        or "All tablets have their data.",
    )
    newest = ShardCondition(
        status="False" if older else "True",
        reason="NewerBackupDamaged" if older else "NewestRestored",
        message="; ".join(
            f"{alias} was restored from {tale.used}, because newer backups that fitted are "
            f"damaged: {tale.damaged}"
            for alias, tale in sorted(older.items())
        )
        or "No tablet had to take an older backup.",
    )
    wanted = {DATA_RESTORED: blocked, NEWEST_USED: newest}
    return {
        kind: dated(condition, found.get(kind), now=now)
        for kind, condition in wanted.items()
        if condition.status == "False" or kind in found
    }


def restore_events(
    found: Mapping[str, Json], told: Mapping[str, ShardCondition], *, now: datetime
) -> list[tuple[str, str]]:
    """Return (reason, message) of the warnings to record now."""
    events: list[tuple[str, str]] = []
    blocked = told.get(DATA_RESTORED)
    if blocked is not None and blocked.reason == RESTORE_BLOCKED:
        same = (found.get(DATA_RESTORED) or {}).get("message") == blocked.message
        since = datetime.fromisoformat(blocked.last_transition_time)
        if same and now - since >= TOLD_AFTER:
            events.append((RESTORE_BLOCKED, blocked.message))
    newest = told.get(NEWEST_USED)
    if newest is not None and newest.status == "False":
        before = (found.get(NEWEST_USED) or {}).get("message")
        if before != newest.message:
            events.append(("OlderBackupRestored", newest.message))
    return events
