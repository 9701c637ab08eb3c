"""Where the lines of a command say that they come from."""

import anyio
import pytest

from armillary.pb import logutil_pb2
from armillary.vtctld.console import Console

pytestmark = pytest.mark.anyio


async def test_results_end_with_a_newline_and_events_name_their_line() -> None:
    sending, receiving = anyio.create_memory_object_stream[logutil_pb2.Event](10)
    console = Console(sending)
    await console.print("one")
    await console.warning("two")
    await sending.aclose()
    async with receiving:
        events = [event async for event in receiving]
    assert [(e.level, e.value) for e in events] == [
        (logutil_pb2.CONSOLE, "one\n"),
        (logutil_pb2.WARNING, "two"),
    ]
    assert {event.file for event in events} == {"test_console.py"}
