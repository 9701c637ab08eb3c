"""The status of a cluster, put together from its children's. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, generation_of, labels_of
from armillary.operator.cluster.changes_waiting import changes_waiting
from armillary.operator.cluster.check_flags import flags_without_effect
from armillary.operator.cluster.check_images import images_without_effect
from armillary.operator.cluster.check_spec import SpecFindings
from armillary.operator.cluster.model import Cluster
from armillary.operator.cluster.turndown import Orphans
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
from armillary.operator.crd.parts import Condition
from armillary.operator.crd.read import read_status
from armillary.operator.keyspace.status import TURNDOWN_BLOCKED, wanted_shard_names
from armillary.operator.objects.status import merge_conditions
from armillary.operator.render import labels as keys
from armillary.operator.render import names


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: mistakes and advice on the spec, Secrets not there, backups overdue."""

    spec: SpecFindings
    missing_secrets: tuple[str, ...] | None = ()  # None: nobody looked
    backups: tuple[Condition, ...] = ()  # what the shards say of theirs
    members: tuple[KubeObject, ...] = ()  # pods of lockservers
    topology: tuple[Condition, ...] = ()  # whether it answers; nothing when nobody asked


def build_cluster_status(
    cluster: Cluster,
    *,
    lockserver: KubeObject | None,
    cells: Sequence[KubeObject],
    keyspaces: Sequence[KubeObject],
    dashboards: Sequence[KubeObject],
    orphans: Orphans,
    findings: Findings,
    now: datetime,
) -> ClusterStatus:
    keyspace_statuses = {labels_of(obj).get(keys.KEYSPACE, ""): _keyspace(obj) for obj in keyspaces}
    found = cluster.object.get("status") or {}
    conditions = [
        _spec_valid(findings.spec.mistakes),
        _advice(findings.spec.advice),
        *_secrets_found(findings.missing_secrets),
        *findings.topology,
        _turned_down(orphans, keyspaces),
        *findings.backups,
        changes_waiting([*cells, *keyspaces, *dashboards, *findings.members], keyspaces),
        _not_acted_on(cluster),
        _ready(cluster, keyspaces, findings.spec.mistakes),
    ]
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
        orphaned_cells=dict(orphans.cells),
        orphaned_keyspaces=dict(orphans.keyspaces),
        conditions=merge_conditions(found.get("conditions") or [], conditions, now=now),
    )


def build_unreadable_status(obj: KubeObject, problem: str, *, now: datetime) -> ClusterStatus:
    """Return what the status was, and that the spec cannot even be read."""
    before = read_status(obj, ClusterStatus)
    kept = [c for c in before.conditions if c.type not in ("SpecValid", "Ready")]
    found = (obj.get("status") or {}).get("conditions") or []
    ready = Condition(type="Ready", status="False", reason="InvalidSpec", message=problem)
    conditions = merge_conditions(found, [_spec_valid((problem,)), *kept, ready], now=now)
    return msgspec.structs.replace(
        before, observed_generation=generation_of(obj), conditions=conditions
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
    return ClusterKeyspaceStatus(
        pending_changes=annotations_of(obj).get(keys.ROLLOUT_SCHEDULED, ""),
        desired_shards=len(wanted_shard_names(status)),
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
    fields = fields_not_acted_on(type(cluster.spec), cluster.object.get("spec") or {})
    paths = [*fields, *images_without_effect(cluster.spec), *flags_without_effect(cluster.spec)]
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


_LINES_MAX = 10


def _lines(lines: Sequence[str]) -> str:
    more = f" And {len(lines) - _LINES_MAX} more." if len(lines) > _LINES_MAX else ""
    return "; ".join(lines[:_LINES_MAX]) + "." + more


def _spec_valid(mistakes: Sequence[str]) -> Condition:
    if not mistakes:
        return Condition(
            type="SpecValid", status="True", reason="Valid", message="The spec can be carried out."
        )
    return Condition(
        type="SpecValid",
        status="False",
        reason="InvalidSpec",
        message=f"Nothing is changed until this is mended: {_lines(mistakes)}",
    )


def _advice(advice: Sequence[str]) -> Condition:
    if not advice:
        return Condition(
            type="Advice", status="False", reason="Nothing", message="Nothing looks unintended."
        )
    return Condition(type="Advice", status="True", reason="LookAgain", message=_lines(advice))


def _secrets_found(missing: tuple[str, ...] | None) -> list[Condition]:
    if missing is None:
        return []
    if not missing:
        return [
            Condition(
                type="SecretsFound",
                status="True",
                reason="AllFound",
                message="Every Secret that the spec names is there.",
            )
        ]
    return [
        Condition(
            type="SecretsFound",
            status="False",
            reason="SecretMissing",
            message=f"Pods that mount it wait until it is there: {_lines(missing)}",
        )
    ]


def topology_reachable(problem: str) -> Condition:
    """Tell whether the lockserver answers; `problem` says why it does not."""
    return Condition(
        type="TopologyReachable",
        status="False" if problem else "True",
        reason="TopologyUnreachable" if problem else "Answers",
        message=f"Nothing that needs the topology can be done: {problem}"
        if problem
        else "The lockserver answers.",
    )


def _turned_down(orphans: Orphans, keyspaces: Sequence[KubeObject]) -> Condition:
    """Tell whether all that left the spec could go, down to tablets."""
    lines = [f"cell {name}: {orphan.message}" for name, orphan in sorted(orphans.cells.items())]
    lines += [
        f"keyspace {name}: {orphan.message}" for name, orphan in sorted(orphans.keyspaces.items())
    ]
    lines += [
        condition.message
        for obj in keyspaces
        for condition in read_status(obj, KeyspaceStatus).conditions
        if condition.type == TURNDOWN_BLOCKED and condition.status == "True"
    ]
    if not lines:
        return Condition(
            type=TURNDOWN_BLOCKED,
            status="False",
            reason="NothingLeft",
            message="Nothing that left the spec is still there.",
        )
    return Condition(
        type=TURNDOWN_BLOCKED,
        status="True",
        reason="NotIdle",
        message=" ".join(lines),
    )


def _ready(cluster: Cluster, keyspaces: Sequence[KubeObject], mistakes: Sequence[str]) -> Condition:
    """Tell whether every tablet of the spec is ready."""
    if mistakes:
        return Condition(
            type="Ready",
            status="False",
            reason="InvalidSpec",
            message="The spec is not carried out; see SpecValid.",
        )
    found = {labels_of(obj).get(keys.KEYSPACE, ""): obj for obj in keyspaces}
    waiting = [
        f"{keyspace.name} ({progress})"
        for keyspace in cluster.spec.keyspaces
        if (progress := _progress(found.get(keyspace.name)))
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


def _progress(keyspace: KubeObject | None) -> str:
    """Return what a keyspace still waits for; empty when all tablets of its shards are ready.

    Shards that left the spec and may not go yet do not count.
    """
    if keyspace is None:
        return "not there yet"
    status = read_status(keyspace, KeyspaceStatus)
    if status.observed_generation != generation_of(keyspace):
        return "its change was not looked at yet"
    wanted = wanted_shard_names(status)
    shards = [status.shards[name] for name in wanted if name in status.shards]
    if not wanted or len(shards) < len(wanted):
        return f"{len(shards)} of {len(wanted) or 'its'} shards are there"
    ready = sum(shard.ready_tablets for shard in shards)
    desired = sum(shard.desired_tablets for shard in shards)
    return f"{ready} of {desired} tablets" if ready != desired else ""
