"""Make a directory ready for a cluster: credentials, ports, address range, shims. I/O."""

import fcntl
import os
import shutil
import socket
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from armillary.base.errors import InputError, NotFoundError, PreconditionError
from armillary.local.supervise.network import (
    NetworkClaim,
    choose_network,
    choose_ports,
    is_port_free,
)
from armillary.local.supervise.state import (
    LocalState,
    read_processes,
    read_state,
    write_state,
)
from armillary.settings.local import LocalPaths

# A unix socket's path has at most 107 bytes, and the longest name that we put behind DIR is a
# socket in a pod's volume.
DIR_CHARS_MAX = 60


def prepare_directory(directory: Path, *, namespace: str, network: str | None = None) -> LocalState:
    """Make `directory` a cluster's home, or check that it is one, and return its choices.

    Again: keeps addresses, credentials, and ports that nobody else has taken since; the namespace
    that `status` looks at moves.

    Raises:
        InputError: the path is too long for unix sockets, or is somebody else's.
        ConflictError: the wanted `network` is taken by another cluster.
    """
    # Not before it is needed: the import alone costs more than the rest of this module.
    from armillary.local.pki import ensure_pki, write_kubeconfig  # noqa: PLC0415

    if len(str(directory)) > DIR_CHARS_MAX:
        raise InputError(
            f"{directory} is too long for the unix sockets below it:"
            f" wanted at most {DIR_CHARS_MAX} characters, found {len(str(directory))}"
        )
    paths = LocalPaths(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise InputError(f"{directory} belongs to another user")
    with one_at_a_time(directory):
        if not paths.state.exists():
            refuse_foreign(directory)
        directory.chmod(0o700)
        for part in (paths.run, paths.logs, paths.etcd_data, paths.pods, paths.volumes, paths.bin):
            part.mkdir(mode=0o700, exist_ok=True)
        state = _choose_state(paths, namespace=namespace, network=network)
        ensure_pki(directory)
        write_kubeconfig(directory, port=state.apiserver_port)
        _write_shims(paths)
    return state


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Two `up` at once must not each make a part, nor one take the other's half for a stranger's.

    The directory is its own lock: a file for it would be one more thing in a stranger's.
    """
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def refuse_foreign(directory: Path) -> None:
    """Leave a directory alone that has another use: it becomes private, and `--purge` empties it.

    Files beside the cluster's own, such as its manifest, may be there.

    Raises:
        InputError: it is one that all share, or somebody's home, or holds what is not ours under
            the names that are ours to remove.
    """
    mode = directory.stat().st_mode
    if mode & stat.S_IWOTH or directory in (Path("/"), Path.home()):
        raise InputError(f"{directory} has another use: wanted a directory for the cluster alone")
    paths = LocalPaths(directory)
    parts = (
        paths.run,
        paths.logs,
        paths.etcd_data,
        paths.pods,
        paths.volumes,
        paths.bin,
        paths.pki,
    )
    taken = [part for part in parts if part.is_file() or (part.is_dir() and _is_used(part))]
    if taken:
        names = ", ".join(part.name for part in taken)
        raise InputError(
            f"{directory} holds {names}, and no cluster that made them (no run/state.json): wanted "
            "a new directory, an empty one, or a cluster's"
        )


def _is_used(part: Path) -> bool:
    """Whether it holds more than what an `up` leaves that was killed as it wrote its choices."""
    return any(not file.name.startswith(".state.json.") for file in part.iterdir())


def _choose_state(paths: LocalPaths, *, namespace: str, network: str | None) -> LocalState:
    try:
        known = read_state(paths.state)
    except NotFoundError:
        pass
    else:
        if network not in (None, known.network):
            raise InputError(
                f"{paths.dir} has its pods in {known.network}; that cannot change to {network}"
            )
        state = replace(known, namespace=namespace)
        if not any(record.is_alive() for record in read_processes(paths.processes).values()):
            state = with_free_ports(state, seed=str(paths.dir))
        if state != known:
            write_state(paths.state, state)
        return state
    if network is not None:
        with NetworkClaim(network):
            pass
    apiserver_port, kubelet_port = choose_ports(2, seed=str(paths.dir))
    state = LocalState(
        network=network or choose_network(paths.dir),
        apiserver_port=apiserver_port,
        kubelet_port=kubelet_port,
        node_name=socket.gethostname().lower().split(".")[0] or "localhost",
        namespace=namespace,
    )
    write_state(paths.state, state)
    return state


def with_free_ports(state: LocalState, *, seed: str) -> LocalState:
    """Return the state with other ports where another program has taken ours meanwhile. I/O.

    To be asked only while none of our own processes runs.
    """
    apiserver, kubelet = state.apiserver_port, state.kubelet_port
    if is_port_free(apiserver) and is_port_free(kubelet):
        return state
    fresh = [port for port in choose_ports(4, seed=seed) if port not in (apiserver, kubelet)]
    return replace(
        state,
        apiserver_port=apiserver if is_port_free(apiserver) else fresh[0],
        kubelet_port=kubelet if is_port_free(kubelet) else fresh[1],
    )


def _write_shims(paths: LocalPaths) -> None:
    """Fill DIR/bin: a kubectl that is new enough, and our own commands."""
    from armillary.cli.prerequisites import find_kubectl  # noqa: PLC0415

    programs = {name: Path(sys.executable).parent / name for name in ("armillary", "vtctlclient")}
    kubectl = find_kubectl()
    if kubectl is not None:
        programs["kubectl"] = kubectl.path
    link_programs(paths.bin, programs)


def link_programs(folder: Path, programs: Mapping[str, Path]) -> None:
    """Make the links; one found through this very folder (it is on PATH) is left as it is."""
    for name, program in programs.items():
        link = folder / name
        if program == link:
            continue
        if link.is_symlink() and link.readlink() == program:
            continue
        draft = link.with_name(f".{name}.{os.getpid()}")
        draft.symlink_to(program)
        draft.replace(link)


def ensure_is_cluster(directory: Path) -> None:
    """Raises PreconditionError unless `armillary up` made this directory: `--purge` deletes."""
    if not LocalPaths(directory).state.exists():
        raise PreconditionError(f"{directory} holds no cluster: it has no run/state.json")


def remove_directory(directory: Path) -> list[str]:
    """Remove the cluster's data, credentials and logs; the directory itself too when empty.

    Returns:
        What could not be removed, and why. The directory stays a cluster's then, so that the same
        command can be given again.
    """
    paths = LocalPaths(directory)
    problems: list[str] = []

    def note(act: object, path: str, info: tuple[object, BaseException, object]) -> None:
        if not isinstance(info[1], FileNotFoundError):
            problems.append(f"{path}: {info[1]}")

    data = (paths.etcd_data, paths.pods, paths.volumes, paths.backups)
    for part in (*data, paths.cache, paths.kubectl_cache, paths.logs, paths.bin, paths.pki):
        shutil.rmtree(part, onerror=note)
    for file in (paths.kubeconfig, paths.grpc_client, paths.mysql_defaults):
        file.unlink(missing_ok=True)
    if problems:
        return problems
    # Last, because it is what says that the rest is ours to remove.
    shutil.rmtree(paths.run, onerror=note)
    with suppress(OSError):  # it holds something else, or a disk is mounted there
        directory.rmdir()
    return problems
