"""PlanetScaleCluster and VitessCluster: all that a user writes is here. Pure."""

from typing import Annotated

from armillary.operator.crd.backup import BackupSpec
from armillary.operator.crd.cell import CellTemplate
from armillary.operator.crd.keyspace import Images, KeyspaceTemplate, ReplicationSpec
from armillary.operator.crd.lockserver import LockserverSpec, LockserverStatus, LockserverTls
from armillary.operator.crd.parts import (
    Condition,
    Json,
    Model,
    Orphan,
    PodOverrides,
    PullPolicy,
    ResourceRequirements,
    ServiceOverrides,
    StatusModel,
    doc,
)
from armillary.operator.crd.topology import TopologyReconciliation, UpdateStrategy


class ClusterImages(Images, frozen=True, kw_only=True):
    vtctld: Annotated[str, doc("Image of vtctld.")] = ""
    vtgate: Annotated[str, doc("Image of vtgate.")] = ""
    vtorc: Annotated[str, doc("Image of vtorc.", not_acted_on=True)] = ""
    vtadmin: Annotated[str, doc("Image of vtadmin.", not_acted_on=True)] = ""


class Dashboard(PodOverrides, frozen=True, kw_only=True):
    cells: Annotated[list[str], doc("Cells that get a vtctld. Default: all cells.")] = []
    replicas: Annotated[int, doc("Number of vtctlds in each cell. Default: 1.", ge=0)] = 1
    resources: Annotated[
        ResourceRequirements, doc("Resources of each vtctld. Default: 50m CPU and 96Mi.")
    ] = ResourceRequirements()
    service: Annotated[ServiceOverrides | None, doc("Changes to the vtctld Service.")] = None


class ClusterSpec(Model, frozen=True, kw_only=True):
    """What both kinds of cluster have."""

    images: Annotated[ClusterImages, doc("Images by component; they win over `image`.")] = (
        ClusterImages()
    )
    image_pull_policies: Annotated[
        dict[str, PullPolicy],
        doc("When to pull each image (Always, IfNotPresent, Never); keys as in `images`."),
    ] = {}
    image_pull_secrets: Annotated[
        list[Json], doc("Secrets for pulling images, as [{name: ...}].")
    ] = []
    backup: Annotated[
        BackupSpec | None,
        doc("Backups. Without it no tablet is backed up or restored.", nullable=True),
    ] = None
    global_lockserver: Annotated[
        LockserverSpec, doc("Holds the topology. Default: an etcd of three members.")
    ] = LockserverSpec()
    vitess_dashboard: Annotated[
        Dashboard, doc("vtctld, which takes the control commands; always deployed.")
    ] = Dashboard()
    vtadmin: Annotated[
        Json | None, doc("vtadmin, a web interface.", not_acted_on=True, nullable=True)
    ] = None
    cells: Annotated[list[CellTemplate], doc("Failure domains.", map_keys=("name",))]
    keyspaces: Annotated[list[KeyspaceTemplate], doc("Logical databases.", map_keys=("name",))] = []
    extra_vitess_flags: Annotated[
        dict[str, str],
        doc("Flags for vtgate, vtctld and vttablet; a component's extraFlags win over them."),
    ] = {}
    topology_reconciliation: Annotated[
        TopologyReconciliation, doc("What the operator registers and prunes in the topology.")
    ] = TopologyReconciliation()
    update_strategy: Annotated[UpdateStrategy, doc("How changes are rolled out.")] = (
        UpdateStrategy()
    )
    gateway_service: Annotated[
        ServiceOverrides | None, doc("Changes to the Service of all vtgates.")
    ] = None
    tablet_service: Annotated[
        ServiceOverrides | None, doc("Changes to the headless Service of all vttablets.")
    ] = None


class ImageParams(Model, frozen=True, kw_only=True):
    registry: Annotated[str, doc("Registry host.")] = ""
    repository: Annotated[str, doc("Repository in the registry.")] = ""
    mysql_flavor: Annotated[str, doc("Flavor part of the tag.")] = ""
    version: Annotated[str, doc("Version part of the tag.")] = ""


class PlanetScaleClusterSpec(ClusterSpec, frozen=True, kw_only=True):
    image: Annotated[
        ImageParams | None,
        doc("Builds the default image <registry>/<repository>:<mysqlFlavor>-<version>."),
    ] = None
    monitoring: Annotated[
        Json | None, doc("Prometheus and Grafana.", not_acted_on=True, nullable=True)
    ] = None
    admin_proxy: Annotated[
        Json | None, doc("A proxy for administration.", not_acted_on=True, nullable=True)
    ] = None
    network_policies: Annotated[Json | None, doc("Network policies.", not_acted_on=True)] = None
    lockserver_tls: Annotated[
        LockserverTls | None, doc("TLS towards external lockservers.", not_acted_on=True)
    ] = None
    replication: Annotated[
        ReplicationSpec | None, doc("Replication of shards that do not say it themselves.")
    ] = None
    federation: Annotated[
        Json | None, doc("Several Kubernetes clusters.", not_acted_on=True, nullable=True)
    ] = None


class DashboardStatus(StatusModel, frozen=True, kw_only=True):
    available: Annotated[str, doc("True while a vtctld is ready.")] = "Unknown"
    service_name: Annotated[str, doc("Service of the vtctlds.")] = ""


class ClusterCellStatus(StatusModel, frozen=True, kw_only=True):
    pending_changes: Annotated[str, doc("Changes that wait to be released.")] = ""
    gateway_available: Annotated[str, doc("True while a vtgate of the cell is ready.")] = "Unknown"


class ClusterKeyspaceStatus(StatusModel, frozen=True, kw_only=True):
    pending_changes: Annotated[str, doc("Changes that wait to be released.")] = ""
    desired_shards: Annotated[int, doc("Shards that the spec asks for.")] = 0
    shards: Annotated[int, doc("Shards that exist.")] = 0
    ready_shards: Annotated[int, doc("Shards whose tablets are all ready.")] = 0
    updated_shards: Annotated[int, doc("Shards without pending changes.")] = 0
    desired_tablets: Annotated[int, doc("Tablets that the spec asks for.")] = 0
    tablets: Annotated[int, doc("Tablets that exist.")] = 0
    ready_tablets: Annotated[int, doc("Tablets that are ready.")] = 0
    updated_tablets: Annotated[int, doc("Tablets without pending changes.")] = 0
    cells: Annotated[list[str], doc("Cells that the keyspace has tablets in.")] = []


class ClusterStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[int, doc("Generation that this status speaks of.")] = 0
    global_lockserver: Annotated[LockserverStatus, doc("The global lockserver.")] = (
        LockserverStatus()
    )
    gateway_service_name: Annotated[str, doc("Service that MySQL clients connect to.")] = ""
    vitess_dashboard: Annotated[DashboardStatus, doc("The vtctlds.")] = DashboardStatus()
    cells: Annotated[dict[str, ClusterCellStatus], doc("Each cell, by name.")] = {}
    keyspaces: Annotated[dict[str, ClusterKeyspaceStatus], doc("Each keyspace, by name.")] = {}
    orphaned_cells: Annotated[
        dict[str, Orphan], doc("Cells that left the spec and may not go yet.")
    ] = {}
    orphaned_keyspaces: Annotated[
        dict[str, Orphan], doc("Keyspaces that left the spec and may not go yet.")
    ] = {}
    conditions: Annotated[
        list[Condition], doc("What holds of the cluster.", map_keys=("type",))
    ] = []
