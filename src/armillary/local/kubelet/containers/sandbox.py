"""The file system that a container sees, built by bubblewrap from bind mounts.

The root is new and empty; every top-level directory of the host is bound read-only into it, except
those that a pod has of its own. `plan_root` is pure apart from the `HostTree` it asks;
`find_sandbox` tries once, at the kubelet's start, whether bubblewrap works for this user.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

# What a container has of its own, or must not see.
_HIDDEN = frozenset({"vt", "proc", "dev", "tmp", "lost+found"})
# The devices of a container, where bubblewrap makes none.
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "pts", "shm")
_DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_TRY_S_MAX = 10.0
_HOSTNAME_CHARS_MAX = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    source: Path  # on the host
    target: str  # absolute, in the container
    read_only: bool = False


class HostTree(Protocol):
    """What `plan_root` asks about the host's files."""

    def exists(self, path: str) -> bool: ...
    def realpath(self, path: str) -> str: ...
    def entries(self, path: str) -> Sequence[str]: ...
    def link_target(self, path: str) -> str | None: ...


class LocalTree:
    """This machine's files. I/O."""

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def realpath(self, path: str) -> str:
        return os.path.realpath(path)

    def entries(self, path: str) -> Sequence[str]:
        try:
            return sorted(os.listdir(path))
        except OSError:
            return ()

    def link_target(self, path: str) -> str | None:
        return os.readlink(path) if os.path.islink(path) else None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A way to run bubblewrap that was seen to work on this machine."""

    program: str
    left_out: frozenset[str] = frozenset()  # top-level directories that cannot be bound
    always: tuple[Mount, ...] = ()  # what the programs themselves need, wherever they live
    emptied: str = ""  # the cluster's own directory: its keys and data are no pod's business
    makes_devices: bool = False  # bubblewrap makes a /dev with terminals of its own

    def command(
        self,
        argv: Sequence[str],
        *,
        mounts: Sequence[Mount],
        hostname: str,
        working_dir: str | None,
        tree: HostTree,
    ) -> list[str]:
        """Return the words that run `argv` in a sandbox with these mounts."""
        words = [self.program, "--unshare-pid", "--unshare-uts", "--die-with-parent"]
        words += ["--hostname", hostname[:_HOSTNAME_CHARS_MAX]]
        words += plan_root(
            (*self.always, *mounts),
            tree,
            left_out=self.left_out,
            emptied=self.emptied,
            makes_devices=self.makes_devices,
        )
        words += ["--chdir", working_dir or "/", "--", *argv]
        return words


def plan_root(
    mounts: Sequence[Mount],
    tree: HostTree,
    *,
    left_out: frozenset[str] = frozenset(),
    emptied: str = "",
    makes_devices: bool = False,
) -> list[str]:
    """Return bubblewrap's words for the file system; directory `emptied` has only mounts in it.

    A mount point that the host lacks can only be made in a directory of the new root: a host
    directory on its way is therefore opened, i.e. made anew, with each of its entries bound.
    """
    hidden = _HIDDEN | left_out
    resolved = [_resolve(mount, tree, hidden) for mount in mounts]
    opened: set[str] = set()
    for mount in resolved:
        opened |= _dirs_to_open(mount.target, tree, hidden)
    words: list[str] = []
    for name in tree.entries("/"):
        if name not in hidden:
            words += _bind_host(f"/{name}", opened, tree)
    if emptied and tree.exists(emptied) and tree.realpath(emptied).split("/")[1] not in hidden:
        words += ["--tmpfs", tree.realpath(emptied)]
    words += ["--proc", "/proc"]
    words += ["--dev", "/dev"] if makes_devices else _bind_devices(tree)
    # Parents before children, so that a mount inside another one is not covered by it.
    for mount in sorted(resolved, key=lambda mount: (mount.target.count("/"), mount.target)):
        words += ["--ro-bind" if mount.read_only else "--bind", str(mount.source), mount.target]
    return words


def _resolve(mount: Mount, tree: HostTree, hidden: frozenset[str]) -> Mount:
    """Follow the host's symbolic links on the way to the mount point (/var/run -> /run)."""
    target = os.path.normpath(mount.target)
    if target.split("/")[1] in hidden:
        return Mount(source=mount.source, target=target, read_only=mount.read_only)
    real = tree.realpath(target)
    return Mount(source=mount.source, target=real, read_only=mount.read_only)


def _dirs_to_open(target: str, tree: HostTree, hidden: frozenset[str]) -> set[str]:
    parts = target.strip("/").split("/")
    if parts[0] in hidden or not tree.exists(f"/{parts[0]}") or tree.exists(target):
        return set()
    prefixes = ["/" + "/".join(parts[:count]) for count in range(1, len(parts))]
    return {prefix for prefix in prefixes if tree.exists(prefix)}


def _bind_devices(tree: HostTree) -> list[str]:
    """Return the words for a /dev of the container's own, with a few of the machine's devices."""
    words = ["--dir", "/dev"]
    for name in _DEVICES:
        if tree.exists(f"/dev/{name}"):
            words += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    for name, target in _DEVICE_LINKS.items():
        words += ["--symlink", target, f"/dev/{name}"]
    return words


def _bind_host(path: str, opened: set[str], tree: HostTree) -> list[str]:
    link = tree.link_target(path)
    if link is not None:
        return ["--symlink", link, path]
    if path not in opened:
        return ["--ro-bind", path, path]
    words = ["--dir", path]
    for name in tree.entries(path):
        words += _bind_host(f"{path}/{name}", opened, tree)
    return words


def find_sandbox(
    paths_needed: Sequence[Path], *, temporary: Path, secret: Path
) -> tuple[Sandbox | None, str]:
    """Try bubblewrap as this user; without a sandbox, say why there is none. I/O.

    Args:
        secret: a directory that pods must not see, except for what is mounted from it.
    """
    program = shutil.which("bwrap")
    if program is None:
        return None, "bubblewrap is not installed"
    always = tuple(
        Mount(source=path, target=str(path), read_only=True)
        for path in python_paths(paths_needed)
        if path.parts[1] in _HIDDEN or path.is_relative_to(secret)
    )
    # For an ordinary user bubblewrap makes one more user namespace for them, that `kubectl exec`
    # could not enter.
    is_root = os.geteuid() == 0
    sandbox = Sandbox(program, always=always, emptied=str(secret), makes_devices=is_root)
    error = _try(sandbox, temporary)
    if error is None:
        return sandbox, ""
    # One directory of the host (a stale network mount, say) may be what cannot be bound.
    left_out = frozenset(name for name in os.listdir("/") if not _can_bind(program, name))
    sandbox = replace(sandbox, left_out=left_out)
    second_error = _try(sandbox, temporary) if left_out else error
    return (sandbox, "") if second_error is None else (None, second_error)


def python_paths(more: Sequence[Path] = ()) -> list[Path]:
    """Return where our programs, their interpreter and their libraries live."""
    named = [sys.prefix, sys.base_prefix, *sys.path]
    paths = {Path(name) for name in named if name and os.path.isdir(name)} | set(more)
    return sorted(path for path in paths if not any(parent in paths for parent in path.parents))


def _try(sandbox: Sandbox, temporary: Path) -> str | None:
    mounts = [
        Mount(source=temporary, target="/tmp"),
        Mount(source=temporary, target="/vt/try"),
        Mount(source=Path("/etc/hosts"), target="/etc/hosts", read_only=True),
    ]
    command = sandbox.command(
        ["/bin/sh", "-c", "test -d /vt/try && test -r /etc/hosts && test -d /proc/self"],
        mounts=mounts,
        hostname="try",
        working_dir=None,
        tree=LocalTree(),
    )
    return _run(command)


def _can_bind(program: str, name: str) -> bool:
    if name in _HIDDEN or os.path.islink(f"/{name}"):
        return True
    words = [program, "--ro-bind", "/usr", "/usr"]
    words += ["--ro-bind-try", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64"]
    return _run([*words, "--ro-bind", f"/{name}", f"/{name}", "--", "/usr/bin/true"]) is None


def _run(command: Sequence[str]) -> str | None:
    """Return None when the command succeeds, else what it complained about."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TRY_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return repr(error)
    return None if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"
