"""Await a call of gRPC so that the deadlines around it hold.

A unary call of grpc.aio that is cancelled ends in peace, and then raises a CancelledError of its
own. No cancel scope takes that for what it sent: it passes through every `fail_after`, the task
group above takes it for the end of a task, and the process ends in silence with exit code 0.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import anyio.lowlevel

from armillary.base.errors import UnavailableError

_T = TypeVar("_T")


async def await_call(call: Awaitable[_T], *, where: str) -> _T:
    """Return what a unary call answers; cancelled, raise what the cancel scope sent.

    Raises:
        UnavailableError: nobody cancelled us: the channel was closed under the call.
    """
    try:
        return await call
    except asyncio.CancelledError:
        await anyio.lowlevel.checkpoint_if_cancelled()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise UnavailableError(f"the call to {where} was given up: its channel closed") from None
