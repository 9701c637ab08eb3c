"""What every pod with a mysqld shares: volumes, mounts, environment, database flags. Pure."""

from armillary.operator.crd.keyspace import TabletPool
from armillary.operator.crd.parts import Json, SecretSource
from armillary.operator.render import labels as keys
from armillary.operator.render.flags import FlagValue
from armillary.operator.render.images import mysqld_image
from armillary.operator.render.podparts import GRPC_DNS_ENV, POD_IP_ENV, db_credentials_flags
from armillary.operator.render.secrets import SecretMount
from armillary.operator.shard.tablets import Shard

DATA_ROOT = "/vt/vtdataroot"
SOCKET_DIR = "/vt/socket"
MYSQL_SOCKET = f"{SOCKET_DIR}/mysql.sock"
MYSQLCTL_SOCKET = f"{SOCKET_DIR}/mysqlctl.sock"
CONFIG_OVERRIDES_FILE = "/pod-config/mysqld-config-overrides"

_CLAIM_VOLUME = "persistent-volume-claim"
_ROOT_VOLUME = "vt-root"


def init_script(source: SecretSource | None) -> SecretMount | None:
    return SecretMount("db-init-script", source) if source is not None else None


def data_volumes(claim_name: str | None) -> list[Json]:
    """Return the scratch volume, and the claim when the data has one."""
    volumes: list[Json] = [{"name": _ROOT_VOLUME, "emptyDir": {}}]
    if claim_name:
        volumes.append({"name": _CLAIM_VOLUME, "persistentVolumeClaim": {"claimName": claim_name}})
    return volumes


def data_mounts(*, has_claim: bool) -> list[Json]:
    return [
        {
            "name": _CLAIM_VOLUME if has_claim else _ROOT_VOLUME,
            "mountPath": DATA_ROOT,
            "subPath": "vtdataroot",
        },
        {"name": _ROOT_VOLUME, "mountPath": SOCKET_DIR, "subPath": "socket"},
    ]


def has_overrides(pool: TabletPool) -> bool:
    return bool(pool.mysqld and pool.mysqld.config_overrides)


def overrides_annotations(pool: TabletPool) -> dict[str, str]:
    """Return the annotation that carries the pool's my.cnf lines into the pod."""
    if pool.mysqld is None or not pool.mysqld.config_overrides:
        return {}
    return {keys.MYSQLD_CONFIG_OVERRIDES: pool.mysqld.config_overrides}


def overrides_volumes(pool: TabletPool) -> list[Json]:
    """Return the volume that shows the annotation as a file."""
    if not has_overrides(pool):
        return []
    path = f"metadata.annotations['{keys.MYSQLD_CONFIG_OVERRIDES}']"
    item = {
        "path": CONFIG_OVERRIDES_FILE.rpartition("/")[2],
        "fieldRef": {"apiVersion": "v1", "fieldPath": path},
    }
    return [{"name": "pod-config", "downwardAPI": {"items": [item]}}]


def overrides_mounts(pool: TabletPool) -> list[Json]:
    if not has_overrides(pool):
        return []
    return [{"name": "pod-config", "mountPath": CONFIG_OVERRIDES_FILE.rpartition("/")[0]}]


def mysql_env(shard: Shard, *, has_overrides: bool) -> list[Json]:
    env: list[Json] = [
        {"name": "VTROOT", "value": "/vt"},
        {"name": "VTDATAROOT", "value": DATA_ROOT},
        {"name": "VT_MYSQL_ROOT", "value": "/usr"},
        {"name": "MYSQL_FLAVOR", "value": mysqld_image(shard.spec.images.mysqld)[1]},
        POD_IP_ENV,
        GRPC_DNS_ENV,
    ]
    if has_overrides:
        env.append({"name": "EXTRA_MY_CNF", "value": CONFIG_OVERRIDES_FILE})
    return env


def db_charset(shard: Shard) -> str:
    return "utf8mb4" if "mysql80Compatible" in shard.spec.images.mysqld else "utf8"


def dba_flags(shard: Shard) -> dict[str, FlagValue]:
    """Return the flags of everything that administers a mysqld."""
    return {
        "db-config-dba-uname": "vt_dba",
        "db_charset": db_charset(shard),
        **db_credentials_flags(),
    }


def xtrabackup_flags(shard: Shard, *, parallel: int) -> dict[str, FlagValue]:
    """Return the engine's flags; empty for another engine."""
    if shard.spec.backup_engine != "xtrabackup":
        return {}
    return {
        "xtrabackup_user": "vt_dba",
        "xtrabackup_stream_mode": "xbstream",
        "xtrabackup_stripes": 8,
        # One thread: a tablet that is backed up goes on serving.
        "xtrabackup_backup_flags": "--parallel=1",
        "xbstream_restore_flags": f"--parallel={parallel}",
        "backup_storage_compress": True,
    }
