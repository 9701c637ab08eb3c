"""Cells: a failure domain with its own vtgates. Pure."""

from typing import Annotated

from armillary.operator.crd.lockserver import LockserverSpec, LockserverStatus, TopologyParams
from armillary.operator.crd.parts import (
    CELL_NAME,
    Count,
    Json,
    Model,
    PodOverrides,
    PullPolicy,
    ResourceRequirements,
    SecretSource,
    ServiceOverrides,
    StatusModel,
    doc,
)
from armillary.operator.crd.topology import TopologyReconciliation


class StaticAuthentication(Model, frozen=True, kw_only=True):
    secret: Annotated[
        SecretSource,
        doc('JSON of the users: {"user": [{"UserData": "user", "Password": "password"}]}.'),
    ]


class GatewayAuthentication(Model, frozen=True, kw_only=True):
    static: Annotated[StaticAuthentication | None, doc("Users and passwords from a Secret.")] = None


class GatewayTls(Model, frozen=True, kw_only=True):
    cert_secret: Annotated[SecretSource | None, doc("The certificate, PEM.")] = None
    key_secret: Annotated[SecretSource | None, doc("Its private key, PEM.")] = None
    client_ca_cert_secret: Annotated[
        SecretSource | None, doc("When given, clients must show a certificate of this CA.")
    ] = None


class SecureTransport(Model, frozen=True, kw_only=True):
    required: Annotated[
        bool, doc("Refuse clients without TLS; wants certSecret and keySecret. Default: false.")
    ] = False
    tls: Annotated[
        GatewayTls | None, doc("Certificates; TLS is on when both cert and key are given.")
    ] = None


class Gateway(PodOverrides, frozen=True, kw_only=True):
    replicas: Annotated[int, doc("Number of vtgates in the cell. Default: 2.", ge=0)] = 2
    resources: Annotated[
        ResourceRequirements, doc("Resources of each vtgate. Default: 100m CPU and 128Mi.")
    ] = ResourceRequirements()
    authentication: Annotated[
        GatewayAuthentication, doc("How MySQL clients prove who they are.")
    ] = GatewayAuthentication()
    secure_transport: Annotated[SecureTransport | None, doc("TLS towards MySQL clients.")] = None
    service: Annotated[ServiceOverrides | None, doc("Changes to the cell's vtgate Service.")] = None
    topology_spread_constraints: Annotated[
        list[Json], doc("How to spread the vtgates over nodes.")
    ] = []
    lifecycle: Annotated[Json | None, doc("Hooks of the vtgate container.")] = None
    termination_grace_period_seconds: Annotated[
        Count | None, doc("Seconds that a vtgate may take to end.")
    ] = None
    strategy: Annotated[Json | None, doc("How the Deployment replaces its pods.")] = None
    autoscaler: Annotated[Json | None, doc("Scale the vtgates by load.", not_acted_on=True)] = None


class CellTemplate(Model, frozen=True, kw_only=True):
    name: Annotated[
        str,
        doc(
            "Name of the cell; tablets are named <cell>-<uid>, so it has no dash.",
            min_length=1,
            max_length=63,
            pattern=CELL_NAME,
        ),
    ]
    zone: Annotated[str, doc("Run the cell's pods on nodes whose zone label has this value.")] = ""
    region: Annotated[
        str, doc("Region of the cell, for preferredMasterRegions.", not_acted_on=True)
    ] = ""
    provider: Annotated[
        str, doc("Provider of the cell, for preferredMasterRegions.", not_acted_on=True)
    ] = ""
    lockserver: Annotated[
        LockserverSpec, doc("The cell's own lockserver. Default: the global one, another root.")
    ] = LockserverSpec()
    gateway: Annotated[Gateway, doc("The vtgates of the cell.")] = Gateway()


class GatewayImages(Model, frozen=True, kw_only=True):
    vtgate: Annotated[str, doc("Image of vtgate.")] = ""


class CellSpec(CellTemplate, frozen=True, kw_only=True):
    global_lockserver: Annotated[TopologyParams, doc("Where the global topology is.")]
    all_cells: Annotated[list[str], doc("Names of all cells of the cluster.")] = []
    images: Annotated[GatewayImages, doc("Images for the cell.")] = GatewayImages()
    image_pull_policies: Annotated[dict[str, PullPolicy], doc("When to pull each image.")] = {}
    image_pull_secrets: Annotated[list[Json], doc("Secrets for pulling images.")] = []
    extra_vitess_flags: Annotated[dict[str, str], doc("Flags for all Vitess processes.")] = {}
    topology_reconciliation: Annotated[
        TopologyReconciliation, doc("What the operator registers and prunes in the topology.")
    ] = TopologyReconciliation()


class GatewayStatus(StatusModel, frozen=True, kw_only=True):
    available: Annotated[str, doc("True while a vtgate is ready.")] = "Unknown"
    service_name: Annotated[str, doc("Service of the cell's vtgates.")] = ""
    replicas: Annotated[int, doc("Number of vtgates that run.")] = 0
    label_selector: Annotated[str, doc("Selects the cell's vtgate pods.")] = ""


class CellStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[int, doc("Generation that this status speaks of.")] = 0
    lockserver: Annotated[LockserverStatus | None, doc("The cell's own lockserver.")] = None
    gateway: Annotated[GatewayStatus, doc("The cell's vtgates.")] = GatewayStatus()
    keyspaces: Annotated[dict[str, Json], doc("Keyspaces deployed in the cell.")] = {}
    idle: Annotated[str, doc("True when nothing is deployed in the cell.")] = "Unknown"
