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
