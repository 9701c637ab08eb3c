"""Sequences: numbers for auto_increment columns, unique over all shards. I/O.

The table has Vitess's form: one row (id 0, next_id, cache). A block of `cache` numbers is taken in
a transaction of its own and given out from memory; numbers not given out are lost at a restart.
"""

from typing import TYPE_CHECKING

import anyio

from armillary.base.errors import NotFoundError
from armillary.model.tablet import TabletType
from armillary.routing.vschema import TableSchema
from armillary.vtgate.errors import SqlError
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.pool import PoolKey
from armillary.wire.protocol import UTF8MB4_GENERAL_CI
from armillary.wire.rows import split_text_row

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor

_KEY = PoolKey(UTF8MB4_GENERAL_CI, False, ())


class Sequence:
    """The block of one sequence's numbers that this gateway holds."""

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.next = 0
        self.end = 0  # exclusive

    def take(self, count: int) -> int | None:
        if self.end - self.next < count:
            return None
        first = self.next
        self.next += count
        return first


async def next_values(executor: "Executor", name: str, count: int) -> int:
    """Return the first of `count` consecutive numbers.

    Raises:
        SqlError: the sequence is not there, or is broken.
        TabletUnavailableError: its shard has no primary now.
    """
    if count < 1:
        raise SqlError(1105, f"invalid number of sequence values: {count}")
    keyspace, _, bare = name.rpartition(".")
    try:
        table = executor.gateway.cluster.vschema.find_table(keyspace or None, bare)
    except NotFoundError:
        raise SqlError(1105, f"cannot resolve sequence {name}") from None
    sequence = executor.gateway.sequence(table.keyspace, table.name)
    async with sequence.lock:
        first = sequence.take(count)
        if first is None:
            await _refill(executor, table, sequence, count)
            first = sequence.take(count)
        assert first is not None
        return first


async def _refill(executor: "Executor", table: TableSchema, sequence: Sequence, count: int) -> None:
    partition = executor.resolver().partition(table.keyspace)
    shard = partition.shard_of(table.pinned) if table.pinned else partition.shards[0]
    tablets = executor.gateway.tablets
    pool = await tablets.pool(table.keyspace, shard, TabletType.PRIMARY)
    connection = await pool.acquire(_KEY)
    done = False
    try:
        first, end = await _take_block(connection, table.name, sequence, count)
        done = True
    finally:
        if done:
            pool.release(_KEY, connection)
        else:
            connection.abort()
            pool.discard(connection)
    sequence.next, sequence.end = first, end


async def _take_block(
    connection: BackendConnection, table: str, sequence: Sequence, count: int
) -> tuple[int, int]:
    name = b"`" + table.replace("`", "``").encode() + b"`"
    await connection.query(b"begin")
    answer = await connection.query(
        b"select next_id, cache from " + name + b" where id = 0 for update"
    )
    if len(answer.rows) != 1:
        raise SqlError(1105, f"sequence {table}: one row with id 0 wanted: possible mis-route")
    cells = split_text_row(answer.rows[0], 2)
    next_id, cache = int(cells[0] or 0), int(cells[1] or 0)
    if cache < 1:
        raise SqlError(1105, f"sequence {table}: invalid cache value {cache}")
    first = max(next_id, sequence.end)
    block = -(-count // cache) * cache
    await connection.query(b"update " + name + b" set next_id = %d where id = 0" % (first + block))
    await connection.query(b"commit")
    return first, first + block
