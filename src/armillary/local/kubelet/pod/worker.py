"""The life of one pod on this machine: look, plan, act, report, wait. I/O."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError, ConflictError, NotFoundError
from armillary.kube.kinds import POD
from armillary.local.kubelet.containers.environment import (
    ConfigError,
    NotYetError,
    PodFacts,
    build_environment,
)
from armillary.local.kubelet.containers.launch import LaunchContext, build_launch, path_map
from armillary.local.kubelet.containers.process import Launch
from armillary.local.kubelet.containers.rewrite import rewrite_names, rewrite_paths
from armillary.local.kubelet.containers.volumes import (
    MountError,
    VolumeContext,
    ensure_volumes,
    mounts_of,
)
from armillary.local.kubelet.machine import HOST_IP, Machine, allocatable
from armillary.local.kubelet.pod.container import Container, ContainerContext
from armillary.local.kubelet.pod.plan import plan_pod
from armillary.local.kubelet.pod.records import PodDir, PodRecord
from armillary.local.kubelet.pod.spec import ContainerSpec, PodSpec, parse_pod
from armillary.local.kubelet.pod.state import (
    Action,
    FinishDeletion,
    PodPlan,
    PodState,
    PrepareVolumes,
    StartContainer,
    StopContainer,
)
from armillary.local.kubelet.pod.status import build_status, is_same_status

logger = logging.getLogger(__name__)

_RETRY_S = 2.0
_REPORT_RETRY_S = 1.0
_GONE_GRACE_S_MAX = 30.0


class PodWorker:
    """Runs until nothing of the pod is left, here and in the API server."""

    def __init__(self, machine: Machine, pod: dict[str, Any]) -> None:
        self.machine = machine
        self.object = pod
        self.spec = parse_pod(pod)
        self.directory = PodDir.of(machine.pods, self.spec.uid)
        self.containers: dict[str, Container] = {}
        self.pod_ip = ""
        self.volumes: dict[str, Path] = {}
        self.sandboxed = machine.sandbox is not None
        self._gone_grace_s: float | None = None  # set once the API server has no such pod any more
        self._state = PodState(containers={})
        self._reported: dict[str, Any] = pod.get("status") or {}
        self._volumes_stale = False
        self._deletion_sent = False
        self._backing_off: frozenset[str] = frozenset()
        self._wake = anyio.Event()
        self.has_told = anyio.Event()  # set once the API server could hear how the pod is

    def renewed(self) -> "PodWorker":
        """Return a worker for the same pod that begins anew."""
        worker = PodWorker(self.machine, self.object)
        worker._gone_grace_s = self._gone_grace_s
        return worker

    # --- what the kubelet tells the worker

    def update(self, pod: dict[str, Any]) -> None:
        """Take the API server's newer object."""
        self.object, self.spec = pod, parse_pod(pod)
        self.wake()

    def vanish(self) -> None:
        """The API server has no such pod any more: end what runs and forget it."""
        self._gone_grace_s = min(self.spec.grace_s, _GONE_GRACE_S_MAX)
        self.wake()

    def sources_changed(self) -> None:
        """A Secret, ConfigMap or claim of the namespace has changed."""
        self._volumes_stale = True
        self._state = replace(self._state, retry_at=None)  # it may be what was waited for
        self.wake()

    def names_changed(self) -> None:
        """A name of the namespace has other addresses; a start may have waited for that."""
        if self._state.retry_at is not None:
            self._state = replace(self._state, retry_at=None)
            self.wake()

    def wake(self) -> None:
        self._wake.set()

    # --- the loop

    async def run(self) -> None:
        async with anyio.create_task_group() as group:
            await self._take_up(group)
            while True:
                self._wake = anyio.Event()
                now = utc_now()
                pod = self._effective_spec(now)
                seen = self._observe(pod, now)
                plan = plan_pod(pod, seen, self.machine.restart_policy, now=now)
                if await self._apply(plan, now):
                    break
                self._tell_back_off(plan)
                # Acting has changed what is seen; what is reported must be newer than the acts.
                after = self._observe(pod, utc_now())
                plan = plan_pod(pod, after, self.machine.restart_policy, now=utc_now())
                reported = await self._report(pod, after, plan)
                self.has_told.set()
                await self._sleep(plan, reported=reported)
            group.cancel_scope.cancel()
        await to_thread.run_sync(self.directory.remove)

    async def _take_up(self, group: TaskGroup) -> None:
        record = self.directory.read()
        if record is None:
            address = self.machine.addresses.give(self.spec.namespace, self.spec.name)
            record = PodRecord(
                pod=self.object,
                pod_ip=address,
                sandboxed=self.sandboxed,
                started_at=utc_now(),
            )
        self.pod_ip, self.sandboxed = record.pod_ip, record.sandboxed
        if self._gone_grace_s is None:
            self.directory.write(replace(record, pod=self.object))
        self._state = replace(self._state, started_at=record.started_at)
        for spec in (*self.spec.init_containers, *self.spec.containers):
            container = Container(spec, self._container_context(spec.name, group))
            await container.take_up()
            self.containers[spec.name] = container
        if any(container.state.attempts for container in self.containers.values()):
            self._volumes_stale = True

    def _container_context(self, name: str, group: TaskGroup) -> ContainerContext:
        cgroups = self.machine.cgroups
        return ContainerContext(
            directory=self.directory.container(name),
            pod_ip=self.pod_ip,
            sandboxed=self.sandboxed,
            policy=self.machine.restart_policy,
            group=group,
            wake=self.wake,
            tell=self.tell,
            rewrite=self.rewrite,
            cgroup=cgroups.group(f"{self.directory.path.name}-{name}") if cgroups else None,
        )

    def _effective_spec(self, now: datetime) -> PodSpec:
        if self._gone_grace_s is None:
            return self.spec
        return replace(self.spec, deleted_at=now, grace_s=self._gone_grace_s)

    def _observe(self, pod: PodSpec, now: datetime) -> PodState:
        failure = self._state.failure
        started_at = self._state.started_at
        if failure is None and pod.active_deadline_s is not None and started_at is not None:
            due_at = started_at + timedelta(seconds=pod.active_deadline_s)
            unfinished = any(c.state.exit is None for c in self.containers.values())
            if now >= due_at and unfinished:
                failure = (
                    "DeadlineExceeded",
                    "Pod was active on the node longer than the specified deadline",
                )
        states = {name: container.state for name, container in self.containers.items()}
        self._state = replace(self._state, containers=states, failure=failure)
        return self._state

    async def _sleep(self, plan: PodPlan, *, reported: bool) -> None:
        delays_s = [] if reported else [_REPORT_RETRY_S]
        if plan.look_again_at is not None:
            delays_s.append(max(0.0, (plan.look_again_at - utc_now()).total_seconds()))
        if self.spec.active_deadline_s is not None and self._state.started_at is not None:
            due_at = self._state.started_at + timedelta(seconds=self.spec.active_deadline_s)
            remaining_s = (due_at - utc_now()).total_seconds()
            if remaining_s > 0:
                delays_s.append(remaining_s)
        with anyio.move_on_after(min(delays_s, default=None) if delays_s else None):
            await self._wake.wait()

    # --- acting

    async def _apply(self, plan: PodPlan, now: datetime) -> bool:
        """Carry the plan out; True once the pod is over and forgotten by the API server."""
        for action in plan.actions:
            if isinstance(action, FinishDeletion):
                return await self._finish()
            await self._act(action, now)
        if self._volumes_stale and self._state.volumes_ready:
            self._volumes_stale = False
            with suppress(MountError):  # what runs keeps what it has
                self.volumes = await to_thread.run_sync(self._make_volumes)
        return False

    async def _act(self, action: Action, now: datetime) -> None:
        match action:
            case PrepareVolumes():
                await self._prepare_volumes(now)
            case StartContainer():
                await self._start(self.containers[action.name], now)
            case StopContainer():
                if action.reason != "unhealthy":
                    self.tell("Killing", f"Stopping container {action.name}")
                self.containers[action.name].begin_stop(action.grace_s)
            case FinishDeletion():
                raise AssertionError("handled by the caller")
            case _:
                assert_never(action)

    async def _prepare_volumes(self, now: datetime) -> None:
        self._volumes_stale = False
        try:
            self.volumes = await to_thread.run_sync(self._make_volumes)
        except MountError as error:
            # A claim is bound moments after its pod is made: only what lasts is worth telling.
            if str(error) == self._state.volumes_error:
                self.tell("FailedMount", str(error), warning=True)
            # What changed while we tried may be what was missing: then there is no wait.
            retry_at = None if self._volumes_stale else now + timedelta(seconds=_RETRY_S)
            self._state = replace(self._state, volumes_error=str(error), retry_at=retry_at)
            return
        self._state = replace(self._state, volumes_error=None, volumes_ready=True, retry_at=None)
        self.wake()

    def _make_volumes(self) -> dict[str, Path]:
        context = VolumeContext(
            pod_dir=self.directory.path,
            facts=self.facts(),
            sources=self.machine.sources(self.spec.namespace),
            claim_dirs=self.machine.claim_dirs(self.spec.namespace),
        )
        return ensure_volumes(self.spec, context)

    async def _start(self, container: Container, now: datetime) -> None:
        reason = "CreateContainerConfigError"
        try:
            launch = await to_thread.run_sync(partial(self._build_launch, container))
            reason = "RunContainerError"
            container.launch(launch)
        except NotYetError as error:
            container.wait_because("ContainerCreating", str(error))
            self._state = replace(self._state, retry_at=now + timedelta(seconds=_RETRY_S))
        except (ConfigError, MountError, ConflictError, OSError) as error:
            state = container.state
            if state.waiting is None or state.waiting.message != str(error):
                self.tell("Failed", f"Error: {error}", warning=True)
            container.wait_because(reason, str(error))
            self._state = replace(self._state, retry_at=now + timedelta(seconds=_RETRY_S))

    def _build_launch(self, container: Container) -> Launch:
        machine = self.machine
        return build_launch(
            self.spec,
            container.spec,
            LaunchContext(
                directory=self.directory.container(container.spec.name),
                attempt=container.state.attempts + 1,
                volumes=self.volumes,
                facts=self.facts(),
                sources=machine.sources(self.spec.namespace),
                base_env=machine.base_environment(self.spec.hostname),
                image_bin_dir=machine.image_bin_dir,
                cache_dir=machine.cache_dir,
                hosts_file=machine.hosts.path(self.spec.namespace),
                names=machine.hosts.names(self.spec.namespace),
                sandbox=machine.sandbox if self.sandboxed else None,
                cgroups=machine.cgroups,
                cgroup_name=f"{self.directory.path.name}-{container.spec.name}",
            ),
        )

    def facts(self) -> PodFacts:
        return PodFacts(
            pod_ip=self.pod_ip,
            host_ip=HOST_IP,
            node_name=self.machine.node_name,
            allocatable=allocatable(),
        )

    def _environment(self, container: ContainerSpec) -> dict[str, str]:
        if not any(mount.sub_path_expr for mount in container.mounts):
            return {}
        base = self.machine.base_environment(self.spec.hostname)
        sources = self.machine.sources(self.spec.namespace)
        return build_environment(self.spec, container, self.facts(), sources, base)

    def rewrite(self, container: ContainerSpec, word: str) -> str:
        """Put host paths and addresses into a word of a command, where there are no mounts."""
        if self.sandboxed:
            return word
        mounts = mounts_of(self.spec, container, self.volumes, self._environment(container))
        directory = self.directory.container(container.name)
        programs, cache = self.machine.image_bin_dir, self.machine.cache_dir
        paths = path_map(container, mounts, programs, cache, directory=directory)
        names = self.machine.hosts.names(self.spec.namespace)
        return rewrite_names(rewrite_paths(word, paths), names)

    async def _finish(self) -> bool:
        """Have the API server forget the pod; True once it has."""
        if self._gone_grace_s is not None:
            return True
        if self._deletion_sent:
            return False  # a finalizer holds it: `vanish` will be called
        spec, client = self.spec, self.machine.client
        try:
            await client.delete(POD, spec.name, spec.namespace, uid=spec.uid, grace_s=0)
        except (ConflictError, NotFoundError):
            return True  # the name belongs to another pod by now
        except ArmillaryError as error:
            logger.info("deletion not sent", extra={"pod": spec.name, "error": str(error)})
            return False
        self._deletion_sent = True
        return False

    # --- telling

    async def _report(self, pod: PodSpec, seen: PodState, plan: PodPlan) -> bool:
        """Send the status when it has changed; False when it must be tried again."""
        if self._gone_grace_s is not None:
            return True
        status = build_status(
            pod,
            seen,
            plan,
            pod_ip=self.pod_ip,
            host_ip=HOST_IP,
            before=self.object.get("status") or {},
            now=utc_now(),
        )
        if is_same_status(status, self._reported):
            return True
        patch = {"metadata": {"uid": pod.uid}, "status": status}
        send: Callable[..., Awaitable[Any]] = self.machine.client.merge_patch
        try:
            await send(POD, pod.name, pod.namespace, patch, subresource="status")
        except (NotFoundError, ConflictError):
            return True  # deleted meanwhile; the informer will tell
        except ArmillaryError as error:
            logger.info("status not sent", extra={"pod": pod.name, "error": str(error)})
            return False
        self._reported = status
        return True

    def _tell_back_off(self, plan: PodPlan) -> None:
        for name in plan.backing_off:
            if name not in self._backing_off:
                spec = self.spec
                text = f"Back-off restarting failed container {name} in pod "
                text += f"{spec.name}_{spec.namespace}({spec.uid})"
                self.tell("BackOff", text, warning=True)
        self._backing_off = frozenset(plan.backing_off)

    def tell(self, reason: str, message: str, *, warning: bool = False) -> None:
        """Record an event about the pod."""
        self.machine.events.record(
            {"apiVersion": "v1", "kind": "Pod", **self.object}, reason, message, warning=warning
        )
