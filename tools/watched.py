"""Run one command with a limit of time, and let nothing that it started outlive it.

What a test starts may start more, in sessions of its own. The kernel hands such a process to this
one when its parent ends (PR_SET_CHILD_SUBREAPER), so all of it is found by descent: never by name,
and never a process of somebody else.
"""

import codecs
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_S = 0.1
# Servers that were told to end take a moment; and stacks take one to be written.
ENDING_S_MAX = 2.0
_STACKS_S = 1.0
_SWEEP_S_MAX = 60.0
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Ending:
    code: int
    is_over_time: bool
    ran: tuple[str, ...]  # what ran when the time was up
    left: tuple[str, ...]  # what the command left running when it ended by itself


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.pid} {' '.join(self.words)[:160]}"


def run_watched(
    command: Sequence[str],
    on_text: Callable[[str], None],
    *,
    limit_s: float,
    cwd: Path,
    env: Mapping[str, str],
) -> Ending:
    """Run a command, its output handed on as it comes, and end whatever is left of it.

    Processes of the tests are asked for their stacks (SIGABRT) before they are ended by the limit.
    Nothing survives a signal that ends this process either, except SIGKILL.
    """
    _adopt_orphans()
    with _signals_as_exceptions():
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        reading = threading.Thread(target=_hand_on, args=(child, on_text), daemon=True)
        ran: tuple[str, ...] = ()
        left: tuple[str, ...] = ()
        try:
            reading.start()
            is_over_time = not _wait_for_end(child, limit_s)
            if is_over_time:
                ran = tuple(map(str, descendants()))
                _ask_for_stacks(child)
            else:
                left = tuple(map(str, _wait_for_nothing(child, ENDING_S_MAX)))
        finally:
            _sweep(child)
        reading.join(ENDING_S_MAX)
    return Ending(child.wait(), is_over_time, ran, left)


def descendants() -> list[Process]:
    """Return what this process started and what that started, parents first, without the dead."""
    by_parent: dict[int, list[Process]] = {}
    for process in _processes():
        by_parent.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    parents = [os.getpid()]
    while parents:
        children = by_parent.get(parents.pop(), [])
        found += children
        parents += [child.pid for child in children]
    return found


def _processes() -> Iterator[Process]:
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            state, parent = Path(f"/proc/{entry}/stat").read_text().rpartition(") ")[2].split()[:2]
            words = Path(f"/proc/{entry}/cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if state not in ("Z", "X"):
            text = words.decode(errors="replace").rstrip("\0")
            yield Process(int(entry), int(parent), tuple(text.split("\0")))


def _adopt_orphans() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    def end(number: int, _frame: object) -> None:
        for each in _ENDING_SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # the sweep is not cut short
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hand_on(child: "subprocess.Popen[bytes]", on_text: Callable[[str], None]) -> None:
    assert child.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while data := os.read(child.stdout.fileno(), 65536):
        on_text(decoder.decode(data))


def _wait_for_end(child: "subprocess.Popen[bytes]", limit_s: float) -> bool:
    """Wait until the command ends, and say whether it did within the limit."""
    deadline_s = time.monotonic() + limit_s
    while child.poll() is None:
        if time.monotonic() > deadline_s:
            return False
        _reap_orphans(child)
        time.sleep(_LOOK_S)  # noqa: TID251  a program without an event loop
    return True


def _reap_orphans(child: "subprocess.Popen[bytes]") -> None:
    """Take the exit codes of adopted processes: who waits for their end must not see zombies."""
    while True:
        child.poll()  # its own code is not ours to take
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == child.pid:
            return
        os.waitpid(ended.si_pid, 0)


def _ask_for_stacks(child: "subprocess.Popen[bytes]") -> None:
    """Let pytest and its workers write the stacks of all threads: it kills them too."""
    asked = [child.pid] + [
        process.pid
        for process in descendants()
        if process.parent == child.pid and any("stdin.readline" in word for word in process.words)
    ]
    for pid in reversed(asked):  # the workers first: pytest would start others in their place
        _kill(pid, signal.SIGABRT)
    time.sleep(_STACKS_S)  # noqa: TID251


def _wait_for_nothing(child: "subprocess.Popen[bytes]", seconds: float) -> list[Process]:
    """Return what still runs after a while, or nothing as soon as nothing does."""
    deadline_s = time.monotonic() + seconds
    while running := descendants():
        if time.monotonic() > deadline_s:
            break
        _reap_orphans(child)
        time.sleep(_LOOK_S)  # noqa: TID251
    return running


def _sweep(child: "subprocess.Popen[bytes]") -> None:
    """End every descendant. One that starts others meanwhile is dead at the next look."""
    deadline_s = time.monotonic() + _SWEEP_S_MAX
    while (running := descendants()) and time.monotonic() < deadline_s:
        for process in running:
            _kill(process.pid, signal.SIGKILL)
        _wait_for_nothing(child, _LOOK_S)
    if running:
        raise RuntimeError(f"these do not end: {'; '.join(map(str, running))}")


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
