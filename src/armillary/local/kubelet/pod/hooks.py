"""A container's hooks: one command, request or pause after its start or before its end. I/O."""

import anyio

from armillary.local.kubelet.pod.probing import RunCommand, ask
from armillary.local.kubelet.pod.spec import ContainerSpec, Json


async def run_hook(
    hook: Json, container: ContainerSpec, *, pod_ip: str, run_command: RunCommand
) -> str:
    """Return what went wrong; empty when nothing did."""
    if "sleep" in hook:
        await anyio.sleep(float(hook["sleep"]["seconds"]))
        return ""
    try:
        outcome = await ask(hook, container, pod_ip=pod_ip, run_command=run_command)
    except OSError as error:
        return str(error)
    return "" if outcome.success else outcome.message or "it did not succeed"
