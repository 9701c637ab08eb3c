"""Keyspaces, partitionings, shard templates and tablet pools. Pure."""

from typing import Annotated, Literal

from armillary.operator.crd.backup import BackupLocation
from armillary.operator.crd.lockserver import TopologyParams
from armillary.operator.crd.parts import (
    CELL_NAME,
    HEX_BOUND,
    KEYSPACE_NAME,
    Condition,
    Count,
    Json,
    Model,
    Orphan,
    PodOverrides,
    PullPolicy,
    ResourceRequirements,
    SecretSource,
    StatusModel,
    doc,
)
from armillary.operator.crd.topology import TopologyReconciliation, UpdateStrategy


class Images(Model, frozen=True, kw_only=True):
    vttablet: Annotated[str, doc("Image of vttablet.")] = ""
    vtbackup: Annotated[
        str, doc("Image of vtbackup, which runs in mysqld's image here.", not_acted_on=True)
    ] = ""
    mysqld: Annotated[
        dict[str, str],
        doc(
            "Image of the MySQL server under exactly one of the keys mysql56Compatible, "
            "mysql80Compatible, mariadbCompatible, mariadb103Compatible."
        ),
    ] = {}
    mysqld_exporter: Annotated[str, doc("Image of the exporter of MySQL metrics.")] = ""


class ReplicationSpec(Model, frozen=True, kw_only=True):
    enforce_semi_sync: Annotated[
        bool,
        doc("Acknowledge a write only when a replica has it too. Default: false."),
    ] = False
    initialize_master: Annotated[bool, doc("Choose the first primary. Default: true.")] = True
    initialize_backup: Annotated[
        bool, doc("Make an empty first backup, which tablets start from. Default: true.")
    ] = True
    recover_restarted_master: Annotated[
        bool, doc("Repair replication after a primary restarted. Default: true.")
    ] = True
    recover_dead_master: Annotated[
        bool,
        doc(
            "Elect another primary when the primary is dead. Acted on only together with "
            "enforceSemiSync, and when semi-sync was seen at work on that primary: without it "
            "acknowledged writes could be lost. Default: false."
        ),
    ] = False
    dead_master_threshold_seconds: Annotated[
        int, doc("Seconds of silence until a primary counts as dead. Default: 10.", ge=1)
    ] = 10
    ignore_dead_master_cell: Annotated[
        bool, doc("Do not ask tablets in the silent primary's cell whether they hear from it.")
    ] = False


class VttabletSpec(Model, frozen=True, kw_only=True):
    resources: Annotated[ResourceRequirements, doc("Resources of vttablet.")] = (
        ResourceRequirements()
    )
    extra_flags: Annotated[dict[str, str], doc("Flags for vttablet; they win over ours.")] = {}
    lifecycle: Annotated[Json | None, doc("Hooks of the vttablet container.")] = None
    termination_grace_period_seconds: Annotated[
        Count | None, doc("Seconds that the tablet may take to end. Default: 1800.")
    ] = None
    vtbackup_extra_flags: Annotated[dict[str, str], doc("Flags for vtbackup.")] = {}


class MysqldSpec(Model, frozen=True, kw_only=True):
    resources: Annotated[ResourceRequirements, doc("Resources of mysqld.")] = ResourceRequirements()
    config_overrides: Annotated[str, doc("Lines of my.cnf, read after ours.")] = ""


class ExporterSpec(Model, frozen=True, kw_only=True):
    resources: Annotated[ResourceRequirements, doc("Resources of the exporter.")] = (
        ResourceRequirements()
    )
    extra_flags: Annotated[dict[str, str], doc("Flags for the exporter.")] = {}


class ExternalDatastore(Model, frozen=True, kw_only=True):
    user: Annotated[str, doc("User of the external MySQL server.", min_length=1)]
    host: Annotated[str, doc("Its host name.", min_length=1)]
    port: Annotated[int, doc("Its port.", ge=1, le=65535)]
    database: Annotated[str, doc("Its database.", min_length=1)]
    credentials_secret: Annotated[SecretSource, doc('JSON {"user": ["password"]}.')]
    server_ca_cert_secret: Annotated[SecretSource | None, doc("CA of the server.")] = None


class TabletPool(PodOverrides, frozen=True, kw_only=True):
    cell: Annotated[str, doc("Cell that the tablets run in.", min_length=1, pattern=CELL_NAME)]
    type: Annotated[
        Literal["replica", "rdonly", "externalmaster", "externalreplica", "externalrdonly"],
        doc(
            "`replica` may become primary, `rdonly` is for batch reads; external types are for "
            "MySQL servers that somebody else runs."
        ),
    ]
    name: Annotated[str, doc("Tells pools of one cell and type apart.", schema_default="")] = ""
    replicas: Annotated[
        int, doc("Number of tablets; the primary is one of them.", ge=0, le=2**31 - 1)
    ]
    data_volume_claim_template: Annotated[
        Json | None,
        doc("Claim for each tablet's data. Without it the data dies with the pod.", nullable=True),
    ] = None
    backup_location_name: Annotated[
        str, doc("Backup location of these tablets. Default: the one without a name.")
    ] = ""
    vttablet: Annotated[VttabletSpec, doc("The vttablet container.")] = VttabletSpec()
    mysqld: Annotated[
        MysqldSpec | None, doc("The mysqld container; absent with externalDatastore.")
    ] = None
    mysqld_exporter: Annotated[ExporterSpec | None, doc("The exporter container.")] = None
    external_datastore: Annotated[
        ExternalDatastore | None,
        doc("A MySQL server that somebody else runs.", not_acted_on=True),
    ] = None
    topology_spread_constraints: Annotated[
        list[Json], doc("How to spread the tablets over nodes.")
    ] = []


class VtbackupSpec(Model, frozen=True, kw_only=True):
    use_empty_dir_for_initial_backup: Annotated[
        bool, doc("Give the first backup's pod a scratch directory instead of a volume claim.")
    ] = False
    data_volume_claim_template: Annotated[
        Json | None, doc("Claim for backup pods. Default: the first pool's.")
    ] = None


class Region(Model, frozen=True, kw_only=True):
    provider: Annotated[str, doc("The provider.")] = ""
    region: Annotated[str, doc("The region.")] = ""


class ShardTemplate(Model, frozen=True, kw_only=True):
    tablet_pools: Annotated[
        list[TabletPool],
        doc("Groups of equal tablets.", map_keys=("type", "cell", "name")),
    ] = []
    database_init_script_secret: Annotated[
        SecretSource | None,
        doc(
            "SQL that runs once in a new data directory. The users that Armillary needs are made "
            "without it."
        ),
    ] = None
    replication: Annotated[
        ReplicationSpec | None, doc("Replication of the shard. Default: the cluster's.")
    ] = None
    annotations: Annotated[dict[str, str], doc("Annotations of the VitessShard object.")] = {}
    preferred_master_regions: Annotated[
        list[Region], doc("Regions to prefer for the primary.", not_acted_on=True)
    ] = []
    vtbackup: Annotated[VtbackupSpec | None, doc("Pods that make backups.")] = None


class EqualPartitioning(Model, frozen=True, kw_only=True):
    parts: Annotated[int, doc("Number of shards.", ge=1, le=65536)]
    hex_width: Annotated[
        int, doc("Hex digits of each bound; 0 takes as few as possible.", ge=0, le=16)
    ] = 0
    shard_template: Annotated[ShardTemplate, doc("What each shard looks like.")] = ShardTemplate()


class KeyRangeSpec(Model, frozen=True, kw_only=True):
    start: Annotated[
        str, doc("First keyspace id, hex; empty means the lowest.", pattern=HEX_BOUND)
    ] = ""
    end: Annotated[
        str, doc("First keyspace id after it, hex; empty means none.", pattern=HEX_BOUND)
    ] = ""


class CustomShard(ShardTemplate, frozen=True, kw_only=True):
    key_range: Annotated[KeyRangeSpec, doc("The keyspace ids of the shard.")]


class CustomPartitioning(Model, frozen=True, kw_only=True):
    shards: Annotated[list[CustomShard], doc("Each shard on its own.")]


class Partitioning(Model, frozen=True, kw_only=True):
    equal: Annotated[EqualPartitioning | None, doc("Shards of equal size.")] = None
    custom: Annotated[CustomPartitioning | None, doc("Shards with ranges of your own.")] = None
    migrate_traffic: Annotated[
        Literal["None", "All"] | None,
        doc("Which partitioning traffic should move to.", not_acted_on=True),
    ] = None


class KeyspaceTemplate(Model, frozen=True, kw_only=True):
    name: Annotated[
        str,
        doc(
            "Name of the keyspace. A new name means a new keyspace.",
            min_length=1,
            max_length=63,
            pattern=KEYSPACE_NAME,
        ),
    ]
    database_name: Annotated[
        str,
        doc(
            "Name of the MySQL database on each tablet. Default: vt_ and the keyspace's name. To "
            "restore another keyspace's backup it must be the name that keyspace had."
        ),
    ] = ""
    durability_policy: Annotated[str, doc("Durability policy to record.", not_acted_on=True)] = ""
    sidecar_db_name: Annotated[str, doc("Name of the bookkeeping database.", not_acted_on=True)] = (
        ""
    )
    turndown_policy: Annotated[
        Literal["RequireIdle", "Immediate"],
        doc(
            "What happens when the keyspace leaves the spec. RequireIdle: it stays until it has "
            "no tablet pools. Immediate: it is deleted with its data. Default: RequireIdle."
        ),
    ] = "RequireIdle"
    vitess_orchestrator: Annotated[Json | None, doc("Settings of vtorc.", not_acted_on=True)] = None
    annotations: Annotated[dict[str, str], doc("Annotations of the VitessKeyspace object.")] = {}
    images: Annotated[Images, doc("Images for this keyspace instead of the cluster's.")] = Images()
    partitionings: Annotated[
        list[Partitioning],
        doc("How rows are spread over shards; a second one is for resharding.", max_length=2),
    ]


class KeyspaceSpec(KeyspaceTemplate, frozen=True, kw_only=True):
    global_lockserver: Annotated[TopologyParams, doc("Where the global topology is.")]
    image_pull_policies: Annotated[dict[str, PullPolicy], doc("When to pull each image.")] = {}
    image_pull_secrets: Annotated[list[Json], doc("Secrets for pulling images.")] = []
    zone_map: Annotated[dict[str, str], doc("Zone of each cell of the cluster.")] = {}
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


class KeyspaceShardStatus(StatusModel, frozen=True, kw_only=True):
    has_master: Annotated[str, doc("Whether the shard has a primary.")] = "Unknown"
    serving_writes: Annotated[str, doc("Whether the shard serves writes.")] = "Unknown"
    desired_tablets: Annotated[int, doc("Tablets that the spec asks for.")] = 0
    tablets: Annotated[int, doc("Tablets that exist.")] = 0
    ready_tablets: Annotated[int, doc("Tablets that are ready.")] = 0
    updated_tablets: Annotated[int, doc("Tablets without pending changes.")] = 0
    pending_changes: Annotated[str, doc("Changes that wait to be released.")] = ""
    cells: Annotated[list[str], doc("Cells that the shard has tablets in.")] = []


class KeyspacePartitioningStatus(StatusModel, frozen=True, kw_only=True):
    shard_names: Annotated[list[str], doc("Shards of the partitioning.")] = []
    serving_writes: Annotated[str, doc("Whether it serves writes.")] = "Unknown"
    desired_tablets: Annotated[int, doc("Tablets that the spec asks for.")] = 0
    tablets: Annotated[int, doc("Tablets that exist.")] = 0
    ready_tablets: Annotated[int, doc("Tablets that are ready.")] = 0
    updated_tablets: Annotated[int, doc("Tablets without pending changes.")] = 0
    desired_shards: Annotated[int, doc("Shards that the spec asks for.")] = 0
    ready_shards: Annotated[int, doc("Shards whose tablets are all ready.")] = 0


class KeyspaceStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[int, doc("Generation that this status speaks of.")] = 0
    shards: Annotated[dict[str, KeyspaceShardStatus], doc("Each shard, by name.")] = {}
    orphaned_shards: Annotated[
        dict[str, Orphan], doc("Shards that left the spec and may not go yet.")
    ] = {}
    partitionings: Annotated[
        list[KeyspacePartitioningStatus], doc("Each partitioning, in the order of the spec.")
    ] = []
    resharding: Annotated[Json | None, doc("A resharding that goes on.")] = None
    idle: Annotated[str, doc("True when no tablet pool is left.")] = "Unknown"
    conditions: Annotated[
        list[Condition], doc("What holds of the keyspace.", map_keys=("type",))
    ] = []
