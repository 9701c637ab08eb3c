"""The vtgate Deployment and Service of one cell. Pure."""

from dataclasses import dataclass

from armillary.kube.kinds import KubeObject
from armillary.operator.crd.cell import CellSpec
from armillary.operator.crd.parts import Json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.amounts import byte_count, cpu_count
from armillary.operator.render.flags import FlagValue, render_flags
from armillary.operator.render.images import DEFAULT_IMAGE
from armillary.operator.render.podparts import (
    GRPC,
    GRPC_DNS_ENV,
    GRPC_PORT,
    MYSQL,
    MYSQL_PORT,
    POD_IP_ENV,
    PRIORITY_CLASS,
    RUN_AS_USER,
    WEB,
    WEB_PORT,
    db_credentials_flags,
    grpc_auth_client_flags,
    merged_env,
    resources,
    run_as_user,
    server_flags,
    topology_flags,
    web_probes,
    without_empty,
    zone_affinity,
)
from armillary.operator.render.secrets import SecretMount, auth_mount, auth_volume
from armillary.operator.render.services import build_service, port

WORKERS_ENV = "VTGATE_WORKERS"
_WORKER_BYTES = 128 << 20
_DEFAULT_RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "128Mi"}}

VTGATE_PORTS = [port("web", WEB_PORT), port("grpc", GRPC_PORT), port("mysql", MYSQL_PORT)]


@dataclass(frozen=True, slots=True)
class Cell:
    """One VitessCell object, as its builders need it."""

    cluster: str
    namespace: str
    spec: CellSpec

    def labels(self, component: str) -> dict[str, str]:
        return {
            keys.COMPONENT: component,
            keys.CLUSTER: self.cluster,
            keys.CELL: self.spec.name,
        }


def build_gateway_service(cell: Cell) -> KubeObject:
    return build_service(
        names.vtgate_deployment(cell.cluster, cell.spec.name),
        cell.namespace,
        cell.labels(keys.VTGATE),
        ports=VTGATE_PORTS,
        overrides=cell.spec.gateway.service,
    )


def gateway_secrets(cell: Cell) -> dict[str, SecretMount]:
    """Return the secrets that the vtgates mount, by what they are."""
    gateway = cell.spec.gateway
    static = gateway.authentication.static
    transport = gateway.secure_transport
    tls = transport.tls if transport else None
    sources = {
        "static-auth": static.secret if static else None,
        "tls-cert": tls.cert_secret if tls else None,
        "tls-key": tls.key_secret if tls else None,
        "tls-ca-cert": tls.client_ca_cert_secret if tls else None,
    }
    return {
        name: SecretMount(f"vtgate-{name}", source)
        for name, source in sources.items()
        if source is not None
    }


def build_gateway_deployment(cell: Cell, *, secret_hash: str = "") -> KubeObject:
    """Return the Deployment.

    Args:
        secret_hash: over the contents of the TLS secrets; the pods are replaced when it changes.
            The users' secret is not part of it: vtgate reads that again by itself.
    """
    gateway = cell.spec.gateway
    labels = cell.labels(keys.VTGATE)
    annotations = dict(gateway.annotations)
    if secret_hash:
        annotations[keys.SECRET_HASH] = secret_hash
    template_metadata = without_empty(
        {"labels": labels | gateway.extra_labels, "annotations": annotations}
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": names.vtgate_deployment(cell.cluster, cell.spec.name),
            "namespace": cell.namespace,
            "labels": labels,
        },
        "spec": without_empty(
            {
                "selector": {"matchLabels": labels},
                "strategy": gateway.strategy,
                "template": {"metadata": template_metadata, "spec": _pod_spec(cell)},
            }
        )
        | {"replicas": gateway.replicas, "revisionHistoryLimit": 0},
    }


def _pod_spec(cell: Cell) -> Json:
    spec, gateway = cell.spec, cell.spec.gateway
    mounts = gateway_secrets(cell).values()
    volumes = {volume["name"]: volume for mount in mounts for volume in mount.volumes()}
    affinity = gateway.affinity or (zone_affinity(spec.zone) if spec.zone else None)
    return without_empty(
        {
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(spec.image_pull_secrets),
            "initContainers": list(gateway.init_containers),
            "containers": [_container(cell), *gateway.sidecar_containers],
            "volumes": [
                auth_volume(names.vtgate_auth_secret(cell.cluster)),
                *volumes.values(),
                *gateway.extra_volumes,
            ],
            "affinity": affinity,
            "tolerations": list(gateway.tolerations),
            "topologySpreadConstraints": list(gateway.topology_spread_constraints),
            "terminationGracePeriodSeconds": gateway.termination_grace_period_seconds,
        }
    )


def _container(cell: Cell) -> Json:
    spec, gateway = cell.spec, cell.spec.gateway
    secret_mounts = [
        mount for secret in gateway_secrets(cell).values() for mount in secret.mounts()
    ]
    return without_empty(
        {
            "name": "vtgate",
            "image": spec.images.vtgate or DEFAULT_IMAGE,
            "imagePullPolicy": spec.image_pull_policies.get("vtgate"),
            "command": ["/vt/bin/vtgate"],
            "args": render_flags(gateway_flags(cell), spec.extra_vitess_flags, gateway.extra_flags),
            "env": merged_env([POD_IP_ENV, GRPC_DNS_ENV], _workers_env(cell), gateway.extra_env),
            "ports": [WEB, GRPC, MYSQL],
            "volumeMounts": [auth_mount(), *secret_mounts, *gateway.extra_volume_mounts],
            **web_probes("/debug/health"),
            "resources": resources(gateway.resources, _DEFAULT_RESOURCES),
            "securityContext": run_as_user(),
            "lifecycle": gateway.lifecycle,
        }
    )


def _workers_env(cell: Cell) -> list[Json]:
    """Tell vtgate how many processes its limits have room for; Vitess's own does not listen."""
    limits = cell.spec.gateway.resources.limits
    workers = int(cpu_count(limits.get("cpu")))
    memory_bytes = byte_count(limits.get("memory"))
    if memory_bytes:
        workers = min(workers, int(memory_bytes // _WORKER_BYTES))
    return [{"name": WORKERS_ENV, "value": str(workers)}] if workers > 1 else []


def gateway_flags(cell: Cell) -> dict[str, FlagValue]:
    spec = cell.spec
    return {
        **server_flags(),
        **topology_flags(spec.global_lockserver, cell.cluster),
        **grpc_auth_client_flags(),
        **db_credentials_flags(),
        "cell": spec.name,
        "cells_to_watch": ",".join(spec.all_cells or [spec.name]),
        "tablet_types_to_wait": "MASTER,REPLICA",
        "gateway_implementation": "discoverygateway",
        "enable_buffer": True,
        "buffer_min_time_between_failovers": "20s",
        "buffer_max_failover_duration": "10s",
        "grpc_max_message_size": 67108864,
        "mysql_server_port": MYSQL_PORT,
        "mysql_server_bind_address": "$(POD_IP)",
        "service_map": "grpc-vtgateservice",
        **_authentication_flags(cell),
    }


def _authentication_flags(cell: Cell) -> dict[str, FlagValue]:
    flags: dict[str, FlagValue] = {}
    secrets = gateway_secrets(cell)
    if "static-auth" in secrets:
        flags |= {
            "mysql_auth_server_impl": "static",
            "mysql_auth_server_static_file": secrets["static-auth"].file,
            "mysql_auth_static_reload_interval": "30s",
        }
    if "tls-cert" in secrets and "tls-key" in secrets:
        transport = cell.spec.gateway.secure_transport
        cert, key = secrets["tls-cert"].file, secrets["tls-key"].file
        flags |= {
            "mysql_server_require_secure_transport": bool(transport and transport.required),
            "mysql_server_ssl_cert": cert,
            "mysql_server_ssl_key": key,
            "grpc_cert": cert,
            "grpc_key": key,
        }
        if "tls-ca-cert" in secrets:
            authority = secrets["tls-ca-cert"].file
            flags |= {"mysql_server_ssl_ca": authority, "grpc_ca": authority}
    return flags
