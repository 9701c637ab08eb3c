"""Say why a cluster does not serve: what is unfinished, who keeps dying, what they wrote. I/O."""

import shutil
from typing import Any

from armillary.base.errors import ArmillaryError
from armillary.cli.bringup.progress import Progress
from armillary.cli.bringup.spawn import tail_of
from armillary.kube.client import KubeClient
from armillary.kube.kinds import POD
from armillary.local.supervise.state import read_processes
from armillary.settings.local import LocalPaths

COMPONENTS = ("etcd", "apiserver", "kubelet", "controllers", "operator")
LOG_LINES = 8
TROUBLES_EXPLAINED = 4
FREE_MB_WORTH_TELLING = 500


async def explain_troubles(client: KubeClient, namespace: str, progress: Progress) -> str:
    """Return a text for a person: unfinished phases, then troubles with the end of their logs."""
    lines = [
        f"  {phase.name}: {phase.done} of {phase.wanted}"
        for phase in progress.phases
        if not phase.is_done
    ]
    for trouble in progress.troubles[:TROUBLES_EXPLAINED]:
        lines.append(f"  {trouble}")
        if trouble.subject.startswith("pod/"):
            pod, _, container = trouble.subject.removeprefix("pod/").partition(" ")
            log = await read_log_tail(client, namespace, pod, container)
            lines += [f"    | {line}" for line in log.splitlines()]
    return "\n".join(lines)


def explain_components(paths: LocalPaths) -> str:
    """Return a text for a person: which components do not serve, and the end of their logs."""
    running = read_processes(paths.processes)
    lines = []
    for name in COMPONENTS:
        record = running.get(name)
        if record is not None and record.ready and record.is_alive():
            continue
        lines.append(f"  {name} does not serve; the end of {paths.logs / name}.log:")
        tail = tail_of(paths.logs / f"{name}.log", LOG_LINES)
        lines += [f"    | {line}" for line in tail.splitlines()]
    free_mb = shutil.disk_usage(paths.dir).free // 10**6
    if free_mb < FREE_MB_WORTH_TELLING:
        lines.append(f"  {free_mb} MB are left on the disk of {paths.dir}")
    return "\n".join(lines) or f"  every component serves; see {paths.logs}"


async def read_log_tail(client: KubeClient, namespace: str, pod: str, container: str) -> str:
    """Return the last lines of a container, of its previous run when the present one is silent."""
    for previous in ("false", "true"):
        params: dict[str, Any] = {"tailLines": str(LOG_LINES), "previous": previous}
        if container:
            params["container"] = container
        try:
            text = await client.text(POD.path(namespace, pod, "log"), params=params)
        except ArmillaryError:
            continue
        if text.strip():
            return text
    return ""
