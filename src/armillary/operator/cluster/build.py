"""Child resources and Services of one cluster. Pure."""

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.operator.cell.build import VTGATE_PORTS
from armillary.operator.cluster.model import Cluster
from armillary.operator.crd.cell import CellTemplate
from armillary.operator.crd.keyspace import KeyspaceTemplate, ReplicationSpec
from armillary.operator.crd.parts import Json
from armillary.operator.crd.read import to_json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.podparts import GRPC_PORT, METRICS_PORT, WEB_PORT, without_empty
from armillary.operator.render.services import build_service, port


def build_lockserver(cluster: Cluster) -> KubeObject | None:
    """Return the global EtcdLockserver; None when an external one is used."""
    if not cluster.deploys_global_etcd:
        return None
    template = cluster.spec.global_lockserver.etcd
    return child(
        kinds.ETCD_LOCKSERVER,
        cluster,
        names.lockserver_name(cluster.name),
        {keys.CLUSTER: cluster.name, keys.COMPONENT: keys.ETCD},
        to_json(template) if template else {},
    )


def build_backup_storages(cluster: Cluster) -> list[KubeObject]:
    backup = cluster.spec.backup
    if backup is None:
        return []
    unique = {location.name: location for location in reversed(backup.locations)}
    return [
        child(
            kinds.VITESS_BACKUP_STORAGE,
            cluster,
            names.backup_storage_name(cluster.name, name),
            {keys.CLUSTER: cluster.name, keys.BACKUP_LOCATION: name},
            {"location": {"name": name} | to_json(location)},
        )
        for name, location in sorted(unique.items())
    ]


def build_cell(cluster: Cluster, cell: CellTemplate) -> KubeObject:
    spec = to_json(cell) | without_empty(
        {
            "globalLockserver": to_json(cluster.topology),
            # vtgates go on looking at cells that are about to leave.
            "allCells": [*cluster.cell_names, *sorted(cluster.retained_cells)],
            "images": {"vtgate": cluster.images.vtgate},
            **_passed_down(cluster),
        }
    )
    return child(
        kinds.VITESS_CELL,
        cluster,
        names.cell_name(cluster.name, cell.name),
        {keys.CLUSTER: cluster.name, keys.CELL: cell.name},
        spec,
    )


def build_keyspace(cluster: Cluster, keyspace: KeyspaceTemplate) -> KubeObject:
    backup = cluster.spec.backup
    spec = to_json(keyspace) | without_empty(
        {
            "globalLockserver": to_json(cluster.topology),
            "images": _keyspace_images(cluster, keyspace),
            "partitionings": _partitionings(cluster, keyspace),
            "zoneMap": dict(cluster.retained_cells)
            | {cell.name: cell.zone for cell in cluster.spec.cells},
            "backupLocations": [
                {"name": location.name} | to_json(location) for location in backup.locations
            ]
            if backup
            else [],
            "backupEngine": backup.engine if backup else "",
            "updateStrategy": to_json(cluster.spec.update_strategy),
            **_passed_down(cluster),
        }
    )
    if backup and backup.policy is not None:
        # `{}` means the defaults, which is not the same as no policy: all three are written out.
        policy = backup.policy
        spec["backupPolicy"] = {
            "backupIntervalHours": policy.backup_interval_hours,
            "minRetentionHours": policy.min_retention_hours,
            "minRetentionCount": policy.min_retention_count,
        }
    built = child(
        kinds.VITESS_KEYSPACE,
        cluster,
        names.keyspace_name(cluster.name, keyspace.name),
        {keys.CLUSTER: cluster.name, keys.KEYSPACE: keyspace.name},
        spec,
    )
    if keyspace.annotations:
        built["metadata"]["annotations"] = dict(keyspace.annotations)
    return built


def build_services(cluster: Cluster) -> list[KubeObject]:
    """Return the cluster-wide Services of vtctld, vtgate and vttablet."""

    def labels(component: str) -> dict[str, str]:
        return {keys.COMPONENT: component, keys.CLUSTER: cluster.name}

    web_and_grpc = [port("web", WEB_PORT), port("grpc", GRPC_PORT)]
    return [
        build_service(
            names.vtgate_service(cluster.name),
            cluster.namespace,
            labels(keys.VTGATE),
            ports=VTGATE_PORTS,
            overrides=cluster.spec.gateway_service,
        ),
        build_service(
            names.vttablet_service(cluster.name),
            cluster.namespace,
            labels(keys.VTTABLET),
            ports=[*web_and_grpc, port("metrics", METRICS_PORT)],
            overrides=cluster.spec.tablet_service,
            headless=True,
        ),
        build_service(
            names.vtctld_service(cluster.name),
            cluster.namespace,
            labels(keys.VTCTLD),
            ports=web_and_grpc,
            overrides=cluster.spec.vitess_dashboard.service,
        ),
    ]


def child(
    kind: ResourceKind, cluster: Cluster, name: str, labels: dict[str, str], spec: Json
) -> KubeObject:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": spec,
    }


def _passed_down(cluster: Cluster) -> Json:
    """Return what cells and keyspaces both take from the cluster."""
    spec = cluster.spec
    return {
        "imagePullPolicies": dict(spec.image_pull_policies),
        "imagePullSecrets": list(spec.image_pull_secrets),
        "extraVitessFlags": dict(spec.extra_vitess_flags),
        "topologyReconciliation": to_json(spec.topology_reconciliation),
    }


def _keyspace_images(cluster: Cluster, keyspace: KeyspaceTemplate) -> Json:
    images = cluster.images
    default = {
        "vttablet": images.vttablet,
        "vtbackup": images.vtbackup,
        "mysqld": images.mysqld,
        "mysqldExporter": images.mysqld_exporter,
    }
    return default | to_json(keyspace.images)


def _partitionings(cluster: Cluster, keyspace: KeyspaceTemplate) -> list[Json]:
    """Return the partitionings; shards that say nothing get the cluster's replication."""
    default = cluster.default_replication
    result = []
    for partitioning in keyspace.partitionings:
        plain = to_json(partitioning)
        if default is not None:
            _default_replication(plain, default)
        result.append(plain)
    return result


def _default_replication(partitioning: Json, default: ReplicationSpec) -> None:
    templates = [shard for shard in partitioning.get("custom", {}).get("shards", ())]
    if "equal" in partitioning:
        templates.append(partitioning["equal"].setdefault("shardTemplate", {}))
    for template in templates:
        template.setdefault("replication", to_json(default))
