"""One shard as all its plans see it: what is wanted beside what is there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    annotations_of,
    condition_of,
    is_being_deleted,
    is_condition_true,
    phase_of,
)
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.objects.rollout import (
    DeletePod,
    Leave,
    PodDecision,
    decide_pod,
    with_pod_hash,
)
from armillary.operator.render import labels as keys
from armillary.operator.shard.drain import DrainState, drain_of
from armillary.operator.shard.observe import ShardSeen
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import Shard, WantedTablet, wanted_tablets


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    shard: Shard
    obj: KubeObject
    seen: ShardSeen
    wanted: Mapping[TabletAlias, WantedTablet]
    decisions: Mapping[TabletAlias, PodDecision]
    available: frozenset[TabletAlias]  # wanted ones that have been ready for a while
    ready: frozenset[TabletAlias]  # wanted ones that are ready
    now: datetime

    @property
    def primary(self) -> TabletAlias | None:
        """Return the primary; None when there is none, or the topology does not say."""
        return self.seen.topology.primary if self.seen.topology else None

    @property
    def all_available(self) -> bool:
        return len(self.available) == len(self.wanted)

    @property
    def unavailable(self) -> str:
        """Return the wanted tablets that are not available, for people."""
        return ", ".join(str(alias) for alias in sorted(self.wanted.keys() - self.available))

    @property
    def is_ending_one(self) -> bool:
        """Whether a tablet ends already: that is one disruption, and one is enough."""
        return any(is_being_deleted(pod) for pod in self.seen.pods.values())

    def is_lone(self, alias: TabletAlias) -> bool:
        """Whether no other tablet of the spec may be primary."""
        return not any(
            tablet.can_be_primary for other, tablet in self.wanted.items() if other != alias
        )

    def keeps_its_data(self, alias: TabletAlias) -> bool:
        """Whether the tablet's data outlives its pod; a deleted claim goes when its pod does."""
        tablet, claim = self.wanted.get(alias), self.seen.claims.get(alias)
        has_claim = tablet is not None and tablet.pool.data_volume_claim_template is not None
        return has_claim and (claim is None or not is_being_deleted(claim))

    def successors(self, leaving: TabletAlias) -> tuple[TabletAlias, ...]:
        """Return the tablets that may take over as primary: they stay, serve and do not drain.

        One that is about to be replaced is named only when there is no other.
        """
        types = self.seen.topology.types if self.seen.topology else {}
        able = tuple(
            alias
            for alias, tablet in sorted(self.wanted.items())
            if alias != leaving
            and tablet.can_be_primary
            and types.get(alias) == TabletType.REPLICA
            and alias in self.ready
            and drain_of(self.seen.pods[alias]).state is DrainState.NONE
        )
        staying = tuple(alias for alias in able if not self.is_released(alias))
        return staying or able

    def is_released(self, alias: TabletAlias) -> bool:
        """Whether the tablet's waiting changes may be applied: its pod is replaced soon."""
        return isinstance(self.decisions.get(alias), DeletePod)

    @property
    def is_draining_one(self) -> bool:
        return any(drain_of(p).state is not DrainState.NONE for p in self.seen.pods.values())

    @property
    def cascades(self) -> bool:
        """Whether waiting changes are released without being asked."""
        marked = keys.ROLLOUT_CASCADE in annotations_of(self.obj)
        return marked or self.shard.spec.update_strategy.type == "Immediate"

    @property
    def scheduled(self) -> list[TabletAlias]:
        """Return the wanted tablets whose changes wait."""
        pods = self.seen.pods
        return [
            alias
            for alias in self.wanted
            if alias in pods and keys.ROLLOUT_SCHEDULED in annotations_of(pods[alias])
        ]


def look_at(
    shard: Shard,
    obj: KubeObject,
    seen: ShardSeen,
    *,
    now: datetime,
    available_after: timedelta,
) -> Situation:
    wanted = {tablet.alias: tablet for tablet in wanted_tablets(shard)}
    return Situation(
        shard=shard,
        obj=obj,
        seen=seen,
        wanted=wanted,
        decisions={alias: _decide(shard, tablet, seen) for alias, tablet in wanted.items()},
        available=frozenset(
            alias
            for alias in wanted
            if is_available(seen.pods.get(alias), now=now, after=available_after)
        ),
        ready=frozenset(alias for alias in wanted if is_ready(seen.pods.get(alias))),
        now=now,
    )


def _decide(shard: Shard, tablet: WantedTablet, seen: ShardSeen) -> PodDecision:
    pod, claim = seen.pods.get(tablet.alias), seen.claims.get(tablet.alias)
    if pod is None and claim is not None and is_being_deleted(claim):
        # With a pod on it the claim would stay for now, and go with its data when the pod does.
        return Leave("its claim is being deleted: a new one comes first")
    return decide_pod(with_pod_hash(build_pod(shard, tablet)), pod)


def is_ready(pod: KubeObject | None) -> bool:
    return pod is not None and not is_being_deleted(pod) and is_condition_true(pod, "Ready")


def is_available(pod: KubeObject | None, *, now: datetime, after: timedelta) -> bool:
    """Whether the pod has been ready for `after` without a break."""
    if pod is None or not is_ready(pod):
        return False
    condition = condition_of(pod, "Ready") or {}
    since = condition.get("lastTransitionTime")
    return not since or now - datetime.fromisoformat(since) >= after


def has_failed(pod: KubeObject | None) -> bool:
    """Whether the pod ended as a whole, as an evicted one does, and nobody deletes it yet."""
    return pod is not None and phase_of(pod) == "Failed" and not is_being_deleted(pod)
