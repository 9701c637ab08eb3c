"""A primary and its replica, which tests that leave them in order use one after another."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

import anyio

from armillary.base.errors import ArmillaryError, NotFoundError
from tests.integration.tablet.shard import Shard, TestTablet, running_shard


class Pair(NamedTuple):
    shard: Shard
    primary: TestTablet
    replica: TestTablet


class SharedPair:
    """Starts when first asked for; what a test left in disorder is not handed to the next one."""

    def __init__(self, prepare: Callable[[Shard], None]) -> None:
        self._prepare = prepare
        self._stack = AsyncExitStack()
        self._pair: Pair | None = None

    async def settled(self) -> Pair:
        """Return the pair with one row in its table t, whichever tablet is the primary."""
        if self._pair is not None:
            try:
                self._pair = await _settle(self._pair.shard)
                return self._pair
            except (ArmillaryError, AssertionError, OSError, TimeoutError):
                await self.close()
        shard = await self._stack.enter_async_context(running_shard())
        self._prepare(shard)
        self._pair = await replicating_pair(shard)
        return self._pair

    async def close(self) -> None:
        self._pair = None
        await self._stack.aclose()


@asynccontextmanager
async def shared_pair(
    prepare: Callable[[Shard], None] = lambda _: None,
) -> AsyncIterator[SharedPair]:
    shared = SharedPair(prepare)
    try:
        yield shared
    finally:
        await shared.close()


async def replicating_pair(shard: Shard, *flags: str) -> Pair:
    """Start a primary and a replica that follows it."""
    first, second = shard.add_tablet(1, *flags), shard.add_tablet(2, *flags)
    shard.start(first, second)
    await shard.wait_healthy(first, second)
    await shard.promote(first)
    await shard.wait_healthy(first)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
    await wait_rows(second, 1)
    return Pair(shard, first, second)


async def _settle(shard: Shard) -> Pair:
    await _remove_others(shard)
    for tablet in shard.tablets:
        for process in (tablet.mysqlctld, tablet.vttablet):
            if not process.is_running:
                process.start()
    await shard.wait_healthy(*shard.tablets, timeout_s=30)
    alias = (await shard.topo.get_shard(shard.keyspace, shard.shard)).value.primary_alias
    primary, replica = sorted(shard.tablets, key=lambda tablet: tablet.alias.uid != alias.uid)
    with primary.sql(database="vt_commerce") as cursor:
        cursor.execute("DROP TABLE IF EXISTS t, u")
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("CREATE OR REPLACE TABLE settled AS SELECT UUID() AS word")
    word = primary.scalar("SELECT word FROM vt_commerce.settled")
    await _wait_value(replica, "SELECT word FROM vt_commerce.settled", word)
    return Pair(shard, primary, replica)


async def _remove_others(shard: Shard) -> None:
    """Remove the tablets that a test has added to the pair, and their records."""
    for tablet in shard.tablets[2:]:
        tablet.vttablet.end()
        tablet.mysqlctld.end()
        shutil.rmtree(tablet.dir)
        shard.tablets.remove(tablet)
        with suppress(NotFoundError):
            await shard.topo.delete_tablet(tablet.alias)
    for keyspace in set(await shard.topo.list_keyspaces()) - {shard.keyspace}:
        for name in await shard.topo.list_shards(keyspace):
            await shard.topo.delete_shard(keyspace, name)
        await shard.topo.delete_keyspace(keyspace)


async def wait_rows(tablet: TestTablet, count: int) -> None:
    await _wait_value(tablet, "SELECT COUNT(*) FROM vt_commerce.t", count)


async def _wait_value(tablet: TestTablet, statement: str, wanted: object) -> None:
    found: object = None
    with anyio.move_on_after(60):
        while True:
            try:
                found = tablet.scalar(statement)
            except Exception as error:  # noqa: BLE001  # the table may not be there yet
                found = error
            if found == wanted:
                return
            await anyio.sleep(0.05)
    raise AssertionError(f"{tablet.alias}: {statement}: wanted {wanted}, found {found}")


async def reparent(shard: Shard, old: TestTablet, new: TestTablet) -> None:
    """The steps of a planned reparent, as the control daemon does them."""
    old_record, new_record = await shard.record(old), await shard.record(new)
    demoted = await shard.client.demote_primary(old_record)
    await shard.client.wait_for_position(new_record, demoted.position)
    position = await shard.client.promote_replica(new_record)
    now_ns = 1_700_000_000_000_000_000
    async with anyio.create_task_group() as tasks:

        async def follow() -> None:
            await shard.client.set_replication_source(
                old_record, new_record.alias, time_created_ns=now_ns, timeout_s=15
            )

        tasks.start_soon(follow)
        await shard.client.populate_reparent_journal(
            new_record,
            time_created_ns=now_ns,
            action_name="PlannedReparentShard",
            primary_alias=new_record.alias,
            position=position,
        )
