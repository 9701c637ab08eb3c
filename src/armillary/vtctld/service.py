"""vtctlservice.Vtctl: runs one command for each call and streams what it prints. I/O."""

import logging
import math
from collections.abc import Callable

import anyio
import anyio.abc

from armillary.base.clock import monotonic_s
from armillary.pb import logutil_pb2
from armillary.pb import vtctldata_pb2 as pb
from armillary.rpc.service import Send
from armillary.vtctld.console import Console
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Call, Registry

logger = logging.getLogger(__name__)

Events = anyio.abc.ObjectReceiveStream[logutil_pb2.Event]

_QUIET_S_MAX = 5.0  # a command that says nothing for so long is reported as running


class VtctlService:
    """`context_for` gives what the commands use, around the console of this one call."""

    def __init__(self, registry: Registry, context_for: Callable[[Console], Context]) -> None:
        self._registry = registry
        self._context_for = context_for

    async def execute_vtctl_command(
        self, request: pb.ExecuteVtctlCommandRequest, send: Send
    ) -> None:
        """Run a command; its error becomes the status of the call. A client that goes away
        cancels it."""
        call = self._registry.parse(list(request.args))
        logged = tuple(map(loggable, call.args))
        logger.info("command", extra={"command": call.command.name, "arguments": logged})
        sending, receiving = anyio.create_memory_object_stream[logutil_pb2.Event](256)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_forward, receiving, call, send)
            async with sending:
                try:
                    await call.command.run(self._context_for(Console(sending)), call)
                except Exception as error:  # noqa: BLE001  # raised below, not in a group
                    failure = error
        if failure is not None:
            raise failure


def loggable(argument: str) -> str:
    """Return what the log may hold of an argument: of a statement, which may set a password, its
    first word."""
    words = argument.split(maxsplit=1)
    return f"{words[0]} ..." if len(words) > 1 else argument


async def _forward(receiving: Events, call: Call, send: Send) -> None:
    """Send on what the command says until it ends; say that it runs when it is silent."""
    started_s = monotonic_s()
    async with receiving:
        while True:
            event: logutil_pb2.Event | None = None
            with anyio.move_on_after(_QUIET_S_MAX):
                try:
                    event = await receiving.receive()
                except anyio.EndOfStream:
                    return
            if event is None:
                event = _still_running(call, monotonic_s() - started_s)
            await send(pb.ExecuteVtctlCommandResponse(event=event))


def _still_running(call: Call, elapsed_s: float) -> logutil_pb2.Event:
    words = " ".join((call.command.name, *call.args))
    return logutil_pb2.Event(
        level=logutil_pb2.INFO, value=f"{words} is still running ({math.floor(elapsed_s)} s)"
    )
