"""UPDATE and DELETE on sharded tables. I/O, through the executor."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.vschema import ColumnVindex
from armillary.vtgate.answers.output import CollectedOutput, Output
from armillary.vtgate.answers.replies import answer_change, refuse_replica
from armillary.vtgate.placement.rows import keyspace_id_of
from armillary.vtgate.planner.plan import DmlPlan, Source
from armillary.vtgate.planner.shapes import column_shape
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

        async def work() -> list[ResponseSummary]:
            if plan.select_owned is not None:
                executor.lookups.begin_statement()
                for shard in shards:
                    await self._move_lookups(plan, statement, shard)
            done = []
            for shard in shards:
                one = CollectedOutput()
                done.append(await executor.on_shard(keyspace, shard, sql, one, group=self._group))
            return done

        summaries = await executor.whole(work)
        total = ResponseSummary(
            affected_rows=sum(one.affected_rows for one in summaries),
            warnings=sum(one.warnings for one in summaries),
            last_insert_id=max(one.last_insert_id for one in summaries),
            info=_info([one.info for one in summaries]),
        )
        return answer_change(executor.session, out, total)

    async def _move_lookups(self, plan: DmlPlan, statement: "Statement", shard: str) -> None:
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
                await self._move(plan, number, item, before, keyspace_id, statement.literals)

    async def _move(
        self,
        plan: DmlPlan,
        number: int,
        item: ColumnVindex,
        before: tuple[bytes, ...],
        keyspace_id: bytes,
        literals: Sequence[bytes],
    ) -> None:
        table = plan.table
        assert table is not None
        if plan.verb == "DELETE":
            await self._lookups.delete(table, item, (before, keyspace_id))
            return
        changed: dict[str, Source] = dict(plan.changes[number].values)
        after = tuple(
            changed[column].literal(literals) if column in changed else old
            for column, old in zip(item.columns, before, strict=True)
        )
        await self._lookups.replace(table, item, (before, keyspace_id), (after, keyspace_id))


def _cell_literal(cell: bytes | None, column: ColumnDefinition, codec: str) -> bytes:
    """Return a stored value as the SQL literal that equals it.

    Text came in the character set of results, which a session may set to another than that of
    its statements, `codec`.
    """
    if cell is None:
        return b"NULL"
    if column.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES:
        return cell
    if column.collation_id == BINARY_COLLATION and not _is_temporal(column):
        return b"x'" + cell.hex().encode() + b"'"
    try:
        text = cell.decode(column_shape(column).codec)
    except UnicodeDecodeError:
        return quote(cell)
    try:
        return quote(text.encode(codec or "utf-8"))
    except UnicodeEncodeError:
        return b"_utf8mb4" + quote(text.encode())


def _is_temporal(column: ColumnDefinition) -> bool:
    return column.type in (7, 10, 11, 12)


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
