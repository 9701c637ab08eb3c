"""One container of one pod: its runs, its probes, its end. I/O."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio
from anyio.abc import TaskGroup

from armillary.base.clock import monotonic_s, utc_now
from armillary.base.errors import UnavailableError
from armillary.local.kubelet.containers.cgroup import ContainerCgroup
from armillary.local.kubelet.containers.enter import Entry, run_command
from armillary.local.kubelet.containers.environment import ConfigError
from armillary.local.kubelet.containers.identity import words_to_become
from armillary.local.kubelet.containers.last_words import read_last_words
from armillary.local.kubelet.containers.logs import log_tail
from armillary.local.kubelet.containers.process import (
    Launch,
    RunningProcess,
    adopt,
    read_exit_code,
    start,
)
from armillary.local.kubelet.pod.hooks import run_hook
from armillary.local.kubelet.pod.probe_state import initial_state, next_state, should_restart
from armillary.local.kubelet.pod.probing import probe_once
from armillary.local.kubelet.pod.records import ContainerDir
from armillary.local.kubelet.pod.spec import ContainerSpec, Json, ProbeSpec
from armillary.local.kubelet.pod.state import ContainerState, Exit, RestartPolicy, Waiting

logger = logging.getLogger(__name__)

UNKNOWN_CODE = 137
_PROBE_FIRST_S = 0.1  # until a container is ready it is asked more often than its period says
_PROBE_GROWTH = 1.1  # so good news is late by a tenth of the time it took to come
_SIGNAL_RETRY_S = 0.02

Tell = Callable[..., None]  # (reason, message, warning=False): an event about the pod


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerContext:
    """What a container needs of its pod."""

    directory: ContainerDir
    pod_ip: str
    sandboxed: bool
    policy: RestartPolicy
    group: TaskGroup  # of the pod's worker
    wake: Callable[[], None]  # the worker should look again
    tell: Tell
    cgroup: ContainerCgroup | None
    rewrite: Callable[[ContainerSpec, str], str]  # of words, where there are no mounts


class Container:
    def __init__(self, spec: ContainerSpec, context: ContainerContext) -> None:
        self.spec = spec
        self.state = ContainerState(name=spec.name)
        self.process: RunningProcess | None = None
        self._context = context
        self._over = anyio.Event()  # the current run has ended
        self._started = anyio.Event()  # the startup probe has passed

    # --- beginnings

    async def take_up(self) -> None:
        """Find out what an earlier kubelet left: adopt what runs, record what ended meanwhile."""
        directory = self._context.directory
        self.state, since = directory.read()
        if since is None:
            return
        attempt_dir = directory.attempt(self.state.attempts)
        process = await adopt(attempt_dir, sandboxed=self._context.sandboxed)
        if process is None:
            await self._record_end(since, read_exit_code(attempt_dir), _finished_at(attempt_dir))
        else:
            logger.info("adopted", extra={"container": self.spec.name, "dir": str(attempt_dir)})
            self._begin(process, since)

    def launch(self, launch: Launch) -> None:
        """Start the next run.

        Raises:
            ConflictError: something of the run before still lives.
            OSError: the machine cannot start a process.
        """
        directory = self._context.directory
        now = utc_now()
        before = self.state
        self.state = replace(before, attempts=before.attempts + 1, running_since=now, waiting=None)
        # The record comes first: a kubelet that dies right here must know which run to look for.
        directory.write(self.state)
        try:
            process = start(launch)
        except BaseException:
            self.state = before
            directory.write(before)
            raise
        directory.prune(self.state.attempts)
        self._context.tell("Created", f"Created container {self.spec.name}")
        self._context.tell("Started", f"Started container {self.spec.name}")
        self._begin(process, now, is_new=True)

    def _begin(self, process: RunningProcess, since: datetime, *, is_new: bool = False) -> None:
        self.process = process
        self._over, self._started = anyio.Event(), anyio.Event()
        runs_hook = is_new and self.spec.post_start is not None
        is_started = not runs_hook and self.spec.probe("startup") is None
        if is_started:
            self._started.set()
        self.state = replace(
            self.state,
            running_since=since,
            started=is_started,
            ready=is_started and self.spec.probe("readiness") is None,
            stopping=False,
            restart_wanted=False,
            waiting=None,
        )
        self._context.group.start_soon(self._run, process, since)
        if runs_hook:
            self._context.group.start_soon(self._post_start, self._over)

    def wait_because(self, reason: str, message: str) -> None:
        """Note why a start could not be made."""
        self.state = replace(self.state, waiting=Waiting(reason=reason, message=message))

    # --- while it runs

    async def _run(self, process: RunningProcess, since: datetime) -> None:
        code: int | None = None
        async with anyio.create_task_group() as probes:
            for probe in self.spec.probes:
                probes.start_soon(self._watch_health, probe)
            try:
                code = await process.wait()
            except UnavailableError as error:
                # Something survives KILL. The lock stays held, so nothing new will start.
                logger.error("container does not die", extra={"error": str(error)})
            probes.cancel_scope.cancel()
        await self._record_end(since, code, utc_now())
        self._context.wake()

    async def _record_end(self, since: datetime, code: int | None, finished_at: datetime) -> None:
        run_s = (finished_at - since).total_seconds()
        reason, message = self._why(code)
        if self._context.cgroup is not None:  # before the next run makes it anew
            await self._context.cgroup.remove()
        end = Exit(
            code=UNKNOWN_CODE if code is None else code,
            reason=reason,
            message=message,
            started_at=since,
            finished_at=finished_at,
            attempt=self.state.attempts,
        )
        self.state = replace(
            self.state,
            running_since=None,
            ready=False,
            started=False,
            stopping=False,
            restart_wanted=False,
            exit=end,
            quick_exits=self._context.policy.count_exit(self.state.quick_exits, run_s),
        )
        self.process = None
        self._context.directory.write(self.state)
        self._over.set()

    def _why(self, code: int | None) -> tuple[str, str]:
        cgroup = self._context.cgroup
        if code is None:
            text = "The container could not be located when the kubelet looked for it"
            return "ContainerStatusUnknown", text
        directory = self._context.directory
        message = read_last_words(directory.last_words)
        if code == 0:
            return "Completed", message
        if not message and self.spec.log_tells_failure:
            message = log_tail(directory.log(self.state.attempts))
        is_oom = cgroup is not None and cgroup.oom_kill_count() > 0
        return "OOMKilled" if is_oom else "Error", message

    async def _watch_health(self, probe: ProbeSpec) -> None:
        """Probe until the run ends; the verdict goes into the state."""
        if probe.kind != "startup":
            await self._started.wait()
        await anyio.sleep(probe.initial_delay_s)
        state = initial_state(probe)
        impatient_s = _PROBE_FIRST_S if probe.kind != "liveness" else probe.period_s
        # The first failures of a container that is just starting are no news, unless liveness asks.
        counted_at_s = monotonic_s() - (probe.period_s if probe.kind == "liveness" else 0.0)
        while True:
            outcome = await probe_once(
                probe, self.spec, pod_ip=self._context.pod_ip, run_command=self.run_command
            )
            now_s = monotonic_s()
            due = now_s - counted_at_s >= probe.period_s * 0.99
            # Impatient questions may bring good news early, but their failures do not count.
            if outcome.success or due:
                counted_at_s = now_s
                state = next_state(probe, state, outcome.success)
                self._take_verdict(probe, state.healthy, should_restart(probe, state))
                if not outcome.success:
                    self._context.tell("Unhealthy", outcome.message, warning=True)
            if probe.kind == "startup" and state.healthy:
                return
            if state.healthy:
                impatient_s = probe.period_s
            await anyio.sleep(min(impatient_s, probe.period_s))
            impatient_s *= _PROBE_GROWTH

    def _take_verdict(self, probe: ProbeSpec, healthy: bool, restart: bool) -> None:
        before = self.state
        if probe.kind == "startup" and healthy:
            self._note_started()
        elif probe.kind == "readiness":
            self.state = replace(self.state, ready=healthy)
        if restart and not self.state.restart_wanted and not self.state.stopping:
            self.state = replace(self.state, restart_wanted=True)
            text = f"Container {self.spec.name} failed {probe.kind} probe, will be restarted"
            self._context.tell("Killing", text)
        if self.state != before:
            self._context.wake()

    def _note_started(self) -> None:
        ready = self.spec.probe("readiness") is None
        self.state = replace(self.state, started=True, ready=ready)
        self._started.set()

    def entry(self) -> Entry | None:
        """Return the way into the running container; None when it does not run."""
        main = self.process.main() if self.process is not None else None
        if main is None:
            return None
        return Entry(
            main=main,
            sandboxed=self._context.sandboxed,
            working_dir=self.spec.working_dir,
            become=_words_to_become(self.spec, sandboxed=self._context.sandboxed),
        )

    async def run_command(self, argv: list[str]) -> tuple[int, bytes]:
        """Run a command in the container; return its exit code and the head of its output."""
        # Right after a start there is no program yet to join; the caller's timeout bounds the wait.
        while (entry := self.entry()) is None:
            if self.process is None:
                return 126, b"container not running"
            await anyio.sleep(_SIGNAL_RETRY_S)
        words = [self._context.rewrite(self.spec, word) for word in argv]
        return await run_command(entry, words)

    # --- ends

    def begin_stop(self, grace_s: float) -> None:
        """Stop the run: TERM, and KILL when the grace is over. Again: nothing."""
        if self.process is None or self.state.stopping:
            return
        self.state = replace(self.state, stopping=True, ready=False)
        self._context.group.start_soon(self._stop, self.process, self._over, grace_s)

    async def _stop(self, process: RunningProcess, over: anyio.Event, grace_s: float) -> None:
        with anyio.move_on_after(grace_s):
            await self._pre_stop(grace_s)
            # Right after a start the program may not be there yet to be told.
            while not over.is_set() and not process.signal(signal.SIGTERM):  # noqa: ASYNC110
                await anyio.sleep(_SIGNAL_RETRY_S)
            await over.wait()
        if not over.is_set():
            await process.kill()

    # --- hooks

    async def _post_start(self, over: anyio.Event) -> None:
        """Run the hook beside the container's first steps; one that fails ends the run."""
        problem = await self._run_hook(self.spec.post_start or {})
        if over.is_set() or self.state.stopping:
            return
        if problem:
            self._context.tell(
                "FailedPostStartHook", f"PostStartHook failed: {problem}", warning=True
            )
            self.state = replace(self.state, restart_wanted=True)
        elif self.spec.probe("startup") is None:
            self._note_started()
        self._context.wake()

    async def _pre_stop(self, grace_s: float) -> None:
        if self.spec.pre_stop is None:
            return
        with anyio.move_on_after(grace_s):
            problem = await self._run_hook(self.spec.pre_stop)
            if problem:
                text = f"PreStopHook failed: {problem}"
                self._context.tell("FailedPreStopHook", text, warning=True)

    async def _run_hook(self, hook: Json) -> str:
        address, run = self._context.pod_ip, self.run_command
        return await run_hook(hook, self.spec, pod_ip=address, run_command=run)


def _words_to_become(spec: ContainerSpec, *, sandboxed: bool) -> list[str]:
    try:
        return words_to_become(spec.run_as, sandboxed=sandboxed)
    except ConfigError:  # an earlier kubelet has started it, as its own user
        return []


def _finished_at(attempt_dir: "os.PathLike[str]") -> datetime:
    """Return when the shim wrote the exit code; now, when nobody did."""
    with suppress(OSError):
        status = os.stat(os.path.join(attempt_dir, "exit"))
        return datetime.fromtimestamp(status.st_mtime, UTC)
    return utc_now()
