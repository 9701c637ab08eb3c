"""How much memory a tool may take: of what the machine has free, and of the container's limit. I/O.

A container is killed for what all its processes take together; what the machine has free says
nothing of that.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MIB = 1024 * 1024
PREPARE_MEMORY_MIN = 64 * MIB
# Within a limit; recovery needs more passes then, as that of a small server does.
PREPARE_MEMORY_LIMITED_MIN = 32 * MIB
PREPARE_MEMORY_MAX = 4 * 1024 * MIB

# By version of the control groups: where they are, the limit, and what nobody can take back.
_LAYOUTS = {
    1: ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "total_rss"),
    2: ("sys/fs/cgroup", "memory.max", "anon"),
}


def prepare_memory(raw_bytes: int, root: Path = Path("/")) -> int:
    """Return the buffer pool of the prepare step: the data's size, within what is free.

    Args:
        root: where `proc` and `sys` are.
    """
    wanted = max(PREPARE_MEMORY_MIN, min(raw_bytes, _free(root) // 8, PREPARE_MEMORY_MAX))
    room = container_room(root)
    if room is None:
        return wanted
    # Half of it: the tool needs some for itself, and we go on meanwhile.
    return max(PREPARE_MEMORY_LIMITED_MIN, min(wanted, room // 2))


def container_room(root: Path = Path("/")) -> int | None:
    """Return how many bytes this container may still take; None where no limit is found."""
    rooms = [
        room for group, version in _groups(root) if (room := _room(group, version)) is not None
    ]
    return min(rooms, default=None)


def _free(root: Path) -> int:
    found = _number_after(root / "proc/meminfo", "MemAvailable:")
    return PREPARE_MEMORY_MIN * 8 if found is None else found * 1024


def _groups(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield this process's memory groups and those around them.

    A container may see its own only as the topmost.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        version = 2 if not controllers else 1
        if version == 1 and "memory" not in controllers.split(","):
            continue
        top = root / _LAYOUTS[version][0]
        inside = PurePosixPath(path.lstrip("/"))
        for part in (inside, *inside.parents):
            yield top / part, version


def _room(group: Path, version: int) -> int | None:
    _, limit_file, kept = _LAYOUTS[version]
    try:
        limit = int((group / limit_file).read_text())
    except (OSError, ValueError):  # no such group here, or "max"
        return None
    return max(0, limit - (_number_after(group / "memory.stat", kept) or 0))


def _number_after(path: Path, word: str) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [word]), None)
