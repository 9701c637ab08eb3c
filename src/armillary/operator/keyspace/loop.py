"""Keep VitessKeyspaces as wanted: one VitessShard for each shard, and the status. I/O."""

from collections.abc import Iterable

from armillary.base.errors import InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    generation_of,
    is_being_deleted,
    labels_of,
    name_of,
    namespace_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.model.keyrange import safe_shard_name
from armillary.operator.crd.keyspace import KeyspaceSpec
from armillary.operator.crd.parts import Condition
from armillary.operator.crd.read import read_spec
from armillary.operator.keyspace.build import Keyspace, build_shard
from armillary.operator.keyspace.partition import WantedShard, wanted_shards
from armillary.operator.keyspace.prune import prune_shards
from armillary.operator.keyspace.status import (
    build_keyspace_status,
    plan_shard_turndown,
    turndown_condition,
)
from armillary.operator.objects.status import merge_conditions, write_status
from armillary.operator.objects.steps import Steps
from armillary.operator.objects.waiting import changes_at_once
from armillary.operator.objects.written import with_written
from armillary.operator.render import labels as keys
from armillary.operator.world import ObjectKey, World

_LOOK_AGAIN_S = 5.0


class KeyspaceLoop:
    def __init__(self, world: World) -> None:
        self._world = world

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        self._world.wake_on_self(kinds.VITESS_KEYSPACE, queue)
        self._world.wake_on_children(kinds.VITESS_SHARD, kinds.VITESS_KEYSPACE, queue)

    async def reconcile(self, key: ObjectKey) -> float | None:
        world = self._world
        obj = world.get(kinds.VITESS_KEYSPACE, key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            return None
        spec = read_spec(obj, KeyspaceSpec)
        keyspace = Keyspace(labels_of(obj).get(keys.CLUSTER, ""), namespace_of(obj), spec)
        try:
            wanted = wanted_shards(spec.partitionings)
        except InputError as error:
            world.recorder.record(obj, "InvalidSpec", str(error), warning=True)
            return None
        steps, written = await self._ensure_shards(obj, keyspace, wanted)
        found = with_written(world.children(kinds.VITESS_SHARD, obj), written)
        shards = [shard for shard in found if not is_being_deleted(shard)]
        delete, orphans = plan_shard_turndown(shards, frozenset(shard.name for shard in wanted))
        for unwanted in delete:
            await world.writer.delete(obj, unwanted, reason="left the spec, and does not serve")
        for name, orphan in orphans.items():
            message = f"shard {name}: {orphan.message}"
            world.recorder.record(obj, "TurndownBlocked", message, warning=True)
        ready = _ready_condition(obj_shards=shards, wanted_count=len(wanted))
        blocked = turndown_condition(spec.name, shards, orphans)
        found_conditions = (obj.get("status") or {}).get("conditions") or []
        conditions = merge_conditions(found_conditions, [ready, blocked], now=world.now())
        status = build_keyspace_status(obj, spec, shards, orphans, conditions)
        assert status.observed_generation == generation_of(obj)
        await write_status(world.client, obj, status)
        steps.raise_first()
        kept = {safe_shard_name(shard.name) for shard in wanted}
        leaving = self._shards_with_objects(keyspace) - kept
        pruned = await prune_shards(world, keyspace.namespace, spec, kept | leaving)
        settled = pruned and not leaving
        return world.settings.resync.total_seconds() if settled else _LOOK_AGAIN_S

    async def _ensure_shards(
        self, obj: KubeObject, keyspace: Keyspace, wanted: Iterable[WantedShard]
    ) -> tuple[Steps, list[KubeObject]]:
        world, strategy = self._world, keyspace.spec.update_strategy
        at_once = changes_at_once(kinds.VITESS_SHARD, strategy)
        assert at_once is not None
        immediate = strategy.type == "Immediate"
        steps, written = Steps(), []
        for shard in wanted:
            built = build_shard(keyspace, shard)
            found = world.get(kinds.VITESS_SHARD, keyspace.namespace, name_of(built))
            stored = await steps.take(
                world.writer.ensure_or_schedule(obj, built, found, at_once, immediate=immediate)
            )
            if stored is not None:
                written.append(stored)
        return steps, written

    def _shards_with_objects(self, keyspace: Keyspace) -> set[str]:
        """Return the labels of shards, wanted or not, of which an object or a pod is there."""
        return {
            labels_of(obj).get(keys.SHARD, "")
            for kind in (kinds.VITESS_SHARD, kinds.POD)
            for obj in self._world.of_cluster(kind, keyspace.namespace, keyspace.cluster)
            if labels_of(obj).get(keys.KEYSPACE) == keyspace.spec.name
        }


def _ready_condition(*, obj_shards: list[kinds.KubeObject], wanted_count: int) -> Condition:
    with_primary = sum(
        1 for shard in obj_shards if (shard.get("status") or {}).get("hasMaster") == "True"
    )
    ready = with_primary >= wanted_count
    return Condition(
        type="Ready",
        status="True" if ready else "False",
        reason="ShardsHavePrimaries" if ready else "ShardsWithoutPrimary",
        message=f"{with_primary} of {wanted_count} shards have a primary.",
    )
