"""Where a command's output goes: events for the client that called. I/O."""

import logging
import os
import sys

import anyio
import anyio.abc

from armillary.base.clock import utc_now
from armillary.pb import logutil_pb2
from armillary.topo.convert import time_to_pb

logger = logging.getLogger(__name__)

EventSink = anyio.abc.ObjectSendStream[logutil_pb2.Event]


class Console:
    """`print` is the command's result (stdout of vtctlclient), the rest is its log (stderr).

    A client that has gone hears nothing any more, and that is no error: what a command does under a
    shield, as promoting a tablet, must come to its end all the same. vtctld's own log has it then.
    """

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink

    async def print(self, text: str) -> None:
        """Send one line, or several, of the result; ends it with a newline."""
        await self._send(logutil_pb2.CONSOLE, f"{text}\n")

    async def info(self, text: str) -> None:
        await self._send(logutil_pb2.INFO, text)

    async def warning(self, text: str) -> None:
        await self._send(logutil_pb2.WARNING, text)

    async def error(self, text: str) -> None:
        await self._send(logutil_pb2.ERROR, text)

    async def forward(self, event: logutil_pb2.Event) -> None:
        """Pass on an event that a tablet sent."""
        try:
            await self._sink.send(event)
        except anyio.BrokenResourceError:
            logger.info("unheard", extra={"text": event.value.strip()})

    async def _send(self, level: logutil_pb2.Level, text: str) -> None:
        frame = sys._getframe(2)  # whoever called print, info...: the event names its line
        event = logutil_pb2.Event(
            time=time_to_pb(utc_now()),
            level=level,
            file=os.path.basename(frame.f_code.co_filename),
            line=frame.f_lineno,
            value=text,
        )
        await self.forward(event)
