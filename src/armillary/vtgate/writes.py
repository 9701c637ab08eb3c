"""INSERT, REPLACE, UPDATE and DELETE on sharded tables. I/O, through the executor.

Whatever takes more than one statement (several shards, lookup rows) is one transaction, or one
savepoint inside the client's.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.lookup import LookupVindex, quote_name
from armillary.routing.vindexes import FunctionalVindex
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.sql.literals import NotAValue
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.lookups import LookupRow, OnOwner
from armillary.vtgate.output import CollectedOutput, Output
from armillary.vtgate.planner.insert import increment_term
from armillary.vtgate.planner.plan import DmlPlan, InsertPlan, Source
from armillary.vtgate.resolve import placing_value, unmappable
from armillary.vtgate.sequences import next_values
from armillary.wire.columns import ColumnDefinition
from armillary.wire.lenenc import encode_string, read_string
from armillary.wire.protocol import (
    BINARY_COLLATION,
    DECIMAL_TYPES,
    FLOAT_TYPES,
    INTEGER_TYPES,
)
from armillary.wire.responses import OkPacket
from armillary.wire.scanner import ResponseSummary
from armillary.wire.statements import quote

if TYPE_CHECKING:
    from armillary.vtgate.executor import Executor, Statement


class Writes:
    def __init__(self, executor: "Executor", group: str) -> None:
        self._executor = executor
        self._group = group

    def _answer(self, out: Output, summary: ResponseSummary) -> ResponseSummary:
        out.ok(
            OkPacket(
                affected_rows=summary.affected_rows,
                last_insert_id=summary.last_insert_id,
                status=self._executor.session.status,
                warnings=summary.warnings,
                info=summary.info,
            )
        )
        return summary

    def _refuse_replica(self) -> None:
        target = self._executor.session.target
        if target.tablet_type.name != "PRIMARY":
            raise SqlError(
                1105,
                f"VT09002: DML statement on a tablet that is not a primary: target {target}",
            )

    # INSERT

    async def insert(
        self, plan: InsertPlan, statement: "Statement", out: Output
    ) -> ResponseSummary:
        self._refuse_replica()
        executor = self._executor
        literals = statement.literals
        table = plan.table
        if table.pinned is not None:
            shard = executor.resolver().partition(table.keyspace).shard_of(table.pinned)
            sql = executor.text_of(plan.whole, statement)
            return await executor.on_shard(table.keyspace, shard, sql, out, group=self._group)
        values = [
            [source.literal(literals) if source is not None else None for source in row]
            for row in plan.sources
        ]
        terms, first_id = await self._increments(plan, values)
        ids = [await self._keyspace_id(plan, row) for row in values]
        partition = executor.resolver().partition(table.keyspace)
        by_shard: dict[str, list[int]] = {}
        for number, keyspace_id in enumerate(ids):
            by_shard.setdefault(partition.shard_of(keyspace_id), []).append(number)
        lookups = any(isinstance(item.vindex, LookupVindex) for item in table.column_vindexes[1:])
        if len(by_shard) == 1 and not lookups:
            sql = (
                executor.render(plan.whole, literals, terms)
                if plan.whole is not None
                else executor.text_of(None, statement)
            )
            (shard,) = by_shard
            if first_id is None:
                return await executor.on_shard(table.keyspace, shard, sql, out, group=self._group)

        async def work() -> ResponseSummary:
            await self._check_others(plan, values, ids)
            await self._create_lookups(plan, values, ids)
            return await self._insert_rows(plan, literals, by_shard, terms)

        summary = await executor.whole(work)
        if first_id is not None:
            summary.last_insert_id = first_id
        return self._answer(out, summary)

    async def _insert_rows(
        self,
        plan: InsertPlan,
        literals: Sequence[bytes],
        by_shard: dict[str, list[int]],
        terms: dict[str, bytes],
    ) -> ResponseSummary:
        executor = self._executor
        total = ResponseSummary()
        head = executor.render(plan.template_head, literals, terms)
        tail = executor.render(plan.template_tail, literals, terms)
        for shard, numbers in sorted(by_shard.items()):
            rows = [executor.render(plan.rows[number], literals, terms) for number in numbers]
            sql = head + b", ".join(rows) + tail
            out = CollectedOutput()
            one = await executor.on_shard(plan.table.keyspace, shard, sql, out, group=self._group)
            total.affected_rows += one.affected_rows
            total.warnings += one.warnings
            if not total.last_insert_id:
                total.last_insert_id = one.last_insert_id
            total.info = one.info if len(by_shard) == 1 else b""
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
            if row[at] is not None and (row[at] or b"").upper() in (b"NULL", b"0")
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

    async def _keyspace_id(self, plan: InsertPlan, row: Sequence[bytes | None]) -> bytes:
        primary = plan.table.primary
        assert primary is not None
        literal = self._vindex_literal(plan, primary.columns[0], row)
        if isinstance(primary.vindex, LookupVindex):
            ids = await self._executor.lookups.map(
                primary.vindex, plan.table.keyspace, [literal], locking=True
            )
            if len(ids) != 1:
                raise unmappable(primary.vindex.name, literal)
            return ids.pop()
        return await self._functional_id(plan.table, primary, literal)

    def _vindex_literal(self, plan: InsertPlan, column: str, row: Sequence[bytes | None]) -> bytes:
        if column not in plan.columns:
            return b"NULL"
        literal = row[plan.columns.index(column)]
        if literal is None:
            raise RefusedError(f"an expression for the vindex column {column}")
        return literal

    async def _functional_id(self, table: TableSchema, item: ColumnVindex, literal: bytes) -> bytes:
        assert isinstance(item.vindex, FunctionalVindex)
        executor = self._executor
        shape = await executor.gateway.shape(table.keyspace, table.name)
        column = shape.columns.get(item.columns[0])
        try:
            value = placing_value(literal, item.vindex, column, codec=executor.session.codec)
        except NotAValue:
            raise unmappable(item.vindex.name, literal) from None
        keyspace_id = item.vindex.map(value)
        if keyspace_id is None:
            raise unmappable(item.vindex.name, literal)
        return keyspace_id

    async def _check_others(
        self, plan: InsertPlan, values: list[list[bytes | None]], ids: Sequence[bytes]
    ) -> None:
        """Vindexes that this table does not own must agree with the row's keyspace id."""
        table = plan.table
        for item in table.column_vindexes[1:]:
            if item.owned:
                continue
            for row, keyspace_id in zip(values, ids, strict=True):
                literals = [self._vindex_literal(plan, column, row) for column in item.columns]
                if literals[0].upper() == b"NULL":
                    continue
                if isinstance(item.vindex, LookupVindex):
                    found = await self._executor.lookups.verify(
                        item.vindex, table.keyspace, (tuple(literals), keyspace_id)
                    )
                else:
                    other = await self._functional_id(table, item, literals[0])
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
            assert isinstance(item.vindex, LookupVindex)
            rows: list[LookupRow] = [
                (
                    tuple(self._vindex_literal(plan, column, row) for column in item.columns),
                    keyspace_id,
                )
                for row, keyspace_id in zip(values, ids, strict=True)
            ]
            await self._executor.lookups.create(
                item.vindex, table.keyspace, rows, owner_has=self._owner_check(table, item)
            )

    def _owner_check(self, table: TableSchema, item: ColumnVindex) -> OnOwner:
        executor = self._executor

        async def owner_has(keyspace_id: bytes, vindex: str, values: Sequence[bytes]) -> bool:
            where = " and ".join(f"{quote_name(column)} = ?" for column in item.columns)
            sql = (
                f"select {quote_name(item.columns[0])} from {quote_name(table.name)} "
                f"where {where} lock in share mode"
            )
            shard = executor.resolver().partition(table.keyspace).shard_of(keyspace_id)
            out = CollectedOutput()
            text = _fill(sql, values)
            await executor.on_shard(table.keyspace, shard, text, out)
            return bool(out.rows)

        return owner_has

    # UPDATE and DELETE

    async def change(self, plan: DmlPlan, statement: "Statement", out: Output) -> ResponseSummary:
        self._refuse_replica()
        executor = self._executor
        keyspace = plan.route.keyspace
        shards = await executor.resolver().shards(plan.route, statement.literals)
        if not shards:
            shards = executor.resolver().partition(keyspace).shards[:1]
        sql = executor.text_of(plan.template, statement)
        if len(shards) == 1 and plan.select_owned is None:
            return await executor.on_shard(keyspace, shards[0], sql, out, group=self._group)
        if len(shards) > 1 and plan.single_only is not None:
            raise plan.single_only

        async def work() -> list[ResponseSummary]:
            if plan.select_owned is not None:
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
            info=_info([one.info for one in summaries]),
        )
        return self._answer(out, total)

    async def _move_lookups(self, plan: DmlPlan, statement: "Statement", shard: str) -> None:
        executor = self._executor
        table = plan.table
        assert table is not None and table.primary is not None and plan.select_owned is not None
        old = CollectedOutput()
        sql = executor.render(plan.select_owned, statement.literals)
        await executor.on_shard(table.keyspace, shard, sql, old, group=self._group)
        for row in old.rows:
            literals = [
                _cell_literal(cell, column) for cell, column in zip(row, old.columns, strict=True)
            ]
            keyspace_id = await self._stored_id(table, literals[0])
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
        assert plan.table is not None and isinstance(item.vindex, LookupVindex)
        keyspace = plan.table.keyspace
        lookups = self._executor.lookups
        if plan.verb == "DELETE":
            await lookups.delete(item.vindex, keyspace, [(before, keyspace_id)])
            return
        changed: dict[str, Source] = dict(plan.changes[number].values)
        after = tuple(
            changed[column].literal(literals) if column in changed else old
            for column, old in zip(item.columns, before, strict=True)
        )
        if after == before:
            return
        if item.vindex.consistent and await self._equal(before, after):
            return
        await lookups.delete(item.vindex, keyspace, [(before, keyspace_id)])
        await lookups.create(
            item.vindex,
            keyspace,
            [(after, keyspace_id)],
            owner_has=self._owner_check(plan.table, item),
        )

    async def _equal(self, before: Sequence[bytes], after: Sequence[bytes]) -> bool:
        """Whether old and new are equal to the server: then lookup rows would lock each other."""
        executor = self._executor
        test = b" and ".join(b"(%s <=> %s)" % pair for pair in zip(before, after, strict=True))
        keyspace = executor.session.target.keyspace or next(iter(executor.gateway.cluster.layouts))
        answer = await executor.gateway.ask(keyspace, b"select " + test)
        return answer.rows[0] == b"\x011"

    async def _stored_id(self, table: TableSchema, literal: bytes) -> bytes:
        assert table.primary is not None
        if isinstance(table.primary.vindex, LookupVindex):
            ids = await self._executor.lookups.map(
                table.primary.vindex, table.keyspace, [literal], locking=True
            )
            if len(ids) != 1:
                raise unmappable(table.primary.vindex.name, literal)
            return ids.pop()
        return await self._functional_id(table, table.primary, literal)


def _fill(sql: str, literals: Sequence[bytes]) -> bytes:
    pieces = sql.encode().split(b"?")
    assert len(pieces) == len(literals) + 1
    out = [pieces[0]]
    for literal, piece in zip(literals, pieces[1:], strict=True):
        out += (literal, piece)
    return b"".join(out)


def _cell_literal(cell: bytes | None, column: ColumnDefinition) -> bytes:
    """Return a stored value as the SQL literal that equals it."""
    if cell is None:
        return b"NULL"
    if column.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES:
        return cell
    if column.collation_id == BINARY_COLLATION and not _is_temporal(column):
        return b"x'" + cell.hex().encode() + b"'"
    return quote(cell)


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
