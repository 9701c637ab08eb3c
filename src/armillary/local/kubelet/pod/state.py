"""What the kubelet knows of a pod's containers at one moment. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How one run of a container ended."""

    code: int
    reason: str  # Completed, Error, OOMKilled, ContainerStatusUnknown, ...
    message: str = ""
    started_at: datetime
    finished_at: datetime
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a container does not run; the words are Kubernetes'."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    name: str
    attempts: int = 0  # starts so far
    running_since: datetime | None = None
    started: bool = False  # the startup probe passed, or there is none
    ready: bool = False
    stopping: bool = False
    restart_wanted: bool = False  # liveness failed: stop it, whatever it does
    exit: Exit | None = None  # of the newest run that ended
    quick_exits: int = 0  # ends in a row without one long run between them
    waiting: Waiting | None = None  # a start that could not be made

    @property
    def running(self) -> bool:
        return self.running_since is not None

    @property
    def restart_count(self) -> int:
        return max(0, self.attempts - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """One pod as observed."""

    containers: Mapping[str, ContainerState]
    volumes_error: str | None = None
    volumes_ready: bool = False
    started_at: datetime | None = None  # when the kubelet took the pod up
    failure: tuple[str, str] | None = None  # reason, message: DeadlineExceeded, Evicted
    retry_at: datetime | None = None  # when a failed preparation may be tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How long a container that ends again and again waits; kinder than a cluster's 10 s."""

    first_s: float = 1.0
    max_s: float = 60.0
    reset_after_s: float = 600.0  # a run this long clears the record

    def delay_s(self, quick_exits: int) -> float:
        """The first restart is immediate, as in Kubernetes; then the delay doubles."""
        if quick_exits <= 1:
            return 0.0
        return float(min(self.first_s * 2.0 ** min(quick_exits - 2, 40), self.max_s))

    def count_exit(self, quick_exits: int, run_s: float) -> int:
        return 1 if run_s >= self.reset_after_s else quick_exits + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StartContainer:
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopContainer:
    name: str
    grace_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class PrepareVolumes:
    pass


@dataclass(frozen=True, slots=True)
class FinishDeletion:
    """Nothing of the pod runs any more and it is to be deleted."""


Action = StartContainer | StopContainer | PrepareVolumes | FinishDeletion


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlan:
    actions: tuple[Action, ...] = ()
    look_again_at: datetime | None = None
    backing_off: Mapping[str, float] = field(default_factory=dict)  # container -> its delay
    phase: str = "Pending"
