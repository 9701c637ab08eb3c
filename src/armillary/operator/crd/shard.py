"""VitessShard: one shard's spec as the keyspace passes it down, and its status. Pure."""

from typing import Annotated

from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.keyspace import Images, KeyRangeSpec, ShardTemplate
from armillary.operator.crd.lockserver import TopologyParams
from armillary.operator.crd.parts import Json, Orphan, PullPolicy, ShardCondition, StatusModel, doc
from armillary.operator.crd.topology import TopologyReconciliation, UpdateStrategy


class ShardSpec(ShardTemplate, frozen=True, kw_only=True):
    name: Annotated[str, doc("Name of the shard in Vitess, such as -80.", min_length=1)]
    database_name: Annotated[str, doc("Name of the MySQL database on each tablet.")] = ""
    key_range: Annotated[KeyRangeSpec, doc("The keyspace ids of the shard.")] = KeyRangeSpec()
    zone_map: Annotated[dict[str, str], doc("Zone of each cell of the cluster.")] = {}
    images: Annotated[Images, doc("Images of the tablets.")] = Images()
    image_pull_policies: Annotated[dict[str, PullPolicy], doc("When to pull each image.")] = {}
    image_pull_secrets: Annotated[list[Json], doc("Secrets for pulling images.")] = []
    global_lockserver: Annotated[TopologyParams, doc("Where the global topology is.")]
    backup_locations: Annotated[
        list[BackupLocation], doc("Places that backups go to.", map_keys=("name",))
    ] = []
    backup_engine: Annotated[str, doc("How backups are made.")] = ""
    backup_policy: Annotated[Json | None, doc("When backups are made and deleted.")] = None
    extra_vitess_flags: Annotated[dict[str, str], doc("Flags for all Vitess processes.")] = {}
    topology_reconciliation: Annotated[
        TopologyReconciliation, doc("What the operator registers and prunes in the topology.")
    ] = TopologyReconciliation()
    update_strategy: Annotated[UpdateStrategy, doc("How changes are rolled out.")] = (
        UpdateStrategy()
    )


class TabletStatus(StatusModel, frozen=True, kw_only=True):
    pool_type: Annotated[str, doc("Type of the tablet's pool.")] = ""
    index: Annotated[int, doc("Its number in the pool, from 1.")] = 0
    running: Annotated[str, doc("Whether its pod runs.")] = "Unknown"
    ready: Annotated[str, doc("Whether its pod is ready.")] = "Unknown"
    available: Annotated[str, doc("Whether it has been ready for a while.")] = "Unknown"
    data_volume_bound: Annotated[str, doc("Whether its volume claim is bound.")] = "Unknown"
    type: Annotated[str, doc("Its tablet type in the topology.")] = ""
    pending_changes: Annotated[str, doc("Changes that wait to be released.")] = ""


class ShardBackupLocationStatus(StatusModel, frozen=True, kw_only=True):
    name: Annotated[str, doc("Name of the location.", schema_default="")] = ""
    complete_backups: Annotated[int, doc("Backups that can be restored.")] = 0
    incomplete_backups: Annotated[int, doc("Backups under way or broken off.")] = 0
    latest_complete_backup_time: Annotated[
        str | None, doc("When the newest complete one started (RFC 3339).")
    ] = None
    overdue_since: Annotated[
        str | None, doc("When the next complete one should have been started (RFC 3339).")
    ] = None
    overdue_reason: Annotated[str, doc("Why there is none yet, in a sentence for a person.")] = ""


class SemiSyncMaster(StatusModel, frozen=True, kw_only=True):
    alias: Annotated[str, doc("The primary's alias.")] = ""
    term_start: Annotated[str, doc("When it became primary (RFC 3339).")] = ""


class ShardStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[int, doc("Generation that this status speaks of.")] = 0
    tablets: Annotated[dict[str, TabletStatus], doc("Each tablet, by alias.")] = {}
    orphaned_tablets: Annotated[
        dict[str, Orphan], doc("Tablets that left the spec and may not go yet.")
    ] = {}
    cells: Annotated[list[str], doc("Cells that the shard has tablets in.")] = []
    has_master: Annotated[str, doc("Whether the topology names a primary.")] = "Unknown"
    serving_writes: Annotated[str, doc("Whether the shard serves writes.")] = "Unknown"
    master_alias: Annotated[str, doc("The primary's alias.")] = ""
    semi_sync_master: Annotated[
        SemiSyncMaster | None,
        doc(
            "With recoverDeadMaster: the primary that had semi-sync at work when it last answered."
        ),
    ] = None
    has_initial_backup: Annotated[
        str, doc("Whether a complete backup exists for tablets to start from.")
    ] = "Unknown"
    idle: Annotated[str, doc("True when the shard serves in no cell.")] = "Unknown"
    conditions: Annotated[dict[str, ShardCondition], doc("What holds of the shard, by type.")] = {}
    backup_locations: Annotated[
        list[ShardBackupLocationStatus], doc("Backups in each location.")
    ] = []
    lowest_pod_generation: Annotated[
        int, doc("Lowest generation of this object that all its pods have been compared with.")
    ] = 0
