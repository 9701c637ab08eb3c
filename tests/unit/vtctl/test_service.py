"""What becomes of a command whose client goes away."""

from typing import cast

import anyio
import anyio.lowlevel
import pytest

from armillary.pb import logutil_pb2
from armillary.pb import vtctldata_pb2 as pb
from armillary.vtctld.console import Console
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Call, Command, Registry
from armillary.vtctld.service import VtctlService

pytestmark = pytest.mark.anyio


async def test_what_is_shielded_is_done_to_its_end_though_nobody_listens() -> None:
    done: list[str] = []
    heard = anyio.Event()

    async def promote(console: object, call: Call) -> None:
        assert isinstance(console, Console)
        await console.info("asked to promote")
        with anyio.CancelScope(shield=True):
            for step in ("promoted", "recorded", "followed"):
                for _ in range(10):
                    await anyio.lowlevel.checkpoint()
                await console.info(step)
                done.append(step)
        await anyio.lowlevel.checkpoint()
        done.append("went on")

    async def hear(response: pb.ExecuteVtctlCommandResponse) -> None:
        heard.set()
        await anyio.lowlevel.checkpoint()

    registry = Registry([Command("Promote", "Tests", "", "Promotes.", promote)])
    service = VtctlService(registry, lambda console: cast(Context, console))
    with anyio.CancelScope() as client:
        async with anyio.create_task_group() as tasks:
            request = pb.ExecuteVtctlCommandRequest(args=["Promote"])
            tasks.start_soon(service.execute_vtctl_command, request, hear)
            await heard.wait()
            client.cancel()
    assert done == ["promoted", "recorded", "followed"]


async def test_a_console_without_a_listener_says_it_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sending, receiving = anyio.create_memory_object_stream[logutil_pb2.Event](1)
    await receiving.aclose()
    with caplog.at_level("INFO"):
        async with sending:
            await Console(sending).info("zone1-1 is master")
    assert [getattr(record, "text", "") for record in caplog.records] == ["zone1-1 is master"]
