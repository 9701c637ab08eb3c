"""Objects of an etcd of three members. Pure.

A member that comes back with its data goes on as it was: etcd reads the membership from its data
and ignores the `initial-*` flags then. Names, not addresses, are advertised, so a member's address
may change.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from armillary.base.certificates import Certified, issue_peer
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
from armillary.operator.render.secrets import LOCKSERVER_TLS_NAME
from armillary.operator.render.services import build_service, port

CLIENT_PORT = 2379
PEER_PORT = 2380
HEALTH_PORT = 2381
PEER_NAME = "armillary-etcd"  # common name of the certificates that members show one another
TLS_CERT = "tls.crt"
TLS_KEY = "tls.key"
TLS_AUTHORITY = "ca.crt"
MEMBERS = (1, 2, 3)
QUORUM = 2

_DATA_DIR = "/var/etcd"
_TLS_DIR = "/etc/etcd/tls"
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
    certificates = {
        "name": "tls",
        "secret": {"secretName": names.lockserver_secret(lockserver.name), "defaultMode": 0o400},
    }
    pod_spec = without_empty(
        {
            "hostname": name,
            "subdomain": names.lockserver_peer_service(lockserver.name),
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(spec.image_pull_secrets),
            "initContainers": list(spec.init_containers),
            "containers": [_container(lockserver, index), *spec.sidecar_containers],
            "volumes": [data, certificates, *spec.extra_volumes],
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
    tls_mount = {"name": "tls", "mountPath": _TLS_DIR, "readOnly": True}
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
                {"name": "health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            ],
            "volumeMounts": [data_mount, tls_mount, *spec.extra_volume_mounts],
            "readinessProbe": {
                "httpGet": {"path": "/health", "port": "health"},
                "initialDelaySeconds": 1,
                "periodSeconds": 5,
                "timeoutSeconds": 5,
            },
            # A member without a quorum answers, and restarting it would not help.
            "livenessProbe": {
                "tcpSocket": {"port": "health"},
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
    # An idle member is all timers, and with more processors Go wakes threads for each to look for
    # work. Topology never has any for a second one: it serves as many requests with one.
    {"name": "GOMAXPROCS", "value": "1"},
]


def _flags(lockserver: Lockserver, index: int) -> dict[str, FlagValue]:
    name = lockserver.member_name(index)
    return {
        "data-dir": _DATA_DIR,
        "name": name,
        "listen-peer-urls": f"{_peer_scheme(lockserver)}://$(POD_IP):{PEER_PORT}",
        "listen-client-urls": f"https://$(POD_IP):{CLIENT_PORT}",
        # Probes have no certificate. Here are health and metrics, and nothing else.
        "listen-metrics-urls": f"http://$(POD_IP):{HEALTH_PORT}",
        "cert-file": f"{_TLS_DIR}/{TLS_CERT}",
        "key-file": f"{_TLS_DIR}/{TLS_KEY}",
        "trusted-ca-file": f"{_TLS_DIR}/{TLS_AUTHORITY}",
        "client-cert-auth": True,
        "peer-cert-file": f"{_TLS_DIR}/{TLS_CERT}",
        "peer-key-file": f"{_TLS_DIR}/{TLS_KEY}",
        "peer-trusted-ca-file": f"{_TLS_DIR}/{TLS_AUTHORITY}",
        "peer-client-cert-auth": True,
        # A peer is known by its certificate's name, which clients' certificates do not have.
        # The address that it comes from tells nothing: it changes, or is 127.0.0.1 for all.
        "peer-cert-allowed-cn": PEER_NAME,
        "experimental-peer-skip-client-san-verification": True,
        "advertise-client-urls": f"https://{_member_host(lockserver, index)}:{CLIENT_PORT}",
        "initial-advertise-peer-urls": _peer_url(lockserver, index),
        "initial-cluster-state": "new",
        "initial-cluster-token": lockserver.name,
        "initial-cluster": ",".join(
            f"{lockserver.member_name(member)}={_peer_url(lockserver, member)}"
            for member in MEMBERS
        ),
        # Three members on one busy machine: patience costs less than an election. The heartbeat is
        # also etcd's clock, so an idle member wakes as often; etcd wants five in a timeout.
        "heartbeat-interval": 500,
        "election-timeout": 2500,
        # How often it looks for what the write-ahead log has and the database has not.
        "backend-batch-interval": "500ms",
        "snapshot-count": 10000,
        "log-level": "warn",
        "logger": "zap",
    }


def certificate_names(lockserver: Lockserver, addresses: Sequence[str]) -> list[str]:
    """Return what a member may be called by its clients and peers.

    Args:
        addresses: the pods' own, where they have them already; they stand in place of names where
            nothing resolves names.
    """
    peers = names.lockserver_peer_service(lockserver.name)
    hosts = [names.lockserver_client_service(lockserver.name), peers]
    hosts += [f"{lockserver.member_name(index)}.{peers}" for index in MEMBERS]
    forms = ("", f".{lockserver.namespace}", f".{lockserver.namespace}.svc")
    full = f".{lockserver.namespace}.svc.cluster.local"
    found = [host + form for host in hosts for form in (*forms, full)]
    advertised = [urlsplit(url).hostname for url in lockserver.spec.advertise_peer_urls]
    found += [host for host in advertised if host]
    found += ["localhost", "127.0.0.1", "::1", LOCKSERVER_TLS_NAME, *addresses]
    return list(dict.fromkeys(found))


def build_certificate_secret(
    lockserver: Lockserver, addresses: Sequence[str], authority: Certified, *, now: datetime
) -> KubeObject:
    """Return the Secret that the members mount, with a new certificate for these addresses."""
    known_as = certificate_names(lockserver, addresses)
    made = issue_peer(authority, PEER_NAME, known_as, now=now)
    contents = {TLS_CERT: made.cert, TLS_KEY: made.key, TLS_AUTHORITY: authority.cert}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": names.lockserver_secret(lockserver.name),
            "namespace": lockserver.namespace,
            "labels": lockserver.selector(),
            "annotations": {keys.CERTIFICATE_ADDRESSES: ",".join(addresses)},
        },
        "data": {name: b64encode(content).decode() for name, content in contents.items()},
    }


def _member_host(lockserver: Lockserver, index: int) -> str:
    return f"{lockserver.member_name(index)}.{names.lockserver_peer_service(lockserver.name)}"


def _peer_url(lockserver: Lockserver, index: int) -> str:
    advertised = lockserver.spec.advertise_peer_urls
    if len(advertised) == len(MEMBERS):
        return advertised[index - 1]
    return f"https://{_member_host(lockserver, index)}:{PEER_PORT}"


def _peer_scheme(lockserver: Lockserver) -> str:
    """Return what peers speak: where the user gives their URLs, what these say."""
    advertised = lockserver.spec.advertise_peer_urls
    return "http" if any(url.startswith("http://") for url in advertised) else "https"


def _affinity(lockserver: Lockserver) -> Json:
    weighted = [(2, HOSTNAME_KEY, lockserver.selector())]
    if not lockserver.spec.zone:
        weighted.append((1, ZONE_KEY, lockserver.selector()))
    return spread_affinity(weighted, lockserver.spec.zone)
