"""Objects of an etcd of three members. Pure.

A member that comes back with its data goes on as it was: etcd reads the membership from its data
and ignores the `initial-*` flags then. Names, not addresses, are advertised, so a member's address
may change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.kube.kinds import KubeObject
from armillary.operator.crd.lockserver import EtcdLockserverSpec
from armillary.operator.crd.parts import Json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.flags import FlagValue, render_flags
from armillary.operator.render.images import DEFAULT_ETCD_IMAGE
from armillary.operator.render.podparts import (
    HOSTNAME_KEY,
    POD_IP_ENV,
    PRIORITY_CLASS,
    RUN_AS_USER,
    ZONE_KEY,
    merged_env,
    resources,
    run_as_user,
    spread_affinity,
    without_empty,
)
from armillary.operator.render.services import build_service, port

CLIENT_PORT = 2379
PEER_PORT = 2380
MEMBERS = (1, 2, 3)
QUORUM = 2

_DATA_DIR = "/var/etcd"
_DEFAULT_RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "64Mi"}}
_DEFAULT_CLAIM: Json = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}


@dataclass(frozen=True, slots=True)
class Lockserver:
    """One EtcdLockserver object, as its builders need it."""

    name: str
    namespace: str
    labels: dict[str, str]  # of the object: cluster, component, and the cell's when local
    spec: EtcdLockserverSpec

    @property
    def members(self) -> Sequence[int]:
        index = self.spec.local_member_index
        return MEMBERS if index is None else (index,)

    def member_name(self, index: int) -> str:
        return f"{self.name}-{index}"

    def member_labels(self, index: int) -> dict[str, str]:
        return self.selector() | {keys.ETCD_INDEX: str(index)}

    def selector(self) -> dict[str, str]:
        return {**self.labels, keys.COMPONENT: keys.ETCD, keys.ETCD_LOCKSERVER: self.name}


def build_services(lockserver: Lockserver) -> list[KubeObject]:
    spec = lockserver.spec
    services = []
    if spec.create_client_service:
        services.append(
            build_service(
                names.lockserver_client_service(lockserver.name),
                lockserver.namespace,
                lockserver.selector(),
                ports=[port("client", CLIENT_PORT)],
                overrides=spec.client_service,
            )
        )
    if spec.create_peer_service:
        services.append(
            build_service(
                names.lockserver_peer_service(lockserver.name),
                lockserver.namespace,
                lockserver.selector(),
                ports=[port("peer", PEER_PORT)],
                overrides=spec.peer_service,
                headless=True,
                # Members must find each other before any of them is ready.
                publish_not_ready=True,
            )
        )
    return services


def build_disruption_budget(lockserver: Lockserver) -> KubeObject | None:
    if not lockserver.spec.create_pdb:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": names.lockserver_pdb(lockserver.name),
            "namespace": lockserver.namespace,
            "labels": lockserver.selector(),
        },
        "spec": {"minAvailable": QUORUM, "selector": {"matchLabels": lockserver.selector()}},
    }


def build_claim(lockserver: Lockserver, index: int) -> KubeObject:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": lockserver.member_name(index),
            "namespace": lockserver.namespace,
            "labels": lockserver.member_labels(index),
        },
        "spec": dict(lockserver.spec.data_volume_claim_template or _DEFAULT_CLAIM),
    }


def build_pod(lockserver: Lockserver, index: int) -> KubeObject:
    spec = lockserver.spec
    name = lockserver.member_name(index)
    metadata = without_empty(
        {
            "name": name,
            "namespace": lockserver.namespace,
            "labels": lockserver.member_labels(index) | spec.extra_labels,
            "annotations": dict(spec.annotations),
        }
    )
    data = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    pod_spec = without_empty(
        {
            "hostname": name,
            "subdomain": names.lockserver_peer_service(lockserver.name),
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(spec.image_pull_secrets),
            "initContainers": list(spec.init_containers),
            "containers": [_container(lockserver, index), *spec.sidecar_containers],
            "volumes": [data, *spec.extra_volumes],
            "affinity": spec.affinity or _affinity(lockserver),
            "tolerations": list(spec.tolerations),
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
        }
    )
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec}


def _container(lockserver: Lockserver, index: int) -> Json:
    spec = lockserver.spec
    data_mount = {"name": "data", "mountPath": _DATA_DIR, "subPath": "etcd"}
    health: Json = {"httpGet": {"path": "/health", "port": "client"}}
    return without_empty(
        {
            "name": "etcd",
            "image": spec.image or DEFAULT_ETCD_IMAGE,
            "imagePullPolicy": spec.image_pull_policy,
            "command": ["/usr/bin/etcd"],
            "args": render_flags(_flags(lockserver, index), spec.extra_flags),
            "env": merged_env(_ENV, spec.extra_env),
            "ports": [
                {"name": "client", "containerPort": CLIENT_PORT, "protocol": "TCP"},
                {"name": "peer", "containerPort": PEER_PORT, "protocol": "TCP"},
            ],
            "volumeMounts": [data_mount, *spec.extra_volume_mounts],
            "readinessProbe": {
                **health,
                "initialDelaySeconds": 1,
                "periodSeconds": 5,
                "timeoutSeconds": 5,
            },
            # A member without a quorum answers, and restarting it would not help.
            "livenessProbe": {
                "httpGet": {"path": "/version", "port": "client"},
                "initialDelaySeconds": 300,
                "failureThreshold": 30,
            },
            "resources": resources(spec.resources, _DEFAULT_RESOURCES),
            "securityContext": run_as_user(),
        }
    )


_ENV: list[Json] = [
    POD_IP_ENV,
    {"name": "ETCD_AUTO_COMPACTION_MODE", "value": "revision"},
    {"name": "ETCD_AUTO_COMPACTION_RETENTION", "value": "1000"},
    {"name": "ETCD_QUOTA_BACKEND_BYTES", "value": "8589934592"},
    {"name": "ETCD_MAX_REQUEST_BYTES", "value": "8388608"},
    {"name": "ETCDCTL_API", "value": "3"},
    # Topology is small and changes seldom: less memory is worth a little more collecting.
    {"name": "GOGC", "value": "50"},
]


def _flags(lockserver: Lockserver, index: int) -> dict[str, FlagValue]:
    name = lockserver.member_name(index)
    return {
        "data-dir": _DATA_DIR,
        "name": name,
        "listen-peer-urls": f"http://$(POD_IP):{PEER_PORT}",
        "listen-client-urls": f"http://$(POD_IP):{CLIENT_PORT}",
        "advertise-client-urls": f"http://{_member_host(lockserver, index)}:{CLIENT_PORT}",
        "initial-advertise-peer-urls": _peer_url(lockserver, index),
        "initial-cluster-state": "new",
        "initial-cluster-token": lockserver.name,
        "initial-cluster": ",".join(
            f"{lockserver.member_name(member)}={_peer_url(lockserver, member)}"
            for member in MEMBERS
        ),
        # Three members on one busy machine: patience costs less than an election.
        "heartbeat-interval": 250,
        "election-timeout": 2500,
        "snapshot-count": 10000,
        "log-level": "warn",
        "logger": "zap",
    }


def _member_host(lockserver: Lockserver, index: int) -> str:
    return f"{lockserver.member_name(index)}.{names.lockserver_peer_service(lockserver.name)}"


def _peer_url(lockserver: Lockserver, index: int) -> str:
    advertised = lockserver.spec.advertise_peer_urls
    if len(advertised) == len(MEMBERS):
        return advertised[index - 1]
    return f"http://{_member_host(lockserver, index)}:{PEER_PORT}"


def _affinity(lockserver: Lockserver) -> Json:
    weighted = [(2, HOSTNAME_KEY, lockserver.selector())]
    if not lockserver.spec.zone:
        weighted.append((1, ZONE_KEY, lockserver.selector()))
    return spread_affinity(weighted, lockserver.spec.zone)
