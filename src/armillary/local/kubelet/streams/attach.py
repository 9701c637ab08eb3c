"""`kubectl attach`: what a running container writes from now on. I/O.

A container's standard input is /dev/null here, whatever its specification says, so what the client
types is read and dropped.
"""

from collections.abc import AsyncIterator

import anyio
from anyio.abc import TaskGroup

from armillary.local.kubelet.streams.exec_streams import STDOUT, ExecStreams, exit_status


async def serve_attach(streams: ExecStreams, output: AsyncIterator[bytes]) -> None:
    """Copy `output` until it ends, or until the client goes."""
    async with anyio.create_task_group() as group:
        group.start_soon(_drop_input, streams, group)
        try:
            async for chunk in output:
                await streams.send(STDOUT, chunk)
            await streams.finish(exit_status(0))
        except anyio.BrokenResourceError:
            pass  # the client has gone
        group.cancel_scope.cancel()


async def _drop_input(streams: ExecStreams, group: TaskGroup) -> None:
    while await streams.receive() is not None:
        pass
    group.cancel_scope.cancel()
