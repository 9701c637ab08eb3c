"""`armillary logs`: the log of a component, or of a pod through the API server."""

import os
import sys
from pathlib import Path

import click

from armillary.base.errors import NotFoundError, UnavailableError
from armillary.cli.options import directory_option
from armillary.local.supervise.state import read_state
from armillary.settings.local import LocalPaths

COMPONENTS = ("supervisor", "etcd", "apiserver", "controllers", "kubelet", "operator")


@click.command("logs")
@click.argument("name", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added.")
@click.option("-c", "--container", help="The pod's container.")
@click.option("--previous", is_flag=True, help="The container's run before this one.")
@click.option("--tail", "lines", type=int, default=100, show_default=True, help="Lines to print.")
@directory_option
def command(
    name: str | None,
    follow: bool,
    container: str | None,
    previous: bool,
    lines: int,
    directory: Path,
) -> None:
    """Print the log of a component (supervisor, etcd, apiserver, controllers, kubelet, operator)
    or of a pod, given by any unambiguous part of its name. Without NAME: which ones there are.

    \b
    Exit codes: 0 done, 2 no such component or pod, or several, 5 the cluster does not answer.
    """
    paths = LocalPaths(directory)
    state = read_state(paths.state)
    if name is None:
        for component in COMPONENTS:
            print(component)
        for pod in _list_pods(_kubectl(paths, state.namespace)):
            print(pod)
        return
    if name in COMPONENTS:
        log = paths.logs / f"{name}.log"
        if not log.exists():
            raise NotFoundError(f"{log} does not exist: {name} has not run yet")
        flags = ["-F"] if follow else []
        _become(["tail", *flags, "-n", str(lines), str(log)])
    kubectl = _kubectl(paths, state.namespace)
    pod = _find_pod(kubectl, name)
    words = [*kubectl, "logs", pod, f"--tail={lines}"]
    words += [f"--container={container}"] if container else ["--all-containers", "--prefix"]
    words += ["-f"] if follow else []
    words += ["--previous"] if previous else []
    _become(words)


def _kubectl(paths: LocalPaths, namespace: str) -> list[str]:
    cluster = [f"--kubeconfig={paths.kubeconfig}", f"--cache-dir={paths.kubectl_cache}"]
    return [str(paths.bin / "kubectl"), *cluster, "-n", namespace]


def _list_pods(kubectl: list[str]) -> list[str]:
    import subprocess  # noqa: PLC0415

    listed = subprocess.run(
        [*kubectl, "get", "pods", "-o", "name"], check=False, capture_output=True, text=True
    )
    if listed.returncode != 0:
        raise UnavailableError(f"cannot list the pods: {listed.stderr.strip()}")
    return [line.removeprefix("pod/") for line in listed.stdout.splitlines()]


def _find_pod(kubectl: list[str], part: str) -> str:
    names = _list_pods(kubectl)
    if part in names:
        return part
    found = [name for name in names if part in name]
    if len(found) == 1:
        return found[0]
    candidates = ", ".join(found or names) or "none"
    raise NotFoundError(
        f"wanted one component or pod named {part!r}, found {len(found)}; there are: {candidates}"
    )


def _become(argv: list[str]) -> None:
    """Replace this process, so that Ctrl-C and exit codes are the program's own."""
    sys.stdout.flush()
    os.execvp(argv[0], argv)
