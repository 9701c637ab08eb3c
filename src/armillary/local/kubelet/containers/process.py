"""One container's process under a small shell shim that outlives the kubelet. I/O.

The shim (dash, 1.6 MB) writes who it is, runs the container in the foreground and writes its exit
code. An exclusive flock on the container's lock file passes from the kubelet to the shim and on to
the container's processes, so "lock free" proves that no process of the container is left: neither
a reused process id, nor a reboot, nor a kubelet killed in the middle of a start can lead to a
second copy on the same data directory.
"""

import contextlib
import errno
import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from armillary.base.errors import ConflictError, UnavailableError
from armillary.local.kubelet.containers.stdin import make_stdin

LOCK_FD = 9
MARKER_VARIABLE = "ARMILLARY_CONTAINER"
_ADOPT_S_MAX = 10.0
_LEFTOVER_S_MAX = 10.0

# $1 state directory, $2 cgroup.procs files (blanks between), $3 directory to start in, then the
# command.
# A container's input, where it has one, is kept open by a shell that waits for a line in the pipe
# `open`; `ready` says that both ends of the input are there.
# Handlers (not "ignore") for the signals: they are reset in the child, an ignored one is not.
_SHIM = """\
d=$1 c=$2 w=$3; shift 3
trap : HUP INT QUIT TERM
read -r s </proc/self/stat
echo "$s" >"$d/shim"
i=/dev/null
if [ -p "$d/stdin" ]; then
i=$d/stdin
{ : >"$d/ready"; read -r s; } <>"$d/open" >"$i" &
fi
sh -c 'd=$1 c=$2 w=$3 i=$4; shift 4
read -r s </proc/self/stat
echo "$s" >"$d/main"
for f in $c; do echo $$ >"$f"; done
cd "$w" || exit 128
exec "$@" <"$i"' sh "$d" "$c" "$w" "$i" "$@"
echo $? >"$d/exit"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything that one start of a container needs."""

    container_dir: Path  # holds the lock; the same for every attempt
    attempt_dir: Path  # this attempt's pid and exit files
    log_path: Path
    argv: Sequence[str]
    env: Mapping[str, str]
    working_dir: str
    cgroup_procs: Sequence[Path] = ()
    stdin: bool = False
    sandboxed: bool = False


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    start_ticks: int


class RunningProcess:
    """A started container; `wait` returns once nothing of it is left."""

    def __init__(self, attempt_dir: Path, pidfd: int, *, sandboxed: bool) -> None:
        self.attempt_dir = attempt_dir
        self.sandboxed = sandboxed
        self._pidfd = pidfd

    async def wait(self) -> int | None:
        """Return the exit code, 128 + n for signal n; None when nobody could record it.

        Again: never; the process is gone and the descriptor closed.
        """
        try:
            await anyio.wait_readable(self._pidfd)
            with contextlib.suppress(ChildProcessError):
                _reap(self._pidfd)
        finally:
            os.close(self._pidfd)
            self._pidfd = -1
        await kill_leftovers(self.attempt_dir.parent)
        return read_exit_code(self.attempt_dir)

    def signal(self, number: int) -> bool:
        """Signal the container's main process; False when it is not there (yet, or any more)."""
        main = find_main(self.attempt_dir, sandboxed=self.sandboxed)
        if main is None:
            return False
        return send_signal(main, number)

    async def kill(self) -> None:
        """Kill everything of the container; the shim stays to write the exit code."""
        await kill_container(self.attempt_dir)

    def main(self) -> ProcessId | None:
        return find_main(self.attempt_dir, sandboxed=self.sandboxed)


def _reap(pidfd: int) -> None:
    """Take the exit status if the process is our child: it is over, so this does not wait."""
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)


def start(launch: Launch) -> RunningProcess:
    """Start the container.

    Raises:
        ConflictError: a process of an earlier start still lives.
        OSError: the machine cannot start a process.
    """
    launch.attempt_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock_fd = _take_lock(launch.container_dir)
    if lock_fd is None:
        raise ConflictError(f"wanted to start {launch.attempt_dir}, found an earlier start alive")
    try:
        if launch.stdin:
            make_stdin(launch.attempt_dir)
        environment = {**launch.env, MARKER_VARIABLE: str(launch.container_dir)}
        shell_words = ["/bin/sh", "-c", _SHIM, "armillary-shim", str(launch.attempt_dir)]
        shell_words += [" ".join(map(str, launch.cgroup_procs)), launch.working_dir, *launch.argv]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            "/bin/sh",
            shell_words,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(launch.log_path), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, lock_fd, LOCK_FD),
            ],
            setsid=True,
        )
    finally:
        os.close(lock_fd)
    return RunningProcess(launch.attempt_dir, os.pidfd_open(pid), sandboxed=launch.sandboxed)


async def adopt(attempt_dir: Path, *, sandboxed: bool) -> RunningProcess | None:
    """Take up a container that an earlier kubelet started; None when nothing of it runs.

    Raises:
        UnavailableError: something holds the lock but its shim cannot be found. Leftovers of the
            container are killed first, so calling again can help.
    """
    with anyio.move_on_after(_ADOPT_S_MAX):
        while not is_lock_free(attempt_dir.parent):
            shim = _read_process(attempt_dir / "shim")
            if shim is not None:
                pidfd = _open_process(shim)
                if pidfd is not None:
                    return RunningProcess(attempt_dir, pidfd, sandboxed=sandboxed)
                # The shim was killed, its container was not: nobody could record how it ends.
                await kill_leftovers(attempt_dir.parent)
                return None
            await anyio.sleep(0.05)
        return None
    raise UnavailableError(f"wanted the shim of {attempt_dir}, found only its lock held")


def read_exit_code(attempt_dir: Path) -> int | None:
    try:
        return int((attempt_dir / "exit").read_text())
    except (OSError, ValueError):
        return None


def is_lock_free(container_dir: Path) -> bool:
    fd = _take_lock(container_dir)
    if fd is None:
        return False
    os.close(fd)
    return True


def _take_lock(container_dir: Path) -> int | None:
    fd = os.open(container_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return None
        raise
    return fd


def find_main(attempt_dir: Path, *, sandboxed: bool) -> ProcessId | None:
    """Return the process that a container's signals are for.

    In a sandbox the recorded process is bwrap; its child is the namespace's init, whose first
    child is the program. TERM must reach the program: a bwrap that dies takes it down with KILL.
    """
    recorded = _read_process(attempt_dir / "main")
    if recorded is None or read_start_ticks(recorded.pid) != recorded.start_ticks:
        return None
    if not sandboxed:
        return recorded
    for init in children_of(recorded.pid):
        for child in children_of(init):
            if _namespace_pid(child) == 2:
                ticks = read_start_ticks(child)
                return None if ticks is None else ProcessId(child, ticks)
    return None


def send_signal(process: ProcessId, number: int) -> bool:
    """Signal exactly this process; False when it is gone."""
    pidfd = _open_process(process)
    if pidfd is None:
        return False
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)
    return True


async def kill_container(attempt_dir: Path) -> None:
    """KILL the container's processes but not the shim; in a sandbox bwrap's death takes all."""
    recorded = _read_process(attempt_dir / "main")
    if recorded is not None:
        send_signal(recorded, signal.SIGKILL)
    shim = _read_process(attempt_dir / "shim")
    for process in processes_of(attempt_dir.parent):
        if shim is None or process != shim:
            send_signal(process, signal.SIGKILL)


async def kill_leftovers(container_dir: Path) -> None:
    """Kill what a container left behind after its main process; returns once its lock is free.

    Raises:
        UnavailableError: something survives KILL for ten seconds (a process stuck in the kernel).
    """
    with anyio.move_on_after(_LEFTOVER_S_MAX):
        delay_s = 0.005
        while not is_lock_free(container_dir):
            await anyio.sleep(delay_s)
            delay_s = min(delay_s * 2, 0.2)
            for process in processes_of(container_dir):
                send_signal(process, signal.SIGKILL)
        return
    raise UnavailableError(f"processes of {container_dir} survive KILL")


def processes_of(container_dir: Path) -> list[ProcessId]:
    """Find a container's processes by the marker in their environment."""
    marker = f"{MARKER_VARIABLE}={container_dir}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                words = file.read().split(b"\x00")
        except OSError:
            continue
        ticks = read_start_ticks(int(entry)) if marker in words else None
        if ticks is not None:
            found.append(ProcessId(int(entry), ticks))
    return found


def children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return [child for child, parent in _parents() if parent == pid]


def _parents() -> list[tuple[int, int]]:
    pairs = []
    for entry in os.listdir("/proc"):
        fields = _stat_fields(int(entry)) if entry.isdigit() else None
        if fields is not None:
            pairs.append((int(entry), int(fields[1])))
    return pairs


def _namespace_pid(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return int(line.split()[-1])
    except OSError:
        return None
    return None


def read_start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks after boot; None when gone or a zombie."""
    fields = _stat_fields(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


def _stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the program's name (which may hold blanks)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def _read_process(path: Path) -> ProcessId | None:
    try:
        text = path.read_text()
    except OSError:
        return None
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if len(fields) < 20:
        return None
    return ProcessId(int(head.split()[0]), int(fields[19]))


def _open_process(process: ProcessId) -> int | None:
    """Open a pidfd, then check the start time: from then on the number cannot be reused."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if read_start_ticks(process.pid) != process.start_ticks:
        os.close(pidfd)
        return None
    return pidfd
