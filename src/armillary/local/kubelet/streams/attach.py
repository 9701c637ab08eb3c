"""`kubectl attach`: what a running container writes from now on, and its standard input. I/O.

A container that does not ask for an input (`stdin`) reads /dev/null: what the client types is read
and dropped then, as Kubernetes does.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from anyio.abc import TaskGroup

from armillary.local.kubelet.containers.stdin import Stdin
from armillary.local.kubelet.streams.exec_streams import STDOUT, ExecStreams, Input, exit_status

OpenStdin = Callable[[], Awaitable[Stdin | None]]


async def serve_attach(
    streams: ExecStreams, output: AsyncIterator[bytes], open_stdin: OpenStdin, *, once: bool
) -> None:
    """Copy `output` until it ends, or until the client goes.

    Args:
        once: the first client that ends its input, or goes, ends the container's (`stdinOnce`).
    """
    async with anyio.create_task_group() as group:
        group.start_soon(_feed, streams, open_stdin, once, group)
        try:
            async for chunk in output:
                await streams.send(STDOUT, chunk)
            await streams.finish(exit_status(0))
        except anyio.BrokenResourceError:
            pass  # the client has gone
        group.cancel_scope.cancel()


async def _feed(streams: ExecStreams, open_stdin: OpenStdin, once: bool, group: TaskGroup) -> None:
    stdin = await open_stdin()
    try:
        while (item := await streams.receive()) is not None:
            if stdin is None or not isinstance(item, Input):
                continue
            if item.data:
                await stdin.write(item.data)
            elif once:
                stdin.close(is_end=True)
                stdin = None
    finally:
        if stdin is not None:
            stdin.close(is_end=once)
    group.cancel_scope.cancel()
