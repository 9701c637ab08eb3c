"""What to do next so that a shard's tablets and backup runs become what its spec says. Pure.

Creating is safe, so all that is missing comes at once. Whatever takes a serving tablet away comes
alone, and only while every wanted tablet is available: wherever we crash, it has cost the shard one
tablet at most. Replicas roll first; the primary moves once, and rolls last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    annotations_of,
    condition_of,
    is_being_deleted,
    is_condition_true,
    name_of,
    phase_of,
)
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.parts import Orphan
from armillary.operator.objects.rollout import (
    Annotate,
    CreatePod,
    DeletePod,
    Leave,
    PodDecision,
    decide_pod,
    with_pod_hash,
)
from armillary.operator.render import labels as keys
from armillary.operator.shard.backup_pod import WantedBackupJob
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import Shard, WantedTablet, wanted_tablets


@dataclass(frozen=True, slots=True)
class RollPod:
    tablet: WantedTablet
    decision: PodDecision


@dataclass(frozen=True, slots=True)
class Release:
    """Let a tablet's waiting changes be applied: its pod is replaced in a later pass."""

    alias: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedReparent:
    """Move the primary away, because its tablet is about to be replaced or removed."""

    avoid: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class Delete:
    obj: KubeObject
    reason: str


@dataclass(frozen=True, slots=True)
class EndCascade:
    reason: str


@dataclass(frozen=True, slots=True)
class PruneTablet:
    alias: TabletAlias
    reason: str


ShardAction = RollPod | Release | PlannedReparent | Delete | EndCascade | PruneTablet


@dataclass(frozen=True, slots=True)
class ShardPlan:
    actions: tuple[ShardAction, ...]
    orphans: Mapping[TabletAlias, Orphan] = field(default_factory=dict)
    look_again_s: float | None = None


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
    wanted = {tablet.alias: tablet for tablet in wanted_tablets(shard)}
    decisions = {
        alias: decide_pod(with_pod_hash(build_pod(shard, tablet)), seen.pods.get(alias))
        for alias, tablet in wanted.items()
    }
    availability = {
        alias: is_available(seen.pods.get(alias), now=now, after=available_after)
        for alias in wanted
    }
    safe: list[ShardAction] = [
        RollPod(wanted[alias], decision)
        for alias, decision in decisions.items()
        if isinstance(decision, CreatePod | Annotate) or _is_broken(seen.pods.get(alias))
    ]
    orphans, removals = _plan_removals(wanted, seen)
    disruptive = _plan_disruption(shard, obj, seen, wanted, decisions, availability)
    actions = [
        *safe,
        *_plan_backup_leftovers(seen, jobs),
        *_plan_claims(wanted, seen),
        *_plan_prune(shard, wanted, seen),
        *([disruptive] if disruptive else removals[:1]),
    ]
    waiting = not all(availability.values()) and any(
        isinstance(decision, Leave | DeletePod) for decision in decisions.values()
    )
    return ShardPlan(tuple(actions), orphans, look_again_s=5.0 if waiting or orphans else None)


def is_available(pod: KubeObject | None, *, now: datetime, after: timedelta) -> bool:
    """Whether the pod has been ready for `after` without a break."""
    if pod is None or is_being_deleted(pod):
        return False
    condition = condition_of(pod, "Ready")
    if condition is None or condition.get("status") != "True":
        return False
    since = condition.get("lastTransitionTime")
    return not since or now - datetime.fromisoformat(since) >= after


def _is_broken(pod: KubeObject | None) -> bool:
    return pod is not None and phase_of(pod) == "Failed" and not is_being_deleted(pod)


# --- changes that restart a tablet


def _plan_disruption(
    shard: Shard,
    obj: KubeObject,
    seen: ShardSeen,
    wanted: Mapping[TabletAlias, WantedTablet],
    decisions: Mapping[TabletAlias, PodDecision],
    availability: Mapping[TabletAlias, bool],
) -> ShardAction | None:
    """Return the one action that restarts or moves something, if any may be taken now."""
    if any(is_being_deleted(pod) for pod in seen.pods.values()):
        return None  # one at a time: a tablet that ends is a disruption already
    primary = seen.topology.primary if seen.topology else None
    released = [
        alias
        for alias, decision in decisions.items()
        if isinstance(decision, DeletePod) and not _is_broken(seen.pods.get(alias))
    ]
    if released:
        # Replicas first, so that the primary moves to one that is new already.
        alias = min(released, key=lambda a: (a == primary, a))
        others_ready = all(ready for other, ready in availability.items() if other != alias)
        if not others_ready:
            return None
        if alias == primary and _has_candidate(alias, wanted, seen):
            return PlannedReparent(alias, "its changes were released")
        return RollPod(wanted[alias], decisions[alias])
    return _plan_cascade(shard, obj, seen, wanted, availability, primary)


def _plan_cascade(
    shard: Shard,
    obj: KubeObject,
    seen: ShardSeen,
    wanted: Mapping[TabletAlias, WantedTablet],
    availability: Mapping[TabletAlias, bool],
    primary: TabletAlias | None,
) -> ShardAction | None:
    """Release the next tablet whose changes wait, when the strategy or an annotation says so."""
    marked = keys.ROLLOUT_CASCADE in annotations_of(obj)
    if not marked and shard.spec.update_strategy.type != "Immediate":
        return None
    scheduled = [
        alias
        for alias in wanted
        if keys.ROLLOUT_SCHEDULED in annotations_of(seen.pods.get(alias, _NOTHING))
    ]
    if not scheduled:
        return EndCascade("nothing waits any more") if marked else None
    healthy = [alias for alias in scheduled if availability[alias]]
    broken = [alias for alias in scheduled if not availability[alias]]
    if broken and all(availability[alias] for alias in wanted if alias not in broken):
        # It is down already, so replacing it costs nothing, and may be the cure.
        return Release(min(broken), "its changes wait, and it is not available anyway")
    if not all(availability.values()):
        return None
    alias = min(healthy, key=lambda a: (a == primary, a))
    return Release(alias, "next in the roll-out")


_NOTHING: KubeObject = {"metadata": {}}


def _has_candidate(
    primary: TabletAlias, wanted: Mapping[TabletAlias, WantedTablet], seen: ShardSeen
) -> bool:
    """Whether another tablet could take over from the primary."""
    types = seen.topology.types if seen.topology else {}
    return any(
        alias != primary
        and tablet.can_be_primary
        and types.get(alias) == TabletType.REPLICA
        and is_condition_true(seen.pods.get(alias, _NOTHING), "Ready")
        for alias, tablet in wanted.items()
    )


# --- tablets that left the spec


def _plan_removals(
    wanted: Mapping[TabletAlias, WantedTablet], seen: ShardSeen
) -> tuple[dict[TabletAlias, Orphan], list[ShardAction]]:
    """Return why unwanted tablets stay, and what may be done about them now."""
    orphans: dict[TabletAlias, Orphan] = {}
    actions: list[ShardAction] = []
    healthy = all(is_condition_true(seen.pods.get(alias, _NOTHING), "Ready") for alias in wanted)
    for alias, pod in sorted(seen.pods.items()):
        if alias in wanted or is_being_deleted(pod):
            continue
        if seen.topology is None:
            orphans[alias] = Orphan(
                reason="MasterUnknown", message="The topology does not say who is primary."
            )
        elif seen.topology.primary == alias:
            orphans[alias] = Orphan(
                reason="Master", message="The tablet is the primary; another must take over first."
            )
            if healthy and _has_candidate(alias, wanted, seen):
                actions.append(PlannedReparent(alias, "the primary left the spec"))
        elif not healthy:
            orphans[alias] = Orphan(
                reason="ShardNotHealthy", message="Not all tablets of the spec are ready."
            )
        else:
            actions.append(Delete(pod, "left the spec"))
    return orphans, actions


def _plan_claims(wanted: Mapping[TabletAlias, WantedTablet], seen: ShardSeen) -> list[ShardAction]:
    """Let go of claims of unwanted tablets once their pods are gone."""
    return [
        Delete(claim, "its tablet left the spec")
        for alias, claim in sorted(seen.claims.items())
        if alias not in wanted and alias not in seen.pods and not is_being_deleted(claim)
    ]


def _plan_prune(
    shard: Shard, wanted: Mapping[TabletAlias, WantedTablet], seen: ShardSeen
) -> list[ShardAction]:
    """Forget records of tablets that are neither wanted nor there; never the primary's."""
    if seen.topology is None or not shard.spec.topology_reconciliation.prune_tablets:
        return []
    return [
        PruneTablet(alias, "left the spec")
        for alias in sorted(seen.topology.types)
        if alias not in wanted
        and alias not in seen.pods
        and alias.cell in shard.spec.zone_map  # other cells may be another operator's
        and alias != seen.topology.primary
    ]


# --- backup runs


def _plan_backup_leftovers(seen: ShardSeen, jobs: tuple[WantedBackupJob, ...]) -> list[ShardAction]:
    """Let go of backup runs that are not wanted any more, but never of one that runs.

    A run prunes after it has backed up, so it is given the time to finish.
    """
    wanted = {job.name for job in jobs}
    pods = {name_of(pod): pod for pod in seen.backup_pods}
    actions: list[ShardAction] = [
        Delete(pod, "its backup is done or not wanted any more")
        for name, pod in pods.items()
        if name not in wanted and phase_of(pod) != "Running" and not is_being_deleted(pod)
    ]
    actions += [
        Delete(claim, "its backup pod is gone")
        for claim in seen.backup_claims
        if name_of(claim) not in wanted
        and name_of(claim) not in pods
        and not is_being_deleted(claim)
    ]
    return actions
