"""kill -9 in the very middle of something: never too early, never too late.

What would end the story is frozen first (SIGSTOP), then looked at once more, then the victim dies.
So the blow falls while the story is under way, or it does not fall and the caller hears it.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from armillary.cli.demo.walk import wait_until

_GONE_S_MAX = 20.0
_STOPPED_S_MAX = 5.0


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Stop processes within the block; those that live go on afterwards."""
    starts = {pid: start_of(pid) for pid in pids}
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        wait_until(
            f"{list(pids)} to stand still",
            lambda: all(state_of(pid) in ("T", "t", "") for pid in pids),
            timeout_s=_STOPPED_S_MAX,
        )
        yield
    finally:
        for pid, start in starts.items():
            if start and start_of(pid) == start:
                os.kill(pid, signal.SIGCONT)


def kill_surely(pids: Sequence[int]) -> None:
    """Kill processes that live now, and see that they are gone."""
    assert pids, "there is nobody to kill"
    starts = {pid: start_of(pid) for pid in pids}
    for pid, start in starts.items():
        assert start, f"process {pid} was dead before it was killed"
        os.kill(pid, signal.SIGKILL)
    wait_until(
        f"{list(pids)} to be gone",
        lambda: all(start_of(pid) != start for pid, start in starts.items()),
        timeout_s=_GONE_S_MAX,
    )


def living(pids: Sequence[int]) -> list[int]:
    """Return those that live: to find processes by what they are takes longer than some live."""
    return [pid for pid in pids if start_of(pid)]


def start_of(pid: int) -> str:
    """Return when a process started, as the kernel counts; "" if it does not live."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in ("Z", "X") else ""


def state_of(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
