"""`kubectl exec`: a command in a running container, with or without a terminal. I/O."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import AsyncIterator

import anyio
from anyio.abc import ByteReceiveStream, Process, TaskGroup

from armillary.local.kubelet.containers.enter import Entry, kill_command
from armillary.local.kubelet.streams.exec_streams import (
    STDERR,
    STDOUT,
    ExecOptions,
    ExecStreams,
    Input,
    Resize,
    exit_status,
    failure_status,
)

_CHUNK_BYTES = 1 << 15


async def serve_exec(streams: ExecStreams, options: ExecOptions, entry: Entry) -> None:
    """Run the command to its end and tell how it ended; kill it when the client goes."""
    try:
        if options.tty:
            code = await _run_on_terminal(streams, options, entry)
        else:
            code = await _run_on_pipes(streams, options, entry)
    except OSError as error:
        await streams.finish(failure_status(f"cannot run the command: {error}"))
    else:
        if code is not None:
            await streams.finish(exit_status(code))


async def _run_on_pipes(streams: ExecStreams, options: ExecOptions, entry: Entry) -> int | None:
    process = await anyio.open_process(
        entry.words(options.command),
        stdin=subprocess.PIPE if options.stdin else subprocess.DEVNULL,
        env=entry.environment(),
        cwd=entry.directory(),
    )
    async with _killed_at_exit(process), anyio.create_task_group() as group:
        group.start_soon(_feed_pipe, streams, process, group)
        assert process.stdout is not None and process.stderr is not None
        async with anyio.create_task_group() as outputs:
            outputs.start_soon(_copy, process.stdout, streams, STDOUT, group)
            outputs.start_soon(_copy, process.stderr, streams, STDERR, group)
        code = await process.wait()
        group.cancel_scope.cancel()
        return _shell_code(code)
    return None


async def _copy(
    source: ByteReceiveStream, streams: ExecStreams, channel: int, group: TaskGroup
) -> None:
    try:
        async for chunk in source:
            await streams.send(channel, chunk)
    except anyio.BrokenResourceError:
        group.cancel_scope.cancel()  # the client has gone; leaving kills the command


async def _feed_pipe(streams: ExecStreams, process: Process, group: TaskGroup) -> None:
    while (item := await streams.receive()) is not None:
        if not isinstance(item, Input) or process.stdin is None:
            continue
        try:
            if item.data:
                await process.stdin.send(item.data)
            else:
                await process.stdin.aclose()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            continue  # the command does not read any more; its output still counts
    group.cancel_scope.cancel()


async def _run_on_terminal(streams: ExecStreams, options: ExecOptions, entry: Entry) -> int | None:
    master, slave = pty.openpty()
    try:
        process = await anyio.open_process(
            entry.words(options.command, new_session=True),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm", **entry.environment()},
            cwd=entry.directory(),
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    try:
        async with _killed_at_exit(process), anyio.create_task_group() as group:
            group.start_soon(_feed_terminal, streams, master, group)
            try:
                await _copy_terminal(master, streams)
            except anyio.BrokenResourceError:
                return None
            code = await process.wait()
            group.cancel_scope.cancel()
            return _shell_code(code)
        return None
    finally:
        os.close(master)


async def _copy_terminal(master: int, streams: ExecStreams) -> None:
    while True:
        await anyio.wait_readable(master)
        try:
            data = os.read(master, _CHUNK_BYTES)
        except BlockingIOError:
            continue
        except OSError:  # EIO: the last process has closed the terminal
            return
        if not data:
            return
        await streams.send(STDOUT, data)


async def _feed_terminal(streams: ExecStreams, master: int, group: TaskGroup) -> None:
    while (item := await streams.receive()) is not None:
        if isinstance(item, Resize):
            size = struct.pack("HHHH", item.rows, item.columns, 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(master, termios.TIOCSWINSZ, size)
            continue
        await _write_all(master, item.data or b"\x04")
    group.cancel_scope.cancel()


async def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        await anyio.wait_writable(descriptor)
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            continue
        except OSError:
            return


@contextlib.asynccontextmanager
async def _killed_at_exit(process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            kill_command(process.pid)
        with anyio.CancelScope(shield=True), anyio.move_on_after(5):
            await process.aclose()


def _shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code
