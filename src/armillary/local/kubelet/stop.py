"""Ends every pod's processes from the files alone: for `armillary down`, with the API gone. I/O."""

import logging
import signal
from dataclasses import dataclass
from pathlib import Path

import anyio

from armillary.base.errors import ArmillaryError
from armillary.local.kubelet.containers.cgroup import cgroup_name, find_cgroup_parent
from armillary.local.kubelet.containers.process import (
    adopt,
    find_main,
    is_lock_free,
    kill_container,
    kill_leftovers,
    send_signal,
)
from armillary.local.kubelet.pod.records import ContainerDir, PodDir, list_pod_dirs
from armillary.local.kubelet.pod.spec import parse_pod
from armillary.local.supervise.state import read_state
from armillary.settings.local import LocalPaths

logger = logging.getLogger(__name__)

_SIGNAL_RETRY_S = 0.02
_SIGNAL_TRIES = 100
# Members of a lockserver that all end have nobody left to hand their leadership to, and wait for an
# answer for ten seconds. What they have acknowledged is on disk at any moment.
_GRACE_S_MAX_OF = {"etcd": 2.0}


@dataclass(frozen=True, slots=True)
class _Target:
    directory: ContainerDir
    sandboxed: bool
    grace_s: float


async def stop_all_pods(directory: Path, *, grace_s_max: float = 60.0) -> int:
    """End every container that runs under DIR/pods; return how many there were.

    TERM first, KILL when the pod's grace (at most `grace_s_max`) is over. No kubelet may run for
    the same directory: it would start again what ends here. Volumes and records stay, so the next
    kubelet starts the pods anew.

    Again: ends what is left.
    """
    targets = [target for pod in list_pod_dirs(LocalPaths(directory).pods) for target in _of(pod)]
    async with anyio.create_task_group() as group:
        for target in targets:
            group.start_soon(_stop, target, min(target.grace_s, grace_s_max))
    _remove_cgroups(LocalPaths(directory))
    return len(targets)


def _remove_cgroups(paths: LocalPaths) -> None:
    try:
        port = read_state(paths.state).kubelet_port
    except ArmillaryError:
        return  # a directory of which only the pods are left
    if (parent := find_cgroup_parent(cgroup_name(port))) is not None:
        parent.remove()


def _of(pod: PodDir) -> list[_Target]:
    record = pod.read()
    grace_s = 30.0
    if record is not None:
        spec = parse_pod(record.pod)
        component = spec.labels.get("planetscale.com/component", "")
        grace_s = min(spec.grace_s, _GRACE_S_MAX_OF.get(component, spec.grace_s))
    return [
        _Target(container, record is None or record.sandboxed, grace_s)
        for container in pod.containers()
        if not is_lock_free(container.path)
    ]


async def _stop(target: _Target, grace_s: float) -> None:
    state, _ = target.directory.read()
    attempt_dir = target.directory.attempt(state.attempts)
    try:
        process = await adopt(attempt_dir, sandboxed=target.sandboxed)
        if process is not None:
            with anyio.move_on_after(grace_s):
                await _terminate(attempt_dir, sandboxed=target.sandboxed)
                await process.wait()
                return
            logger.warning("a container outlived its grace", extra={"dir": str(attempt_dir)})
            await kill_container(attempt_dir)
        await kill_leftovers(target.directory.path)
    except ArmillaryError as error:
        logger.error("a container does not end", extra={"error": str(error)})


async def _terminate(attempt_dir: Path, *, sandboxed: bool) -> None:
    for _ in range(_SIGNAL_TRIES):  # right after a start the program may not be there yet
        main = find_main(attempt_dir, sandboxed=sandboxed)
        if main is not None and send_signal(main, signal.SIGTERM):
            return
        await anyio.sleep(_SIGNAL_RETRY_S)
