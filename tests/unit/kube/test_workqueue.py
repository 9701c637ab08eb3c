"""The queue hands each key to one worker at a time, and loses none."""

import anyio
import anyio.lowlevel
import pytest

from armillary.kube.workqueue import WorkQueue

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def take_nothing(queue: WorkQueue[str]) -> bool:
    with anyio.move_on_after(0.01):
        await queue.get()
        return False
    return True


async def test_a_key_added_twice_comes_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert await take_nothing(queue)


async def test_a_key_added_while_it_is_worked_on_comes_again_after_done() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert await take_nothing(queue)
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_delayed_key_comes_when_it_is_due_and_not_before() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add_after("a", 5)
    assert await take_nothing(queue)
    clock.now += 5
    assert await queue.get() == "a"


async def test_the_earliest_of_several_delays_counts() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add_after("a", 50)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    clock.now += 5
    assert await queue.get() == "a"
    queue.done("a")
    clock.now += 100
    assert await take_nothing(queue)


async def test_adding_a_delayed_key_at_once_uses_up_its_delay() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add_after("a", 5)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    clock.now += 10
    assert await take_nothing(queue)


async def test_back_off_doubles_up_to_its_limit_and_starts_anew_after_success() -> None:
    queue: WorkQueue[str] = WorkQueue(retry_first_s=1, retry_max_s=4, clock=Clock())
    delays = [queue.retry("a") for _ in range(5)]
    for delay_s, wanted_s in zip(delays, [1, 2, 4, 4, 4], strict=True):
        assert 0.8 * wanted_s <= delay_s <= 1.2 * wanted_s
    queue.forget("a")
    assert queue.retry("a") <= 1.2


async def test_a_waiting_worker_wakes_for_a_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    found: list[str] = []

    async def work() -> None:
        found.append(await queue.get())

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.lowlevel.checkpoint()
        queue.add("a")
    assert found == ["a"]
