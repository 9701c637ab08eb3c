"""What to do next so that a shard's tablets and backup runs become what its spec says. Pure.

Creating is safe, so all that is missing comes at once. Whatever takes a serving tablet away comes
alone, and only while every wanted tablet is available: wherever we crash, it has cost the shard one
tablet at most. Replicas roll first; the primary moves once, and rolls last.
"""

from datetime import datetime, timedelta

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import is_being_deleted, name_of, phase_of
from armillary.operator.objects.rollout import Annotate, CreatePod, DeletePod, Leave
from armillary.operator.shard.actions import DISRUPTIVE, Delete, RollPod, ShardAction, ShardPlan
from armillary.operator.shard.backup_plan import run_ended_at
from armillary.operator.shard.backup_pod import WantedBackupJob
from armillary.operator.shard.drain_plan import plan_drain
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.removal_plan import (
    plan_claims,
    plan_prune,
    plan_prune_cells,
    plan_removals,
)
from armillary.operator.shard.rollout_plan import plan_rollout
from armillary.operator.shard.situation import Situation, has_failed, look_at
from armillary.operator.shard.tablets import Shard

_LOOK_AGAIN_S = 5.0
# A run that ended and left no backup that counts, as one whose clock is wrong does, is made anew no
# more often than the shortest policy makes backups. By then the mirror knows what it left.
_SPENT_AFTER = timedelta(hours=1)
# One that fails as a whole at once would be made and deleted without end.
_FAILED_PAUSE = timedelta(minutes=1)


def plan_shard(
    shard: Shard,
    obj: KubeObject,
    seen: ShardSeen,
    jobs: tuple[WantedBackupJob, ...],
    *,
    now: datetime,
    available_after: timedelta,
) -> ShardPlan:
    """Return this pass's actions, the safe ones first, at most one that disrupts."""
    situation = look_at(shard, obj, seen, now=now, available_after=available_after)
    orphans, starts, removal = plan_removals(situation)
    drains = plan_drain(situation)
    actions: list[ShardAction] = [
        *_safe(situation),
        *plan_backup_leftovers(seen, jobs, now=now),
        *plan_claims(situation),
        *plan_prune(situation),
        *plan_prune_cells(situation),
        *starts,
        *drains,
    ]
    if not any(isinstance(action, DISRUPTIVE) for action in drains):
        rollout = plan_rollout(situation)
        if rollout is not None:
            actions.append(rollout)
        elif removal is not None:
            actions.append(removal)
    waits = orphans or _is_waiting(situation)
    return ShardPlan(tuple(actions), orphans, look_again_s=_LOOK_AGAIN_S if waits else None)


def _safe(situation: Situation) -> list[RollPod]:
    # A pod that failed as a whole serves nothing, whoever it was.
    return [
        RollPod(situation.wanted[alias], decision, may_be_primary=True)
        for alias, decision in situation.decisions.items()
        if isinstance(decision, CreatePod | Annotate) or has_failed(situation.seen.pods.get(alias))
    ]


def _is_waiting(situation: Situation) -> bool:
    """Whether the next step depends on time passing, which wakes nobody."""
    return situation.is_draining_one or (
        not situation.all_available
        and any(isinstance(one, Leave | DeletePod) for one in situation.decisions.values())
    )


def plan_backup_leftovers(
    seen: ShardSeen, jobs: tuple[WantedBackupJob, ...], *, now: datetime
) -> list[Delete]:
    """Let go of backup runs that are not wanted any more, but never of one that runs.

    A run prunes after it has backed up, so it is given the time to finish.
    """
    wanted = {job.name for job in jobs}
    pods = {name_of(pod): pod for pod in seen.backup_pods}
    actions = [
        Delete(pod, "its backup is done or not wanted any more")
        for name, pod in pods.items()
        if name not in wanted and phase_of(pod) != "Running" and not is_being_deleted(pod)
    ]
    # Its containers begin anew by themselves; a pod that failed as a whole, as an evicted one, does
    # not, and its name is the next one's.
    actions += [
        Delete(pod, "it failed as a whole; the next one tries again")
        for name, pod in pods.items()
        if name in wanted and has_failed(pod) and now - run_ended_at(pod, now) >= _FAILED_PAUSE
    ]
    actions += [
        Delete(pod, "it ended and left no backup that counts; the next one tries again")
        for name, pod in pods.items()
        if name in wanted
        and phase_of(pod) == "Succeeded"
        and not is_being_deleted(pod)
        and now - run_ended_at(pod, now) >= _SPENT_AFTER
    ]
    actions += [
        Delete(claim, "its backup pod is gone")
        for claim in seen.backup_claims
        if name_of(claim) not in wanted
        and name_of(claim) not in pods
        and not is_being_deleted(claim)
    ]
    return actions
