"""Running another command inside a container that runs: probes, hooks, `kubectl exec`. I/O."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from armillary.local.kubelet.containers.process import ProcessId, children_of

_OUTPUT_BYTES_MAX = 10 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A running container's main process, whose namespaces and environment a command gets."""

    main: ProcessId
    sandboxed: bool
    working_dir: str | None
    become: Sequence[str] = ()  # the words before each of its commands

    def words(self, argv: Sequence[str], *, new_session: bool = False) -> list[str]:
        """Return the command that runs `argv` inside.

        Args:
            new_session: make the standard input the controlling terminal.
        """
        session = ["setsid", "--ctty", "--wait"] if new_session else []
        if not self.sandboxed:
            return [*session, *argv]
        pid = self.main.pid
        words = ["nsenter", "--target", str(pid), "--mount", "--pid", "--uts"]
        if _namespace(pid, "user") != _namespace(os.getpid(), "user"):
            # Made by us without privilege, so we own it and are fully capable in it.
            words += ["--user", "--preserve-credentials"]
        words.append(f"--wdns={self.working_dir or '/'}")
        return [*words, "--", *session, *self.become, *argv]

    def environment(self) -> dict[str, str]:
        """Return the variables that the main process was started with."""
        try:
            with open(f"/proc/{self.main.pid}/environ", "rb") as file:
                words = file.read().split(b"\x00")
        except OSError:
            return {}
        pairs = (word.decode("utf-8", "surrogateescape").partition("=") for word in words if word)
        return {name: value for name, equals, value in pairs if equals}

    def directory(self) -> str:
        """Return where the nsenter (or the command itself) starts, on the host."""
        if self.sandboxed:
            return "/"
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/{self.main.pid}/cwd")
        return "/"


def _namespace(pid: int, kind: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/{kind}")
    except OSError:
        return None


async def run_command(entry: Entry, argv: Sequence[str]) -> tuple[int, bytes]:
    """Run to the end; return the exit code and the first 10 KiB of what it printed.

    Cancelled: the command is killed.
    """
    try:
        process = await anyio.open_process(
            entry.words(argv),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            env=entry.environment(),
            cwd=entry.directory(),
        )
    except OSError as error:
        return 126, str(error).encode()
    output = bytearray()
    async with process:
        try:
            assert process.stdout is not None
            async for chunk in process.stdout:
                output += chunk[: _OUTPUT_BYTES_MAX - len(output)]
            code = await process.wait()
        except BaseException:
            kill_command(process.pid)
            raise
    return code if code >= 0 else 128 - code, bytes(output)


def kill_command(pid: int) -> None:
    """KILL a command and what it forked: nsenter's child is the program itself."""
    for process in (*children_of(pid), pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
