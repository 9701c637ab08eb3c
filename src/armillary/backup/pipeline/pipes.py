"""Tools as child processes with a fast pipe to or from them. I/O.

The pipe ends are non-blocking and moved on the event loop: one `readv` or `writev` a megabyte
costs less than a hop to a thread, and a cancelled task never waits for a stuck tool.
"""

import fcntl
import os
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

from armillary.backup.errors import first_error
from armillary.mysqld.process import die_with_parent_prefix

PIPE_BYTES = 1024 * 1024
IO_VIEWS_MAX = 512  # Linux takes 1024 in one call
STDERR_LINES_KEPT = 40
EXIT_GRACE_S = 10.0


class Tool:
    """A running tool: its end of the pipe, the tail of what it says, and how it ended."""

    def __init__(self, name: str, process: Process, pipe_fd: int) -> None:
        self.name = name
        self.pipe_fd = pipe_fd
        self.last_lines: deque[str] = deque(maxlen=STDERR_LINES_KEPT)
        self._process = process
        self._pipe_open = True
        self._said_all = anyio.Event()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end of the tool and return its exit code, negative for a signal."""
        return await self._process.wait()

    async def drained(self) -> None:
        """Wait until its last words have been read: the exit arrives before them."""
        with anyio.move_on_after(EXIT_GRACE_S):
            await self._said_all.wait()

    def said_all(self) -> None:
        self._said_all.set()

    def close_pipe(self) -> None:
        """Close our end; for a tool that reads, that is the end of its input. Again: nothing."""
        if self._pipe_open:
            self._pipe_open = False
            os.close(self.pipe_fd)


@asynccontextmanager
async def running_tool(
    argv: Sequence[str],
    *,
    stdout: bool = False,
    stdin: bool = False,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
) -> AsyncIterator[Tool]:
    """Run `argv` with a pipe from its stdout or to its stdin; both leave nothing running.

    Standard error is read all the time; each line goes to `on_line` and the last ones are kept.
    It dies with us: a tool that outlived a killed process would go on in a directory where the next
    one begins anew.

    Cancelled: the tool gets SIGKILL and is waited for.
    """
    assert stdout != stdin, "one pipe a tool"
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    ours, theirs = (read_fd, write_fd) if stdout else (write_fd, read_fd)
    with suppress(OSError):  # an unprivileged user may be over the system's pipe budget
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        process = await anyio.open_process(
            [*die_with_parent_prefix("KILL"), *argv],
            stdin=theirs if stdin else subprocess.DEVNULL,
            stdout=theirs if stdout else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=cwd,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    os.set_blocking(ours, False)
    tool = Tool(Path(argv[0]).name, process, ours)
    assert process.stderr is not None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_collect_lines, process.stderr, tool, on_line)
            try:
                yield tool
            finally:
                tool.close_pipe()
                await _end(process)
    except BaseExceptionGroup as group:
        raise first_error(group) from group
    finally:
        tool.close_pipe()
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def read_into(fd: int, views: list[memoryview]) -> int:
    """Fill as much of `views` as one read gives; 0 means the end of the stream."""
    while True:
        try:
            return os.readv(fd, views[:IO_VIEWS_MAX])
        except BlockingIOError:
            await anyio.wait_readable(fd)


async def write_all(fd: int, views: list[memoryview]) -> None:
    """Write all of `views`.

    Raises:
        BrokenPipeError: the tool closed its end.
    """
    first = 0
    while first < len(views):
        try:
            written = os.writev(fd, views[first : first + IO_VIEWS_MAX])
        except BlockingIOError:
            await anyio.wait_writable(fd)
            continue
        while first < len(views) and written >= len(views[first]):
            written -= len(views[first])
            first += 1
        if written:
            views[first] = views[first][written:]


async def _collect_lines(
    stream: ByteReceiveStream, tool: Tool, on_line: Callable[[str], None] | None
) -> None:
    rest = b""
    async for data in stream:
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            tool.last_lines.append(text)
            if on_line is not None:
                on_line(text)
        rest = rest[-64 * 1024 :]
    if rest:
        tool.last_lines.append(rest.decode(errors="replace"))
    tool.said_all()


async def _end(process: Process) -> None:
    """See that the tool ends: by itself when its pipe is closed, else by force."""
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(EXIT_GRACE_S if process.returncode is None else 0):
            await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
