"""Listeners hear the newest health, and of every table that has changed."""

from collections.abc import AsyncIterator

import anyio
import pytest

from armillary.pb import query_pb2
from armillary.vttablet.health_stream import HealthStream

pytestmark = pytest.mark.anyio


def health(lag_s: int) -> query_pb2.StreamHealthResponse:
    return query_pb2.StreamHealthResponse(
        realtime_stats=query_pb2.RealtimeStats(replication_lag_seconds=lag_s)
    )


async def heard(stream: AsyncIterator[query_pb2.StreamHealthResponse]) -> tuple[int, list[str]]:
    with anyio.fail_after(5):
        stats = (await anext(stream)).realtime_stats
    return stats.replication_lag_seconds, list(stats.table_schema_changed)


async def test_a_slow_listener_loses_health_but_no_table() -> None:
    stream = HealthStream()
    stream.send(health(1))
    slow, quick = stream.listen(), stream.listen()
    assert await heard(slow) == await heard(quick) == (1, [])
    stream.send_altered(["b"])
    assert await heard(quick) == (1, ["b"])
    stream.send(health(2))
    assert await heard(quick) == (2, [])
    stream.send_altered(["a", "b"])
    stream.send(health(3))
    assert await heard(slow) == (3, ["a", "b"])
    assert await heard(quick) == (3, ["a", "b"])


async def test_what_changed_before_a_listener_came_is_old() -> None:
    stream = HealthStream()
    stream.send_altered(["a"])
    late = stream.listen()
    stream.send(health(1))
    assert await heard(late) == (1, [])
    stream.send_altered(["a"])
    assert await heard(late) == (1, ["a"])


async def test_health_that_has_not_changed_is_told_again_only_now_and_then() -> None:
    now_s = 100.0
    stream = HealthStream(clock=lambda: now_s)
    stream.send(health(1))
    told: list[int] = []

    async def listen() -> None:
        async for response in stream.listen():
            told.append(response.realtime_stats.replication_lag_seconds)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await anyio.wait_all_tasks_blocked()
        for pause_s, lag_s in ((5.0, 1), (5.0, 2), (5.0, 2), (10.0, 2), (5.0, 2)):
            now_s += pause_s
            stream.send(health(lag_s))
            await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert told == [1, 2, 2], "at once, when it changed, and 20 s after that"
