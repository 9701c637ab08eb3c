"""The drain protocol: how people and robots agree that a tablet may be restarted. Pure.

Annotations on a tablet's pod, as Vitess's operator has them:

* `supported`: the operator drives drains of this pod (it sets this on every tablet);
* `started`: somebody wants to restart or remove the tablet; the value says why;
* `acknowledged`: the operator has seen that;
* `finished`: the tablet is not the primary, and no other tablet of the shard is finished: go ahead.

Whoever started a drain ends it by deleting the pod, or by removing `started`.

Why at most one tablet of a shard is Finished, even when each step is decided on what was true a
while ago: a tablet becomes Finished only in a step in which (1) none is seen Finished, (2) none is
seen that waits to be Acknowledged, and (3) it is the first of the Acknowledged ones. Take two
tablets a < b. If b becomes Finished while a is Finished already, then a was seen without its mark,
so as Acknowledged, and by (3) a is chosen again; or as Draining, and by (2) nobody is. If a becomes
Finished while b is, b was Acknowledged when it was chosen and a was not (else 3), and not Draining
(else 2): a started later. To acknowledge a and then finish it takes two steps, each on a state
later than a's start, and in these b is seen Finished, because one cache has changes in their order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of
from armillary.model.tablet import TabletAlias
from armillary.operator.render import labels as keys

ALL_MARKS = (keys.DRAIN_STARTED, keys.DRAIN_ACKNOWLEDGED, keys.DRAIN_FINISHED)

# Reasons of the operator's own drains, in words that no person would use: one that lost its reason
# is taken back.
ROLLING_UPDATE = "operator: rolling update"
TURN_DOWN = "operator: turn-down"


class DrainState(Enum):
    NONE = "none"
    DRAINING = "draining"
    ACKNOWLEDGED = "acknowledged"
    FINISHED = "finished"
    ABORTED = "aborted"  # it was under way, and whoever started it took that back


@dataclass(frozen=True, slots=True)
class Drain:
    state: DrainState
    reason: str = ""


def drain_of(pod: KubeObject) -> Drain:
    """Return how far the drain of a pod is; of `started` only the presence counts."""
    annotations = annotations_of(pod)
    reason = annotations.get(keys.DRAIN_STARTED, "")
    if keys.DRAIN_STARTED not in annotations:
        under_way = keys.DRAIN_ACKNOWLEDGED in annotations or keys.DRAIN_FINISHED in annotations
        return Drain(DrainState.ABORTED if under_way else DrainState.NONE)
    if keys.DRAIN_FINISHED in annotations:
        return Drain(DrainState.FINISHED, reason)
    if keys.DRAIN_ACKNOWLEDGED in annotations:
        return Drain(DrainState.ACKNOWLEDGED, reason)
    return Drain(DrainState.DRAINING, reason)


def drain_transitions(states: Mapping[TabletAlias, DrainState]) -> dict[TabletAlias, DrainState]:
    """Return the tablets whose state is to change, with their next one.

    Whether the one to be finished is the primary, which never is, is the caller's to see to.
    """
    draining = sorted(a for a, state in states.items() if state is DrainState.DRAINING)
    if draining:
        return dict.fromkeys(draining, DrainState.ACKNOWLEDGED)
    acknowledged = sorted(a for a, state in states.items() if state is DrainState.ACKNOWLEDGED)
    if not acknowledged or DrainState.FINISHED in states.values():
        return {}
    return {acknowledged[0]: DrainState.FINISHED}
