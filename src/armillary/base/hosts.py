"""Names of Services and pods where the C library cannot resolve them. I/O: reads one small file.

On one machine without sandboxes a pod has no /etc/hosts of its own. The kubelet then names its
hosts file in a variable, and whoever dials a server by name asks here at each attempt.
"""

import os
from pathlib import Path

VARIABLE = "ARMILLARY_HOSTS_FILE"


def stamp() -> tuple[int, int] | None:
    """Return what changes whenever the hosts file does; None when there is none."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def look_up(name: str) -> tuple[str, ...]:
    """Return the addresses that the hosts file gives for `name`; empty for an unknown name."""
    path = os.environ.get(VARIABLE)
    if not path:
        return ()
    try:
        text = Path(path).read_text()
    except OSError:
        return ()
    return addresses_of(name, text)


def addresses_of(name: str, text: str) -> tuple[str, ...]:
    """Return the IPv4 addresses of `name` in a hosts file's text, in its order. Pure."""
    found = []
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if name in names and ":" not in address:
            found.append(address)
    return tuple(dict.fromkeys(found))
