"""Keep clusters as wanted: one pass makes all children, the topology and the status right. I/O."""

import logging
import secrets
from base64 import b64decode
from collections.abc import Iterable

from armillary.base.certificates import Certified
from armillary.base.errors import AlreadyExistsError, ArmillaryError, InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import (
    is_being_deleted,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.cluster.build import (
    build_backup_storages,
    build_cell,
    build_keyspace,
    build_lockserver,
    build_services,
)
from armillary.operator.cluster.credentials import (
    auth_secret_names,
    build_authority,
    build_credentials,
    build_secret,
    gateway_credentials,
    parse_authority,
)
from armillary.operator.cluster.model import Cluster, cell_topology, parse_cluster
from armillary.operator.cluster.status import build_cluster_status
from armillary.operator.cluster.topology_apply import apply_topology, observe_topology
from armillary.operator.cluster.topology_plan import CellRecord, TopologyWanted, plan_topology
from armillary.operator.cluster.turndown import (
    TurndownPlan,
    plan_cell_turndown,
    plan_keyspace_turndown,
    plan_plain_turndown,
)
from armillary.operator.cluster.vtctld import build_vtctld_deployment, choose_cells
from armillary.operator.objects.status import write_status
from armillary.operator.objects.writer import refuse_former_owner
from armillary.operator.render import labels as keys
from armillary.operator.render import names
from armillary.operator.world import ObjectKey, World

logger = logging.getLogger(__name__)

CLUSTER_KINDS = {kind.kind: kind for kind in (kinds.PLANETSCALE_CLUSTER, kinds.VITESS_CLUSTER)}
_CHILDREN = (
    kinds.ETCD_LOCKSERVER,
    kinds.VITESS_BACKUP_STORAGE,
    kinds.VITESS_CELL,
    kinds.VITESS_KEYSPACE,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
)
_TOPOLOGY_RETRY_S = 5.0
_RESYNC_S = 60.0


class ClusterLoop:
    def __init__(self, world: World) -> None:
        self._world = world

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        for kind in CLUSTER_KINDS.values():
            self._world.wake_on_self(kind, queue)
            for child in _CHILDREN:
                self._world.wake_on_children(child, kind, queue)

    async def reconcile(self, key: ObjectKey) -> float | None:
        obj = self._world.get(CLUSTER_KINDS[key.kind], key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            return None
        try:
            cluster = parse_cluster(obj)
        except InputError as error:
            self._world.recorder.record(obj, "InvalidSpec", str(error), warning=True)
            return None  # only a change of the spec helps, and that wakes us
        await self._ensure_secrets(cluster)
        await self._ensure_children(cluster)
        orphaned_cells, orphaned_keyspaces = await self._turn_down(cluster)
        topology_ok = await self._sync_topology(
            cluster, frozenset(orphaned_cells.orphans), frozenset(orphaned_keyspaces.orphans)
        )
        await self._write_status(cluster, orphaned_cells, orphaned_keyspaces)
        return _RESYNC_S if topology_ok else _TOPOLOGY_RETRY_S

    # --- children

    async def _ensure_children(self, cluster: Cluster) -> None:
        for wanted in self._wanted(cluster):
            kind = kinds.kind_of(wanted)
            found = self._world.get(kind, namespace_of(wanted), name_of(wanted))
            await self._world.writer.ensure(cluster.object, wanted, found)

    def _wanted(self, cluster: Cluster) -> Iterable[KubeObject]:
        lockserver = build_lockserver(cluster)
        if lockserver is not None:
            yield lockserver
        yield from build_services(cluster)
        yield from build_backup_storages(cluster)
        for cell in cluster.spec.cells:
            yield build_cell(cluster, cell)
        for keyspace in cluster.spec.keyspaces:
            yield build_keyspace(cluster, keyspace)
        chosen = choose_cells(cluster)
        for cell in chosen.cells:
            yield build_vtctld_deployment(cluster, cell)
        for name in chosen.unknown:
            message = f"vitessDashboard.cells names {name!r}, which is no cell of the cluster"
            self._world.recorder.record(cluster.object, "InvalidSpec", message, warning=True)

    async def _turn_down(self, cluster: Cluster) -> tuple[TurndownPlan, TurndownPlan]:
        wanted = list(self._wanted(cluster))

        def names_of(kind: ResourceKind) -> frozenset[str]:
            return frozenset(name_of(obj) for obj in wanted if obj["kind"] == kind.kind)

        def found(kind: ResourceKind) -> list[KubeObject]:
            return [
                obj
                for obj in self._world.children(kind, cluster.object)
                if labels_of(obj).get(keys.CLUSTER) == cluster.name
            ]

        keyspaces = plan_keyspace_turndown(
            found(kinds.VITESS_KEYSPACE), names_of(kinds.VITESS_KEYSPACE)
        )
        cells = plan_cell_turndown(found(kinds.VITESS_CELL), names_of(kinds.VITESS_CELL))
        plain = [
            plan_plain_turndown(found(kind), names_of(kind))
            for kind in (kinds.VITESS_BACKUP_STORAGE, kinds.DEPLOYMENT, kinds.SERVICE)
        ]
        # The global lockserver is never turned down: it holds what no backup has.
        for plan in (keyspaces, cells, *plain):
            for obj, reason in plan.delete:
                await self._world.writer.delete(cluster.object, obj, reason=reason)
            for name, orphan in plan.orphans.items():
                message = f"{name}: {orphan.message}"
                self._world.recorder.record(
                    cluster.object, "TurndownBlocked", message, warning=True
                )
        return cells, keyspaces

    # --- secrets

    async def _ensure_secrets(self, cluster: Cluster) -> None:
        """Make the auth secrets once. A restored or running mysqld knows the passwords already."""
        full_name, gateway_name = auth_secret_names(cluster.name)
        contents = await self._secret_contents(cluster, full_name)
        if contents is None:
            authority = await self._ensure_authority(cluster)
            contents = build_credentials(
                lambda: secrets.token_urlsafe(24), authority, now=self._world.now()
            )
            contents = await self._create_secret(cluster, full_name, contents)
        if await self._secret_contents(cluster, gateway_name) is None:
            await self._create_secret(cluster, gateway_name, gateway_credentials(contents))

    async def _ensure_authority(self, cluster: Cluster) -> Certified:
        name = names.authority_secret(cluster.name)
        contents = await self._secret_contents(cluster, name)
        if contents is None:
            made = build_authority(now=self._world.now())
            contents = await self._create_secret(cluster, name, made)
        return parse_authority(contents)

    async def _secret_contents(self, cluster: Cluster, name: str) -> dict[str, str] | None:
        secret = await self._world.client.get(kinds.SECRET, name, cluster.namespace)
        if secret is None:
            return None
        refuse_former_owner(cluster.object, secret)
        return {key: b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}

    async def _create_secret(
        self, cluster: Cluster, name: str, contents: dict[str, str]
    ) -> dict[str, str]:
        secret = build_secret(cluster.name, cluster.namespace, name, contents)
        secret["metadata"]["ownerReferences"] = [owner_reference(cluster.object)]
        try:
            await self._world.client.create(secret)
        except AlreadyExistsError:  # another pass was faster; its passwords are the ones
            return await self._secret_contents(cluster, name) or contents
        self._world.recorder.record(cluster.object, "Created", f"created Secret {name}")
        return contents

    # --- topology and status

    async def _sync_topology(
        self, cluster: Cluster, orphaned_cells: frozenset[str], orphaned_keyspaces: frozenset[str]
    ) -> bool:
        """Register cells and prune what left; False when the topology does not answer yet."""
        wanted = TopologyWanted(
            cells=_cell_records(cluster),
            kept_cells=set(cluster.cell_names) | orphaned_cells,
            kept_keyspaces=self._kept_keyspaces(cluster) | orphaned_keyspaces,
            reconciliation=cluster.spec.topology_reconciliation,
        )
        try:
            async with self._world.topology.use(cluster.namespace, cluster.topology) as topo:
                actions = plan_topology(wanted, await observe_topology(topo))
                await apply_topology(topo, actions)
        except ArmillaryError as error:
            logger.info(
                "topology not reachable yet",
                extra={"cluster": cluster.name, "error": str(error)},
            )
            return False
        return True

    def _kept_keyspaces(self, cluster: Cluster) -> set[str]:
        """Return keyspaces in the spec, and those whose pods are still there."""
        kept = {keyspace.name for keyspace in cluster.spec.keyspaces}
        for kind in (kinds.VITESS_KEYSPACE, kinds.VITESS_SHARD, kinds.POD):
            for obj in self._world.of_cluster(kind, cluster.namespace, cluster.name):
                kept.add(labels_of(obj).get(keys.KEYSPACE, ""))
        return kept

    async def _write_status(
        self, cluster: Cluster, cells: TurndownPlan, keyspaces: TurndownPlan
    ) -> None:
        world, obj = self._world, cluster.object
        lockservers = world.children(kinds.ETCD_LOCKSERVER, obj)
        status = build_cluster_status(
            cluster,
            lockserver=lockservers[0] if lockservers else None,
            cells=world.children(kinds.VITESS_CELL, obj),
            keyspaces=world.children(kinds.VITESS_KEYSPACE, obj),
            dashboards=world.children(kinds.DEPLOYMENT, obj),
            orphaned_cells=cells.orphans,
            orphaned_keyspaces=keyspaces.orphans,
            now=world.now(),
        )
        await write_status(world.client, obj, status)


def _cell_records(cluster: Cluster) -> dict[str, CellRecord]:
    """Return the records of cells whose topology is of the same kind as the global one."""
    records = {}
    for cell in cluster.spec.cells:
        params = cell_topology(cluster.name, cluster.topology, cell.name, cell.lockserver)
        if params.implementation == cluster.topology.implementation:
            records[cell.name] = CellRecord(params.address, params.root_path)
    return records
