"""Drive the drains of one shard. Pure.

Tablets are drained one at a time, and only while the shard is whole: every tablet of the spec is
available and there is a primary. When the primary's turn comes it is moved to a tablet that stays
and does not drain itself; only then, as a replica, it is finished.
"""

from collections.abc import Mapping

from armillary.kube.objects import is_being_deleted
from armillary.model.tablet import TabletAlias
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import MarkDrain, PlannedReparent, ShardAction, Tell
from armillary.operator.shard.drain import (
    ALL_MARKS,
    ROLLING_UPDATE,
    TURN_DOWN,
    Drain,
    DrainState,
    drain_of,
    drain_transitions,
)
from armillary.operator.shard.situation import Situation


def plan_drain(situation: Situation) -> list[ShardAction]:
    """Return the next steps of all drains under way; starting one is others' decision."""
    drains = {
        alias: drain_of(pod)
        for alias, pod in sorted(situation.seen.pods.items())
        if not is_being_deleted(pod)
    }
    cleared = _clear(situation, drains)
    if cleared:
        return cleared
    states = {alias: drain.state for alias, drain in drains.items()}
    transitions = drain_transitions(states)
    if not transitions:
        return []
    if situation.primary is None:
        return [_wait("no tablet is drained while the shard has no primary")]
    if not situation.all_available:
        return [_wait(f"no tablet is drained before {situation.unavailable} is available")]
    actions: list[ShardAction] = []
    for alias, state in transitions.items():
        if state is DrainState.ACKNOWLEDGED:
            marks = {keys.DRAIN_ACKNOWLEDGED: rfc3339(situation.now)}
            actions.append(MarkDrain(alias, marks, "DrainAcknowledged", _told(alias, drains)))
        elif alias != situation.primary:
            marks = {keys.DRAIN_FINISHED: rfc3339(situation.now)}
            actions.append(MarkDrain(alias, marks, "DrainFinished", _told(alias, drains)))
        elif situation.is_ending_one:
            actions.append(_wait("the primary is moved once the tablet that ends is gone"))
        else:
            actions.append(_hand_over(situation, alias, drains[alias].reason))
    return actions


def _wait(message: str) -> Tell:
    return Tell("DrainWaiting", message, warning=False)


def _told(alias: TabletAlias, drains: Mapping[TabletAlias, Drain]) -> str:
    return f"tablet {alias}: {drains[alias].reason or 'no reason given'}"


def _hand_over(situation: Situation, primary: TabletAlias, reason: str) -> PlannedReparent | Tell:
    successors = situation.successors(primary)
    if successors:
        return PlannedReparent(primary, successors, reason or "it is to be drained")
    return Tell(
        "DrainBlocked",
        f"the primary {primary} is to be drained ({reason}), and no ready tablet of type REPLICA "
        "that stays could take over",
    )


def _clear(situation: Situation, drains: dict[TabletAlias, Drain]) -> list[ShardAction]:
    """Take back what nobody wants any more, before anything else goes on."""
    actions: list[ShardAction] = []
    for alias, drain in drains.items():
        if drain.state is DrainState.ABORTED:
            marks = dict.fromkeys((keys.DRAIN_ACKNOWLEDGED, keys.DRAIN_FINISHED))
            actions.append(MarkDrain(alias, marks, "DrainAborted", f"tablet {alias} goes on"))
        elif _lost_its_reason(situation, alias, drain):
            message = f"tablet {alias} goes on: no {drain.reason} any more"
            actions.append(MarkDrain(alias, dict.fromkeys(ALL_MARKS), "DrainAborted", message))
        elif drain.state is DrainState.FINISHED and alias == situation.primary:
            message = f"tablet {alias} became primary after it was drained: once more"
            marks = {keys.DRAIN_FINISHED: None, keys.DRAIN_ACKNOWLEDGED: None}
            actions.append(MarkDrain(alias, marks, "DrainRepeated", message))
    return actions


def _lost_its_reason(situation: Situation, alias: TabletAlias, drain: Drain) -> bool:
    if drain.reason == TURN_DOWN:
        return alias in situation.wanted
    if drain.reason == ROLLING_UPDATE:
        annotations = situation.seen.pods[alias].get("metadata", {}).get("annotations") or {}
        return alias in situation.wanted and keys.ROLLOUT_SCHEDULED not in annotations
    return False
