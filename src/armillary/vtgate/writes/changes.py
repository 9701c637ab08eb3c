"""UPDATE and DELETE on sharded tables. I/O, through the executor."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from armillary.routing.vschema import ColumnVindex
from armillary.vtgate.answers.output import CollectedOutput, Output
from armillary.vtgate.answers.replies import answer_change, refuse_replica
from armillary.vtgate.errors import SqlError
from armillary.vtgate.placement.rows import keyspace_id_of
from armillary.vtgate.planner.owned_rows import UTF8_LABEL
from armillary.vtgate.planner.plan import DmlPlan, Source
from armillary.vtgate.transactions.pins import CLEANUP_S_MAX
from armillary.vtgate.writes.lookups import LookupRow
from armillary.vtgate.writes.owned_lookups import OwnedLookups
from armillary.wire.columns import ColumnDefinition
from armillary.wire.lenenc import encode_string, read_string
from armillary.wire.protocol import (
    BINARY_COLLATION,
    DECIMAL_TYPES,
    FLOAT_TYPES,
    INTEGER_TYPES,
)
from armillary.wire.scanner import ResponseSummary
from armillary.wire.statements import quote

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor
    from armillary.vtgate.rendering import Statement

_NUMBERS = re.compile(rb": (\d+)")  # of `Rows matched: 1  Changed: 1  Warnings: 0`


class Changes:
    def __init__(self, executor: "Executor", group: str) -> None:
        self._executor = executor
        self._group = group
        self._lookups = OwnedLookups(executor)

    async def change(self, plan: DmlPlan, statement: "Statement", out: Output) -> ResponseSummary:
        refuse_replica(self._executor.session)
        executor = self._executor
        keyspace = plan.route.keyspace
        shards = await executor.resolver().shards(plan.route, statement.literals)
        if not shards:
            shards = executor.resolver().partition(keyspace).shards[:1]
        sql = executor.texts.text_of(plan.template, statement)
        if len(shards) == 1 and plan.select_owned is None:
            return await executor.on_shard(keyspace, shards[0], sql, out, group=self._group)
        if len(shards) > 1 and plan.single_only is not None:
            raise plan.single_only

        if self._group == "post" and len(shards) > 1:
            shards = await self._shards_with(keyspace, shards, sql)

        async def work() -> list[ResponseSummary]:
            if plan.select_owned is None:
                return [await self._run(keyspace, shard, sql) for shard in shards]
            executor.lookups.begin_statement()
            async with AsyncExitStack() as stack:
                if plan.reads_clock:
                    for shard in shards:
                        await stack.enter_async_context(self._stopped_clock(keyspace, shard))
                left: list[_Left] = []
                moved = [await self._move_lookups(plan, statement, shard, left) for shard in shards]
                done = [await self._run(keyspace, shard, sql) for shard in shards]
            for rows, one in zip(moved, done, strict=True):
                check_same_rows(plan, rows, one)
            await self._delete_unused(plan, left)
            return done

        summaries = await executor.whole(work)
        total = ResponseSummary(
            affected_rows=sum(one.affected_rows for one in summaries),
            warnings=sum(one.warnings for one in summaries),
            last_insert_id=max((one.last_insert_id for one in summaries), default=0),
            info=_info([one.info for one in summaries]),
        )
        return answer_change(executor.session, out, total)

    async def _shards_with(
        self, keyspace: str, shards: Sequence[str], sql: bytes
    ) -> tuple[str, ...]:
        """Return the shards that have what a DELETE of lookup rows is for.

        On the others it would lock gaps, and the inserts of the same transaction, which go over
        another connection, would wait for it without end.
        """
        found = []
        for shard in shards:
            out = CollectedOutput()
            reading = b"select 1" + sql[len(b"delete") :]
            await self._executor.on_shard(
                keyspace, shard, reading, out, group="outside", again=True
            )
            if out.rows:
                found.append(shard)
        return tuple(found)

    async def _run(self, keyspace: str, shard: str, sql: bytes) -> ResponseSummary:
        out = CollectedOutput()
        return await self._executor.on_shard(keyspace, shard, sql, out, group=self._group)

    @asynccontextmanager
    async def _stopped_clock(self, keyspace: str, shard: str) -> AsyncIterator[None]:
        """Let the rows that are read be those that are changed: `where ends < now(6)`."""
        executor = self._executor
        if any(name == "timestamp" for name, _ in executor.session.settings):
            yield  # the client has stopped it
            return
        async with executor.using(keyspace, shard, self._group) as connection:
            before, connection.tainted = connection.tainted, True
            await connection.query(b"set timestamp = unix_timestamp(now(6))")
        try:
            yield
        finally:
            with anyio.move_on_after(CLEANUP_S_MAX, shield=True):
                async with executor.using(keyspace, shard, self._group) as connection:
                    await connection.query(b"set timestamp = default")
                    connection.tainted = before

    async def _delete_unused(self, plan: DmlPlan, left: "list[_Left]") -> None:
        assert plan.table is not None
        once = {(item.vindex.name, row): (item, row, place) for item, row, place in left}
        for item, row, place in once.values():
            await self._lookups.delete_unused(plan.table, item, row, place)

    async def _move_lookups(
        self, plan: DmlPlan, statement: "Statement", shard: str, left: "list[_Left]"
    ) -> int:
        """Return of how many rows; to `left` go lookup rows that other rows may have as well."""
        executor = self._executor
        table = plan.table
        assert table is not None and table.primary is not None and plan.select_owned is not None
        old = CollectedOutput()
        sql = executor.texts.render(plan.select_owned, statement.literals)
        await executor.on_shard(table.keyspace, shard, sql, old, group=self._group)
        for row in old.rows:
            codec = executor.session.codec
            literals = [
                _cell_literal(cell, column, codec)
                for cell, column in zip(row, old.columns, strict=True)
            ]
            keyspace_id = await keyspace_id_of(executor, table, literals[0])
            at = len(table.primary.columns)
            for number, item in enumerate(plan.owned):
                width = len(item.columns)
                before = tuple(literals[at : at + width])
                at += width
                row_before = before, keyspace_id
                if await self._move(plan, number, item, row_before, statement.literals):
                    left.append((item, row_before, tuple(literals[: len(table.primary.columns)])))
        return len(old.rows)

    async def _move(
        self,
        plan: DmlPlan,
        number: int,
        item: ColumnVindex,
        before: LookupRow,
        literals: Sequence[bytes],
    ) -> bool:
        """Return whether the lookup row is still there."""
        table = plan.table
        assert table is not None
        if plan.verb == "DELETE":
            if await self._lookups.is_shared(table, item):
                return True
            await self._lookups.delete(table, item, before)
            return False
        changed: dict[str, Source] = dict(plan.changes[number].values)
        after = tuple(
            changed[column].literal(literals) if column in changed else old
            for column, old in zip(item.columns, before[0], strict=True)
        )
        return await self._lookups.replace(table, item, before, (after, before[1]))


# A lookup vindex, the row that it had, and the values by which the owning row is placed.
_Left = tuple[ColumnVindex, LookupRow, tuple[bytes, ...]]


def _cell_literal(cell: bytes | None, column: ColumnDefinition, codec: str) -> bytes:
    """Return a stored value as the SQL literal that equals it; `codec` is that of statements."""
    if cell is None:
        return b"NULL"
    if column.name == UTF8_LABEL.encode():
        return _text_literal(cell.decode("utf-8", "surrogateescape"), codec)
    if column.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES:
        return cell
    if column.collation_id == BINARY_COLLATION and not _is_temporal(column):
        return b"x'" + cell.hex().encode() + b"'"
    return quote(cell)


def _text_literal(text: str, codec: str) -> bytes:
    try:
        if codec:
            return quote(text.encode(codec))
    except UnicodeEncodeError:
        pass
    return b"_utf8mb4" + quote(text.encode("utf-8", "surrogateescape"))


def _is_temporal(column: ColumnDefinition) -> bool:
    return column.type in (7, 10, 11, 12)


def check_same_rows(plan: DmlPlan, rows: int, done: ResponseSummary) -> None:
    """Raises: SqlError: rows came or went between reading and changing them."""
    changed = done.affected_rows
    if plan.verb == "UPDATE":
        numbers = _NUMBERS.findall(done.info)
        changed = int(numbers[0]) if numbers else rows
    if changed != rows:
        assert plan.table is not None
        raise SqlError(
            1020,
            f"Record has changed since last read in table '{plan.table.name}': of {rows} rows "
            f"lookup rows were moved, but {changed} were to be changed; nothing was done",
        )


def _info(infos: Sequence[bytes]) -> bytes:
    """Add up `Rows matched: 1  Changed: 1  Warnings: 0` of several shards."""
    totals: list[int] = []
    labels: list[bytes] = []
    for info in infos:
        if not info:
            continue
        parts = read_string(info, 0)[0].split(b"  ")
        numbers = [int(part.rpartition(b": ")[2] or 0) for part in parts if b": " in part]
        labels = [part.rpartition(b": ")[0] for part in parts if b": " in part] or labels
        totals = [a + b for a, b in zip(totals, numbers, strict=False)] if totals else numbers
    if not totals:
        return b""
    text = b"  ".join(b"%s: %d" % pair for pair in zip(labels, totals, strict=True))
    return encode_string(text)
