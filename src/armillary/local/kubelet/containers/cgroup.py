"""Limits of containers where this user may write a cgroup; nothing elsewhere. I/O."""

import contextlib
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

logger = logging.getLogger(__name__)

MEMORY, CPU = "memory", "cpu"
_ROOT = Path("/sys/fs/cgroup")
_REMOVE_TRIES, _REMOVE_RETRY_S = 50, 0.02
_CPU_PERIOD_US = 100_000
_CPU_QUOTA_US_MIN = 1000  # less is refused
_LIMIT_FILES = {
    (MEMORY, 1): "memory.limit_in_bytes",
    (MEMORY, 2): "memory.max",
    (CPU, 1): "cpu.cfs_quota_us",
    (CPU, 2): "cpu.max",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A directory in which one controller keeps its files; version 2 has one for all of them."""

    controller: str
    path: Path
    version: int

    @property
    def limit_file(self) -> Path:
        return self.path / _LIMIT_FILES[self.controller, self.version]

    def limit(self, amount: float) -> None:
        """Write a limit: bytes, or a number of CPUs.

        Raises:
            OSError: the kernel refuses.
        """
        self.path.mkdir(exist_ok=True)
        if self.controller == MEMORY:
            self.limit_file.write_text(str(math.ceil(amount)))
            with contextlib.suppress(OSError):
                (self.path / "memory.swap.max").write_text("0")
            return
        quota_us = max(_CPU_QUOTA_US_MIN, round(amount * _CPU_PERIOD_US))
        if self.version == 2:
            self.limit_file.write_text(f"{quota_us} {_CPU_PERIOD_US}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(_CPU_PERIOD_US))
            self.limit_file.write_text(str(quota_us))


@dataclass(frozen=True, slots=True)
class ContainerCgroup:
    """One container's groups, made or not."""

    groups: tuple[Group, ...]

    @property
    def procs(self) -> tuple[Path, ...]:
        """The files that a process joins the groups by."""
        return tuple(dict.fromkeys(group.path / "cgroup.procs" for group in self.groups))

    def oom_kill_count(self) -> int:
        """Return how many of its processes the kernel killed for memory."""
        for group in self.groups:
            if group.controller == MEMORY:
                return _oom_kill_count(group)
        return 0

    async def remove(self) -> None:
        """Again: fine. A group that still has a process after a while stays.

        One that has given everything up already counts for some moments more.
        """
        left = list(self.groups)
        for _ in range(_REMOVE_TRIES):
            left = [group for group in left if not _remove(group.path)]
            if not left:
                return
            await anyio.sleep(_REMOVE_RETRY_S)


def _remove(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()


def _oom_kill_count(group: Group) -> int:
    name = "memory.events" if group.version == 2 else "memory.oom_control"
    with contextlib.suppress(OSError, ValueError):
        for line in (group.path / name).read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return 0


@dataclass(frozen=True, slots=True)
class CgroupParent:
    """Where the groups of this kubelet's containers go."""

    groups: tuple[Group, ...]  # one for each controller that can be used

    def group(self, name: str) -> ContainerCgroup:
        return ContainerCgroup(
            tuple(Group(each.controller, each.path / name, each.version) for each in self.groups)
        )

    def create(self, name: str, limits: Mapping[str, float]) -> ContainerCgroup:
        """Make one container's groups with their limits; without those that the kernel refuses."""
        made = []
        for group in self.group(name).groups:
            if group.controller not in limits:
                continue
            try:
                group.limit(limits[group.controller])
            except OSError as error:
                logger.warning(
                    "no limit",
                    extra={"of": group.controller, "cgroup": str(group.path), "error": error},
                )
            else:
                made.append(group)
        return ContainerCgroup(tuple(made))

    def remove(self) -> None:
        """Remove all of it that no process is in. Again: fine."""
        for group in self.groups:
            inner = [path for path in group.path.glob("*") if path.is_dir()]
            for path in (*inner, group.path):
                _remove(path)


def cgroup_name(kubelet_port: int) -> str:
    """Return what the groups of a kubelet are called; its port is its own on the machine."""
    return f"armillary-{os.getuid()}-{kubelet_port}"


def kept_limits(parent: CgroupParent | None) -> dict[str, bool]:
    """Say for the log which limits of containers are kept."""
    found = {group.controller for group in parent.groups} if parent is not None else set()
    return {f"{controller}_limits": controller in found for controller in (MEMORY, CPU)}


def find_cgroup_parent(name: str) -> CgroupParent | None:
    """Make groups for this kubelet below our own (version 1) or beside it; None without rights."""
    try:
        text = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    found = (_find_group(name, controller, text) for controller in (MEMORY, CPU))
    groups = tuple(group for group in found if group is not None)
    return CgroupParent(groups) if groups else None


def _find_group(name: str, controller: str, own_groups: str) -> Group | None:
    for version, base in candidates(own_groups, controller, _ROOT):
        group = Group(controller, base / name, version)
        trial = Group(controller, group.path / "trial", version)
        is_new = not group.path.exists()
        try:
            group.path.mkdir(exist_ok=True)
            if version == 2:
                (group.path / "cgroup.subtree_control").write_text(f"+{controller}")
            trial.path.mkdir(exist_ok=True)
            usable = os.access(trial.limit_file, os.W_OK)
            trial.path.rmdir()
        except OSError:
            usable = False
        if usable:
            return group
        if is_new:  # else another controller uses it
            with contextlib.suppress(OSError):
                group.path.rmdir()
    return None


def candidates(own_groups: str, controller: str, root: Path) -> list[tuple[int, Path]]:
    """Return (version, directory) where a group of ours might go, best first.

    Args:
        own_groups: the text of /proc/self/cgroup.
    """
    found: list[tuple[int, Path]] = []
    for line in own_groups.splitlines():
        _, controllers, group = line.split(":", 2)
        relative = group.lstrip("/")
        if controller in controllers.split(","):
            # Version 1 has no rule against processes in inner groups. The path may be one that
            # this mount does not show (a container's), so the hierarchy's root comes second.
            found += [(1, root / controller / relative), (1, root / controller)]
        elif not controllers:
            # Version 2 gives controllers only to groups whose parent holds no processes itself:
            # our own parent (a delegated user slice) is the nearest such place.
            own = root / relative
            found += [(2, own.parent), (2, own)] if relative else [(2, own)]
    return [(version, path) for version, path in found if path.is_dir() and path != root.parent]
