"""Let go of tablets that left the spec, one at a time and never of the primary. Pure."""

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import is_being_deleted
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.parts import Orphan
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import (
    Delete,
    MarkDrain,
    PruneShardCell,
    PruneTablet,
    RemoveTablet,
    ShardAction,
)
from armillary.operator.shard.drain import TURN_DOWN, DrainState, drain_of
from armillary.operator.shard.situation import Situation


def plan_removals(
    situation: Situation,
) -> tuple[dict[TabletAlias, Orphan], list[MarkDrain], RemoveTablet | None]:
    """Return why unwanted tablets stay, drains to start, and the one that may go now."""
    orphans: dict[TabletAlias, Orphan] = {}
    starts: list[MarkDrain] = []
    removal: RemoveTablet | None = None
    for alias, pod in sorted(situation.seen.pods.items()):
        if alias in situation.wanted or is_being_deleted(pod):
            continue
        if drain_of(pod).state is DrainState.NONE and not _rolls_first(situation):
            marks = {keys.DRAIN_STARTED: TURN_DOWN}
            starts.append(MarkDrain(alias, marks, "DrainStarted", f"tablet {alias}: {TURN_DOWN}"))
        orphan = _why_it_stays(situation, alias, pod)
        if orphan is not None:
            orphans[alias] = orphan
        elif removal is None and not situation.is_ending_one:
            removal = RemoveTablet(alias, pod, "left the spec")
        else:
            orphans[alias] = Orphan(reason="Draining", message="Another tablet goes first.")
    return orphans, starts, removal


def _why_it_stays(situation: Situation, alias: TabletAlias, pod: KubeObject) -> Orphan | None:
    if situation.seen.topology is None:
        return Orphan(reason="MasterUnknown", message="The topology does not say who is primary.")
    if not situation.seen.topology.has_record:
        return Orphan(
            reason="MasterUnknown",
            message="The shard has no record in the topology, so nobody can say who is primary. To "
            "remove the tablets with their data, remove the keyspace, turndownPolicy Immediate.",
        )
    if situation.primary == alias:
        return Orphan(reason="Master", message=_how_the_primary_leaves(situation, alias))
    if len(situation.ready) < len(situation.wanted):
        waiting = ", ".join(str(a) for a in sorted(situation.wanted.keys() - situation.ready))
        return Orphan(
            reason="ShardNotHealthy", message=f"Tablets of the spec are not ready: {waiting}."
        )
    state = drain_of(pod).state
    if state is DrainState.NONE:
        return Orphan(reason="Draining", message="The tablet is drained once a roll-out is over.")
    if state is not DrainState.FINISHED:
        return Orphan(reason="Draining", message="The tablet is being drained.")
    return None


def _rolls_first(situation: Situation) -> bool:
    """Whether a roll-out goes on: it is over sooner, and safer, while the tablet still helps."""
    released = any(situation.is_released(alias) for alias in situation.wanted)
    return released or (situation.cascades and bool(situation.scheduled))


def _how_the_primary_leaves(situation: Situation, alias: TabletAlias) -> str:
    if not any(tablet.can_be_primary for tablet in situation.wanted.values()):
        return (
            "The tablet is the primary, and no tablet that stays may become it. To remove the "
            "shard with its data, remove the pool or the keyspace itself."
        )
    if situation.successors(alias):
        return "The tablet is the primary; another one takes over first."
    return "The tablet is the primary, and no tablet that stays is ready to take over."


def plan_claims(situation: Situation) -> list[Delete]:
    """Let go of claims of unwanted tablets once their pods are gone."""
    seen = situation.seen
    return [
        Delete(claim, "its tablet left the spec")
        for alias, claim in sorted(seen.claims.items())
        if alias not in situation.wanted and alias not in seen.pods and not is_being_deleted(claim)
    ]


def plan_prune(situation: Situation) -> list[ShardAction]:
    """Forget records of tablets that are neither wanted nor there; never the primary's."""
    topology, spec = situation.seen.topology, situation.shard.spec
    if topology is None or not spec.topology_reconciliation.prune_tablets:
        return []
    return [
        PruneTablet(alias, "left the spec")
        for alias in sorted(topology.types)
        if alias not in situation.wanted
        and alias not in situation.seen.pods
        and alias.cell in spec.zone_map  # other cells may be another operator's
        and alias != topology.primary
    ]


def plan_prune_cells(situation: Situation) -> list[ShardAction]:
    """Forget which tablets the shard had in cells of the cluster that it has left altogether."""
    topology, spec = situation.seen.topology, situation.shard.spec
    if topology is None or not spec.topology_reconciliation.prune_shard_cells:
        return []
    in_use = {alias.cell for alias in (*topology.types, *situation.seen.pods)}
    return [PruneShardCell(cell) for cell in sorted(topology.left_cells - in_use)]
