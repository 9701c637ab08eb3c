"""One cluster object with its defaults filled in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from armillary.kube.kinds import PLANETSCALE_CLUSTER, KubeObject
from armillary.kube.objects import name_of, namespace_of
from armillary.operator.crd.cluster import ClusterImages, ClusterSpec, PlanetScaleClusterSpec
from armillary.operator.crd.keyspace import ReplicationSpec
from armillary.operator.crd.lockserver import LockserverSpec, TopologyParams
from armillary.operator.crd.read import read_spec
from armillary.operator.render import names
from armillary.operator.render.images import cluster_images
from armillary.operator.render.podparts import PLAINTEXT, has_own_lockserver

CLIENT_PORT = 2379
ETCD_IMPLEMENTATION = "etcd2"


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    namespace: str
    object: KubeObject
    spec: ClusterSpec
    # Cells that left the spec while tablets are in them, with their zones: they stay for now.
    retained_cells: Mapping[str, str] = field(default_factory=dict)

    @property
    def default_replication(self) -> ReplicationSpec | None:
        """Return what shards get that say nothing about replication."""
        return self.spec.replication if isinstance(self.spec, PlanetScaleClusterSpec) else None

    @property
    def images(self) -> ClusterImages:
        return cluster_images(self.spec)

    @property
    def cell_names(self) -> list[str]:
        return [cell.name for cell in self.spec.cells]

    @property
    def deploys_global_etcd(self) -> bool:
        return self.spec.global_lockserver.external is None

    @property
    def topology(self) -> TopologyParams:
        """Return how everything of the cluster reaches the global topology."""
        external = self.spec.global_lockserver.external
        if external is not None:
            has_tls = any(cell.lockserver.etcd is not None for cell in self.spec.cells)
            return as_plaintext(external) if has_tls else external
        service = names.lockserver_client_service(names.lockserver_name(self.name))
        return TopologyParams(
            implementation=ETCD_IMPLEMENTATION,
            address=f"{service}:{CLIENT_PORT}",
            root_path=f"/vitess/{self.name}/global",
        )


def parse_cluster(obj: KubeObject) -> Cluster:
    """Read a cluster object.

    Raises:
        InputError: a field that the schema could not refuse; names it.
    """
    is_planetscale = obj.get("kind") == PLANETSCALE_CLUSTER.kind
    model: type[ClusterSpec] = PlanetScaleClusterSpec if is_planetscale else ClusterSpec
    return Cluster(name_of(obj), namespace_of(obj), obj, read_spec(obj, model))


def as_plaintext(external: TopologyParams) -> TopologyParams:
    """Mark an external server as one without TLS, for processes that use TLS with another one.

    An address that says itself what it speaks is left alone.
    """
    addresses = external.address.split(",")
    marked = ",".join(a if "://" in a else PLAINTEXT + a.strip() for a in addresses)
    return msgspec.structs.replace(external, address=marked)


def cell_topology(
    cluster: str, global_topology: TopologyParams, cell: str, lockserver: LockserverSpec
) -> TopologyParams:
    """Return where the topology of one cell is: its own server, or the global one's other root."""
    if lockserver.external is not None:
        has_tls = has_own_lockserver(global_topology, cluster)
        return as_plaintext(lockserver.external) if has_tls else lockserver.external
    address = global_topology.address
    if lockserver.etcd is not None:
        service = names.lockserver_client_service(names.lockserver_name(cluster, cell))
        address = f"{service}:{CLIENT_PORT}"
    return TopologyParams(
        implementation=global_topology.implementation,
        address=lockserver.cell_info_address or address,
        root_path=f"/vitess/{cluster}/local/{cell}",
    )
