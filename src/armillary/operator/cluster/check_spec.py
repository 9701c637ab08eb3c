"""What is wrong with a cluster's spec that its schema cannot refuse. Pure.

A mistake stops everything: nothing changes until the spec is mended, and the cluster's condition
`SpecValid` names the fields. Advice stops nothing: what the spec asks for is possible and done, but
most likely not what was meant; the condition `Advice` tells it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from armillary.operator.cluster.check_flags import flags_that_stop_processes
from armillary.operator.cluster.check_pods import check_pods
from armillary.operator.cluster.check_ranges import LABEL_CHARS_MAX, check_partitionings
from armillary.operator.cluster.check_uids import check_uids
from armillary.operator.cluster.model import Cluster
from armillary.operator.cluster.spec_paths import ShardPath, shard_templates
from armillary.operator.crd.backup import BackupLocation, BackupSpec
from armillary.operator.crd.cell import CellTemplate, GatewayTls, SecureTransport
from armillary.operator.crd.keyspace import KeyspaceTemplate, ShardTemplate, TabletPool

DATABASE_CHARS_MAX = 64  # what MySQL allows
TABLETS_MAX = 10_000  # in one cluster; the operator looks at each of them again and again
_SYSTEM_DATABASES = ("mysql", "information_schema", "performance_schema", "sys", "_vt")
_EXTERNAL = "external"
_LOCATION_KINDS = ("gcs", "s3", "azblob", "ceph", "volume")


@dataclass(frozen=True, slots=True)
class SpecFindings:
    mistakes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def check_spec(cluster: Cluster, deployed_cells: AbstractSet[str]) -> SpecFindings:
    """Return what is to be mended, each with the path of its field.

    Args:
        deployed_cells: cells that exist, whether or not the spec still has them: pools in a cell
            that is about to leave keep it, and are no mistake.
    """
    cells = frozenset(cluster.cell_names) | deployed_cells
    return SpecFindings(tuple(_mistakes(cluster, cells)), tuple(_advice(cluster, deployed_cells)))


def _mistakes(cluster: Cluster, cells: AbstractSet[str]) -> Iterator[str]:
    spec = cluster.spec
    if len(cluster.name) > LABEL_CHARS_MAX:
        yield (
            f"metadata.name: it has {len(cluster.name)} characters, and every object of the "
            f"cluster carries it as a label, which may have {LABEL_CHARS_MAX}"
        )
    tablets = sum(_tablet_counts(spec.keyspaces))
    if tablets > TABLETS_MAX:
        yield (
            f"spec.keyspaces: parts and replicas make {tablets} tablets; one cluster may have "
            f"{TABLETS_MAX}"
        )
        return  # what follows would look at each of them
    yield from check_pods(spec, "spec")
    yield from _duplicates("spec.cells", [cell.name for cell in spec.cells])
    yield from _duplicates("spec.keyspaces", [keyspace.name for keyspace in spec.keyspaces])
    for cell in spec.cells:
        yield from _check_transport(cell)
    if spec.backup is not None:
        yield from _check_backup(spec.backup)
    locations = [location.name for location in spec.backup.locations] if spec.backup else []
    for keyspace in spec.keyspaces:
        path = f"spec.keyspaces[{keyspace.name}]"
        yield from _check_names(path, keyspace)
        yield from check_partitionings(f"{path}.partitionings", keyspace.partitionings)
        for shard in shard_templates(path, keyspace):
            yield from _check_pools(shard, cells, locations)
    yield from check_uids(spec.keyspaces)


def _duplicates(path: str, names: Sequence[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{path}: {name!r} is there more than once"


def _tablet_counts(keyspaces: Sequence[KeyspaceTemplate]) -> Iterator[int]:
    """Yield how many tablets each shard template makes; a shard counts at least as one."""
    for keyspace in keyspaces:
        for partitioning in keyspace.partitionings:
            if partitioning.equal is not None:
                yield partitioning.equal.parts * _size(partitioning.equal.shard_template)
            if partitioning.custom is not None:
                yield sum(_size(shard) for shard in partitioning.custom.shards)


def _size(shard: ShardTemplate) -> int:
    return max(1, sum(pool.replicas for pool in shard.tablet_pools))


def _check_names(path: str, keyspace: KeyspaceTemplate) -> Iterator[str]:
    if keyspace.name.lower() in _SYSTEM_DATABASES:
        yield f"{path}.name: to MySQL clients {keyspace.name} is the server's own database"
    name = keyspace.database_name or f"vt_{keyspace.name}"
    if name.lower() in _SYSTEM_DATABASES:
        yield f"{path}.databaseName: {name} is MySQL's own, or Vitess's"
    if not name.isprintable() or name != name.strip() or set(name) & set("`/\\"):
        yield (
            f"{path}.databaseName: wanted printable characters without `, / and \\, and no space "
            f"at its ends; found {name!r}"
        )
    if len(name) > DATABASE_CHARS_MAX:
        yield (
            f"{path}.databaseName: the database would be called {name}, which has {len(name)} "
            f"characters; MySQL allows {DATABASE_CHARS_MAX}"
        )


def _check_transport(cell: CellTemplate) -> Iterator[str]:
    """Clients that were to be refused would be let in."""
    transport = cell.gateway.secure_transport
    missing = _missing_of_tls(transport)
    if transport is not None and transport.required and missing:
        path = f"spec.cells[{cell.name}].gateway.secureTransport"
        yield (
            f"{path}.required: without {' and '.join(missing)} vtgate has no TLS, and could only "
            f"refuse everybody; name a Secret with the PEM file in {path}.tls for each, or leave "
            "`required` out"
        )


def _missing_of_tls(transport: SecureTransport | None) -> list[str]:
    tls = (transport.tls if transport else None) or GatewayTls()
    parts = {"certSecret": tls.cert_secret, "keySecret": tls.key_secret}
    return [name for name, source in parts.items() if source is None]


def _check_backup(backup: BackupSpec) -> Iterator[str]:
    path = "spec.backup"
    yield from _duplicates(f"{path}.locations", [location.name for location in backup.locations])
    for location in backup.locations:
        kinds = _kinds_of(location)
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none"
            yield (
                f"{path}.locations[{location.name}]: wanted exactly one of "
                f"{', '.join(_LOCATION_KINDS)}, found {found}"
            )
        if location.volume is not None:
            yield from _check_volume(f"{path}.locations[{location.name}].volume", location.volume)
    if backup.engine == "mysqlshell":
        yield f"{path}.engine: mysqlshell is not there yet; take builtin or xtrabackup"


def _check_volume(path: str, volume: Mapping[str, Any]) -> Iterator[str]:
    if len(volume) != 1:
        found = " and ".join(sorted(volume)) or "none"
        yield f"{path}: wanted exactly one source, such as hostPath; found {found}"
    host_path = volume.get("hostPath")
    if host_path is None:
        return
    directory = host_path.get("path") if isinstance(host_path, Mapping) else None
    if not isinstance(directory, str) or not directory.startswith("/"):
        yield f"{path}.hostPath.path: wanted an absolute path, found {directory!r}"


def _kinds_of(location: BackupLocation) -> list[str]:
    return [kind for kind in _LOCATION_KINDS if getattr(location, kind) is not None]


def _check_pools(
    shard: ShardPath, cells: AbstractSet[str], locations: Sequence[str]
) -> Iterator[str]:
    pools = shard.template.tablet_pools
    seen: set[tuple[str, str, str]] = set()
    for index, pool in enumerate(pools):
        path = f"{shard.path}.tabletPools[{index}]"
        # A tablet's UID comes from its pool's cell and type: two such pools would share tablets.
        name = pool.name if pool.external_datastore is not None else ""
        identity = (pool.cell, pool.type, name)
        if identity in seen:
            yield f"{path}: a second pool of type {pool.type} in cell {pool.cell}; make it one"
        seen.add(identity)
        if pool.cell not in cells:
            yield f"{path}.cell: {pool.cell!r} is not in spec.cells ({_listed(cells)})"
        if pool.backup_location_name and pool.backup_location_name not in locations:
            yield (
                f"{path}.backupLocationName: {pool.backup_location_name!r} is not in "
                f"spec.backup.locations ({_listed(locations)})"
            )
        yield from _check_datastore(path, pool)


def _check_datastore(path: str, pool: TabletPool) -> Iterator[str]:
    if pool.type.startswith(_EXTERNAL) and pool.external_datastore is None:
        yield f"{path}.externalDatastore: required by type {pool.type}"
    if pool.external_datastore is not None and pool.mysqld is not None:
        yield f"{path}: wanted one of mysqld and externalDatastore, found both"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "which is empty"


# --- advice


def _advice(cluster: Cluster, deployed_cells: AbstractSet[str]) -> Iterator[str]:
    cells = frozenset(cluster.cell_names)
    backup = cluster.spec.backup
    locations = [location.name for location in backup.locations] if backup else []
    yield from flags_that_stop_processes(cluster.spec)
    for name in cluster.spec.vitess_dashboard.cells:
        if name not in cells:
            yield f"spec.vitessDashboard.cells: {name!r} is not in spec.cells, and is passed over"
    for cell in cluster.spec.cells:
        yield from _advise_transport(cell)
    for keyspace in cluster.spec.keyspaces:
        path = f"spec.keyspaces[{keyspace.name}]"
        for shard in shard_templates(path, keyspace):
            yield from _advise_shard(shard, cluster)
            for index, pool in enumerate(shard.template.tablet_pools):
                pool_path = f"{shard.path}.tabletPools[{index}]"
                if pool.cell in deployed_cells - cells:
                    yield f"{pool_path}.cell: {pool.cell!r} left spec.cells; this pool keeps it"
                if backup and not pool.backup_location_name and "" not in locations:
                    yield (
                        f"{pool_path}.backupLocationName: empty, and no backup location is without "
                        "a name, so these tablets are neither backed up nor restored"
                    )


def _advise_transport(cell: CellTemplate) -> Iterator[str]:
    transport = cell.gateway.secure_transport
    if transport is None or transport.required or transport.tls in (None, GatewayTls()):
        return
    if missing := _missing_of_tls(transport):
        yield (
            f"spec.cells[{cell.name}].gateway.secureTransport.tls: without {' and '.join(missing)} "
            "vtgate has no TLS"
        )


def _advise_shard(shard: ShardPath, cluster: Cluster) -> Iterator[str]:
    pools = shard.template.tablet_pools
    tablets = sum(pool.replicas for pool in pools)
    eligible = sum(pool.replicas for pool in pools if pool.type in ("replica", "externalmaster"))
    path = f"{shard.path}.tabletPools"
    if pools and not tablets:
        yield f"{path}: replicas is 0 everywhere, so there is no tablet"
    elif tablets and not eligible:
        yield f"{path}: only pools of type replica may have the primary; there is no such tablet"
    replication = shard.template.replication or cluster.default_replication
    if replication is None:
        return
    if replication.recover_dead_master and not replication.enforce_semi_sync:
        yield (
            f"{shard.path}.replication.recoverDeadMaster: not done without enforceSemiSync, as "
            "acknowledged writes could be lost; a dead primary is told as an event"
        )
    if replication.enforce_semi_sync and eligible == 1:
        yield (
            f"{shard.path}.replication.enforceSemiSync: with one replica tablet nobody can "
            "acknowledge a write, so writes would wait for ever"
        )
