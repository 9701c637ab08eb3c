"""What `armillary up` chose once for a directory, and who runs in it now. I/O.

`state.json` outlives reboots: the address range and the ports are in it, so the same cluster comes
back under the same addresses. `processes.json` is the supervisor's word on what runs now; a pid in
it counts only with its start time and this boot's id, because pids are reused.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from armillary.base.errors import IntegrityError, NotFoundError

STATE_VERSION = 1
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalState:
    """Choices that every component of one directory must share."""

    network: str  # "127.18.0.0/16": pods in the lower half, services in the upper
    apiserver_port: int
    kubelet_port: int
    node_name: str
    namespace: str  # where `up` put the cluster, and `status` looks
    version: int = STATE_VERSION

    @property
    def pod_cidr(self) -> str:
        return self._half(0)

    @property
    def service_cidr(self) -> str:
        return self._half(128)

    def _half(self, third_byte: int) -> str:
        first, second, *_ = self.network.split(".")
        return f"{first}.{second}.{third_byte}.0/17"


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process, so named that a later process with the same pid is not mistaken for it."""

    pid: int
    start_ticks: int  # /proc/PID/stat, field 22
    boot_id: str
    ready: bool = False
    restarts: int = 0

    @classmethod
    def of(cls, pid: int, *, ready: bool = False, restarts: int = 0) -> Self:
        """Describe the running process `pid`; start time 0 when it has gone already."""
        return cls(pid, read_start_ticks(pid) or 0, read_boot_id(), ready, restarts)

    def is_alive(self) -> bool:
        return self.boot_id == read_boot_id() and self.start_ticks == read_start_ticks(self.pid)


def read_boot_id() -> str:
    return _BOOT_ID.read_text().strip()


def read_start_ticks(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot; None when it runs no more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may hold spaces and parentheses.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])


def read_state(path: Path) -> LocalState:
    """Return the choices made for this directory.

    Raises:
        NotFoundError: `armillary up` never ran here.
        IntegrityError: not a state file that this version reads.
    """
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise NotFoundError(
            f"no cluster in {path.parent.parent}: `armillary up` has not run there"
        ) from None
    except json.JSONDecodeError as error:
        raise IntegrityError(f"{path} is not JSON: {error}") from error
    if document.get("version") != STATE_VERSION:
        raise IntegrityError(
            f"{path} has version {document.get('version')!r}, wanted {STATE_VERSION}"
        )
    return LocalState(**document)


def write_state(path: Path, state: LocalState) -> None:
    write_private(path, json.dumps(asdict(state), indent=1) + "\n")


def read_processes(path: Path) -> dict[str, ProcessRecord]:
    """Return what the last supervisor wrote; empty when there was none."""
    try:
        document = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {name: ProcessRecord(**record) for name, record in document.items()}


def write_processes(path: Path, processes: Mapping[str, ProcessRecord]) -> None:
    write_private(path, json.dumps({n: asdict(p) for n, p in processes.items()}, indent=1) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner only from its first byte on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
