"""Labels and annotations by which the operator finds and marks its objects. Pure."""

from armillary.model.keyrange import safe_shard_name

PREFIX = "planetscale.com/"
COMPONENT = PREFIX + "component"
CLUSTER = PREFIX + "cluster"
CELL = PREFIX + "cell"
KEYSPACE = PREFIX + "keyspace"
SHARD = PREFIX + "shard"
TABLET_UID = PREFIX + "tablet-uid"
TABLET_TYPE = PREFIX + "tablet-type"
TABLET_INDEX = PREFIX + "tablet-index"
BACKUP_LOCATION = "backup.planetscale.com/location"
BACKUP_TYPE = "backup.planetscale.com/type"
ETCD_LOCKSERVER = "etcd.planetscale.com/lockserver"
ETCD_INDEX = "etcd.planetscale.com/index"

ROLLOUT_SCHEDULED = "rollout.planetscale.com/scheduled"
ROLLOUT_RELEASED = "rollout.planetscale.com/released"
ROLLOUT_CASCADE = "rollout.planetscale.com/cascade"
DRAIN_SUPPORTED = "drain.planetscale.com/supported"
DRAIN_STARTED = "drain.planetscale.com/started"
DRAIN_ACKNOWLEDGED = "drain.planetscale.com/acknowledged"
DRAIN_FINISHED = "drain.planetscale.com/finished"

DESIRED_STATE_HASH = PREFIX + "desired-state-hash"
ANNOTATION_KEYS = PREFIX + "annotation-keys"  # of a pod: those that the spec gave it
OBSERVED_SHARD_GENERATION = PREFIX + "observed-shard-generation"
MYSQLD_CONFIG_OVERRIDES = PREFIX + "mysqld-config-overrides"
CERTIFICATE_ADDRESSES = PREFIX + "certificate-addresses"
SECRET_HASH = PREFIX + "secret-hash"

VTCTLD = "vtctld"
VTGATE = "vtgate"
VTTABLET = "vttablet"
VTBACKUP = "vtbackup"
ETCD = "etcd"


def shard_labels(cluster: str, keyspace: str, shard: str) -> dict[str, str]:
    return {CLUSTER: cluster, KEYSPACE: keyspace, SHARD: safe_shard_name(shard)}


def is_own_key(key: str) -> bool:
    """Whether it is planetscale.com/..., or something like backup.planetscale.com/..."""
    return key.startswith(PREFIX) or f".{PREFIX}" in key
