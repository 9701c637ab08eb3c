"""The standard input of a container that asks for one: a named pipe beside its run. I/O.

`stdin` carries the bytes. The shim keeps its writing end open, so that neither a client that goes
nor a kubelet that is restarted ends the input; it lets go when a line comes through `open`. The
file `ready` is there once the container and the shim have both ends of the input.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio

_LOOK_S = 0.02  # a container that has just been started gets there in some milliseconds


def make_stdin(attempt_dir: Path) -> None:
    (attempt_dir / "ready").unlink(missing_ok=True)
    for name in ("stdin", "open"):
        path = attempt_dir / name
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)


class Stdin:
    """The writing end for one client."""

    def __init__(self, attempt_dir: Path, descriptor: int) -> None:
        self._attempt_dir = attempt_dir
        self._descriptor = descriptor

    @classmethod
    async def open(cls, attempt_dir: Path, *, is_over: Callable[[], bool]) -> "Stdin | None":
        """Return None when the container has no input, or does not read any more.

        Waits for one that is being started: what comes before it reads would be lost.
        """
        if not (attempt_dir / "stdin").exists():
            return None
        while not (attempt_dir / "ready").exists():
            if is_over():
                return None
            await anyio.sleep(_LOOK_S)
        descriptor = _open_to_write(attempt_dir / "stdin")
        return None if descriptor is None else cls(attempt_dir, descriptor)

    async def write(self, data: bytes) -> None:
        """Return once all of it is on the way; at once when nobody reads it."""
        while data:
            await anyio.wait_writable(self._descriptor)
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                continue
            except OSError:
                return

    def close(self, *, is_end: bool) -> None:
        """Let go; with `is_end` the container comes to the end of its input. Again: nothing."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        if is_end:
            descriptor = _open_to_write(self._attempt_dir / "open")
            if descriptor is not None:
                os.write(descriptor, b"\n")
                os.close(descriptor)


def _open_to_write(path: Path) -> int | None:
    with suppress(OSError):  # nobody has it open to read
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    return None
