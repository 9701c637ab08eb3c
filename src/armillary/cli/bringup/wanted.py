"""What a cluster's spec asks for: how many pods of what, and what is to come of them. Pure.

Counted as the operator makes them. What it does not make is not waited for: members of an external
lockserver, tablets of a pool with an external datastore, the primary of a shard without a tablet
that may be one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from armillary.kube.kinds import KubeObject

ETCD_MEMBERS = 3
_VTGATES = 2  # of a cell that does not say
_VTCTLDS = 1  # of each cell, when the spec does not say


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cluster's spec asks for; pods by the cell, or the keyspace, that they belong to."""

    shards: int = 0
    primaries: int = 0
    initial_backups: int = 0
    etcds: Mapping[str, int] = field(default_factory=dict)  # by cell; "" is the global lockserver
    vtctlds: Mapping[str, int] = field(default_factory=dict)  # by cell
    vtgates: Mapping[str, int] = field(default_factory=dict)  # by cell
    tablets: Mapping[str, int] = field(default_factory=dict)  # by keyspace


def read_wanted(cluster: KubeObject) -> Wanted:
    """Count what a spec asks for; the same range in two partitionings counts once."""
    spec: KubeObject = cluster.get("spec") or {}
    cells: Sequence[KubeObject] = spec.get("cells") or ()
    shards = list(_shards(spec))
    tablets: Counter[str] = Counter()
    for keyspace, template in shards:
        tablets[keyspace] += sum(_tablets(pool) for pool in _pools(template))
    return Wanted(
        shards=len(shards),
        primaries=sum(_gets_primary(template, spec) for _, template in shards),
        initial_backups=sum(_gets_backup(template, spec) for _, template in shards),
        etcds=_etcds(spec, cells),
        vtctlds=_vtctlds(spec, cells),
        vtgates={
            str(cell["name"]): _number(cell.get("gateway"), "replicas", _VTGATES) for cell in cells
        },
        tablets=tablets,
    )


def _etcds(spec: KubeObject, cells: Sequence[KubeObject]) -> dict[str, int]:
    lockserver = spec.get("globalLockserver") or {}
    members = {} if lockserver.get("external") else {"": _members(lockserver.get("etcd"))}
    for cell in cells:
        local = cell.get("lockserver") or {}
        if not local.get("external") and local.get("etcd") is not None:
            members[str(cell["name"])] = _members(local["etcd"])
    return members


def _members(template: KubeObject | None) -> int:
    return ETCD_MEMBERS if (template or {}).get("localMemberIndex") is None else 1


def _vtctlds(spec: KubeObject, cells: Sequence[KubeObject]) -> dict[str, int]:
    dashboard = spec.get("vitessDashboard") or {}
    replicas = _number(dashboard, "replicas", _VTCTLDS)
    names = [str(cell["name"]) for cell in cells]
    chosen = dashboard.get("cells") or names
    return {name: replicas for name in names if name in chosen}


def _shards(spec: KubeObject) -> Iterator[tuple[str, KubeObject]]:
    """Yield the keyspace and the template of each shard."""
    for keyspace in spec.get("keyspaces") or ():
        found: dict[str, KubeObject] = {}
        for partitioning in keyspace.get("partitionings") or ():
            found.update(_shard_templates(partitioning))
        for template in found.values():
            yield str(keyspace["name"]), template


def _shard_templates(partitioning: KubeObject) -> Sequence[tuple[str, KubeObject]]:
    if equal := partitioning.get("equal"):
        parts = int(equal.get("parts", 1))
        template = equal.get("shardTemplate") or {}
        return [(f"{index}/{parts}", template) for index in range(parts)]
    custom = (partitioning.get("custom") or {}).get("shards") or ()
    return [(str(sorted((shard.get("keyRange") or {}).items())), shard) for shard in custom]


def _pools(template: KubeObject) -> Sequence[KubeObject]:
    return template.get("tabletPools") or ()


def _tablets(pool: KubeObject) -> int:
    return 0 if pool.get("externalDatastore") is not None else _number(pool, "replicas", 0)


def _gets_primary(template: KubeObject, spec: KubeObject) -> bool:
    eligible = any(_tablets(p) for p in _pools(template) if p.get("type") == "replica")
    return eligible and _replication(template, spec, "initializeMaster")


def _gets_backup(template: KubeObject, spec: KubeObject) -> bool:
    """Tell whether an initial backup is made: it goes to the location of the first pool."""
    pools = _pools(template)
    locations = (spec.get("backup") or {}).get("locations") or ()
    if not pools or any(pool.get("externalDatastore") is not None for pool in pools):
        return False
    name = pools[0].get("backupLocationName") or ""
    has_location = any((location.get("name") or "") == name for location in locations)
    return has_location and _replication(template, spec, "initializeBackup")


def _replication(template: KubeObject, spec: KubeObject, name: str) -> bool:
    # A shard's own settings take the place of the cluster's as a whole, and are true by default.
    settings = template.get("replication")
    if settings is None:
        settings = spec.get("replication")
    return bool((settings or {}).get(name, True))


def _number(settings: KubeObject | None, name: str, default: int) -> int:
    found = (settings or {}).get(name)
    return default if found is None else int(found)
