"""How far a cluster is from serving, told from its objects. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KubeObject = Mapping[str, Any]

_LABEL = "planetscale.com/"
RESTARTS_WORTH_TELLING = 3


@dataclass(frozen=True, slots=True)
class Phase:
    """One line of the progress display."""

    name: str
    done: int
    wanted: int
    detail: str = ""

    @property
    def is_done(self) -> bool:
        return self.wanted > 0 and self.done >= self.wanted


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps a cluster from serving, and that waiting may not cure."""

    subject: str  # "pod/NAME container", or the object of a warning event
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Seen:
    """The objects that progress is told from, all of one namespace."""

    clusters: Sequence[KubeObject]
    shards: Sequence[KubeObject]
    pods: Sequence[KubeObject]
    deployments: Sequence[KubeObject]
    events: Sequence[KubeObject]


@dataclass(frozen=True, slots=True)
class Progress:
    phases: tuple[Phase, ...]
    troubles: tuple[Trouble, ...]

    @property
    def serves(self) -> bool:
        return all(phase.is_done for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Size:
    """What a cluster's spec asks for."""

    shards: int
    tablets: int
    cells: int
    has_backups: bool


def read_progress(seen: Seen) -> Progress:
    """Count what is there against what the specs want."""
    sizes = [cluster_size(cluster) for cluster in seen.clusters]
    shards_wanted = sum(size.shards for size in sizes)
    phases = [
        _pods_phase("lockserver", "etcd", seen, wanted=3 * len(sizes)),
        _deployments_phase("vtctld", "vtctld", seen, at_least=len(sizes)),
    ]
    if any(size.has_backups for size in sizes):
        with_backup = [s for s in seen.shards if _is_true(s, "hasInitialBackup")]
        phases.append(Phase("initial backups", len(with_backup), shards_wanted))
    with_primary = [shard for shard in seen.shards if _is_true(shard, "hasMaster")]
    phases += [
        Phase("primaries", len(with_primary), shards_wanted),
        _pods_phase("tablets", "vttablet", seen, wanted=sum(size.tablets for size in sizes)),
        _deployments_phase("vtgate", "vtgate", seen, at_least=len(sizes)),
    ]
    return Progress(tuple(phases), tuple(find_troubles(seen)))


def cluster_size(cluster: KubeObject) -> Size:
    """Count shards and tablets of a spec; the same range in two partitionings counts once."""
    spec = cluster.get("spec") or {}
    shards = tablets = 0
    for keyspace in spec.get("keyspaces") or ():
        seen: dict[str, int] = {}
        for partitioning in keyspace.get("partitionings") or ():
            for shard, template in _shard_templates(partitioning):
                pools = template.get("tabletPools") or ()
                seen[shard] = sum(int(pool.get("replicas", 0)) for pool in pools)
        shards += len(seen)
        tablets += sum(seen.values())
    cells = len(spec.get("cells") or ())
    return Size(shards, tablets, cells, bool((spec.get("backup") or {}).get("locations")))


def _shard_templates(partitioning: KubeObject) -> Sequence[tuple[str, KubeObject]]:
    if equal := partitioning.get("equal"):
        parts = int(equal.get("parts", 1))
        template = equal.get("shardTemplate") or {}
        return [(f"{index}/{parts}", template) for index in range(parts)]
    custom = (partitioning.get("custom") or {}).get("shards") or ()
    return [(str(sorted((shard.get("keyRange") or {}).items())), shard) for shard in custom]


def find_troubles(seen: Seen) -> list[Trouble]:
    """Name containers that keep dying, pods that cannot start, and what warning events say."""
    troubles: list[Trouble] = []
    for pod in seen.pods:
        status = pod.get("status") or {}
        name = pod["metadata"]["name"]
        if status.get("phase") == "Failed":
            troubles.append(Trouble(f"pod/{name}", status.get("message") or "failed"))
        for container in (
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        ):
            if reason := _container_trouble(container):
                troubles.append(Trouble(f"pod/{name} {container['name']}", reason))
    for event in seen.events:
        about = event.get("involvedObject") or {}
        if event.get("type") == "Warning" and about.get("kind") != "Pod":
            subject = f"{about.get('kind', '?').lower()}/{about.get('name', '?')}"
            troubles.append(Trouble(subject, f"{event.get('reason')}: {event.get('message')}"))
    return troubles


def _container_trouble(container: KubeObject) -> str:
    waiting = (container.get("state") or {}).get("waiting") or {}
    restarts = int(container.get("restartCount") or 0)
    if waiting.get("reason") in (None, "ContainerCreating", "PodInitializing") and (
        restarts < RESTARTS_WORTH_TELLING or container.get("ready")
    ):
        return ""
    last = (container.get("lastState") or {}).get("terminated") or {}
    words = [str(waiting.get("reason") or "restarting")]
    if restarts:
        words.append(f"{restarts} restarts")
    if last:
        words.append(f"last exit code {last.get('exitCode')}")
    if waiting.get("message"):
        words.append(str(waiting["message"]))
    return ", ".join(words)


def pods_of(seen_pods: Sequence[KubeObject], component: str) -> list[KubeObject]:
    return [
        pod
        for pod in seen_pods
        if (pod["metadata"].get("labels") or {}).get(f"{_LABEL}component") == component
    ]


def is_pod_ready(pod: KubeObject) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _pods_phase(name: str, component: str, seen: Seen, *, wanted: int) -> Phase:
    pods = pods_of(seen.pods, component)
    ready = sum(is_pod_ready(pod) for pod in pods)
    detail = f"{len(pods)} pods" if ready < wanted else ""
    return Phase(name, ready, wanted, detail)


def _deployments_phase(name: str, component: str, seen: Seen, *, at_least: int) -> Phase:
    deployments = pods_of(seen.deployments, component)
    wanted = sum(int((d.get("spec") or {}).get("replicas", 1)) for d in deployments)
    ready = sum(is_pod_ready(pod) for pod in pods_of(seen.pods, component))
    return Phase(name, ready, max(wanted, at_least))


def _is_true(shard: KubeObject, field: str) -> bool:
    return (shard.get("status") or {}).get(field) == "True"
