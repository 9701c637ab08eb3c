"""The components of one machine by name, each with its settings filled in. Imports on demand."""

# ruff: noqa: PLC0415 - one component's imports must not weigh on another's process

import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from armillary.base.errors import InputError
from armillary.local.supervise.state import LocalState
from armillary.settings.local import (
    ApiserverSettings,
    ControllersSettings,
    KubeletSettings,
    LocalPaths,
    SupervisorSettings,
)

SANDBOX_VARIABLE = "ARMILLARY_SANDBOX"
SANDBOXES = ("auto", "none")

COMPONENTS = ("supervisor", "apiserver", "controllers", "kubelet", "operator")

# Called with task_status=; says `started` when it serves.
Runner = Callable[..., Awaitable[None]]


def component_runner(
    name: str, paths: LocalPaths, state: LocalState, *, tell: Callable[[str], None]
) -> Runner:
    """Return the component's `run`, settings included; only the named component is imported.

    Args:
        tell: takes one line whenever something worth showing to a waiting person happened.
    """
    assert name in COMPONENTS
    match name:
        case "supervisor":
            from armillary.local.supervise.main import run as run_supervisor

            settings = SupervisorSettings(dir=paths.dir, network=state.network)
            return partial(run_supervisor, settings, tell=tell)
        case "apiserver":
            from armillary.local.apiserver.main import run as run_apiserver

            return partial(run_apiserver, _apiserver(paths, state))
        case "controllers":
            from armillary.local.controllers.main import run as run_controllers

            return partial(
                run_controllers, ControllersSettings(dir=paths.dir, kubeconfig=paths.kubeconfig)
            )
        case "kubelet":
            from armillary.local.kubelet.main import run as run_kubelet

            return partial(run_kubelet, _kubelet(paths, state))
        case _:
            from armillary.operator.main import run as run_operator
            from armillary.settings.operator import OperatorSettings

            return partial(
                run_operator, OperatorSettings(kubeconfig=paths.kubeconfig, local_image=True)
            )


def _apiserver(paths: LocalPaths, state: LocalState) -> ApiserverSettings:
    return ApiserverSettings(
        dir=paths.dir,
        port=state.apiserver_port,
        service_cidr=state.service_cidr,
        etcd_endpoint=f"unix:{paths.etcd_socket}",
    )


def _kubelet(paths: LocalPaths, state: LocalState) -> KubeletSettings:
    return KubeletSettings(
        dir=paths.dir,
        kubeconfig=paths.kubeconfig,
        pod_cidr=state.pod_cidr,
        port=state.kubelet_port,
        node_name=state.node_name,
        image_bin_dir=Path(sys.executable).parent,
        sandbox=wanted_sandbox(),
    )


def wanted_sandbox() -> str:
    """Return what the person's environment asks for.

    Raises:
        InputError: something else than `auto` or `none`.
    """
    wanted = os.environ.get(SANDBOX_VARIABLE) or "auto"
    if wanted not in SANDBOXES:
        raise InputError(f"{SANDBOX_VARIABLE}={wanted}: wanted {' or '.join(SANDBOXES)}")
    return wanted
