"""Plan, apply, repeat: whatever spec a shard comes from and goes to, it gets there safely.

The pods and the topology are a few dictionaries; a hand-over moves the primary, a deleted pod is
gone, a new one becomes ready later. Now and then a pass is cut short after any of its actions.
"""

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.topology import UpdateStrategy
from armillary.operator.objects.rollout import Annotate, CreatePod, DeletePod, with_pod_hash
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import (
    MarkDrain,
    PlannedReparent,
    Release,
    RemoveTablet,
    RollPod,
    ShardAction,
)
from armillary.operator.shard.observe import ShardSeen, ShardTopology
from armillary.operator.shard.plan import plan_shard
from armillary.operator.shard.pod import build_pod
from armillary.operator.shard.tablets import Shard, WantedTablet, wanted_tablets
from tests.unit.operator.moments import NOW
from tests.unit.operator.shard_seen import SHARD

PASSES_MAX = 200


def shard_of(replicas: int, flag: str = "") -> Shard:
    """One pool of so many tablets, rolled out at once."""
    (pool, *_) = SHARD.spec.tablet_pools
    pool = msgspec.structs.replace(pool, replicas=replicas)
    spec = msgspec.structs.replace(
        SHARD.spec,
        tablet_pools=[pool],
        update_strategy=UpdateStrategy(type="Immediate"),
        extra_vitess_flags={"some_flag": flag},
    )
    return replace(SHARD, spec=spec)


class Simulation:
    def __init__(self, shard: Shard, primary: int) -> None:
        self.shard = shard
        self.pods: dict[TabletAlias, KubeObject] = {}
        for tablet in wanted_tablets(shard):
            self.create(tablet)
        self.primary = sorted(self.pods)[primary % len(self.pods)]

    def create(self, tablet: WantedTablet) -> None:
        pod = with_pod_hash(build_pod(self.shard, tablet))
        pod["metadata"]["uid"] = str(tablet.alias)
        ready = {"type": "Ready", "status": "True"}
        self.pods[tablet.alias] = pod | {"status": {"phase": "Running", "conditions": [ready]}}

    def annotate(self, alias: TabletAlias, changes: dict[str, str | None]) -> None:
        annotations = self.pods[alias]["metadata"].setdefault("annotations", {})
        for key, value in changes.items():
            annotations.pop(key, None)
            if value is not None:
                annotations[key] = value

    def seen(self) -> ShardSeen:
        types = {
            alias: TabletType.PRIMARY if alias == self.primary else TabletType.REPLICA
            for alias in self.pods
        }
        topology = ShardTopology(
            has_record=True, is_snapshot=False, primary=self.primary, types=types
        )
        return ShardSeen(
            pods=self.pods,
            claims={},
            backup_pods=[],
            backup_claims=[],
            backups=[],
            topology=topology,
        )

    def delete(self, alias: TabletAlias, *, may_be_primary: bool) -> None:
        lone = len(wanted_tablets(self.shard)) < 2
        assert alias != self.primary or (may_be_primary and lone), "the primary was deleted"
        del self.pods[alias]

    def apply(self, action: ShardAction) -> None:
        match action:
            case RollPod(tablet, CreatePod()):
                self.create(tablet)
            case RollPod(tablet, Annotate(changes)):
                self.annotate(tablet.alias, changes)
            case RollPod(tablet, DeletePod(), may_be_primary):
                self.delete(tablet.alias, may_be_primary=may_be_primary)
            case RemoveTablet(alias):
                self.delete(alias, may_be_primary=False)
            case MarkDrain(alias, changes):
                self.annotate(alias, dict(changes))
            case Release(alias, reason):
                self.annotate(alias, {keys.ROLLOUT_RELEASED: reason})
            case PlannedReparent(avoid, successors):
                wanted = {tablet.alias for tablet in wanted_tablets(self.shard)}
                assert avoid == self.primary and set(successors) <= wanted
                self.primary = successors[-1]
            case _:
                pass


@settings(max_examples=20)
@given(st.data())
def test_a_shard_gets_to_its_spec_and_never_loses_its_primary(data: st.DataObject) -> None:
    before = shard_of(data.draw(st.integers(1, 4), "replicas before"))
    simulation = Simulation(before, data.draw(st.integers(0, 3), "primary"))
    flag = data.draw(st.sampled_from(["", "changed"]), "flag")
    simulation.shard = shard_of(data.draw(st.integers(1, 4), "replicas after"), flag)
    wanted = {tablet.alias: tablet for tablet in wanted_tablets(simulation.shard)}
    for _ in range(PASSES_MAX):
        plan = plan_shard(
            simulation.shard,
            {"metadata": {"name": "s"}},
            simulation.seen(),
            (),
            now=NOW,
            available_after=timedelta(seconds=30),
        )
        if not plan.actions:
            break
        serving = len(simulation.pods.keys() & wanted.keys())
        cut = data.draw(st.integers(1, len(plan.actions)), "actions done")
        for action in plan.actions[:cut]:
            simulation.apply(action)
        assert len(simulation.pods.keys() & wanted.keys()) >= serving - 1
    else:
        raise AssertionError(f"still busy: {plan.actions}")
    assert simulation.pods.keys() == wanted.keys()
    assert simulation.primary in wanted
    for alias, tablet in wanted.items():
        annotations = simulation.pods[alias]["metadata"]["annotations"]
        template = with_pod_hash(build_pod(simulation.shard, tablet))["metadata"]["annotations"]
        assert annotations[keys.DESIRED_STATE_HASH] == template[keys.DESIRED_STATE_HASH]
        assert not any(key in annotations for key in (keys.DRAIN_STARTED, keys.ROLLOUT_SCHEDULED))
