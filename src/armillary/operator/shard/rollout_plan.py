"""Replace tablets whose template changed: one at a time, replicas first, the primary last. Pure.

A change waits on the pod as an annotation until it is released: by a person or a tool, or by a
cascade, which releases one after the other. What was released is drained, then replaced.
"""

from armillary.kube.objects import annotations_of
from armillary.model.tablet import TabletAlias
from armillary.operator.objects.rollout import DeletePod
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import (
    EndCascade,
    MarkDrain,
    Release,
    RollPod,
    ShardAction,
    Tell,
)
from armillary.operator.shard.drain import ROLLING_UPDATE, DrainState, drain_of
from armillary.operator.shard.situation import Situation, has_failed


def plan_rollout(situation: Situation) -> ShardAction | None:
    """Return the next step of a roll-out, if one may be taken now."""
    if situation.is_ending_one:
        return None
    pods = situation.seen.pods
    released = [
        alias
        for alias, decision in situation.decisions.items()
        if isinstance(decision, DeletePod) and not has_failed(pods.get(alias))
    ]
    # Replicas first, so that the primary moves to one that is new already.
    released.sort(key=lambda alias: (alias == situation.primary, alias))
    for alias in released:
        replace = _replace(situation, alias)
        if replace is not None:
            return replace
    if released:
        return _start_drain(situation, released)
    return _cascade(situation)


def _replace(situation: Situation, alias: TabletAlias) -> RollPod | None:
    """Return the replacement of a released tablet when it may happen now."""
    roll = RollPod(situation.wanted[alias], situation.decisions[alias])
    may_be_primary = RollPod(roll.tablet, roll.decision, may_be_primary=True)
    if alias not in situation.ready and situation.keeps_its_data(alias):
        return may_be_primary  # it is down already, so this costs nothing, and may be the cure
    if situation.seen.topology is None:
        return None  # it may be the primary
    if alias == situation.primary:
        return may_be_primary if situation.is_lone(alias) else None
    if alias not in situation.ready:
        return roll
    drained = drain_of(situation.seen.pods[alias]).state is DrainState.FINISHED
    return roll if drained else None


def _start_drain(situation: Situation, released: list[TabletAlias]) -> ShardAction | None:
    """Begin with the first released tablet, unless a drain is under way already."""
    if situation.is_draining_one:
        return None
    alias = released[0]
    marks = {keys.DRAIN_STARTED: ROLLING_UPDATE}
    return MarkDrain(alias, marks, "DrainStarted", f"tablet {alias}: {ROLLING_UPDATE}")


def _cascade(situation: Situation) -> ShardAction | None:
    """Release the next tablet whose changes wait, when the strategy or an annotation says so."""
    if not situation.cascades:
        return None
    scheduled = situation.scheduled
    if not scheduled:
        marked = keys.ROLLOUT_CASCADE in annotations_of(situation.obj)
        return EndCascade("nothing waits any more") if marked else None
    down = sorted(
        alias
        for alias in scheduled
        if alias not in situation.ready
        and (situation.keeps_its_data(alias) or alias != situation.primary)
    )
    if down:
        return Release(down[0], "its changes wait, and it is not serving anyway")
    if situation.is_draining_one:
        return None
    if not situation.all_available:
        waiting = f"waiting until {situation.unavailable} serves"
        message = f"{len(scheduled)} tablets have changes: {waiting}"
        return Tell("RolloutPaused", message, warning=False)
    alias = min(scheduled, key=lambda a: (a == situation.primary, a))
    if (
        alias == situation.primary
        and situation.is_lone(alias)
        and not situation.keeps_its_data(alias)
    ):
        return Tell(
            "RolloutPaused",
            f"tablet {alias} is the only one that may be primary, and its data would go with its "
            f"pod; annotate the pod with {keys.ROLLOUT_RELEASED} to replace it all the same",
        )
    return Release(alias, "next in the roll-out")
