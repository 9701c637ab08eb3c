"""Who is the supervisor of a directory, and whether it is about to end. I/O."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armillary.base.errors import ConflictError

_STOPPING = "stopping"
# All that is ever written is as long, so that a reader sees the old or the new and no mixture.
_CHARS = 24


@dataclass(frozen=True, slots=True)
class SupervisorLock:
    """Held by the one supervisor of a directory."""

    fd: int

    def say_running(self) -> None:
        self._write(str(os.getpid()))

    def say_stopping(self) -> None:
        """Tell `armillary up` that what it finds running is on its way out."""
        self._write(f"{os.getpid()} {_STOPPING}")

    def _write(self, text: str) -> None:
        os.pwrite(self.fd, f"{text:<{_CHARS - 1}}\n".encode(), 0)


@contextmanager
def hold_lock(path: Path) -> Iterator[SupervisorLock]:
    """Be the only supervisor of this directory; the kernel frees the lock when we die.

    Raises:
        ConflictError: another process holds it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _words(fd)[0]
            raise ConflictError(f"a supervisor (pid {owner}) already runs for {path}") from None
        lock = SupervisorLock(fd)
        lock.say_running()
        yield lock
    finally:
        os.close(fd)


def lock_owner(path: Path) -> int | None:
    """Return the pid of the supervisor that holds `path` now; None when nobody does."""
    words = _held(path)
    return int(words[0]) if words else None


def is_stopping(path: Path) -> bool:
    """Whether a supervisor holds `path` that was told to end."""
    return _STOPPING in _held(path)


def _held(path: Path) -> list[str]:
    """Return what the holder of the lock says; nothing when nobody holds it."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return []
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _words(fd)
    else:
        return []
    finally:
        os.close(fd)


def _words(fd: int) -> list[str]:
    return os.pread(fd, _CHARS, 0).decode().split()
