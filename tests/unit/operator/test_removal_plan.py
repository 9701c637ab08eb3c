"""Scale-in: a tablet leaves drained, one at a time, and the primary only after it handed over."""

from dataclasses import replace

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.topology import TopologyReconciliation
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import (
    Delete,
    MarkDrain,
    PlannedReparent,
    PruneShardCell,
    RemoveTablet,
    RollPod,
    Tell,
)
from armillary.operator.shard.drain import TURN_DOWN
from armillary.operator.shard.observe import ShardSeen, ShardTopology
from tests.unit.operator.shard_seen import (
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
    smaller,
    with_pools,
    with_primary,
)

STARTED = {keys.DRAIN_STARTED: TURN_DOWN}
ACKNOWLEDGED = STARTED | {keys.DRAIN_ACKNOWLEDGED: ""}
FINISHED = ACKNOWLEDGED | {keys.DRAIN_FINISHED: ""}


def leaving(alias: TabletAlias, marks: dict[str, str]) -> KubeObject:
    return annotated(pod_of(alias), **marks)


def test_a_tablet_that_left_the_spec_is_drained_first() -> None:
    found = plan(seen(), shard=smaller())
    (action,) = found.actions
    assert isinstance(action, MarkDrain) and (action.alias, action.changes) == (THIRD, STARTED)
    assert found.orphans[THIRD].reason == "Draining"


def test_a_drained_tablet_that_left_the_spec_goes() -> None:
    found = plan(seen(all_pods(_2=leaving(THIRD, FINISHED))), shard=smaller())
    (action,) = found.actions
    assert isinstance(action, RemoveTablet) and action.alias == THIRD
    assert found.orphans == {}


def test_it_stays_while_a_tablet_of_the_spec_is_not_ready() -> None:
    pods = all_pods(_1=pod_of(SECOND, ready=False), _2=leaving(THIRD, FINISHED))
    found = plan(seen(pods), shard=smaller())
    assert found.orphans[THIRD].reason == "ShardNotHealthy" and found.actions == ()
    assert str(SECOND) in found.orphans[THIRD].message


def test_a_primary_that_left_the_spec_hands_over_to_a_tablet_that_stays() -> None:
    """From three tablets to one: the second leaves as well, so it is no successor."""
    pods = all_pods(_1=leaving(SECOND, ACKNOWLEDGED), _2=leaving(THIRD, STARTED))
    observed = with_primary(seen(pods), SECOND)
    found = plan(observed, shard=with_pools(1))
    assert [a.alias for a in found.actions if isinstance(a, MarkDrain)] == [THIRD]
    pods = all_pods(_1=leaving(SECOND, ACKNOWLEDGED), _2=leaving(THIRD, ACKNOWLEDGED))
    (action,) = plan(with_primary(seen(pods), SECOND), shard=with_pools(1)).actions
    assert action == PlannedReparent(SECOND, (PRIMARY,), TURN_DOWN)


def test_the_primary_moves_when_the_tablet_before_it_is_gone() -> None:
    """A reparent asks all tablets, and one that is just ending would not answer."""
    ending = leaving(THIRD, FINISHED)
    ending["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    pods = all_pods(_1=leaving(SECOND, ACKNOWLEDGED), _2=ending)
    (action,) = plan(with_primary(seen(pods), SECOND), shard=with_pools(1)).actions
    assert isinstance(action, Tell) and action.event == "DrainWaiting"


def test_while_the_primary_moves_nobody_else_leaves() -> None:
    pods = all_pods(_1=leaving(SECOND, ACKNOWLEDGED), _2=leaving(THIRD, FINISHED))
    found = plan(with_primary(seen(pods), SECOND), shard=with_pools(1))
    assert [type(action) for action in found.actions] == [RemoveTablet]
    assert found.orphans[SECOND].reason == "Master"


def test_a_primary_is_never_removed_however_drained_it_looks() -> None:
    observed = with_primary(seen(all_pods(_2=leaving(THIRD, FINISHED))), THIRD)
    found = plan(observed, shard=smaller())
    assert not any(isinstance(action, RemoveTablet) for action in found.actions)
    assert found.orphans[THIRD].reason == "Master"


def test_a_primary_without_a_successor_says_how_to_go_on() -> None:
    found = plan(seen({PRIMARY: pod_of(PRIMARY)}), shard=with_pools(0))
    assert found.orphans[PRIMARY].reason == "Master"
    assert "remove the pool or the keyspace" in found.orphans[PRIMARY].message


def test_two_tablets_never_leave_in_one_pass() -> None:
    pods = all_pods(_1=leaving(SECOND, FINISHED), _2=leaving(THIRD, FINISHED))
    found = plan(seen(pods), shard=with_pools(1))
    assert len([a for a in found.actions if isinstance(a, RemoveTablet)]) == 1
    assert list(found.orphans) == [THIRD]


def test_a_primary_whose_only_successor_is_not_ready_says_so() -> None:
    pods = {PRIMARY: pod_of(PRIMARY, ready=False), SECOND: leaving(SECOND, ACKNOWLEDGED)}
    found = plan(with_primary(seen(pods), SECOND), shard=with_pools(1))
    assert "no tablet that stays is ready to take over" in found.orphans[SECOND].message


def test_a_roll_out_and_a_removal_never_disrupt_in_one_pass() -> None:
    """A person has marked both as drained."""
    drained = annotated(pod_of(SECOND), **FINISHED | {keys.DRAIN_STARTED: "by hand"})
    released = outdated(drained, keys.ROLLOUT_RELEASED)
    pods = all_pods(_1=released, _2=leaving(THIRD, FINISHED))
    found = plan(seen(pods), shard=smaller())
    assert [type(action) for action in found.actions] == [RollPod]


def test_without_the_topology_nobody_is_turned_down() -> None:
    found = plan(seen(all_pods(_2=leaving(THIRD, FINISHED)), topology=None), shard=smaller())
    assert found.orphans[THIRD].reason == "MasterUnknown"
    assert not any(isinstance(action, RemoveTablet) for action in found.actions)


def test_a_tablet_that_comes_back_into_the_spec_stays() -> None:
    (action,) = plan(seen(all_pods(_2=leaving(THIRD, FINISHED)))).actions
    assert isinstance(action, MarkDrain) and set(action.changes.values()) == {None}


def test_a_claim_goes_only_after_its_pod() -> None:
    claim: KubeObject = {"metadata": {"name": "c"}}
    kept = plan(seen(claims={THIRD: claim}), shard=smaller()).actions
    assert Delete(claim, "its tablet left the spec") not in kept
    pods = {PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)}
    gone = plan(seen(pods, claims={THIRD: claim}), shard=smaller()).actions
    assert Delete(claim, "its tablet left the spec") in gone


def test_an_observed_topology_without_a_primary_removes_nobody_undrained() -> None:
    found = plan(with_primary(seen(all_pods(_2=leaving(THIRD, STARTED))), None), shard=smaller())
    assert not any(isinstance(action, RemoveTablet) for action in found.actions)


def test_a_roll_out_that_goes_on_comes_before_a_turn_down() -> None:
    """While the tablet is still there it can help: the primary could move to it."""
    pods = all_pods(_1=outdated(pod_of(SECOND), keys.ROLLOUT_RELEASED))
    found = plan(seen(pods), shard=smaller())
    assert [a.alias for a in found.actions if isinstance(a, MarkDrain)] == [SECOND]
    assert "roll-out" in found.orphans[THIRD].message


def test_changes_that_wait_for_a_person_do_not_hold_up_a_turn_down() -> None:
    found = plan(seen(all_pods(_1=outdated(pod_of(SECOND)))), shard=smaller())
    assert [a.alias for a in found.actions if isinstance(a, MarkDrain)] == [THIRD]


def test_no_roll_out_begins_while_a_tablet_leaves() -> None:
    pods = all_pods(_1=outdated(pod_of(SECOND)), _2=leaving(THIRD, FINISHED))
    found = plan(seen(pods), shard=smaller(), obj=CASCADE)
    assert [type(action) for action in found.actions] == [RemoveTablet]


def test_a_tablet_that_is_about_to_be_replaced_takes_over_only_when_no_other_can() -> None:
    old = outdated(pod_of(SECOND), keys.ROLLOUT_RELEASED)
    leaver = leaving(THIRD, ACKNOWLEDGED)
    observed = with_primary(seen(all_pods(_1=old, _2=leaver)), THIRD)
    (action,) = plan(observed, shard=smaller()).actions
    assert isinstance(action, PlannedReparent) and action.successors == (PRIMARY,)
    old_too = outdated(pod_of(PRIMARY), keys.ROLLOUT_RELEASED)
    observed = with_primary(seen(all_pods(_0=old_too, _1=old, _2=leaver)), THIRD)
    (action,) = plan(observed, shard=smaller()).actions
    assert isinstance(action, PlannedReparent) and action.successors == (PRIMARY, SECOND)


def left(*cells: str) -> ShardSeen:
    observed = seen()
    assert observed.topology is not None
    return replace(observed, topology=replace(observed.topology, left_cells=frozenset(cells)))


def test_a_shards_list_in_a_cell_that_it_left_goes() -> None:
    assert plan(left("elsewhere")).actions == (PruneShardCell("elsewhere"),)


def test_the_list_stays_while_a_tablet_or_a_record_of_one_is_in_the_cell() -> None:
    assert plan(left(PRIMARY.cell)).actions == ()


def test_the_list_stays_when_the_spec_says_so() -> None:
    reconciliation = TopologyReconciliation(prune_shard_cells=False)
    spec = msgspec.structs.replace(SHARD.spec, topology_reconciliation=reconciliation)
    assert plan(left("elsewhere"), shard=replace(SHARD, spec=spec)).actions == ()


def test_nothing_leaves_a_shard_of_which_the_topology_has_no_record() -> None:
    unknown = ShardTopology(has_record=False, is_snapshot=False)
    pods = all_pods(_2=leaving(THIRD, FINISHED))
    found = plan(replace(seen(pods), topology=unknown), shard=smaller())
    assert not any(isinstance(action, RemoveTablet) for action in found.actions)
    assert found.orphans[THIRD].reason == "MasterUnknown"
    assert "no record" in found.orphans[THIRD].message
