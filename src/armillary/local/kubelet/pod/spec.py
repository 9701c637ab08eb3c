"""What the kubelet needs to know of a pod, parsed once from the API object. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from armillary.base.errors import InputError
from armillary.kube.quantities import parse_quantity
from armillary.operator.render.labels import CLUSTER

Json = Mapping[str, Any]

GRACE_S_DEFAULT = 30.0
_LAST_WORDS_PATH = "/dev/termination-log"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    volume: str
    path: str
    sub_path: str
    sub_path_expr: str  # the same, with references to variables
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    kind: str  # "liveness", "readiness" or "startup"
    handler: Json  # holds httpGet, tcpSocket or exec
    initial_delay_s: float
    period_s: float
    timeout_s: float
    success_threshold: int
    failure_threshold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAs:
    """Whom a container asks to be."""

    user: int | None = None
    group: int | None = None
    non_root: bool = False
    more_groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[Json, ...]
    env_from: tuple[Json, ...]
    mounts: tuple[VolumeMount, ...]
    ports: Mapping[str, int]
    probes: tuple[ProbeSpec, ...]
    working_dir: str | None
    run_as: RunAs
    stdin: bool
    stdin_once: bool
    tty: bool
    amounts: Mapping[str, float]  # of resources: "limits.memory", "requests.cpu", ...
    post_start: Json | None
    pre_stop: Json | None
    last_words_path: str  # terminationMessagePath
    log_tells_failure: bool  # terminationMessagePolicy FallbackToLogsOnError

    @property
    def limits(self) -> dict[str, float]:
        """What may be used at most; 0 is no limit."""
        names = {name: self.amounts.get(f"limits.{name}") for name in ("memory", "cpu")}
        return {name: amount for name, amount in names.items() if amount}

    def probe(self, kind: str) -> ProbeSpec | None:
        return next((probe for probe in self.probes if probe.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpec:
    uid: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    node_name: str
    service_account: str
    restart_policy: str
    init_containers: tuple[ContainerSpec, ...]
    containers: tuple[ContainerSpec, ...]
    volumes: tuple[Json, ...]
    hostname: str
    subdomain: str
    readiness_gates: tuple[str, ...]
    grace_s: float
    active_deadline_s: float | None
    deleted_at: datetime | None  # when the API server was told to delete it
    created_at: datetime | None

    @property
    def deleting(self) -> bool:
        return self.deleted_at is not None

    @property
    def is_of_several_users(self) -> bool:
        """Whether a container asks for a user, who is to read what the kubelet writes."""
        every = (*self.init_containers, *self.containers)
        return any(container.run_as != RunAs() for container in every)

    def container(self, name: str) -> ContainerSpec | None:
        every = (*self.init_containers, *self.containers)
        return next((container for container in every if container.name == name), None)


def parse_pod(pod: Json) -> PodSpec:
    """Read the API object; fields that we do not act on are left out."""
    metadata, spec = pod["metadata"], pod["spec"]
    deleted = metadata.get("deletionTimestamp")
    grace = spec.get("terminationGracePeriodSeconds")
    if deleted is not None and metadata.get("deletionGracePeriodSeconds") is not None:
        grace = metadata["deletionGracePeriodSeconds"]
    deadline = spec.get("activeDeadlineSeconds")
    # What runs ours is this user's, whatever the user of Vitess's images is.
    is_ours = CLUSTER in (metadata.get("labels") or {})
    security: Json | None = None if is_ours else spec.get("securityContext") or {}

    def parse(container: Json) -> ContainerSpec:
        return _parse_container(container, security)

    return PodSpec(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        node_name=spec.get("nodeName", ""),
        service_account=spec.get("serviceAccountName") or "default",
        restart_policy=spec.get("restartPolicy") or "Always",
        init_containers=tuple(map(parse, spec.get("initContainers") or ())),
        containers=tuple(map(parse, spec.get("containers") or ())),
        volumes=tuple(spec.get("volumes") or ()),
        hostname=spec.get("hostname") or metadata["name"],
        subdomain=spec.get("subdomain") or "",
        readiness_gates=tuple(g["conditionType"] for g in spec.get("readinessGates") or ()),
        grace_s=GRACE_S_DEFAULT if grace is None else float(grace),
        active_deadline_s=None if deadline is None else float(deadline),
        deleted_at=None if deleted is None else parse_time(deleted),
        created_at=parse_time(metadata["creationTimestamp"])
        if metadata.get("creationTimestamp")
        else None,
    )


def _parse_run_as(pod: Json | None, container: Json) -> RunAs:
    """Read what a container asks for itself, and the pod for all; None: nobody is asked."""
    if pod is None:
        return RunAs()
    asked = {**pod, **(container.get("securityContext") or {})}
    groups = [*(pod.get("supplementalGroups") or ()), pod.get("fsGroup")]
    return RunAs(
        user=asked.get("runAsUser"),
        group=asked.get("runAsGroup"),
        non_root=bool(asked.get("runAsNonRoot")),
        more_groups=tuple(group for group in groups if group is not None),
    )


def _parse_container(container: Json, security: Json | None) -> ContainerSpec:
    resources, lifecycle = container.get("resources") or {}, container.get("lifecycle") or {}
    return ContainerSpec(
        name=container["name"],
        image=container.get("image", ""),
        command=tuple(container.get("command") or ()),
        args=tuple(container.get("args") or ()),
        env=tuple(container.get("env") or ()),
        env_from=tuple(container.get("envFrom") or ()),
        mounts=tuple(
            VolumeMount(
                volume=mount["name"],
                path=mount["mountPath"],
                sub_path=mount.get("subPath", ""),
                sub_path_expr=mount.get("subPathExpr", ""),
                read_only=bool(mount.get("readOnly")),
            )
            for mount in container.get("volumeMounts") or ()
        ),
        ports={
            port["name"]: port["containerPort"]
            for port in container.get("ports") or ()
            if port.get("name")
        },
        probes=tuple(
            _parse_probe(kind, container[f"{kind}Probe"])
            for kind in ("startup", "liveness", "readiness")
            if container.get(f"{kind}Probe")
        ),
        working_dir=container.get("workingDir"),
        run_as=_parse_run_as(security, container),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        amounts=_parse_amounts(resources),
        post_start=lifecycle.get("postStart"),
        pre_stop=lifecycle.get("preStop"),
        last_words_path=container.get("terminationMessagePath") or _LAST_WORDS_PATH,
        log_tells_failure=container.get("terminationMessagePolicy") == "FallbackToLogsOnError",
    )


def _parse_amounts(resources: Json) -> dict[str, float]:
    """Leave out what is no quantity: no pod may keep the kubelet from looking after all others."""
    amounts = {}
    for field in ("limits", "requests"):
        for name, text in (resources.get(field) or {}).items():
            with suppress(InputError):
                amounts[f"{field}.{name}"] = parse_quantity(text)
    return amounts


def _parse_probe(kind: str, probe: Json) -> ProbeSpec:
    return ProbeSpec(
        kind=kind,
        handler=probe,
        initial_delay_s=float(probe.get("initialDelaySeconds") or 0),
        period_s=float(probe.get("periodSeconds") or 10),
        timeout_s=float(probe.get("timeoutSeconds") or 1),
        success_threshold=int(probe.get("successThreshold") or 1),
        failure_threshold=int(probe.get("failureThreshold") or 3),
    )


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def format_time(instant: datetime) -> str:
    """Whole seconds, as Kubernetes' metav1.Time prints."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
