"""Read everything that `armillary status` shows into one value. I/O."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from armillary.base.errors import ArmillaryError
from armillary.cli.bringup.endpoints import (
    ClusterEndpoints,
    hand_out_credentials,
    read_endpoints,
)
from armillary.cli.bringup.progress import is_pod_ready, pods_of
from armillary.cli.bringup.verdict import read_verdicts
from armillary.kube.client import KubeClient
from armillary.kube.kinds import (
    PLANETSCALE_CLUSTER,
    POD,
    VITESS_BACKUP,
    VITESS_CLUSTER,
    VITESS_SHARD,
    KubeObject,
)
from armillary.kube.objects import labels_of, name_of
from armillary.local.supervise.lock import lock_owner
from armillary.local.supervise.state import read_processes, read_state
from armillary.model.tablet import TabletType
from armillary.settings.local import LocalPaths

TABLET_ANSWER_S_MAX = 2.0
_LABEL = "planetscale.com/"
_GRPC_PORT = 15999


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow:
    name: str
    pid: int
    ready: bool
    restarts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRow:
    name: str
    ready: str  # "3/3"
    phase: str
    restarts: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletRow:
    alias: str
    keyspace: str
    shard: str
    role: str  # what the tablet itself says; "unreachable" when it does not answer
    serving: bool
    lag_s: int | None  # None: a primary, or no answer
    address: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRow:
    name: str
    directory: str
    complete: bool
    finished_at: str
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueRow:
    """A shard whose next complete backup should be there, and is not."""

    keyspace: str
    shard: str
    location: str
    newest_at: str  # when its newest complete one started; "" when there is none
    since: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    directory: str
    running: bool
    namespace: str
    components: Sequence[ComponentRow] = ()
    pods: Sequence[PodRow] = ()
    tablets: Sequence[TabletRow] = ()
    backups: Sequence[BackupRow] = ()
    overdue_backups: Sequence[OverdueRow] = ()
    endpoints: Sequence[ClusterEndpoints] = ()
    spec_problems: Sequence[str] = ()  # specs that the operator refuses, or has not seen yet
    problem: str = ""

    @property
    def serves(self) -> bool:
        """Every tablet serves, every shard has a primary, and the specs are carried out."""
        shards = {(t.keyspace, t.shard) for t in self.tablets}
        led = {(t.keyspace, t.shard) for t in self.tablets if t.role == "primary"}
        tablets_serve = bool(shards) and shards == led and all(t.serving for t in self.tablets)
        return tablets_serve and not self.spec_problems


async def read_status(directory: Path, *, timeout_s: float) -> ClusterStatus:
    """Return what can be learnt within `timeout_s`; what cannot is named in `problem`.

    Raises:
        NotFoundError: there is no cluster in `directory`.
    """
    paths = LocalPaths(directory)
    state = read_state(paths.state)
    running = lock_owner(paths.supervisor_lock) is not None
    components = tuple(
        ComponentRow(name=n, pid=p.pid, ready=p.ready, restarts=p.restarts)
        for n, p in read_processes(paths.processes).items()
        if p.is_alive()
    )
    status = ClusterStatus(
        directory=str(directory),
        running=running,
        namespace=state.namespace,
        components=components,
        problem="" if running else "the cluster is not running; `armillary up` starts it",
    )
    if not running:
        return status
    try:
        with anyio.fail_after(timeout_s):
            async with KubeClient.from_kubeconfig(paths.kubeconfig) as client:
                return await _with_objects(status, client, paths)
    except (ArmillaryError, TimeoutError) as error:
        return _replace(status, problem=f"the API server does not answer: {error}")


async def _with_objects(
    status: ClusterStatus, client: KubeClient, paths: LocalPaths
) -> ClusterStatus:
    pods = (await client.list(POD, status.namespace)).items
    backups = (await client.list(VITESS_BACKUP, status.namespace)).items
    shards = (await client.list(VITESS_SHARD, status.namespace)).items
    clusters = [
        cluster
        for kind in (PLANETSCALE_CLUSTER, VITESS_CLUSTER)
        for cluster in (await client.list(kind, status.namespace)).items
    ]
    verdicts = read_verdicts(clusters)
    await hand_out_credentials(client, paths, status.namespace)  # tablets are asked with them
    return _replace(
        status,
        spec_problems=tuple(verdict.problem for verdict in verdicts if verdict.problem),
        pods=tuple(pod_row(pod) for pod in pods),
        tablets=await read_tablets(pods_of(pods, "vttablet"), _credentials(paths.grpc_client)),
        backups=tuple(backup_row(backup) for backup in backups),
        overdue_backups=tuple(row for shard in shards for row in overdue_rows(shard)),
        endpoints=await read_endpoints(client, status.namespace),
    )


def _credentials(file: Path) -> Any:
    # gRPC costs 100 ms to import; only the question to the tablets needs it.
    from armillary.rpc.static_users import load_client_credentials  # noqa: PLC0415

    return load_client_credentials(file) if file.exists() else None


def _replace(status: ClusterStatus, **changes: Any) -> ClusterStatus:
    return replace(status, **changes)


def pod_row(pod: KubeObject) -> PodRow:
    """Return a pod as kubectl shows it. Pure."""
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or ()
    wanted = len(pod["spec"].get("containers") or ())
    return PodRow(
        name=name_of(pod),
        ready=f"{sum(bool(c.get('ready')) for c in containers)}/{wanted}",
        phase=str(status.get("phase") or "Unknown"),
        restarts=sum(int(c.get("restartCount") or 0) for c in containers),
        address=str(status.get("podIP") or ""),
    )


def backup_row(backup: KubeObject) -> BackupRow:
    """Return what a VitessBackup says. Pure."""
    status: Mapping[str, Any] = backup.get("status") or {}
    return BackupRow(
        name=name_of(backup),
        directory=str(status.get("storageDirectory") or ""),
        complete=bool(status.get("complete")),
        finished_at=str(status.get("finishedTime") or ""),
        engine=str(status.get("engine") or ""),
    )


def overdue_rows(shard: KubeObject) -> list[OverdueRow]:
    """Return what a VitessShard says of backups that are overdue. Pure."""
    places: Sequence[Mapping[str, Any]] = (shard.get("status") or {}).get("backupLocations") or ()
    return [
        OverdueRow(
            keyspace=labels_of(shard).get(f"{_LABEL}keyspace", ""),
            shard=str(shard["spec"]["name"]),
            location=str(place.get("name") or ""),
            newest_at=str(place.get("latestCompleteBackupTime") or ""),
            since=str(place["overdueSince"]),
            reason=str(place.get("overdueReason") or ""),
        )
        for place in places
        if place.get("overdueSince")
    ]


async def read_tablets(pods: Sequence[KubeObject], credentials: Any) -> tuple[TabletRow, ...]:
    """Ask every tablet for its health, all at once; the order is keyspace, shard, alias."""
    from armillary.rpc.tablet_client import TabletManagerClient  # noqa: PLC0415

    rows: list[TabletRow] = []
    async with TabletManagerClient(credentials) as client, anyio.create_task_group() as tg:

        async def ask(pod: KubeObject) -> None:
            rows.append(await _ask_tablet(client, pod))

        for pod in pods:
            tg.start_soon(ask, pod)
    return tuple(sorted(rows, key=lambda row: (row.keyspace, row.shard, row.alias)))


async def _ask_tablet(client: Any, pod: KubeObject) -> TabletRow:
    from armillary.pb import topodata_pb2  # noqa: PLC0415

    labels = labels_of(dict(pod))
    alias = f"{labels[f'{_LABEL}cell']}-{int(labels[f'{_LABEL}tablet-uid']):010d}"
    address = str((pod.get("status") or {}).get("podIP") or "")
    tablet = topodata_pb2.Tablet(hostname=address, port_map={"grpc": _GRPC_PORT})
    role, serving, lag_s, shard, problem = "unreachable", False, None, "", ""
    try:
        with anyio.fail_after(TABLET_ANSWER_S_MAX):
            async with aclosing(client.stream_health(tablet)) as answers:
                async for health in answers:
                    role = TabletType(health.target.tablet_type).name.lower()
                    serving, shard = health.serving, health.target.shard
                    stats = health.realtime_stats
                    lag_s = None if role == "primary" else int(stats.replication_lag_seconds)
                    problem = stats.health_error
                    break
    except (ArmillaryError, TimeoutError) as error:
        problem = str(error) or "no answer in time"
    if not is_pod_ready(pod) and not problem:
        problem = "pod is not ready"
    return TabletRow(
        alias=alias,
        keyspace=labels[f"{_LABEL}keyspace"],
        shard=shard or labels[f"{_LABEL}shard"],
        role=role,
        serving=serving,
        lag_s=lag_s,
        address=address,
        problem=problem,
    )
