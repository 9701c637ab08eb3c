"""Memory limits of containers where this user may write a cgroup; nothing elsewhere. I/O."""

import contextlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class MemoryCgroup:
    """One container's group."""

    path: Path
    version: int

    @property
    def procs(self) -> Path:
        return self.path / "cgroup.procs"

    def oom_kill_count(self) -> int:
        """Return how many of its processes the kernel killed for memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        with contextlib.suppress(OSError, ValueError):
            for line in (self.path / name).read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return 0

    def remove(self) -> None:
        """Again: fine. A group with a process left in it stays."""
        with contextlib.suppress(OSError):
            self.path.rmdir()


@dataclass(frozen=True, slots=True)
class CgroupParent:
    """Where the groups of this kubelet's containers go."""

    path: Path
    version: int

    def group(self, name: str) -> MemoryCgroup:
        return MemoryCgroup(self.path / name, self.version)

    def create(self, name: str, memory_bytes_max: int) -> MemoryCgroup | None:
        """Make one container's group with its limit; None when the kernel refuses."""
        group = self.group(name)
        limit = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        try:
            group.path.mkdir(exist_ok=True)
            (group.path / limit).write_text(str(memory_bytes_max))
        except OSError as error:
            logger.warning("no memory limit", extra={"cgroup": str(group.path), "error": error})
            return None
        with contextlib.suppress(OSError):
            (group.path / "memory.swap.max").write_text("0")
        return group

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            self.path.rmdir()


def find_cgroup_parent(name: str) -> CgroupParent | None:
    """Make a group for this kubelet below our own (version 1) or beside it; None without rights."""
    try:
        text = Path("/proc/self/cgroup").read_text()
    except OSError:
        return None
    for version, base in candidates(text, _ROOT):
        path = base / name
        try:
            path.mkdir(exist_ok=True)
            if version == 2:
                (path / "cgroup.subtree_control").write_text("+memory")
            limit = "memory.max" if version == 2 else "memory.limit_in_bytes"
            trial = path / "trial"
            trial.mkdir(exist_ok=True)
            usable = os.access(trial / limit, os.W_OK)
            trial.rmdir()
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
            continue
        if usable:
            return CgroupParent(path, version)
    return None


def candidates(own_groups: str, root: Path) -> list[tuple[int, Path]]:
    """Return (version, directory) where a group of ours might go, best first.

    Args:
        own_groups: the text of /proc/self/cgroup.
    """
    found: list[tuple[int, Path]] = []
    for line in own_groups.splitlines():
        _, controllers, group = line.split(":", 2)
        relative = group.lstrip("/")
        if "memory" in controllers.split(","):
            # Version 1 has no rule against processes in inner groups. The path may be one that
            # this mount does not show (a container's), so the hierarchy's root comes second.
            found += [(1, root / "memory" / relative), (1, root / "memory")]
        elif not controllers:
            # Version 2 gives controllers only to groups whose parent holds no processes itself:
            # our own parent (a delegated user slice) is the nearest such place.
            own = root / relative
            found += [(2, own.parent), (2, own)] if relative else [(2, own)]
    return [(version, path) for version, path in found if path.is_dir() and path != root.parent]
