"""The status of a cluster, put together from its children's. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, generation_of, labels_of
from armillary.operator.cluster.model import Cluster
from armillary.operator.crd.cell import CellStatus
from armillary.operator.crd.cluster import (
    ClusterCellStatus,
    ClusterKeyspaceStatus,
    ClusterStatus,
    DashboardStatus,
)
from armillary.operator.crd.keyspace import KeyspaceStatus
from armillary.operator.crd.lockserver import EtcdLockserverStatus, LockserverStatus
from armillary.operator.crd.not_acted_on import fields_not_acted_on
from armillary.operator.crd.parts import Condition, Orphan
from armillary.operator.crd.read import read_status
from armillary.operator.objects.status import merge_conditions
from armillary.operator.render import labels as keys
from armillary.operator.render import names


def build_cluster_status(
    cluster: Cluster,
    *,
    lockserver: KubeObject | None,
    cells: Sequence[KubeObject],
    keyspaces: Sequence[KubeObject],
    dashboards: Sequence[KubeObject],
    orphaned_cells: Mapping[str, Orphan],
    orphaned_keyspaces: Mapping[str, Orphan],
    now: datetime,
) -> ClusterStatus:
    keyspace_statuses = {labels_of(obj).get(keys.KEYSPACE, ""): _keyspace(obj) for obj in keyspaces}
    found = cluster.object.get("status") or {}
    conditions = [_not_acted_on(cluster), _ready(cluster, keyspace_statuses)]
    return ClusterStatus(
        observed_generation=generation_of(cluster.object),
        global_lockserver=_lockserver(lockserver),
        gateway_service_name=names.vtgate_service(cluster.name),
        vitess_dashboard=DashboardStatus(
            available=_dashboard_available(dashboards),
            service_name=names.vtctld_service(cluster.name),
        ),
        cells={labels_of(obj).get(keys.CELL, ""): _cell(obj) for obj in cells},
        keyspaces=keyspace_statuses,
        orphaned_cells=dict(orphaned_cells),
        orphaned_keyspaces=dict(orphaned_keyspaces),
        conditions=merge_conditions(found.get("conditions") or [], conditions, now=now),
    )


def _lockserver(obj: KubeObject | None) -> LockserverStatus:
    if obj is None:
        return LockserverStatus()
    status = read_status(obj, EtcdLockserverStatus)
    return LockserverStatus(
        etcd=EtcdLockserverStatus(
            available=status.available, client_service_name=status.client_service_name
        )
    )


def _cell(obj: KubeObject) -> ClusterCellStatus:
    return ClusterCellStatus(
        pending_changes=annotations_of(obj).get(keys.ROLLOUT_SCHEDULED, ""),
        gateway_available=read_status(obj, CellStatus).gateway.available,
    )


def _keyspace(obj: KubeObject) -> ClusterKeyspaceStatus:
    status = read_status(obj, KeyspaceStatus)
    shards = list(status.shards.values())
    desired = sum(part.desired_shards for part in status.partitionings)
    return ClusterKeyspaceStatus(
        pending_changes=annotations_of(obj).get(keys.ROLLOUT_SCHEDULED, ""),
        desired_shards=desired,
        shards=len(shards),
        ready_shards=sum(1 for shard in shards if shard.ready_tablets == shard.desired_tablets),
        updated_shards=sum(1 for shard in shards if not shard.pending_changes),
        desired_tablets=sum(shard.desired_tablets for shard in shards),
        tablets=sum(shard.tablets for shard in shards),
        ready_tablets=sum(shard.ready_tablets for shard in shards),
        updated_tablets=sum(shard.updated_tablets for shard in shards),
        cells=sorted({cell for shard in shards for cell in shard.cells}),
    )


def _dashboard_available(deployments: Sequence[KubeObject]) -> str:
    ready = [(obj.get("status") or {}).get("readyReplicas") or 0 for obj in deployments]
    return "True" if any(ready) else "False"


def _not_acted_on(cluster: Cluster) -> Condition:
    paths = fields_not_acted_on(type(cluster.spec), cluster.object.get("spec") or {})
    if not paths:
        return Condition(
            type="FieldsNotActedOn",
            status="False",
            reason="AllFieldsUsed",
            message="Every field that is set is acted on.",
        )
    return Condition(
        type="FieldsNotActedOn",
        status="True",
        reason="NotImplemented",
        message=f"Set, and not acted on in this version: {', '.join(paths)}.",
    )


def _ready(cluster: Cluster, keyspaces: Mapping[str, ClusterKeyspaceStatus]) -> Condition:
    """Tell whether every tablet of the spec is ready."""
    waiting = [
        keyspace.name
        for keyspace in cluster.spec.keyspaces
        if not _is_ready(keyspaces.get(keyspace.name))
    ]
    if waiting:
        return Condition(
            type="Ready",
            status="False",
            reason="TabletsNotReady",
            message=f"Not all tablets are ready in: {', '.join(waiting)}.",
        )
    return Condition(
        type="Ready", status="True", reason="TabletsReady", message="All tablets are ready."
    )


def _is_ready(status: ClusterKeyspaceStatus | None) -> bool:
    return (
        status is not None
        and status.desired_shards == status.ready_shards == status.shards
        and status.desired_tablets == status.ready_tablets
    )
