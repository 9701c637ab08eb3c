"""A controller goes on whatever happens to one key."""

import asyncio

import anyio
import pytest

from armillary.base.errors import UnavailableError
from armillary.kube.controller import Controller
from armillary.kube.workqueue import WorkQueue

pytestmark = pytest.mark.anyio


def quick_queue() -> WorkQueue[str]:
    return WorkQueue(retry_first_s=0.001, retry_max_s=0.002)


@pytest.mark.parametrize(
    "trouble", [UnavailableError("away"), ValueError("bug"), asyncio.CancelledError()]
)
async def test_a_key_that_fails_is_tried_again(trouble: BaseException) -> None:
    """Also when a closed gRPC channel throws CancelledError at a worker that nobody cancelled."""
    attempts: list[str] = []
    done = anyio.Event()

    async def reconcile(key: str) -> float | None:
        attempts.append(key)
        if len(attempts) == 1:
            raise trouble
        done.set()
        return None

    controller = Controller("test", reconcile, queue=quick_queue(), workers=1)
    controller.queue.add("a")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(controller.run)
            await done.wait()
            group.cancel_scope.cancel()
    assert attempts == ["a", "a"]


async def test_a_trouble_that_lasts_is_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reasons = ["away", "away", "away", "denied", "denied"]
    done = anyio.Event()

    async def reconcile(key: str) -> float | None:
        if reasons:
            raise UnavailableError(reasons.pop(0))
        if key == "b":  # after the pass over "a" that worked
            done.set()
        else:
            controller.queue.add("b")
        return None

    controller = Controller("test", reconcile, queue=quick_queue(), workers=1)
    controller.queue.add("a")
    with caplog.at_level("INFO"), anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(controller.run)
            await done.wait()
            group.cancel_scope.cancel()
    told = [(record.message, getattr(record, "error", "")) for record in caplog.records]
    assert told == [
        ("reconcile failed", "UnavailableError: away"),
        ("reconcile failed", "UnavailableError: denied"),
        ("reconcile works again", ""),
    ]


async def test_being_cancelled_ends_the_controller() -> None:
    started = anyio.Event()

    async def reconcile(key: str) -> float | None:
        started.set()
        await anyio.sleep_forever()
        return None

    controller = Controller("test", reconcile, queue=quick_queue(), workers=2)
    controller.queue.add("a")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(controller.run)
            await started.wait()
            group.cancel_scope.cancel()


async def test_a_key_comes_back_after_the_time_it_asked_for() -> None:
    seen: list[str] = []
    twice = anyio.Event()

    async def reconcile(key: str) -> float | None:
        seen.append(key)
        if len(seen) == 2:
            twice.set()
        return 0.001

    controller = Controller("test", reconcile, queue=quick_queue(), workers=1)
    controller.queue.add("a")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(controller.run)
            await twice.wait()
            group.cancel_scope.cancel()
