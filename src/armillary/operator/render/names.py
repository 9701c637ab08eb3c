"""Names of all objects of a cluster. Pure.

Source: Vitess operator v2.0.1; every name in the procedure is a test.
"""

from datetime import datetime

from armillary.model.backup_name import BackupName
from armillary.model.keyrange import safe_shard_name
from armillary.model.names import LOCKSERVER_NAME, SERVICE_NAME, join_name
from armillary.model.tablet import TabletAlias


def cell_name(cluster: str, cell: str) -> str:
    return join_name(cluster, cell)


def keyspace_name(cluster: str, keyspace: str) -> str:
    return join_name(cluster, keyspace)


def shard_name(cluster: str, keyspace: str, shard: str) -> str:
    return join_name(cluster, keyspace, safe_shard_name(shard))


def shard_object_name(cluster: str, keyspace: str, safe_shard: str) -> str:
    """Return the same from the shard's safe name, which labels have."""
    return join_name(cluster, keyspace, safe_shard)


def tablet_name(cluster: str, alias: TabletAlias) -> str:
    """Return the name of the tablet's Pod and of its PersistentVolumeClaim."""
    return join_name(cluster, "vttablet", str(alias))


def lockserver_name(cluster: str, cell: str | None = None) -> str:
    parts = (cluster, cell, "etcd") if cell else (cluster, "etcd")
    return join_name(*parts, rule=LOCKSERVER_NAME)


def lockserver_client_service(lockserver: str) -> str:
    return f"{lockserver}-client"


def lockserver_peer_service(lockserver: str) -> str:
    return f"{lockserver}-peer"


def lockserver_pdb(lockserver: str) -> str:
    return f"etcd-lockserver-{lockserver}"


def vtctld_deployment(cluster: str, cell: str) -> str:
    return join_name(cluster, cell, "vtctld")


def vtctld_service(cluster: str) -> str:
    return join_name(cluster, "vtctld", rule=SERVICE_NAME)


def vtgate_deployment(cluster: str, cell: str) -> str:
    """Return the name of the cell's vtgate Deployment and of its Service."""
    return join_name(cluster, cell, "vtgate", rule=SERVICE_NAME)


def vtgate_service(cluster: str) -> str:
    return join_name(cluster, "vtgate", rule=SERVICE_NAME)


def vttablet_service(cluster: str) -> str:
    return join_name(cluster, "vttablet", rule=SERVICE_NAME)


def auth_secret(cluster: str) -> str:
    return join_name(cluster, "auth")


def vtgate_auth_secret(cluster: str) -> str:
    return join_name(cluster, "auth", "vtgate")


def authority_secret(cluster: str) -> str:
    """Return the name of the Secret with the authority that signs; no pod mounts it."""
    return join_name(cluster, "auth", "authority")


def lockserver_secret(lockserver: str) -> str:
    return f"{lockserver}-tls"


def backup_storage_name(cluster: str, location: str) -> str:
    return join_name(cluster, location) if location else join_name(cluster)


def initial_backup_name(cluster: str, keyspace: str, shard: str) -> str:
    """Return the name of the Pod and claim that make the first backup of a shard."""
    return join_name(cluster, keyspace, safe_shard_name(shard), "vtbackup", "init")


def periodic_backup_name(
    cluster: str, keyspace: str, shard: str, location: str, latest_at: datetime
) -> str:
    """Return the name of the Pod and claim that follow the backup of `latest_at`.

    It names the backup that it follows, so a job of yesterday is never taken for today's.
    """
    places = (location,) if location else ()
    stamp = f"{int(latest_at.timestamp()):x}"
    return join_name(cluster, keyspace, safe_shard_name(shard), "vtbackup", *places, stamp)


def backup_name(cluster: str, location: str, keyspace: str, shard: str, backup: BackupName) -> str:
    places = (location,) if location else ()
    stamp = backup.started_at.strftime("%Y%m%d-%H%M%S")
    uid = f"{backup.alias.uid:x}"
    return join_name(cluster, *places, keyspace, safe_shard_name(shard), stamp, uid)
