"""Who routes queries hears which tables have changed, whoever changed them. Real processes."""

from contextlib import aclosing

import anyio
import pytest

from armillary.base.errors import ArmillaryError
from tests.integration.tablet.shared import Pair

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

WAIT_S = 30.0


class Ear:
    """Listens to a tablet's health stream."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._news: list[frozenset[str]] = []
        self._came = anyio.Event()
        self.began = anyio.Event()

    async def listen(self) -> None:
        record = await self._pair.shard.record(self._pair.primary)
        async with aclosing(self._pair.shard.client.stream_health(record)) as answers:
            async for answer in answers:
                self.began.set()
                if answer.realtime_stats.table_schema_changed:
                    self._news.append(frozenset(answer.realtime_stats.table_schema_changed))
                    self._came.set()

    async def hears(self) -> frozenset[str]:
        """Return what is told next."""
        with anyio.fail_after(WAIT_S):
            while not self._news:
                await self._came.wait()
                self._came = anyio.Event()
        return self._news.pop(0)


async def test_every_way_to_change_a_table_is_told(pair: Pair) -> None:
    shard, first, _ = pair
    record = await shard.record(first)
    call = shard.client
    await call.apply_schema(
        record, "CREATE TABLE pairs (a INT, b INT, KEY (a)); CREATE TABLE u (a INT)"
    )
    ear = Ear(pair)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ear.listen)
        await ear.began.wait()
        with first.sql(database="vt_commerce") as cursor:
            cursor.execute("INSERT INTO pairs VALUES (1, 2)")  # no news
            await call.reload_schema(record)
            await call.apply_schema(record, "ALTER TABLE pairs ADD c INT")
            assert await ear.hears() == {"pairs"}
            with pytest.raises(ArmillaryError, match="1064"):
                await call.apply_schema(record, "ALTER TABLE u ADD c INT; CREATE TABEL v (a INT)")
            assert await ear.hears() == {"u"}
            # By nobody whom the tablet knows of: two columns change places, and nothing else.
            cursor.execute("ALTER TABLE pairs MODIFY a INT AFTER b")
            assert await ear.hears() == {"pairs"}
            cursor.execute("CREATE TRIGGER put BEFORE INSERT ON u FOR EACH ROW SET NEW.a = 1")
            assert await ear.hears() == {"u"}
            cursor.execute("DROP TABLE pairs, u")
            await call.reload_schema(record)
            assert await ear.hears() == {"pairs", "u"}
        tasks.cancel_scope.cancel()
