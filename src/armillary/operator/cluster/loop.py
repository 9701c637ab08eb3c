"""Keep clusters as wanted: one pass makes all children, the topology and the status right. I/O."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from armillary.base.errors import ArmillaryError, InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import (
    annotations_of,
    condition_of,
    is_being_deleted,
    labels_of,
    name_of,
    namespace_of,
)
from armillary.kube.workqueue import WorkQueue
from armillary.operator.cluster.auth_secrets import AuthSecrets
from armillary.operator.cluster.build import (
    build_backup_storages,
    build_cell,
    build_keyspace,
    build_lockserver,
    build_services,
)
from armillary.operator.cluster.check_spec import SpecFindings, check_spec
from armillary.operator.cluster.find_secrets import find_missing_secrets
from armillary.operator.cluster.model import Cluster, cell_topology, parse_cluster
from armillary.operator.cluster.status import (
    Findings,
    build_cluster_status,
    build_unreadable_status,
    topology_reachable,
)
from armillary.operator.cluster.topology_apply import apply_topology, observe_topology
from armillary.operator.cluster.topology_plan import CellRecord, TopologyWanted, plan_topology
from armillary.operator.cluster.turndown import (
    Orphans,
    plan_cell_turndown,
    plan_keyspace_turndown,
    plan_plain_turndown,
    retained_cells,
)
from armillary.operator.cluster.vtctld import build_vtctld_deployment, choose_cells
from armillary.operator.crd.cell import CellTemplate
from armillary.operator.crd.cluster import ClusterStatus
from armillary.operator.crd.parts import Condition
from armillary.operator.crd.read import read_spec, read_status
from armillary.operator.objects.overdue import backups_current, is_news
from armillary.operator.objects.status import write_status
from armillary.operator.objects.steps import Steps
from armillary.operator.objects.waiting import changes_at_once
from armillary.operator.objects.written import with_written
from armillary.operator.render import labels as keys
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
_SECRETS_RETRY_S = 5.0
_RESYNC_S = 60.0


class ClusterLoop:
    def __init__(self, world: World) -> None:
        self._world = world
        self._auth_secrets = AuthSecrets(world)

    def subscribe(self, queue: WorkQueue[ObjectKey]) -> None:
        for kind in CLUSTER_KINDS.values():
            self._world.wake_on_self(kind, queue)
            for child in _CHILDREN:
                self._world.wake_on_children(child, kind, queue)
        self._world.wake_on(kinds.POD, queue, _clusters_of_waiting_member)

    async def reconcile(self, key: ObjectKey) -> float | None:
        obj = self._world.get(CLUSTER_KINDS[key.kind], key.namespace, key.name)
        if obj is None or is_being_deleted(obj):
            self._auth_secrets.forget(key)
            return None
        try:
            cluster = parse_cluster(obj)
        except InputError as error:
            self._tell_mistakes(obj, [str(error)])
            status = build_unreadable_status(obj, str(error), now=self._world.now())
            await write_status(self._world.client, obj, status)
            return None  # only a change of the spec helps, and that wakes us
        deployed = self._deployed_cells(cluster)
        checked = check_spec(cluster, frozenset(deployed))
        if checked.mistakes:
            self._tell_mistakes(obj, checked.mistakes)
            await self._write_status(cluster, Findings(checked, None), _previous_orphans(obj))
            return _RESYNC_S
        cluster = replace(cluster, retained_cells=retained_cells(cluster.cell_names, deployed))
        return await self._make_so(key, cluster, checked)

    async def _make_so(self, key: ObjectKey, cluster: Cluster, checked: SpecFindings) -> float:
        """Make everything as the spec says; return the seconds until another look is due."""
        lost = await self._auth_secrets.ensure(key, cluster)
        steps, written = await self._ensure_children(cluster)
        orphans = await self._turn_down(cluster)
        unreachable = await self._sync_topology(
            cluster, frozenset(orphans.cells), frozenset(orphans.keyspaces)
        )
        missing = (*lost, *await find_missing_secrets(self._world, cluster))
        for line in missing:
            self._world.recorder.record(cluster.object, "SecretMissing", line, warning=True)
        findings = Findings(checked, missing, topology=self._tell_topology(cluster, unreachable))
        await self._write_status(cluster, findings, orphans, written)
        steps.raise_first()
        if unreachable:
            return _TOPOLOGY_RETRY_S
        return _SECRETS_RETRY_S if missing else _RESYNC_S

    def _tell_mistakes(self, obj: KubeObject, mistakes: Iterable[str]) -> None:
        for mistake in mistakes:
            self._world.recorder.record(obj, "InvalidSpec", mistake, warning=True)

    def _deployed_cells(self, cluster: Cluster) -> dict[str, KubeObject]:
        return {
            labels_of(cell).get(keys.CELL, ""): cell
            for cell in self._world.children(kinds.VITESS_CELL, cluster.object)
            if not is_being_deleted(cell)
        }

    # --- children

    async def _ensure_children(self, cluster: Cluster) -> tuple[Steps, list[KubeObject]]:
        """Make the children so; return those of kinds whose changes may wait, as stored."""
        steps, written = Steps(), []
        writer, strategy = self._world.writer, cluster.spec.update_strategy
        for wanted in self._wanted(cluster):
            kind = kinds.kind_of(wanted)
            found = self._world.get(kind, namespace_of(wanted), name_of(wanted))
            at_once = changes_at_once(kind, strategy)
            if at_once is None:
                await steps.take(writer.ensure(cluster.object, wanted, found))
            else:
                immediate = strategy.type == "Immediate"
                stored = await steps.take(
                    writer.ensure_or_schedule(
                        cluster.object, wanted, found, at_once, immediate=immediate
                    )
                )
                if stored is not None:
                    written.append(stored)
        return steps, written

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
        for cell in choose_cells(cluster):
            yield build_vtctld_deployment(cluster, cell)

    async def _turn_down(self, cluster: Cluster) -> Orphans:
        """Let go of what left the spec and may go; return what may not."""
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
        return Orphans(cells.orphans, keyspaces.orphans)

    # --- topology and status

    async def _sync_topology(
        self, cluster: Cluster, orphaned_cells: frozenset[str], orphaned_keyspaces: frozenset[str]
    ) -> str:
        """Register cells and prune what left; return why the topology cannot be asked, if so."""
        wanted = TopologyWanted(
            cells=_cell_records(cluster, self._deployed_cells(cluster)),
            kept_cells=set(cluster.cell_names) | orphaned_cells,
            kept_keyspaces=self._kept_keyspaces(cluster) | orphaned_keyspaces,
            leaving_cells={
                cell: self._keyspaces_in(cluster, cell) for cell in cluster.retained_cells
            },
            reconciliation=cluster.spec.topology_reconciliation,
        )
        try:
            async with self._world.topology.use(cluster.namespace, cluster.topology) as topo:
                seen = await observe_topology(topo, {*wanted.cells, *wanted.leaving_cells})
                actions = plan_topology(wanted, seen)
                await apply_topology(topo, actions)
        except ArmillaryError as error:
            return str(error)
        return ""

    def _tell_topology(self, cluster: Cluster, unreachable: str) -> tuple[Condition, ...]:
        """Return the condition, and record when a topology that answered does so no more.

        The log has it once for each reason.
        """
        condition = topology_reachable(unreachable)
        before = condition_of(cluster.object, condition.type) or {}
        if unreachable and before.get("message") != condition.message:
            facts = {"cluster": cluster.name, "error": unreachable}
            logger.warning("topology not reachable", extra=facts)
        if unreachable and before.get("status") == "True":
            self._world.recorder.record(
                cluster.object, condition.reason, condition.message, warning=True
            )
        return (condition,)

    def _keyspaces_in(self, cluster: Cluster, cell: str) -> set[str]:
        """Return the keyspaces with a pool or a pod in the cell."""
        shards = self._world.of_cluster(kinds.VITESS_SHARD, cluster.namespace, cluster.name)
        pods = self._world.of_cluster(kinds.POD, cluster.namespace, cluster.name)
        in_use = [
            shard
            for shard in shards
            if any(pool.get("cell") == cell for pool in shard["spec"].get("tabletPools") or ())
        ]
        in_use += [pod for pod in pods if labels_of(pod).get(keys.CELL) == cell]
        return {labels_of(obj).get(keys.KEYSPACE, "") for obj in in_use} - {""}

    def _kept_keyspaces(self, cluster: Cluster) -> set[str]:
        """Return keyspaces in the spec, and those whose pods are still there."""
        kept = {keyspace.name for keyspace in cluster.spec.keyspaces}
        for kind in (kinds.VITESS_KEYSPACE, kinds.VITESS_SHARD, kinds.POD):
            for obj in self._world.of_cluster(kind, cluster.namespace, cluster.name):
                kept.add(labels_of(obj).get(keys.KEYSPACE, ""))
        return kept

    async def _write_status(
        self,
        cluster: Cluster,
        findings: Findings,
        orphans: Orphans,
        written: Iterable[KubeObject] = (),
    ) -> None:
        world, obj = self._world, cluster.object
        lockservers = world.children(kinds.ETCD_LOCKSERVER, obj)
        keyspaces = [one for one in written if one["kind"] == kinds.VITESS_KEYSPACE.kind]
        status = build_cluster_status(
            cluster,
            lockserver=lockservers[0] if lockservers else None,
            cells=world.children(kinds.VITESS_CELL, obj),
            keyspaces=with_written(world.children(kinds.VITESS_KEYSPACE, obj), keyspaces),
            dashboards=world.children(kinds.DEPLOYMENT, obj),
            orphans=orphans,
            findings=replace(
                findings,
                backups=(self._tell_overdue(cluster),),
                members=self._lockserver_pods(cluster),
            ),
            now=world.now(),
        )
        await write_status(world.client, obj, status)

    def _lockserver_pods(self, cluster: Cluster) -> tuple[KubeObject, ...]:
        pods = self._world.of_cluster(kinds.POD, cluster.namespace, cluster.name)
        return tuple(pod for pod in pods if labels_of(pod).get(keys.COMPONENT) == keys.ETCD)

    def _tell_overdue(self, cluster: Cluster) -> Condition:
        """Return what the shards say of their backups, and record it when it is new."""
        world = self._world
        shards = world.of_cluster(kinds.VITESS_SHARD, cluster.namespace, cluster.name)
        condition = backups_current(shards)
        if is_news(cluster.object, condition):
            world.recorder.record(cluster.object, condition.reason, condition.message, warning=True)
        return condition


def _clusters_of_waiting_member(pod: KubeObject) -> list[ObjectKey]:
    """Return the clusters that tell of a lockserver's pod that waits to be released."""
    labels = labels_of(pod)
    waits = keys.ROLLOUT_SCHEDULED in annotations_of(pod)
    if labels.get(keys.COMPONENT) != keys.ETCD or not waits:
        return []
    return [
        ObjectKey(kind, namespace_of(pod), labels.get(keys.CLUSTER, "")) for kind in CLUSTER_KINDS
    ]


def _previous_orphans(obj: KubeObject) -> Orphans:
    status = read_status(obj, ClusterStatus)
    return Orphans(status.orphaned_cells, status.orphaned_keyspaces)


def _cell_records(cluster: Cluster, deployed: Mapping[str, KubeObject]) -> dict[str, CellRecord]:
    """Return the records of cells whose topology is of the same kind as the global one.

    What counts is the lockserver that a cell has: another one may be waiting for its release.
    """
    records = {}
    for cell in cluster.spec.cells:
        lockserver = cell.lockserver
        if cell.name in deployed:
            lockserver = read_spec(deployed[cell.name], CellTemplate).lockserver
        params = cell_topology(cluster.name, cluster.topology, cell.name, lockserver)
        if params.implementation == cluster.topology.implementation:
            records[cell.name] = CellRecord(params.address, params.root_path)
    return records
