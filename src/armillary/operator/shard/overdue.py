"""Whether a shard's backups come when its policy says, and why they do not. Pure.

A run that fails is begun anew by its pod, again and again. That alone is seen by nobody who does
not look at pods, and the day on which a backup is wanted is too late to find out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of, created_at, labels_of, name_of, phase_of
from armillary.operator.crd.backup import BackupPolicy
from armillary.operator.crd.parts import Json, ShardCondition
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.objects.status import dated, rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.shard.backup_plan import (
    SeenBackup,
    complete_times,
    newest_dated,
    run_ended_at,
)
from armillary.operator.shard.tablets import Shard

BACKUPS_CURRENT = "BackupsCurrent"
# A run takes its time, and a large shard's takes long: without a failure it is late only then.
LATE_AFTER = timedelta(hours=1)
# The first try may fail for want of something that is still starting.
FAILS_AFTER = timedelta(minutes=1)
# What a run has stored is seen by the next look into the location.
MIRRORED_AFTER = timedelta(minutes=3)
REASON_CHARS_MAX = 400

# A line of a program of ours or of Vitess's that tells of an error, without its date and place.
_ERROR_LINE = re.compile(r"^E\d{4} [\d:.]+\s+(?:\d+ )?\S+\] (.*)$", re.MULTILINE)
_STARTING = frozenset({"ContainerCreating", "PodInitializing", "CrashLoopBackOff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A location in which the next complete backup of the shard should be, and is not."""

    location: str
    since: datetime
    reason: str
    fails: bool  # a run has failed; else it is only late


def find_overdue(
    shard: Shard,
    policy: BackupPolicy | None,
    backups: Sequence[SeenBackup],
    pods: Sequence[KubeObject],
    *,
    shard_made_at: datetime,
    has_primary: bool,
    is_snapshot: bool | None,
    now: datetime,
) -> tuple[Overdue, ...]:
    """Return the locations whose newest complete backup is too old, or missing.

    Args:
        pods: the shard's vtbackup runs.
        is_snapshot: a restored image has no backups of its own; None: the topology does not say,
            so only a run that fails is certain.
    """
    if is_snapshot:
        return ()
    has_complete = any(backup.complete for backup in backups)
    if policy is None and has_complete:
        return ()
    locations = (shard.location_of(pool) for pool in shard.spec.tablet_pools)
    found = []
    for name in dict.fromkeys(location.name for location in locations if location is not None):
        newest_at = newest_dated(complete_times(backups, name), now=now)
        due_at = shard_made_at
        if newest_at is not None and policy is not None:
            interval = timedelta(hours=policy.backup_interval_hours)
            if now - newest_at < interval:  # a sum with a long interval would be no date
                continue
            due_at = newest_at + interval
        runs = [pod for pod in pods if labels_of(pod).get(keys.BACKUP_LOCATION, "") == name]
        failure = _failure(runs)
        is_late = policy is not None and is_snapshot is False and now - due_at >= LATE_AFTER
        if not (is_late or (failure and now - due_at >= FAILS_AFTER)):
            continue
        why = failure or _why_late(newest_at, runs, has_primary=has_primary, now=now)
        found.append(Overdue(location=name, since=due_at, reason=why, fails=bool(failure)))
    return tuple(found)


def told_before(status: ShardStatus, backups: Sequence[SeenBackup]) -> tuple[Overdue, ...]:
    """Return what the status tells and no backup has ended, for when too little is known."""
    told = [
        Overdue(
            location=place.name,
            since=datetime.fromisoformat(place.overdue_since),
            reason=place.overdue_reason,
            fails=True,
        )
        for place in status.backup_locations
        if place.overdue_since is not None
    ]
    return tuple(
        one
        for one in told
        if not any(
            b.complete and b.location == one.location and b.started_at and b.started_at >= one.since
            for b in backups
        )
    )


def _why_late(
    newest_at: datetime | None, runs: Sequence[KubeObject], *, has_primary: bool, now: datetime
) -> str:
    if not has_primary:
        return "the shard has no primary whose data a backup could catch up with"
    if newest_at is None:
        return "there is no complete backup to go on from; BackupShard takes one"
    if any(
        phase_of(pod) == "Succeeded" and now - run_ended_at(pod, now) >= MIRRORED_AFTER
        for pod in runs
    ):
        return (
            "the last run ended and left no backup that counts: either a clock is wrong, or the "
            "location is not read"
        )
    return "no run has ended yet"


def _failure(pods: Sequence[KubeObject]) -> str:
    """Return why the newest run that fails does so; empty when none does."""
    newest_first = sorted(pods, key=lambda pod: (created_at(pod), name_of(pod)), reverse=True)
    for pod in newest_first:
        if reason := pod_failure(pod):
            return f"Pod {name_of(pod)}: {reason}"
    return ""


def pod_failure(pod: KubeObject) -> str:
    """Return why a pod did not do its work so far; empty when nothing has gone wrong."""
    if phase_of(pod) == "Succeeded":
        return ""  # what failed before that is past
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        for state in (container.get("state") or {}, container.get("lastState") or {}):
            terminated = state.get("terminated") or {}
            if terminated.get("exitCode"):
                return _last_words(terminated)
            waiting = state.get("waiting") or {}
            if waiting and waiting.get("reason") not in _STARTING:
                return _short(f"{waiting.get('reason')}: {waiting.get('message') or ''}")
    if phase_of(pod) == "Failed":
        return _short(f"{status.get('reason') or 'Failed'}: {status.get('message') or ''}")
    unscheduled = condition_of(pod, "PodScheduled") or {}
    if unscheduled.get("status") == "False":
        return _short(str(unscheduled.get("message") or unscheduled.get("reason") or ""))
    return ""


def _last_words(terminated: Mapping[str, object]) -> str:
    """Return the last error that the program told; else how it ended."""
    message = str(terminated.get("message") or "")
    told = _ERROR_LINE.findall(message)
    if told:
        return _short(told[-1])
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    ended = f"{terminated.get('reason') or 'Error'}, exit code {terminated['exitCode']}"
    return _short(f"{lines[-1]} ({ended})" if lines else ended)


def _short(text: str) -> str:
    text = text.strip().rstrip(":")
    return text if len(text) <= REASON_CHARS_MAX else text[: REASON_CHARS_MAX - 3] + "..."


def overdue_condition(
    found: Mapping[str, Json], overdue: Sequence[Overdue], *, now: datetime
) -> dict[str, ShardCondition]:
    """Return the condition; one that never was False is not told."""
    if not overdue and BACKUPS_CURRENT not in found:
        return {}
    fails = any(one.fails for one in overdue)
    condition = ShardCondition(
        status="False" if overdue else "True",
        reason=("BackupFails" if fails else "BackupLate") if overdue else "BackupsCurrent",
        message="; ".join(
            f"location {one.location or 'default'}: no complete backup since one was due at "
            f"{rfc3339(one.since)}: {one.reason}"
            for one in overdue
        )
        or "Every location has a complete backup as new as the policy wants it.",
    )
    return {BACKUPS_CURRENT: dated(condition, found.get(BACKUPS_CURRENT), now=now)}


def overdue_event(
    found: Mapping[str, Json], told: Mapping[str, ShardCondition]
) -> tuple[str, str, bool] | None:
    """Return (reason, message, is a warning) of the event to record now."""
    condition = told.get(BACKUPS_CURRENT)
    before = found.get(BACKUPS_CURRENT) or {}
    if condition is None:
        return None
    if condition.status == "False" and before.get("message") != condition.message:
        return ("BackupOverdue", condition.message, True)
    if condition.status == "True" and before.get("status") == "False":
        return ("BackupsCurrent", condition.message, False)
    return None
