"""A shard's tablets: created at once, replaced one at a time, the primary last."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.topology import UpdateStrategy
from armillary.operator.objects.rollout import Annotate, CreatePod, DeletePod, with_pod_hash
from armillary.operator.render import labels as keys
from armillary.operator.shard.backup_pod import WantedBackupJob
from armillary.operator.shard.observe import ShardSeen, ShardTopology
from armillary.operator.shard.plan import (
    Delete,
    EndCascade,
    PlannedReparent,
    PruneTablet,
    Release,
    RollPod,
    ShardPlan,
    plan_shard,
)
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import Shard, wanted_tablets
from tests.unit.operator.example import example_shard
from tests.unit.operator.moments import NOW, hours_ago

OBJECT: KubeObject = {"metadata": {"name": "s"}}
CASCADE: KubeObject = {"metadata": {"name": "s", "annotations": {keys.ROLLOUT_CASCADE: ""}}}


def external() -> Shard:
    """The example's shard under the strategy in which changes wait."""
    shard = example_shard()
    return replace(
        shard, spec=msgspec.structs.replace(shard.spec, update_strategy=UpdateStrategy())
    )


SHARD = external()
ALIASES = [tablet.alias for tablet in wanted_tablets(SHARD)]
PRIMARY, SECOND, THIRD = ALIASES


def pod_of(alias: TabletAlias, *, ready: bool = True, since_hours: float = 1) -> KubeObject:
    tablet = next(t for t in wanted_tablets(SHARD) if t.alias == alias)
    pod = with_pod_hash(build_pod(SHARD, tablet))
    pod["metadata"]["uid"] = str(alias)
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": hours_ago(since_hours).isoformat(),
    }
    return pod | {"status": {"phase": "Running", "conditions": [condition]}}


def annotated(pod: KubeObject, **marks: str) -> KubeObject:
    annotations = dict(annotations_of(pod)) | marks
    return pod | {"metadata": pod["metadata"] | {"annotations": annotations}}


def outdated(pod: KubeObject, *extra: str) -> KubeObject:
    """A pod of an earlier spec, its change scheduled already."""
    marks = {keys.DESIRED_STATE_HASH: "old", keys.ROLLOUT_SCHEDULED: DIFFERENCE}
    return annotated(pod, **marks, **{key: "" for key in extra})


# With the same pod spec there is nothing to print but this.
DIFFERENCE = "removal of something that is no longer wanted\n"


def seen(pods: dict[TabletAlias, KubeObject] | None = None, **changes: Any) -> ShardSeen:
    topology = ShardTopology(
        has_record=True,
        is_snapshot=False,
        primary=PRIMARY,
        is_serving=True,
        types={
            PRIMARY: TabletType.PRIMARY,
            SECOND: TabletType.REPLICA,
            THIRD: TabletType.REPLICA,
        },
    )
    base = ShardSeen(
        pods=pods if pods is not None else {alias: pod_of(alias) for alias in ALIASES},
        claims={},
        backup_pods=[],
        backup_claims=[],
        backups=[],
        topology=topology,
    )
    return replace(base, **changes)


def plan(
    observed: ShardSeen,
    *,
    obj: KubeObject = OBJECT,
    shard: Shard = SHARD,
    jobs: tuple[WantedBackupJob, ...] = (),
) -> ShardPlan:
    return plan_shard(shard, obj, observed, jobs, now=NOW, available_after=timedelta(seconds=30))


def all_pods(**changed: KubeObject) -> dict[TabletAlias, KubeObject]:
    pods = {alias: pod_of(alias) for alias in ALIASES}
    return pods | {ALIASES[int(key[1:])]: pod for key, pod in changed.items()}


def test_a_shard_that_matches_its_spec_needs_nothing() -> None:
    assert plan(seen()).actions == ()


def test_all_missing_tablets_come_at_once() -> None:
    actions = plan(seen(pods={})).actions
    assert [type(a.decision) for a in actions if isinstance(a, RollPod)] == [CreatePod] * 3


def test_a_deleted_pod_comes_back_under_its_name() -> None:
    (action,) = plan(seen({PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)})).actions
    assert isinstance(action, RollPod) and action.tablet.alias == THIRD


def test_a_pod_that_failed_as_a_whole_is_replaced() -> None:
    failed = pod_of(SECOND) | {"status": {"phase": "Failed"}}
    (action,) = plan(seen(all_pods(_1=failed))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, DeletePod)


def test_under_external_a_change_waits_as_an_annotation() -> None:
    old = annotated(pod_of(SECOND), **{keys.DESIRED_STATE_HASH: "old"})
    (action,) = plan(seen(all_pods(_1=old))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, Annotate)
    assert plan(seen(all_pods(_1=outdated(pod_of(SECOND))))).actions == ()


def test_the_annotation_goes_when_nothing_waits_any_more() -> None:
    marked = annotated(pod_of(SECOND), **{keys.ROLLOUT_SCHEDULED: "x", keys.ROLLOUT_RELEASED: ""})
    (action,) = plan(seen(all_pods(_1=marked))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, Annotate)
    assert action.decision.changes == {keys.ROLLOUT_SCHEDULED: None, keys.ROLLOUT_RELEASED: None}


def test_a_released_replica_is_replaced() -> None:
    released = outdated(pod_of(SECOND), keys.ROLLOUT_RELEASED)
    (action,) = plan(seen(all_pods(_1=released))).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, DeletePod)


def test_a_released_replica_waits_until_the_others_are_available() -> None:
    released = outdated(pod_of(SECOND), keys.ROLLOUT_RELEASED)
    fresh = pod_of(THIRD, since_hours=0.001)
    assert plan(seen(all_pods(_1=released, _2=fresh))).actions == ()


def test_a_released_primary_moves_first() -> None:
    released = outdated(pod_of(PRIMARY), keys.ROLLOUT_RELEASED)
    (action,) = plan(seen(all_pods(_0=released))).actions
    assert action == PlannedReparent(PRIMARY, "its changes were released")


def test_of_several_released_tablets_the_primary_is_the_last() -> None:
    released = {alias: outdated(pod_of(alias), keys.ROLLOUT_RELEASED) for alias in ALIASES}
    (action,) = plan(seen(released)).actions
    assert isinstance(action, RollPod) and action.tablet.alias == SECOND


def test_a_lone_primary_is_replaced_as_it_is() -> None:
    topology = ShardTopology(has_record=True, is_snapshot=False, primary=PRIMARY)
    released = outdated(pod_of(PRIMARY), keys.ROLLOUT_RELEASED)
    alone = seen({PRIMARY: released}, topology=topology)
    (tablet, *_) = SHARD.spec.tablet_pools
    shard = replace(SHARD, spec=msgspec.structs.replace(SHARD.spec, tablet_pools=[tablet]))
    (action,) = plan(alone, shard=shard).actions
    assert isinstance(action, RollPod) and isinstance(action.decision, DeletePod)


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


def test_a_cascade_waits_while_a_tablet_is_not_available() -> None:
    old, down = outdated(pod_of(SECOND)), pod_of(THIRD, ready=False)
    assert plan(seen(all_pods(_1=old, _2=down)), obj=CASCADE).actions == ()


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


def smaller() -> Shard:
    """The shard without its third tablet."""
    pools = SHARD.spec.tablet_pools[:2]
    return replace(SHARD, spec=msgspec.structs.replace(SHARD.spec, tablet_pools=pools))


def test_a_tablet_that_left_the_spec_goes_when_the_others_are_ready() -> None:
    (action,) = plan(seen(), shard=smaller()).actions
    assert isinstance(action, Delete) and action.obj["metadata"]["uid"] == str(THIRD)


def test_a_tablet_that_left_the_spec_stays_while_another_is_not_ready() -> None:
    found = plan(seen(all_pods(_1=pod_of(SECOND, ready=False))), shard=smaller())
    assert found.orphans[THIRD].reason == "ShardNotHealthy" and found.actions == ()


def test_a_primary_that_left_the_spec_moves_before_it_goes() -> None:
    observed = seen()
    assert observed.topology is not None
    moved = replace(
        observed.topology,
        primary=THIRD,
        types={PRIMARY: TabletType.REPLICA, THIRD: TabletType.PRIMARY},
    )
    found = plan(replace(observed, topology=moved), shard=smaller())
    assert found.orphans[THIRD].reason == "Master"
    assert found.actions == (PlannedReparent(THIRD, "the primary left the spec"),)


def test_without_the_topology_nobody_is_turned_down() -> None:
    found = plan(seen(topology=None), shard=smaller())
    assert found.orphans[THIRD].reason == "MasterUnknown" and found.actions == ()


def test_a_claim_goes_only_after_its_pod() -> None:
    claim: KubeObject = {"metadata": {"name": "c"}}
    kept = plan(seen(claims={THIRD: claim}), shard=smaller()).actions
    assert Delete(claim, "its tablet left the spec") not in kept
    pods = {PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)}
    gone = plan(seen(pods, claims={THIRD: claim}), shard=smaller()).actions
    assert Delete(claim, "its tablet left the spec") in gone


def test_records_of_tablets_that_are_gone_are_pruned_but_never_the_primarys() -> None:
    pods = {PRIMARY: pod_of(PRIMARY), SECOND: pod_of(SECOND)}
    observed = seen(pods)
    assert observed.topology is not None
    assert plan(observed, shard=smaller()).actions == (PruneTablet(THIRD, "left the spec"),)
    theirs = replace(observed.topology, primary=THIRD)
    assert plan(replace(observed, topology=theirs), shard=smaller()).actions == ()


def test_records_in_cells_of_others_are_left_alone() -> None:
    foreign = TabletAlias("elsewhere", 9)
    observed = seen()
    assert observed.topology is not None
    types = {**observed.topology.types, foreign: TabletType.REPLICA}
    found = plan(replace(observed, topology=replace(observed.topology, types=types)))
    assert found.actions == ()


def backup_pod(phase: str) -> KubeObject:
    return {"metadata": {"name": "b"}, "status": {"phase": phase}}


def test_a_running_backup_is_never_ended() -> None:
    """It prunes after it has backed up."""
    assert plan(seen(backup_pods=[backup_pod("Running")])).actions == ()


def test_a_finished_backup_pod_goes_and_then_its_claim() -> None:
    pod, claim = backup_pod("Succeeded"), {"metadata": {"name": "b"}}
    first = plan(seen(backup_pods=[pod], backup_claims=[claim])).actions
    assert [a.obj for a in first if isinstance(a, Delete)] == [pod]
    second = plan(seen(backup_claims=[claim])).actions
    assert [a.obj for a in second if isinstance(a, Delete)] == [claim]
