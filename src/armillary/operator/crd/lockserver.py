"""Lockservers: the etcd that holds the topology, ours or somebody else's. Pure."""

from typing import Annotated

from armillary.operator.crd.parts import (
    Json,
    MemberIndex,
    Model,
    PodOverrides,
    ResourceRequirements,
    SecretSource,
    ServiceOverrides,
    StatusModel,
    doc,
)


class TopologyParams(Model, frozen=True, kw_only=True):
    """How to reach a topology server."""

    implementation: Annotated[str, doc("Kind of server: etcd2.", min_length=1)]
    address: Annotated[
        str, doc("host:port of its clients' port; several with commas.", min_length=1)
    ]
    root_path: Annotated[str, doc("Directory of the topology in it.", min_length=1)]


class EtcdTemplate(PodOverrides, frozen=True, kw_only=True):
    image: Annotated[str, doc("Image of etcd.")] = ""
    image_pull_policy: Annotated[str, doc("When to pull the image.")] = ""
    image_pull_secrets: Annotated[list[Json], doc("Secrets for pulling the image.")] = []
    resources: Annotated[
        ResourceRequirements, doc("Resources of each member. Default: a small machine's share.")
    ] = ResourceRequirements()
    data_volume_claim_template: Annotated[
        Json | None, doc("Claim for each member's data. Default: 1Gi, ReadWriteOnce.")
    ] = None
    create_pdb: Annotated[
        bool, doc("Make a PodDisruptionBudget that keeps two members. Default: true.")
    ] = True
    create_client_service: Annotated[bool, doc("Make the client Service. Default: true.")] = True
    create_peer_service: Annotated[bool, doc("Make the peer Service. Default: true.")] = True
    advertise_peer_urls: Annotated[
        list[str],
        doc(
            "Peer URLs of exactly three members, when they are not all deployed here.", max_length=3
        ),
    ] = []
    local_member_index: Annotated[MemberIndex | None, doc("Deploy only this member.")] = None
    client_service: Annotated[ServiceOverrides | None, doc("Changes to the client Service.")] = None
    peer_service: Annotated[ServiceOverrides | None, doc("Changes to the peer Service.")] = None


class LockserverSpec(Model, frozen=True, kw_only=True):
    external: Annotated[
        TopologyParams | None,
        doc("Use a lockserver that exists already; everything else here is then ignored."),
    ] = None
    etcd: Annotated[EtcdTemplate | None, doc("Deploy an etcd of three members.")] = None
    cell_info_address: Annotated[
        str, doc("Address to register for the cell instead of the client Service.")
    ] = ""


class LockserverTls(Model, frozen=True, kw_only=True):
    client_cert_secret: Annotated[SecretSource | None, doc("Client certificate.")] = None
    client_key_secret: Annotated[SecretSource | None, doc("Its key.")] = None
    server_ca_cert_secret: Annotated[SecretSource | None, doc("CA of the servers.")] = None


class EtcdLockserverSpec(EtcdTemplate, frozen=True, kw_only=True):
    zone: Annotated[str, doc("Zone of the nodes that the members run on.")] = ""


class EtcdLockserverStatus(StatusModel, frozen=True, kw_only=True):
    observed_generation: Annotated[
        int | None, doc("Generation that this status speaks of; not told in copies.")
    ] = None
    available: Annotated[str, doc("True while enough members are ready.")] = "Unknown"
    client_service_name: Annotated[str, doc("Service to reach it by.")] = ""


class LockserverStatus(StatusModel, frozen=True, kw_only=True):
    etcd: Annotated[EtcdLockserverStatus | None, doc("State of the etcd deployed for it.")] = None
