"""A shard of tablets, which tests that leave it in order use one after another."""

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


class SharedShard:
    """Starts when first asked for; what a test left in disorder is not handed to the next one."""

    def __init__(self, prepare: Callable[[Shard], None], count: int) -> None:
        self._prepare = prepare
        self._count = count
        self._stack = AsyncExitStack()
        self._shard: Shard | None = None

    async def pair(self) -> Pair:
        shard = await self.settled()
        primary, replica = await by_role(shard)
        return Pair(shard, primary, replica)

    async def settled(self) -> Shard:
        """Return the shard with one row in its table t, whichever tablet is the primary."""
        if self._shard is not None:
            try:
                await _settle(self._shard, self._count)
                return self._shard
            except (ArmillaryError, AssertionError, OSError, TimeoutError):
                await self.close()
        shard = await self._stack.enter_async_context(running_shard())
        self._prepare(shard)
        await start_replicating(shard, self._count)
        self._shard = shard
        return shard

    async def close(self) -> None:
        self._shard = None
        await self._stack.aclose()


@asynccontextmanager
async def shared_shard(
    prepare: Callable[[Shard], None] = lambda _: None, *, count: int = 2
) -> AsyncIterator[SharedShard]:
    shared = SharedShard(prepare, count)
    try:
        yield shared
    finally:
        await shared.close()


async def replicating_pair(shard: Shard) -> Pair:
    primary, replica = await start_replicating(shard, 2)
    return Pair(shard, primary, replica)


async def start_replicating(shard: Shard, count: int) -> list[TestTablet]:
    """Start a primary and replicas that follow it; one row is in its table t."""
    tablets = [shard.add_tablet(uid) for uid in range(1, count + 1)]
    shard.start(*tablets)
    await shard.wait_started(*tablets)
    await shard.promote(tablets[0])
    await shard.wait_healthy(tablets[0])
    with tablets[0].sql(database="vt_commerce") as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
    for tablet in tablets:
        await wait_rows(tablet, 1)
    return tablets


async def by_role(shard: Shard) -> list[TestTablet]:
    """Return the tablets, the primary first, then by alias."""
    alias = (await shard.topo.get_shard(shard.keyspace, shard.shard)).value.primary_alias
    return sorted(shard.tablets, key=lambda tablet: tablet.alias.uid != alias.uid)


async def _settle(shard: Shard, count: int) -> None:
    await _remove_others(shard, count)
    for tablet in shard.tablets:
        for process in (tablet.mysqlctld, tablet.vttablet):
            if not process.is_running:
                process.start()
    await shard.wait_healthy(*shard.tablets, timeout_s=30)
    primary, *replicas = await by_role(shard)
    with primary.sql(database="vt_commerce") as cursor:
        cursor.execute("DROP TABLE IF EXISTS t, u")
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("CREATE OR REPLACE TABLE settled AS SELECT UUID() AS word")
        cursor.execute("SELECT word FROM settled")
        (word,) = cursor.fetchone()
    for replica in replicas:
        await wait_value(replica, "SELECT word FROM vt_commerce.settled", word)
    with primary.sql(database="vt_commerce") as cursor:
        cursor.execute("DROP TABLE settled")


async def _remove_others(shard: Shard, count: int) -> None:
    """Remove the tablets that a test has added, and their records."""
    for tablet in shard.tablets[count:]:
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
    await wait_value(tablet, "SELECT COUNT(*) FROM vt_commerce.t", count)


async def wait_value(tablet: TestTablet, statement: str, wanted: object) -> None:
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
