"""Roll-outs and drains of one shard: one tablet at a time, the primary last, nobody in the dark."""

from dataclasses import replace

import msgspec
import pytest

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.topology import UpdateStrategy
from armillary.operator.objects.rollout import DeletePod
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import (
    EndCascade,
    MarkDrain,
    PlannedReparent,
    Release,
    RollPod,
    ShardAction,
    Tell,
)
from armillary.operator.shard.drain import ROLLING_UPDATE, TURN_DOWN
from armillary.operator.shard.observe import ShardSeen
from tests.unit.operator.moments import NOW
from tests.unit.operator.shard_seen import (
    ALIASES,
    CASCADE,
    PRIMARY,
    SECOND,
    SHARD,
    THIRD,
    all_pods,
    annotated,
    outdated,
    plan,
    pod_of,
    seen,
    with_pools,
    with_primary,
    without_claims,
)

STARTED, ACKNOWLEDGED, FINISHED = (
    keys.DRAIN_STARTED,
    keys.DRAIN_ACKNOWLEDGED,
    keys.DRAIN_FINISHED,
)
AT = rfc3339(NOW)


def released(alias: TabletAlias, *drain: str, ready: bool = True) -> KubeObject:
    pod = outdated(pod_of(alias, ready=ready), keys.ROLLOUT_RELEASED)
    return annotated(pod, **{key: ROLLING_UPDATE for key in drain})


def alone(pod: KubeObject) -> ShardSeen:
    observed = seen({PRIMARY: pod})
    assert observed.topology is not None
    types = {PRIMARY: TabletType.PRIMARY}
    return replace(observed, topology=replace(observed.topology, types=types))


def is_replacement(action: ShardAction, alias: TabletAlias) -> bool:
    return (
        isinstance(action, RollPod)
        and action.tablet.alias == alias
        and isinstance(action.decision, DeletePod)
    )


# --- what was released is drained, then replaced


def test_a_released_replica_is_drained_first() -> None:
    (action,) = plan(seen(all_pods(_1=released(SECOND)))).actions
    assert isinstance(action, MarkDrain)
    assert (action.alias, action.changes) == (SECOND, {STARTED: ROLLING_UPDATE})


def test_a_started_drain_is_acknowledged_then_finished_then_the_pod_is_replaced() -> None:
    (first,) = plan(seen(all_pods(_1=released(SECOND, STARTED)))).actions
    assert isinstance(first, MarkDrain) and first.changes == {ACKNOWLEDGED: AT}
    (second,) = plan(seen(all_pods(_1=released(SECOND, STARTED, ACKNOWLEDGED)))).actions
    assert isinstance(second, MarkDrain) and second.changes == {FINISHED: AT}
    drained = released(SECOND, STARTED, ACKNOWLEDGED, FINISHED)
    (third,) = plan(seen(all_pods(_1=drained))).actions
    assert is_replacement(third, SECOND)
    assert isinstance(third, RollPod) and not third.may_be_primary


def test_no_drain_goes_on_while_another_tablet_is_not_available() -> None:
    fresh = pod_of(THIRD, since_hours=0.001)
    (action,) = plan(seen(all_pods(_1=released(SECOND, STARTED), _2=fresh))).actions
    assert isinstance(action, Tell) and str(THIRD) in action.message


def test_no_drain_goes_on_while_the_shard_has_no_primary() -> None:
    observed = with_primary(seen(all_pods(_1=released(SECOND, STARTED))), None)
    (action,) = plan(observed).actions
    assert isinstance(action, Tell) and "no primary" in action.message


def test_a_released_primary_hands_over_before_its_drain_is_finished() -> None:
    (action,) = plan(seen(all_pods(_0=released(PRIMARY, STARTED, ACKNOWLEDGED)))).actions
    assert action == PlannedReparent(PRIMARY, (SECOND, THIRD), ROLLING_UPDATE)


def test_a_primary_is_not_handed_to_a_tablet_that_drains_itself() -> None:
    draining = annotated(pod_of(SECOND), **{STARTED: "by hand", ACKNOWLEDGED: ""})
    pods = all_pods(_0=released(PRIMARY, STARTED, ACKNOWLEDGED), _1=draining)
    (action,) = plan(seen(pods)).actions
    # Aliases are in order, and the primary's is the first.
    assert isinstance(action, PlannedReparent) and action.successors == (THIRD,)


@pytest.mark.parametrize("kind", [TabletType.RESTORE, TabletType.BACKUP, TabletType.DRAINED])
def test_a_primary_is_not_handed_to_a_tablet_that_is_no_replica_now(kind: TabletType) -> None:
    observed = seen(all_pods(_0=released(PRIMARY, STARTED, ACKNOWLEDGED)))
    assert observed.topology is not None
    types = dict.fromkeys(ALIASES, kind) | {PRIMARY: TabletType.PRIMARY}
    observed = replace(observed, topology=replace(observed.topology, types=types))
    (action,) = plan(observed).actions
    assert isinstance(action, Tell) and action.event == "DrainBlocked"


def test_of_several_released_tablets_the_primary_drains_last() -> None:
    pods = {alias: released(alias) for alias in ALIASES}
    (action,) = plan(seen(pods)).actions
    assert isinstance(action, MarkDrain) and action.alias == SECOND
    nearly = {PRIMARY: released(PRIMARY), SECOND: pod_of(SECOND), THIRD: pod_of(THIRD)}
    (last,) = plan(seen(nearly)).actions
    assert isinstance(last, MarkDrain) and last.alias == PRIMARY


def test_while_a_person_drains_a_tablet_no_roll_out_drains_another() -> None:
    by_hand = annotated(pod_of(THIRD), **{STARTED: "disk", ACKNOWLEDGED: "", FINISHED: ""})
    assert plan(seen(all_pods(_1=released(SECOND), _2=by_hand))).actions == ()


def test_a_drained_tablet_that_became_primary_again_is_not_deleted() -> None:
    drained = released(SECOND, STARTED, ACKNOWLEDGED, FINISHED)
    actions = plan(with_primary(seen(all_pods(_1=drained)), SECOND)).actions
    assert not any(is_replacement(action, SECOND) for action in actions)
    (again,) = (action for action in actions if isinstance(action, MarkDrain))
    assert again.changes == {ACKNOWLEDGED: None, FINISHED: None}


def test_without_the_topology_no_serving_tablet_is_replaced() -> None:
    """Any of them may be the primary."""
    drained = released(SECOND, STARTED, ACKNOWLEDGED, FINISHED)
    actions = plan(seen(all_pods(_1=drained), topology=None)).actions
    assert not any(is_replacement(action, SECOND) for action in actions)


def test_a_lone_primary_is_replaced_as_it_is() -> None:
    """Nobody could take over; its data is on a claim."""
    (action,) = plan(alone(released(PRIMARY)), shard=with_pools(1)).actions
    assert is_replacement(action, PRIMARY)
    assert isinstance(action, RollPod) and action.may_be_primary


# --- who started a drain may take it back


def test_an_aborted_drain_is_cleared_before_anything_else() -> None:
    aborted = annotated(pod_of(SECOND), **{ACKNOWLEDGED: "", FINISHED: ""})
    waiting = annotated(pod_of(THIRD), **{STARTED: "disk"})
    (action,) = plan(seen(all_pods(_1=aborted, _2=waiting))).actions
    assert isinstance(action, MarkDrain)
    assert (action.alias, set(action.changes.values())) == (SECOND, {None})


@pytest.mark.parametrize("reason", [ROLLING_UPDATE, TURN_DOWN])
def test_the_operators_own_drain_ends_with_its_reason(reason: str) -> None:
    drained = annotated(pod_of(SECOND), **{STARTED: reason, ACKNOWLEDGED: "", FINISHED: ""})
    (action,) = plan(seen(all_pods(_1=drained))).actions
    assert isinstance(action, MarkDrain)
    assert action.changes == dict.fromkeys((STARTED, ACKNOWLEDGED, FINISHED))


def test_a_persons_drain_stays_until_the_person_ends_it() -> None:
    drained = annotated(pod_of(SECOND), **{STARTED: "disk", ACKNOWLEDGED: "", FINISHED: ""})
    assert plan(seen(all_pods(_1=drained))).actions == ()


# --- tablets that serve nothing anyway


def test_a_released_tablet_that_is_down_is_replaced_at_once() -> None:
    pods = all_pods(_1=released(SECOND, ready=False), _2=pod_of(THIRD, ready=False))
    (action,) = plan(seen(pods)).actions
    assert is_replacement(action, SECOND)


def test_a_shard_that_is_down_as_a_whole_rolls_to_the_spec_that_mends_it() -> None:
    pods = {alias: outdated(pod_of(alias, ready=False)) for alias in ALIASES}
    (action,) = plan(seen(pods), obj=CASCADE).actions
    assert isinstance(action, Release)
    pods[action.alias] = released(action.alias, ready=False)
    (then,) = plan(seen(pods), obj=CASCADE).actions
    assert is_replacement(then, action.alias)


def test_a_primary_whose_data_would_go_with_its_pod_is_never_replaced_by_itself() -> None:
    """It may be recovering; deleting it would lose what nobody else has."""
    shard = without_claims()
    down = outdated(pod_of(PRIMARY, ready=False))
    actions = plan(seen(all_pods(_0=down)), shard=shard, obj=CASCADE).actions
    assert not any(isinstance(action, Release) for action in actions)
    down = released(PRIMARY, ready=False)
    actions = plan(seen(all_pods(_0=down)), shard=shard).actions
    assert not any(is_replacement(action, PRIMARY) for action in actions)


def test_a_lone_tablet_whose_data_would_go_waits_for_a_person() -> None:
    shard = without_claims(with_pools(1))
    *_, action = plan(alone(outdated(pod_of(PRIMARY))), shard=shard, obj=CASCADE).actions
    assert isinstance(action, Tell) and keys.ROLLOUT_RELEASED in action.message


def test_a_lone_tablet_whose_claim_is_being_deleted_waits_as_well() -> None:
    """The claim stays as long as the pod is there, and goes with the data when it is replaced."""
    claim = {"metadata": {"name": "c", "deletionTimestamp": "now"}}
    observed = alone(outdated(pod_of(PRIMARY)))
    kept = plan(observed, shard=with_pools(1), obj=CASCADE).actions
    assert isinstance(kept[-1], Release)
    observed = replace(observed, claims={PRIMARY: claim})
    *_, action = plan(observed, shard=with_pools(1), obj=CASCADE).actions
    assert isinstance(action, Tell) and "its data would go" in action.message


# --- cascades


def test_a_cascade_releases_replicas_first_and_the_primary_last() -> None:
    old = {alias: outdated(pod_of(alias)) for alias in ALIASES}
    (first,) = plan(seen(old), obj=CASCADE).actions
    assert isinstance(first, Release) and first.alias == SECOND
    (last,) = plan(seen(all_pods(_0=old[PRIMARY])), obj=CASCADE).actions
    assert isinstance(last, Release) and last.alias == PRIMARY


def test_immediate_cascades_by_itself() -> None:
    old = outdated(pod_of(SECOND))
    shard = replace(
        SHARD,
        spec=msgspec.structs.replace(SHARD.spec, update_strategy=UpdateStrategy(type="Immediate")),
    )
    (action,) = plan(seen(all_pods(_1=old)), shard=shard).actions
    assert isinstance(action, Release)


def test_a_cascade_waits_while_a_tablet_is_not_available_and_says_for_whom() -> None:
    old, down = outdated(pod_of(SECOND)), pod_of(THIRD, ready=False)
    (action,) = plan(seen(all_pods(_1=old, _2=down)), obj=CASCADE).actions
    assert isinstance(action, Tell) and action.event == "RolloutPaused"
    assert str(THIRD) in action.message


def test_a_cascade_replaces_a_tablet_that_is_down_anyway_first() -> None:
    """Its new template may be the cure, and it costs nothing."""
    pods = all_pods(_1=outdated(pod_of(SECOND)), _2=outdated(pod_of(THIRD, ready=False)))
    (action,) = plan(seen(pods), obj=CASCADE).actions
    assert isinstance(action, Release) and action.alias == THIRD


def test_a_tablet_that_ends_is_a_disruption_already() -> None:
    ending = pod_of(THIRD)
    ending["metadata"]["deletionTimestamp"] = "now"
    pods = all_pods(_1=outdated(pod_of(SECOND))) | {TabletAlias("uscentral1a", 7): ending}
    assert plan(seen(pods), obj=CASCADE).actions == ()


def test_a_cascade_ends_when_nothing_waits() -> None:
    assert plan(seen(), obj=CASCADE).actions == (EndCascade("nothing waits any more"),)
