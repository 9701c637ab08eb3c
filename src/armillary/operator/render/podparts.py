"""Parts of pods that all components share: ports, probes, environment, spreading. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from armillary.operator.crd.lockserver import TopologyParams
from armillary.operator.crd.parts import Json, ResourceRequirements
from armillary.operator.render import names
from armillary.operator.render.flags import FlagValue
from armillary.operator.render.secrets import (
    AUTH_DIR,
    DB_CREDENTIALS_FILE,
    ETCD_AUTHORITY,
    ETCD_CLIENT_CERT,
    ETCD_CLIENT_KEY,
    GRPC_CLIENT_FILE,
    GRPC_SERVER_FILE,
    LOCKSERVER_TLS_NAME,
)

WEB_PORT = 15000
GRPC_PORT = 15999
MYSQL_PORT = 3306
METRICS_PORT = 9104
RUN_AS_USER = 999
PRIORITY_CLASS = "vitess"
PLAINTEXT = "http://"  # before the address of a topology server that does not speak TLS
HOSTNAME_KEY = "kubernetes.io/hostname"
ZONE_KEY = "topology.kubernetes.io/zone"

POD_IP_ENV: Json = {
    "name": "POD_IP",
    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}},
}
# gRPC's own resolver does not read /etc/hosts, which is where one machine has its names.
GRPC_DNS_ENV: Json = {"name": "GRPC_DNS_RESOLVER", "value": "native"}

WEB: Json = {"name": "web", "containerPort": WEB_PORT, "protocol": "TCP"}
GRPC: Json = {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"}
MYSQL: Json = {"name": "mysql", "containerPort": MYSQL_PORT, "protocol": "TCP"}


def topology_flags(topology: TopologyParams, cluster: str) -> dict[str, FlagValue]:
    flags: dict[str, FlagValue] = {
        "topo_implementation": topology.implementation,
        "topo_global_server_address": topology.address,
        "topo_global_root": topology.root_path,
    }
    if has_own_lockserver(topology, cluster):
        flags |= {
            "topo_etcd_tls_ca": f"{AUTH_DIR}/{ETCD_AUTHORITY}",
            "topo_etcd_tls_cert": f"{AUTH_DIR}/{ETCD_CLIENT_CERT}",
            "topo_etcd_tls_key": f"{AUTH_DIR}/{ETCD_CLIENT_KEY}",
            "topo_etcd_tls_server_name": LOCKSERVER_TLS_NAME,
        }
    return flags


def has_own_lockserver(topology: TopologyParams, cluster: str) -> bool:
    """Say whether part of the topology is in an etcd of the cluster's own, which wants TLS.

    An external server without TLS beside one of the cluster's own is marked by `http://`.
    """
    service = names.lockserver_client_service(names.lockserver_name(cluster))
    host = topology.address.rpartition(":")[0]
    return host == service or topology.address.startswith(PLAINTEXT)


def server_flags() -> dict[str, FlagValue]:
    """Return the flags of everything that serves HTTP and gRPC; all binds the pod's address."""
    return {
        "logtostderr": True,
        "port": WEB_PORT,
        "grpc_port": GRPC_PORT,
        "bind-address": "$(POD_IP)",
        "grpc_bind_address": "$(POD_IP)",
    }


def grpc_auth_server_flags() -> dict[str, FlagValue]:
    return {
        "grpc_auth_mode": "static",
        "grpc_auth_static_password_file": GRPC_SERVER_FILE,
        **grpc_auth_client_flags(),
    }


def grpc_auth_client_flags() -> dict[str, FlagValue]:
    return {"grpc_auth_static_client_creds": GRPC_CLIENT_FILE}


def db_credentials_flags() -> dict[str, FlagValue]:
    return {"db-credentials-file": DB_CREDENTIALS_FILE}


def web_probes(readiness_path: str) -> dict[str, Json]:
    """Return the readiness and liveness probes of a Vitess server."""
    return {
        "readinessProbe": {"httpGet": {"path": readiness_path, "port": "web"}},
        "livenessProbe": {
            "httpGet": {"path": "/debug/status", "port": "web"},
            "initialDelaySeconds": 300,
            "failureThreshold": 30,
        },
    }


def resources(given: ResourceRequirements | None, default: Json) -> Json:
    """Return the resources; requests and limits are defaulted each on its own."""
    chosen = {
        "requests": (given.requests if given else {}) or default.get("requests", {}),
        "limits": (given.limits if given else {}) or default.get("limits", {}),
    }
    return {key: dict(amounts) for key, amounts in chosen.items() if amounts}


def merged_env(*lists: Sequence[Json]) -> list[Json]:
    """Join lists of environment variables; a later one of the same name wins, in its place."""
    merged: dict[str, Json] = {}
    for env in lists:
        for variable in env:
            merged[variable["name"]] = variable
    return list(merged.values())


def run_as_user() -> Json:
    return {"runAsUser": RUN_AS_USER}


def zone_affinity(zone: str) -> Json:
    """Return the affinity that keeps a pod in `zone`."""
    term = {"matchExpressions": [{"key": ZONE_KEY, "operator": "In", "values": [zone]}]}
    required = {"nodeSelectorTerms": [term]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def spread_affinity(weighted: Sequence[tuple[int, str, Mapping[str, str]]], zone: str) -> Json:
    """Return a preference for nodes without pods of the same labels, and the zone when given."""
    preferred = [
        {
            "weight": weight,
            "podAffinityTerm": {
                "topologyKey": topology_key,
                "labelSelector": {"matchLabels": dict(labels)},
            },
        }
        for weight, topology_key, labels in weighted
    ]
    affinity: Json = {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
    }
    return affinity | (zone_affinity(zone) if zone else {})


def without_empty(obj: Mapping[str, Any]) -> Json:
    """Drop keys whose value says nothing, so that a stored object compares equal."""
    return {key: value for key, value in obj.items() if value not in (None, "", [], {})}
