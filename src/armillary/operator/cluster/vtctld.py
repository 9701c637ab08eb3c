"""The vtctld Deployment of each cell. Pure."""

from armillary.kube.kinds import KubeObject
from armillary.operator.cluster.model import Cluster
from armillary.operator.crd.cell import CellTemplate
from armillary.operator.crd.parts import Json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.flags import FlagValue, render_flags
from armillary.operator.render.podparts import (
    GRPC,
    GRPC_DNS_ENV,
    POD_IP_ENV,
    PRIORITY_CLASS,
    RUN_AS_USER,
    WEB,
    grpc_auth_server_flags,
    merged_env,
    resources,
    run_as_user,
    server_flags,
    topology_flags,
    web_probes,
    without_empty,
    zone_affinity,
)
from armillary.operator.render.secrets import auth_mount, auth_volume
from armillary.operator.render.storage import StorageAccess, access_to_all

_DEFAULT_RESOURCES: Json = {"requests": {"cpu": "50m", "memory": "96Mi"}}


def choose_cells(cluster: Cluster) -> list[CellTemplate]:
    """Return the cells that get a vtctld: those that the spec names, else all."""
    by_name = {cell.name: cell for cell in cluster.spec.cells}
    wanted = cluster.spec.vitess_dashboard.cells or list(by_name)
    return [by_name[name] for name in dict.fromkeys(wanted) if name in by_name]


def build_vtctld_deployment(cluster: Cluster, cell: CellTemplate) -> KubeObject:
    dashboard = cluster.spec.vitess_dashboard
    labels = {
        keys.COMPONENT: keys.VTCTLD,
        keys.CLUSTER: cluster.name,
        keys.CELL: cell.name,
    }
    template_metadata = without_empty(
        {"labels": labels | dashboard.extra_labels, "annotations": dict(dashboard.annotations)}
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": names.vtctld_deployment(cluster.name, cell.name),
            "namespace": cluster.namespace,
            "labels": labels,
        },
        "spec": {
            "replicas": dashboard.replicas,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": template_metadata, "spec": _pod_spec(cluster, cell)},
        },
    }


def _pod_spec(cluster: Cluster, cell: CellTemplate) -> Json:
    dashboard = cluster.spec.vitess_dashboard
    access = _storage(cluster)
    affinity = dashboard.affinity or (zone_affinity(cell.zone) if cell.zone else None)
    return without_empty(
        {
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(cluster.spec.image_pull_secrets),
            "initContainers": list(dashboard.init_containers),
            "containers": [_container(cluster, cell, access), *dashboard.sidecar_containers],
            "volumes": [
                auth_volume(names.auth_secret(cluster.name)),
                *access.volumes,
                *dashboard.extra_volumes,
            ],
            "affinity": affinity,
            "tolerations": list(dashboard.tolerations),
        }
    )


def _storage(cluster: Cluster) -> StorageAccess:
    """Return access to all locations: a keyspace's backups may be in any of them."""
    backup = cluster.spec.backup
    if backup is None or not backup.locations:
        return StorageAccess()
    return access_to_all(backup.locations, cluster.name)


def _container(cluster: Cluster, cell: CellTemplate, access: StorageAccess) -> Json:
    dashboard = cluster.spec.vitess_dashboard
    flags: dict[str, FlagValue] = {
        **server_flags(),
        **topology_flags(cluster.topology, cluster.name),
        **grpc_auth_server_flags(),
        **access.flags,
        "cell": cell.name,
        "service_map": "grpc-vtctl,grpc-vtctld",
        "enable_queries": True,
        "enable_realtime_stats": True,
        "workflow_manager_init": True,
        "workflow_manager_use_election": True,
    }
    return without_empty(
        {
            "name": "vtctld",
            "image": cluster.images.vtctld,
            "imagePullPolicy": cluster.spec.image_pull_policies.get("vtctld"),
            "command": ["/vt/bin/vtctld"],
            "args": render_flags(flags, cluster.spec.extra_vitess_flags, dashboard.extra_flags),
            "env": merged_env([POD_IP_ENV, GRPC_DNS_ENV], access.env, dashboard.extra_env),
            "ports": [WEB, GRPC],
            "volumeMounts": [auth_mount(), *access.mounts, *dashboard.extra_volume_mounts],
            **web_probes("/debug/health"),
            "resources": resources(dashboard.resources, _DEFAULT_RESOURCES),
            "securityContext": run_as_user(),
        }
    )
