"""How far a cluster is from serving, told from its objects. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armillary.cli.bringup.verdict import find_condition, read_verdicts
from armillary.cli.bringup.wanted import read_wanted
from armillary.cli.bringup.warning_events import lasting_warnings
from armillary.kube.kinds import KubeObject

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
    events: Sequence[KubeObject]
    children: Sequence[KubeObject] = ()  # others that an event may be about


@dataclass(frozen=True, slots=True)
class Progress:
    phases: tuple[Phase, ...]
    troubles: tuple[Trouble, ...]
    refusals: tuple[str, ...] = ()  # specs that the operator does not carry out: waiting is vain

    @property
    def serves(self) -> bool:
        return all(phase.is_done for phase in self.phases)


def read_progress(seen: Seen) -> Progress:
    """Count what is there against what the specs want, and the operator's word on the specs."""
    verdicts = read_verdicts(seen.clusters)
    wanted = [(cluster, read_wanted(cluster)) for cluster in seen.clusters]

    def pods_phase(name: str, component: str, by: str, field: str) -> Phase:
        counts = {
            (_name_of(cluster), part): count
            for cluster, of in wanted
            for part, count in getattr(of, field).items()
        }
        return _pods_phase(name, pods_of(seen.pods, component), f"{_LABEL}{by}", counts)

    def shards_phase(name: str, field: str, count: int) -> Phase:
        return Phase(name, sum(_is_true(shard, field) for shard in seen.shards), count)

    optional = (
        pods_phase("lockserver", "etcd", "cell", "etcds"),
        pods_phase("vtctld", "vtctld", "cell", "vtctlds"),
        shards_phase(
            "initial backups", "hasInitialBackup", sum(of.initial_backups for _, of in wanted)
        ),
        shards_phase("primaries", "hasMaster", sum(of.primaries for _, of in wanted)),
        pods_phase("tablets", "vttablet", "keyspace", "tablets"),
        pods_phase("vtgate", "vtgate", "cell", "vtgates"),
    )
    accepted = Phase("spec", sum(verdict.is_accepted for verdict in verdicts), len(verdicts))
    return Progress(
        (accepted, *(phase for phase in optional if phase.wanted)),
        tuple(find_troubles(seen)),
        tuple(verdict.problem for verdict in verdicts if verdict.refusal),
    )


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
    for cluster in seen.clusters:
        waiting = find_condition(cluster, "ChangesWaiting")
        if waiting.get("status") == "True":
            subject = f"{str(cluster.get('kind') or '?').lower()}/{cluster['metadata']['name']}"
            troubles.append(Trouble(subject, str(waiting.get("message"))))
    for event in lasting_warnings(seen.events, (*seen.clusters, *seen.shards, *seen.children)):
        about = event["involvedObject"]
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


def _pods_phase(
    name: str,
    pods: Sequence[KubeObject],
    label: str,
    wanted: Mapping[tuple[str, str], int],
) -> Phase:
    """Count ready pods by their cluster and `label`: a surplus here makes up for no lack there."""
    ready = Counter(_part_of(pod, label) for pod in pods if is_pod_ready(pod))
    done = sum(min(ready[part], count) for part, count in wanted.items())
    total = sum(wanted.values())
    return Phase(name, done, total, f"{len(pods)} pods" if done < total else "")


def _part_of(pod: KubeObject, label: str) -> tuple[str, str]:
    labels = pod["metadata"].get("labels") or {}
    return str(labels.get(f"{_LABEL}cluster", "")), str(labels.get(label, ""))


def _name_of(obj: KubeObject) -> str:
    return str(obj["metadata"]["name"])


def _is_true(shard: KubeObject, field: str) -> bool:
    return (shard.get("status") or {}).get(field) == "True"
