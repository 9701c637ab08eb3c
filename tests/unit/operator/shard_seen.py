"""A shard of three tablets as its plans see it, with whatever a test changes about it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.crd.topology import UpdateStrategy
from armillary.operator.objects.rollout import with_pod_hash
from armillary.operator.render import labels as keys
from armillary.operator.shard.actions import ShardPlan
from armillary.operator.shard.backup_pod import WantedBackupJob
from armillary.operator.shard.observe import ShardSeen, ShardTopology
from armillary.operator.shard.plan import plan_shard
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


def smaller() -> Shard:
    """The shard without its third tablet."""
    return with_pools(2)


def with_pools(count: int) -> Shard:
    pools = SHARD.spec.tablet_pools[:count]
    return replace(SHARD, spec=msgspec.structs.replace(SHARD.spec, tablet_pools=pools))


def without_claims(shard: Shard = SHARD) -> Shard:
    """The shard with its tablets' data in their pods."""
    pools = [
        msgspec.structs.replace(pool, data_volume_claim_template=None)
        for pool in shard.spec.tablet_pools
    ]
    return replace(shard, spec=msgspec.structs.replace(shard.spec, tablet_pools=pools))


def with_primary(observed: ShardSeen, primary: TabletAlias | None) -> ShardSeen:
    """The same with another primary, or with none."""
    assert observed.topology is not None
    types = {
        alias: TabletType.PRIMARY if alias == primary else TabletType.REPLICA
        for alias in observed.topology.types
    }
    return replace(observed, topology=replace(observed.topology, primary=primary, types=types))
