"""Forget shards that a keyspace has no more, in its topology. I/O.

A record that stays behind looks like a shard whose tablets are all dead: commands for the whole
keyspace, such as ApplySchema, would wait for it or refuse.
"""

import logging
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.model.keyrange import safe_shard_name
from armillary.operator.cluster.topology_apply import delete_shard
from armillary.operator.crd.keyspace import KeyspaceSpec
from armillary.operator.world import World
from armillary.pb import topodata_pb2
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)


def shards_to_prune(
    recorded: Iterable[str], kept: AbstractSet[str], *, is_snapshot: bool
) -> list[str]:
    """Return shards that neither the spec, an object nor a pod knows; none of a snapshot's.

    `kept` has shard names as labels write them.
    """
    if is_snapshot or not kept:
        return []
    return sorted(shard for shard in recorded if safe_shard_name(shard) not in kept)


async def prune_shards(
    world: World, namespace: str, spec: KeyspaceSpec, kept: AbstractSet[str]
) -> bool:
    """Return False when the topology does not answer; the next pass tries again."""
    if not spec.topology_reconciliation.prune_shards:
        return True
    try:
        async with world.topology.use(namespace, spec.global_lockserver) as topo:
            await _prune(topo, spec.name, kept)
    except ArmillaryError as error:
        logger.info("shards not pruned", extra={"keyspace": spec.name, "error": str(error)})
        return False
    return True


async def _prune(topo: TopoServer, keyspace: str, kept: AbstractSet[str]) -> None:
    try:
        record = (await topo.get_keyspace(keyspace)).value
        recorded = await topo.list_shards(keyspace)
    except NotFoundError:
        return  # nothing has registered yet, or a user deleted it
    is_snapshot = record.keyspace_type == topodata_pb2.SNAPSHOT
    for shard in shards_to_prune(recorded, kept, is_snapshot=is_snapshot):
        logger.info("pruning a shard that left the spec", extra={"shard": f"{keyspace}/{shard}"})
        await delete_shard(topo, keyspace, shard)
