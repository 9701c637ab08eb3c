"""The supervisor: one a directory; parent of etcd, API server, controllers, kubelet, operator.

It starts each component when those it needs have said that they serve, restarts what dies, and
stops all of it in reverse order on SIGTERM. A kubelet leaves its pods running, so the supervisor
ends them after it. It waits on the kernel for everything and asks nobody anything while idle.
"""

import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import InputError
from armillary.local.supervise.child import Child
from armillary.local.supervise.components import build_components
from armillary.local.supervise.leftovers import end_leftovers
from armillary.local.supervise.lock import hold_lock
from armillary.local.supervise.log_file import RotatingLog
from armillary.local.supervise.network import NetworkClaim
from armillary.local.supervise.written import WrittenProcesses
from armillary.settings.local import LocalPaths, SupervisorSettings

logger = logging.getLogger(__name__)


async def run(
    settings: SupervisorSettings,
    *,
    tell: Callable[[str], None] = lambda status: None,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Run the control plane until cancelled, then stop it in order.

    Args:
        tell: called with one line whenever a component serves for the first time.

    Raises:
        ConflictError: another supervisor runs in this directory, or another cluster holds the
            address range.
        InputError: etcd is not installed.
    """
    paths = LocalPaths(settings.dir)
    etcd = shutil.which("etcd")
    if etcd is None:
        raise InputError("etcd is not installed: `armillary doctor` says how to get it")
    program = (str(Path(sys.executable).parent / "armillary"),)
    with hold_lock(paths.supervisor_lock) as lock, NetworkClaim(settings.network):
        await end_leftovers(paths.processes)
        children: list[Child] = []
        written = WrittenProcesses(paths.processes, children)
        for component in build_components(paths, program=program, etcd=etcd):
            log = RotatingLog(
                paths.logs / f"{component.name}.log",
                bytes_max=settings.log_bytes_max,
                kept=settings.log_files_kept,
            )
            notice_path = paths.run / f"n-{component.name}"
            children.append(
                Child(component, notice_path=notice_path, log=log, on_change=written.write)
            )

        async with anyio.create_task_group() as tg:
            tg.start_soon(written.make_up)
            try:
                await _start_in_turn(tg, children, tell)
                task_status.started()
                await anyio.sleep_forever()
            finally:
                lock.say_stopping()
                with anyio.CancelScope(shield=True):
                    await _stop_in_reverse(children, paths, grace_s=settings.stop_grace_s)
                tg.cancel_scope.cancel()


async def _start_in_turn(
    tg: anyio.abc.TaskGroup, children: Sequence[Child], tell: Callable[[str], None]
) -> None:
    """Start each child when those it needs serve; return when all of them have served once."""
    by_name = {child.component.name: child for child in children}

    async def start(child: Child) -> None:
        for name in child.component.after:
            await by_name[name].ready.wait()
        tg.start_soon(child.keep_running)
        await child.ready.wait()
        tell(f"{child.component.name} serves")

    async with anyio.create_task_group() as starting:
        for child in children:
            starting.start_soon(start, child)


async def _stop_in_reverse(children: Sequence[Child], paths: LocalPaths, *, grace_s: float) -> None:
    """Stop those that act before those that they act through: operator first, etcd last.

    A kubelet that ends leaves its pods running, so that it can be replaced; whoever stops the
    whole cluster ends the pods after it.
    """
    from armillary.local.kubelet.stop import stop_all_pods  # noqa: PLC0415 - only at the very end

    for child in reversed(children):
        await child.stop(grace_s=grace_s)
        logger.info("component stopped", extra={"component": child.component.name})
        if child.component.name == "kubelet":
            await stop_all_pods(paths.dir)
            logger.info("pods stopped")
