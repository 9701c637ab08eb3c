"""INSERT and REPLACE into sharded tables. I/O, through the executor.

Whatever takes more than one statement (several shards, lookup rows) is one transaction, or one
savepoint inside the client's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.lookup import LookupVindex
from armillary.sql.literals import NotAValue, literal_value
from armillary.vtgate.answers.output import CollectedOutput, Output
from armillary.vtgate.answers.replies import answer_change, refuse_replica
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.placement.rows import functional_id, keyspace_id_of
from armillary.vtgate.planner.insert import increment_term
from armillary.vtgate.planner.plan import InsertPlan
from armillary.vtgate.writes.owned_lookups import OwnedLookups
from armillary.vtgate.writes.sequences import next_values
from armillary.wire.lenenc import encode_string
from armillary.wire.scanner import ResponseSummary

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor
    from armillary.vtgate.rendering import Statement


class Inserts:
    def __init__(self, executor: "Executor", group: str) -> None:
        self._executor = executor
        self._group = group
        self._lookups = OwnedLookups(executor)

    async def insert(
        self, plan: InsertPlan, statement: "Statement", out: Output
    ) -> ResponseSummary:
        refuse_replica(self._executor.session)
        executor = self._executor
        literals = statement.literals
        table = plan.table
        if table.pinned is not None:
            shard = executor.resolver().partition(table.keyspace).shard_of(table.pinned)
            sql = executor.texts.text_of(plan.whole, statement)
            return await executor.on_shard(table.keyspace, shard, sql, out, group=self._group)
        values = [
            [source.literal(literals) if source is not None else None for source in row]
            for row in plan.sources
        ]
        terms, first_id = await self._increments(plan, values)
        primary = table.primary
        assert primary is not None
        ids = [
            await keyspace_id_of(executor, table, _vindex_literal(plan, primary.columns[0], row))
            for row in values
        ]
        partition = executor.resolver().partition(table.keyspace)
        by_shard: dict[str, list[int]] = {}
        for number, keyspace_id in enumerate(ids):
            by_shard.setdefault(partition.shard_of(keyspace_id), []).append(number)
        if len(by_shard) > 1 and plan.single_only is not None:
            raise plan.single_only
        lookups = any(isinstance(item.vindex, LookupVindex) for item in table.column_vindexes[1:])
        if len(by_shard) == 1 and not lookups:
            sql = (
                executor.texts.render(plan.whole, literals, terms)
                if plan.whole is not None
                else executor.texts.text_of(None, statement)
            )
            (shard,) = by_shard
            if first_id is None:
                return await executor.on_shard(table.keyspace, shard, sql, out, group=self._group)

        async def work() -> ResponseSummary:
            if plan.table.owned:  # not for the lookup rows of a statement
                executor.lookups.begin_statement()
            await self._check_others(plan, values, ids)
            await self._create_lookups(plan, values, ids)
            return await self._insert_rows(plan, literals, by_shard, terms)

        summary = await executor.whole(work)
        if first_id is not None:
            summary.last_insert_id = first_id
        return answer_change(executor.session, out, summary)

    async def _insert_rows(
        self,
        plan: InsertPlan,
        literals: Sequence[bytes],
        by_shard: dict[str, list[int]],
        terms: dict[str, bytes],
    ) -> ResponseSummary:
        executor = self._executor
        total = ResponseSummary()
        head = executor.texts.render(plan.template_head, literals, terms)
        tail = executor.texts.render(plan.template_tail, literals, terms)
        for shard, numbers in sorted(by_shard.items()):
            rows = [executor.texts.render(plan.rows[number], literals, terms) for number in numbers]
            sql = head + b", ".join(rows) + tail
            out = CollectedOutput()
            one = await executor.on_shard(plan.table.keyspace, shard, sql, out, group=self._group)
            total.affected_rows += one.affected_rows
            total.warnings += one.warnings
            if not total.last_insert_id:
                total.last_insert_id = one.last_insert_id
            total.info = one.info if len(by_shard) == 1 else b""
        if len(by_shard) > 1:
            total.info = _info_of(plan, total)
        return total

    async def _increments(
        self, plan: InsertPlan, values: list[list[bytes | None]]
    ) -> tuple[dict[str, bytes], int | None]:
        """Take values of the sequence for the rows that give none; return them as terms."""
        if plan.increment is None:
            return {}, None
        assert plan.table.auto_increment is not None
        at = plan.increment
        wanting = [
            number
            for number, row in enumerate(values)
            if (literal := row[at]) is not None
            and _asks_for_number(literal, zero=not self._executor.session.keeps_zero)
        ]
        if any(row[at] is None for row in values):
            raise RefusedError("an expression for a column that a sequence fills")
        first: int | None = None
        if wanting:
            first = await next_values(
                self._executor, plan.table.auto_increment.sequence, len(wanting)
            )
            for offset, number in enumerate(wanting):
                values[number][at] = b"%d" % (first + offset)
        terms = {
            increment_term(number).name: row[at] or b"NULL" for number, row in enumerate(values)
        }
        return terms, first

    async def _check_others(
        self, plan: InsertPlan, values: list[list[bytes | None]], ids: Sequence[bytes]
    ) -> None:
        """Vindexes that this table does not own must agree with the row's keyspace id."""
        table = plan.table
        for item in table.column_vindexes[1:]:
            if item.owned:
                continue
            for row, keyspace_id in zip(values, ids, strict=True):
                literals = [_vindex_literal(plan, column, row) for column in item.columns]
                if literals[0].upper() == b"NULL":
                    continue
                if isinstance(item.vindex, LookupVindex):
                    found = await self._executor.lookups.verify(
                        item.vindex, table.keyspace, (tuple(literals), keyspace_id)
                    )
                else:
                    other = await functional_id(self._executor, table, item, literals[0])
                    found = other == keyspace_id
                if not found:
                    shown = literals[0].decode("utf-8", "replace")
                    raise SqlError(
                        1105,
                        f"values [{shown}] for column [{item.columns[0]}] "
                        "does not map to keyspace ids",
                    )

    async def _create_lookups(
        self, plan: InsertPlan, values: list[list[bytes | None]], ids: Sequence[bytes]
    ) -> None:
        table = plan.table
        for item in table.owned:
            rows = [
                (tuple(_vindex_literal(plan, column, row) for column in item.columns), keyspace_id)
                for row, keyspace_id in zip(values, ids, strict=True)
            ]
            await self._lookups.create(table, item, rows)


def _asks_for_number(literal: bytes, *, zero: bool) -> bool:
    """Whether a value makes a column that counts take its next number: NULL, or 0 in any form."""
    try:
        value = literal_value(literal)
        return value is None or (zero and value in (0, b"0"))
    except NotAValue:
        return False


def _info_of(plan: InsertPlan, total: ResponseSummary) -> bytes:
    """Tell of rows on several shards what one server tells of several rows.

    A row that was there counts as one more row affected, or as one less when it was ignored.
    """
    records = len(plan.rows)
    more = records - total.affected_rows if plan.ignore else total.affected_rows - records
    text = f"Records: {records}  Duplicates: {max(more, 0)}  Warnings: {total.warnings}"
    return encode_string(text.encode())


def _vindex_literal(plan: InsertPlan, column: str, row: Sequence[bytes | None]) -> bytes:
    literal = row[plan.columns.index(column)]
    if literal is None:
        raise RefusedError(f"an expression for the vindex column {column}")
    return literal
