"""What can be done about a shard: a plan is made of these. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.parts import Orphan
from armillary.operator.objects.rollout import PodDecision
from armillary.operator.shard.tablets import WantedTablet


@dataclass(frozen=True, slots=True)
class RollPod:
    """Create, annotate or delete a wanted tablet's pod.

    `may_be_primary`: a pod to be deleted may be the primary's, because nobody could take over or
    it is down anyway; else it is left alone when it turns out to be.
    """

    tablet: WantedTablet
    decision: PodDecision
    may_be_primary: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """Let a tablet's waiting changes be applied: its pod is replaced in a later pass."""

    alias: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class MarkDrain:
    """Set drain annotations of a tablet's pod, or remove those that are None."""

    alias: TabletAlias
    changes: Mapping[str, str | None]
    event: str  # its reason, as one word
    message: str


@dataclass(frozen=True, slots=True)
class PlannedReparent:
    """Move the primary to one of `successors`, all of which stay."""

    avoid: TabletAlias
    successors: tuple[TabletAlias, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a claim, or the pod of a backup run."""

    obj: KubeObject
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveTablet:
    """Delete the pod of a tablet that left the spec, unless it is the primary by now."""

    alias: TabletAlias
    pod: KubeObject
    reason: str


@dataclass(frozen=True, slots=True)
class EndCascade:
    reason: str


@dataclass(frozen=True, slots=True)
class PruneTablet:
    alias: TabletAlias
    reason: str


@dataclass(frozen=True, slots=True)
class PruneShardCell:
    """Delete the shard's list of tablets in a cell where it has none any more."""

    cell: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing can be done now; say why."""

    event: str
    message: str
    warning: bool = True


ShardAction = (
    RollPod
    | Release
    | MarkDrain
    | PlannedReparent
    | Delete
    | RemoveTablet
    | EndCascade
    | PruneTablet
    | PruneShardCell
    | Tell
)

# At most one of these in a plan: each takes a serving tablet away, or moves the primary.
DISRUPTIVE = (Release, PlannedReparent, RemoveTablet)


@dataclass(frozen=True, slots=True)
class ShardPlan:
    actions: tuple[ShardAction, ...]
    orphans: Mapping[TabletAlias, Orphan] = field(default_factory=dict)
    look_again_s: float | None = None
