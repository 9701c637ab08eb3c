"""The Pod and the volume claim of one vtbackup run. Pure."""

import math
from dataclasses import dataclass
from datetime import timedelta

from armillary.kube.kinds import KubeObject
from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.keyspace import TabletPool
from armillary.operator.crd.parts import Json
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.render.amounts import cpu_count
from armillary.operator.render.flags import FlagValue, render_flags
from armillary.operator.render.images import mysqld_image
from armillary.operator.render.podparts import (
    MYSQL_PORT,
    PRIORITY_CLASS,
    RUN_AS_USER,
    grpc_auth_client_flags,
    merged_env,
    resources,
    run_as_user,
    topology_flags,
    without_empty,
)
from armillary.operator.render.secrets import auth_mount, auth_volume
from armillary.operator.render.storage import StorageAccess, storage_access
from armillary.operator.shard import mysql_parts as mysql
from armillary.operator.shard.tablets import Shard

_RESOURCES: Json = {"requests": {"cpu": "100m", "memory": "256Mi"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedBackupJob:
    """One vtbackup run; its name is the pod's and the claim's."""

    name: str
    kind: str  # init or update
    pool: TabletPool  # whose shape it takes
    location: BackupLocation
    min_backup_interval: timedelta = timedelta(0)
    min_retention_time: timedelta = timedelta(0)
    min_retention_count: int = 1

    @property
    def is_initial(self) -> bool:
        return self.kind == "init"


def backup_job_labels(shard: Shard, job: WantedBackupJob) -> dict[str, str]:
    return {
        keys.COMPONENT: keys.VTBACKUP,
        **shard.labels,
        keys.BACKUP_LOCATION: job.location.name,
        keys.BACKUP_TYPE: job.kind,
    }


def build_backup_claim(shard: Shard, job: WantedBackupJob) -> KubeObject | None:
    """Return the claim for the job's data; None when scratch space does."""
    template = _claim_template(shard, job)
    if template is None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": job.name,
            "namespace": shard.namespace,
            "labels": backup_job_labels(shard, job),
        },
        "spec": dict(template),
    }


def build_backup_pod(shard: Shard, job: WantedBackupJob) -> KubeObject:
    pool, spec = job.pool, shard.spec
    access = storage_access(job.location, shard.cluster)
    script = mysql.init_script(spec.database_init_script_secret)
    claim = job.name if _claim_template(shard, job) is not None else None
    volumes = [
        *mysql.data_volumes(claim),
        *mysql.overrides_volumes(pool),
        auth_volume(names.auth_secret(shard.cluster)),
        *(script.volumes() if script else []),
        *access.volumes,
        *pool.extra_volumes,
    ]
    metadata = without_empty(
        {
            "name": job.name,
            "namespace": shard.namespace,
            "labels": backup_job_labels(shard, job),
            "annotations": dict(pool.annotations)
            | mysql.overrides_annotations(pool)
            | dict(job.location.annotations),
        }
    )
    pod_spec = without_empty(
        {
            "priorityClassName": PRIORITY_CLASS,
            "securityContext": {"fsGroup": RUN_AS_USER},
            "imagePullSecrets": list(spec.image_pull_secrets),
            "initContainers": list(pool.init_containers),
            "containers": [_container(shard, job, access), *pool.sidecar_containers],
            "volumes": volumes,
            "affinity": pool.affinity,
            "tolerations": list(pool.tolerations),
            "restartPolicy": "OnFailure",
        }
    )
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec}


def _claim_template(shard: Shard, job: WantedBackupJob) -> Json | None:
    vtbackup = shard.spec.vtbackup
    if vtbackup and job.is_initial and vtbackup.use_empty_dir_for_initial_backup:
        return None
    if vtbackup and vtbackup.data_volume_claim_template is not None:
        return vtbackup.data_volume_claim_template
    return job.pool.data_volume_claim_template


def _container(shard: Shard, job: WantedBackupJob, access: StorageAccess) -> Json:
    pool, spec = job.pool, shard.spec
    script = mysql.init_script(spec.database_init_script_secret)
    has_claim = _claim_template(shard, job) is not None
    return without_empty(
        {
            "name": "vtbackup",
            "image": mysqld_image(spec.images.mysqld)[0],
            "imagePullPolicy": spec.image_pull_policies.get("mysqld"),
            "command": ["/vt/bin/vtbackup"],
            "args": render_flags(_flags(shard, job, access), pool.vttablet.vtbackup_extra_flags),
            "env": merged_env(
                mysql.mysql_env(shard, has_overrides=mysql.has_overrides(pool)),
                [{"name": "HOME", "value": "/home/vitess"}],
                access.env,
                pool.extra_env,
            ),
            "volumeMounts": [
                *mysql.data_mounts(has_claim=has_claim),
                *mysql.overrides_mounts(pool),
                auth_mount(),
                *(script.mounts() if script else []),
                *access.mounts,
                *pool.extra_volume_mounts,
            ],
            "resources": resources(pool.mysqld.resources if pool.mysqld else None, _RESOURCES),
            "securityContext": run_as_user(),
            # A run that fails says why in its last lines; the shard's condition repeats it.
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }
    )


def _flags(shard: Shard, job: WantedBackupJob, access: StorageAccess) -> dict[str, FlagValue]:
    requests = job.pool.mysqld.resources.requests if job.pool.mysqld else {}
    parallel = max(1, math.floor(cpu_count(requests.get("cpu"))))
    flags: dict[str, FlagValue] = {
        **topology_flags(shard.spec.global_lockserver, shard.cluster),
        **grpc_auth_client_flags(),
        **mysql.dba_flags(shard),
        **access.flags,
        **mysql.xtrabackup_flags(shard, parallel=parallel),
        "logtostderr": True,
        "timeout": "2h0m0s",
        "replication_timeout": "1h0m0s",
        "concurrency": 10,
        "initial_backup": job.is_initial,
        "min_backup_interval": job.min_backup_interval,
        "min_retention_time": job.min_retention_time,
        "min_retention_count": job.min_retention_count,
        "init_keyspace": shard.keyspace,
        "init_shard": shard.name,
        "init_db_name_override": shard.database_name,
        "mysql_socket": mysql.MYSQL_SOCKET,
        "mysql_port": MYSQL_PORT,
        "bind-address": "$(POD_IP)",
        "backup_engine_implementation": shard.spec.backup_engine or "builtin",
    }
    script = mysql.init_script(shard.spec.database_init_script_secret)
    if script:
        flags["init_db_sql_file"] = script.file
    return flags
