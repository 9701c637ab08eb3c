"""The Pod and the volume claim of one tablet. Pure.

Differences from what Vitess's operator renders: our image has all programs at /vt/bin, so there
are no init containers that copy them; processes prove themselves to one another with the cluster's
auth secret.
"""

import math

from armillary.kube.kinds import KubeObject
from armillary.operator.crd.keyspace import TabletPool
from armillary.operator.crd.parts import Json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.amounts import cpu_count
from armillary.operator.render.flags import FlagValue, render_flags
from armillary.operator.render.images import mysqld_image
from armillary.operator.render.podparts import (
    GRPC,
    HOSTNAME_KEY,
    METRICS_PORT,
    MYSQL,
    MYSQL_PORT,
    PRIORITY_CLASS,
    RUN_AS_USER,
    WEB,
    grpc_auth_server_flags,
    merged_env,
    resources,
    run_as_user,
    server_flags,
    spread_affinity,
    topology_flags,
    web_probes,
    without_empty,
)
from armillary.operator.render.secrets import GRPC_SERVER_FILE, auth_mount, auth_volume
from armillary.operator.render.storage import StorageAccess, storage_access
from armillary.operator.shard import mysql_parts as mysql
from armillary.operator.shard.tablets import (
    Shard,
    WantedTablet,
    tablet_labels,
    tablet_object_name,
)

TERMINATION_GRACE_S = 1800  # mysqld writes its dirty pages before it ends

_INIT_TABLET_TYPE = {
    "replica": "replica",
    "rdonly": "rdonly",
    "externalmaster": "spare",
    "externalreplica": "replica",
    "externalrdonly": "rdonly",
}
_VTTABLET_RESOURCES: Json = {"requests": {"cpu": "50m", "memory": "96Mi"}}
_MYSQLD_RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "256Mi"}}
_EXPORTER_RESOURCES: Json = {"requests": {"cpu": "10m", "memory": "32Mi"}}


def build_claim(shard: Shard, tablet: WantedTablet) -> KubeObject | None:
    """Return the claim for the tablet's data; None when the pool has no template."""
    template = tablet.pool.data_volume_claim_template
    if template is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": tablet_object_name(shard, tablet),
            "namespace": shard.namespace,
            "labels": tablet_labels(shard, tablet),
        },
        "spec": dict(template),
    }


def build_pod(shard: Shard, tablet: WantedTablet) -> KubeObject:
    pool = tablet.pool
    location = shard.location_of(pool)
    access = storage_access(location, shard.cluster) if location else StorageAccess()
    annotations = dict(pool.annotations) | (dict(location.annotations) if location else {})
    annotations[keys.DRAIN_SUPPORTED] = "ensure that the tablet is not a master"
    annotations |= mysql.overrides_annotations(pool)
    name = tablet_object_name(shard, tablet)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": shard.namespace,
            "labels": tablet_labels(shard, tablet) | pool.extra_labels,
            "annotations": annotations,
        },
        "spec": _pod_spec(shard, tablet, access, name),
    }


def _pod_spec(shard: Shard, tablet: WantedTablet, access: StorageAccess, name: str) -> Json:
    pool = tablet.pool
    claim = name if pool.data_volume_claim_template is not None else None
    script = mysql.init_script(shard.spec.database_init_script_secret)
    volumes = [
        *mysql.data_volumes(claim),
        auth_volume(names.auth_secret(shard.cluster)),
        *(script.volumes() if script else []),
        *access.volumes,
        *pool.extra_volumes,
    ]
    volumes += mysql.overrides_volumes(pool)
    grace_s = pool.vttablet.termination_grace_period_seconds
    return without_empty(
        {
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(shard.spec.image_pull_secrets),
            "initContainers": list(pool.init_containers),
            "containers": _containers(shard, tablet, access),
            "volumes": volumes,
            "affinity": pool.affinity or _affinity(shard, tablet),
            "tolerations": list(pool.tolerations),
            "topologySpreadConstraints": list(pool.topology_spread_constraints),
            "restartPolicy": "Always",
        }
    ) | {"terminationGracePeriodSeconds": TERMINATION_GRACE_S if grace_s is None else grace_s}


def _containers(shard: Shard, tablet: WantedTablet, access: StorageAccess) -> list[Json]:
    containers = [_vttablet(shard, tablet, access), _mysqld(shard, tablet)]
    if shard.spec.images.mysqld_exporter:
        containers.append(_exporter(shard, tablet))
    return [*containers, *tablet.pool.sidecar_containers]


def _mounts(shard: Shard, pool: TabletPool) -> list[Json]:
    script = mysql.init_script(shard.spec.database_init_script_secret)
    return [
        *mysql.data_mounts(has_claim=pool.data_volume_claim_template is not None),
        auth_mount(),
        *(script.mounts() if script else []),
        *mysql.overrides_mounts(pool),
        *pool.extra_volume_mounts,
    ]


def _env(shard: Shard, pool: TabletPool, access: StorageAccess | None = None) -> list[Json]:
    base = mysql.mysql_env(shard, has_overrides=mysql.has_overrides(pool))
    return merged_env(base, access.env if access else [], pool.extra_env)


def _vttablet(shard: Shard, tablet: WantedTablet, access: StorageAccess) -> Json:
    pool, spec = tablet.pool, shard.spec
    return without_empty(
        {
            "name": "vttablet",
            "image": spec.images.vttablet,
            "imagePullPolicy": spec.image_pull_policies.get("vttablet"),
            "command": ["/vt/bin/vttablet"],
            "args": render_flags(
                _vttablet_flags(shard, tablet) | _backup_flags(shard, pool, access),
                spec.extra_vitess_flags,
                pool.extra_flags,
                pool.vttablet.extra_flags,
            ),
            "env": _env(shard, pool, access),
            "ports": [WEB, GRPC],
            "volumeMounts": [*_mounts(shard, pool), *access.mounts],
            **web_probes("/healthz"),
            "resources": resources(pool.vttablet.resources, _VTTABLET_RESOURCES),
            "lifecycle": pool.vttablet.lifecycle,
            "securityContext": run_as_user(),
        }
    )


def _vttablet_flags(shard: Shard, tablet: WantedTablet) -> dict[str, FlagValue]:
    return {
        **server_flags(),
        **topology_flags(shard.spec.global_lockserver, shard.cluster),
        **grpc_auth_server_flags(),
        **mysql.dba_flags(shard),
        "grpc_max_message_size": 67108864,
        "service_map": "grpc-queryservice,grpc-tabletmanager,grpc-updatestream",
        "tablet-path": str(tablet.alias),
        "tablet_hostname": "$(POD_IP)",
        "init_keyspace": shard.keyspace,
        "init_shard": shard.name,
        "init_tablet_type": _INIT_TABLET_TYPE[tablet.pool.type],
        "init_db_name_override": shard.database_name,
        "health_check_interval": "5s",
        "binlog_use_v3_resharding_mode": True,
        "queryserver-config-max-result-size": 100000,
        "queryserver-config-query-timeout": 900,
        "queryserver-config-pool-size": 96,
        "queryserver-config-stream-pool-size": 96,
        "queryserver-config-transaction-cap": 300,
        "client-found-rows-pool-size": 300,
        "db-config-app-uname": "vt_app",
        "db-config-repl-uname": "vt_repl",
        "db-config-filtered-uname": "vt_filtered",
        "enforce_strict_trans_tables": True,
        "enable_replication_reporter": True,
        "enable_semi_sync": shard.replication.enforce_semi_sync,
        "mysqlctl_socket": mysql.MYSQLCTL_SOCKET,
        "mycnf_socket_file": mysql.MYSQL_SOCKET,
    }


def _backup_flags(shard: Shard, pool: TabletPool, access: StorageAccess) -> dict[str, FlagValue]:
    if not access.flags:
        return {}
    requests = (
        pool.vttablet.resources.requests,
        (pool.mysqld.resources.requests if pool.mysqld else {}),
    )
    cpus = sum(cpu_count(request.get("cpu")) for request in requests)
    return {
        "restore_from_backup": True,
        "restore_concurrency": 10,
        "wait_for_backup_interval": "10s",
        "backup_engine_implementation": shard.spec.backup_engine or "builtin",
        **mysql.xtrabackup_flags(shard, parallel=max(1, math.floor(cpus))),
        **access.flags,
    }


def _mysqld(shard: Shard, tablet: WantedTablet) -> Json:
    pool, spec = tablet.pool, shard.spec
    script = mysql.init_script(spec.database_init_script_secret)
    flags: dict[str, FlagValue] = {
        "logtostderr": True,
        "tablet_uid": tablet.alias.uid,
        "socket_file": mysql.MYSQLCTL_SOCKET,
        "mysql_socket": mysql.MYSQL_SOCKET,
        "mysql_port": MYSQL_PORT,
        "mysql_bind_address": "$(POD_IP)",
        "wait_time": "2h0m0s",
        **mysql.dba_flags(shard),
    }
    if script:
        flags["init_db_sql_file"] = script.file
    return without_empty(
        {
            "name": "mysqld",
            "image": mysqld_image(spec.images.mysqld)[0],
            "imagePullPolicy": spec.image_pull_policies.get("mysqld"),
            "command": ["/vt/bin/mysqlctld"],
            "args": render_flags(flags),
            "env": _env(shard, pool),
            "ports": [MYSQL],
            "volumeMounts": _mounts(shard, pool),
            "resources": resources(
                pool.mysqld.resources if pool.mysqld else None, _MYSQLD_RESOURCES
            ),
            "securityContext": run_as_user(),
        }
    )


def _exporter(shard: Shard, tablet: WantedTablet) -> Json:
    pool, spec = tablet.pool, shard.spec
    exporter = pool.mysqld_exporter
    flags: dict[str, FlagValue] = {
        "web.listen-address": f"$(POD_IP):{METRICS_PORT}",
        "web.auth-static-file": GRPC_SERVER_FILE,
        "config.my-cnf": f"{mysql.DATA_ROOT}/vt_{tablet.alias.uid:010d}/my.cnf",
        "collect.info_schema.tables.databases": "sys,_vt",
        "mysql_socket": mysql.MYSQL_SOCKET,
        **mysql.dba_flags(shard),
    }
    return without_empty(
        {
            "name": "mysqld-exporter",
            "image": spec.images.mysqld_exporter,
            "imagePullPolicy": spec.image_pull_policies.get("mysqldExporter"),
            "command": ["/vt/bin/mysqld_exporter"],
            "args": render_flags(flags, exporter.extra_flags if exporter else {}),
            "env": _env(shard, pool),
            "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
            "volumeMounts": _mounts(shard, pool),
            "resources": resources(exporter.resources if exporter else None, _EXPORTER_RESOURCES),
            "securityContext": run_as_user(),
        }
    )


def _affinity(shard: Shard, tablet: WantedTablet) -> Json:
    same_shard = {keys.COMPONENT: keys.VTTABLET, **shard.labels}
    same_pool = {
        **same_shard,
        keys.CELL: tablet.alias.cell,
        keys.TABLET_TYPE: tablet.pool.type,
    }
    weighted = [(2, HOSTNAME_KEY, same_shard), (1, HOSTNAME_KEY, same_pool)]
    return spread_affinity(weighted, shard.spec.zone_map.get(tablet.alias.cell, ""))
