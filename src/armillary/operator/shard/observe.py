"""Read all that decisions about one shard need into one value. I/O."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import has_labels, labels_of, name_of
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.render import labels as keys
from armillary.operator.shard.tablets import Shard, alias_of_labels
from armillary.operator.world import World
from armillary.pb import topodata_pb2
from armillary.topo.convert import primary_alias_of, type_of
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShardTopology:
    """What the topology says of the shard; `has_record` False when its record is gone."""

    has_record: bool
    is_snapshot: bool
    primary: TabletAlias | None = None
    is_serving: bool = False
    types: Mapping[TabletAlias, TabletType] = field(default_factory=dict)
    records: Mapping[TabletAlias, topodata_pb2.Tablet] = field(default_factory=dict)
    # Cells of the cluster that no tablet of the spec is in, and that have a list of the shard's.
    left_cells: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSeen:
    pods: Mapping[TabletAlias, KubeObject]
    claims: Mapping[TabletAlias, KubeObject]
    backup_pods: Sequence[KubeObject]
    backup_claims: Sequence[KubeObject]
    backups: Sequence[KubeObject]
    topology: ShardTopology | None  # None: it does not answer


async def observe_shard(world: World, obj: KubeObject, shard: Shard) -> ShardSeen:
    pods = world.children(kinds.POD, obj)
    claims = world.children(kinds.PERSISTENT_VOLUME_CLAIM, obj)
    backups = [
        backup
        for backup in world.of_cluster(kinds.VITESS_BACKUP, shard.namespace, shard.cluster)
        if has_labels(backup, shard.labels)
    ]
    return ShardSeen(
        pods=_by_alias(pods),
        claims=_by_alias(claims),
        backup_pods=_of_backups(pods),
        backup_claims=_of_backups(claims),
        backups=sorted(backups, key=name_of),
        topology=await _observe_topology(world, shard),
    )


def _by_alias(objects: Sequence[KubeObject]) -> dict[TabletAlias, KubeObject]:
    found = {}
    for obj in objects:
        alias = alias_of_labels(labels_of(obj))
        if alias is not None and labels_of(obj).get(keys.COMPONENT) == keys.VTTABLET:
            found[alias] = obj
    return found


def _of_backups(objects: Sequence[KubeObject]) -> list[KubeObject]:
    return [obj for obj in objects if labels_of(obj).get(keys.COMPONENT) == keys.VTBACKUP]


async def _observe_topology(world: World, shard: Shard) -> ShardTopology | None:
    """Return what the topology says; None when it does not answer."""
    try:
        async with world.topology.use(shard.namespace, shard.spec.global_lockserver) as topo:
            try:
                keyspace = (await topo.get_keyspace(shard.keyspace)).value
                record = (await topo.get_shard(shard.keyspace, shard.name)).value
            except NotFoundError:
                return ShardTopology(has_record=False, is_snapshot=False)
            tablets = await topo.tablets_of_shard(shard.keyspace, shard.name)
            left_cells = await find_left_cells(topo, shard)
    except ArmillaryError as error:
        logger.debug("topology not read", extra={"shard": shard.name, "error": str(error)})
        return None
    return ShardTopology(
        has_record=True,
        is_snapshot=keyspace.keyspace_type == topodata_pb2.SNAPSHOT,
        primary=primary_alias_of(record),
        is_serving=bool(record.is_primary_serving),
        types={alias: type_of(tablet) for alias, tablet in tablets.items()},
        records=tablets,
        left_cells=left_cells,
    )


async def find_left_cells(topo: TopoServer, shard: Shard) -> frozenset[str]:
    """Return cells of the cluster without a pool of the shard's that have a list of its tablets."""
    found = set()
    for cell in shard.spec.zone_map.keys() - {pool.cell for pool in shard.spec.tablet_pools}:
        try:
            await topo.get_shard_replication(cell, shard.keyspace, shard.name)
        except NotFoundError:
            continue
        found.add(cell)
    return frozenset(found)
