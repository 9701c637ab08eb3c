"""A deadline ends a call that raises a cancellation of its own, and nothing else."""

import asyncio
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from armillary.base.cancelling import await_call
from armillary.base.errors import UnavailableError

pytestmark = pytest.mark.anyio


async def ends_in_peace() -> None:
    """Do as grpc.aio's unary calls: swallow what cancels us, then raise one of our own."""
    with suppress(asyncio.CancelledError):
        await anyio.sleep_forever()
    raise asyncio.CancelledError


async def test_a_deadline_takes_the_cancellation_for_its_own() -> None:
    with anyio.move_on_after(0) as deadline:
        await await_call(ends_in_peace(), where="a server")
    assert deadline.cancelled_caught


async def test_only_the_task_that_was_cancelled_ends() -> None:
    goes_on = False
    async with anyio.create_task_group() as tasks:
        with anyio.move_on_after(0):
            await await_call(ends_in_peace(), where="a server")
        goes_on = not tasks.cancel_scope.cancel_called
    assert goes_on


async def test_a_channel_closed_under_a_call_is_no_cancellation() -> None:
    async def closed() -> None:
        await anyio.lowlevel.checkpoint()
        raise asyncio.CancelledError

    with pytest.raises(UnavailableError, match="a server was given up"):
        await await_call(closed(), where="a server")


async def test_a_task_that_is_cancelled_from_outside_ends() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await await_call(ends_in_peace(), where="a server")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    loop = asyncio.get_running_loop()
    task = loop.create_task(work())
    await anyio.lowlevel.checkpoint()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]
