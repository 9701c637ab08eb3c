"""Which tablets a shard wants, and what each is called. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import generation_of, labels_of, name_of, namespace_of
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.keyspace import ReplicationSpec, TabletPool
from armillary.operator.crd.read import read_spec
from armillary.operator.crd.shard import ShardSpec
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.storage import find_location

PRIMARY_ELIGIBLE_POOLS = ("replica", "externalmaster")


@dataclass(frozen=True, slots=True)
class Shard:
    """One VitessShard object, as its builders need it."""

    cluster: str
    keyspace: str
    name: str  # in Vitess: -80
    namespace: str
    object_name: str
    generation: int
    spec: ShardSpec

    @property
    def labels(self) -> dict[str, str]:
        return keys.shard_labels(self.cluster, self.keyspace, self.name)

    @property
    def database_name(self) -> str:
        return self.spec.database_name or f"vt_{self.keyspace}"

    @property
    def replication(self) -> ReplicationSpec:
        return self.spec.replication or ReplicationSpec()

    def location_of(self, pool: TabletPool) -> BackupLocation | None:
        """Return where the pool's tablets are backed up; None when nowhere."""
        return find_location(self.spec.backup_locations, pool.backup_location_name)

    @property
    def has_backups(self) -> bool:
        return any(self.location_of(pool) is not None for pool in self.spec.tablet_pools)


@dataclass(frozen=True, slots=True)
class WantedTablet:
    alias: TabletAlias
    pool: TabletPool
    index: int  # from 1

    @property
    def can_be_primary(self) -> bool:
        return self.pool.type in PRIMARY_ELIGIBLE_POOLS


def parse_shard(obj: KubeObject) -> Shard:
    """Read a VitessShard object.

    Raises:
        InputError: a bad spec, or labels that do not say whose shard it is.
    """
    labels = labels_of(obj)
    if keys.CLUSTER not in labels or keys.KEYSPACE not in labels:
        raise InputError(f"VitessShard {name_of(obj)}: its cluster or keyspace label is missing")
    spec = read_spec(obj, ShardSpec)
    return Shard(
        cluster=labels[keys.CLUSTER],
        keyspace=labels[keys.KEYSPACE],
        name=spec.name,
        namespace=namespace_of(obj),
        object_name=name_of(obj),
        generation=generation_of(obj),
        spec=spec,
    )


def tablet_uid(
    cell: str, keyspace: str, shard: str, pool_type: str, index: int, *, pool_name: str = ""
) -> int:
    """Return the UID of a tablet: it depends on the spec only, so a new pod is the same tablet.

    Args:
        pool_name: only of a pool with an external datastore; other pools' names do not count.
    """
    suffix = f" {pool_name}" if pool_name else ""
    text = f"{cell} {keyspace} {shard} {pool_type} {index}{suffix}\n"
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big")


def wanted_tablets(shard: Shard) -> list[WantedTablet]:
    """Return the tablets in the order of their pools; a smaller pool loses its highest indices."""
    tablets = []
    for pool in shard.spec.tablet_pools:
        # Pools on servers that somebody else runs are not acted on yet.
        count = 0 if pool.external_datastore is not None else pool.replicas
        for index in range(1, count + 1):
            uid = tablet_uid(pool.cell, shard.keyspace, shard.name, pool.type, index)
            tablets.append(WantedTablet(TabletAlias(pool.cell, uid), pool, index))
    return tablets


def tablet_labels(shard: Shard, tablet: WantedTablet) -> dict[str, str]:
    return {
        keys.COMPONENT: keys.VTTABLET,
        **shard.labels,
        keys.CELL: tablet.alias.cell,
        keys.TABLET_UID: str(tablet.alias.uid),
        keys.TABLET_TYPE: tablet.pool.type,
        keys.TABLET_INDEX: str(tablet.index),
    }


def alias_of_labels(labels: Mapping[str, str]) -> TabletAlias | None:
    """Return the alias of the tablet that an object's labels speak of."""
    cell, uid = labels.get(keys.CELL), labels.get(keys.TABLET_UID, "")
    return TabletAlias(cell, int(uid)) if cell and uid.isdigit() else None


def tablet_object_name(shard: Shard, tablet: WantedTablet) -> str:
    return names.tablet_name(shard.cluster, tablet.alias)
