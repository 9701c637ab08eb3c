"""The rows of lookup tables that a table owns: added, moved and taken away with its own. I/O."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.lookup import LookupVindex, quote_name
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.vtgate.answers.output import CollectedOutput
from armillary.vtgate.placement.rows import check_lookup_row, lookup_table
from armillary.vtgate.writes.lookups import LookupRow
from armillary.wire.protocol import ColumnFlag

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor


class OwnedLookups:
    def __init__(self, executor: "Executor") -> None:
        self._executor = executor

    async def create(
        self, table: TableSchema, item: ColumnVindex, rows: Sequence[LookupRow]
    ) -> None:
        """Raises: SqlError: a value that table and lookup table would not hold alike."""
        assert isinstance(item.vindex, LookupVindex)
        for values, keyspace_id in rows:
            await check_lookup_row(self._executor, table, item, values, keyspace_id)
        await self._executor.lookups.create(
            item.vindex, table.keyspace, rows, owner=LookupOwner(self._executor, table, item)
        )

    async def delete(self, table: TableSchema, item: ColumnVindex, row: LookupRow) -> None:
        assert isinstance(item.vindex, LookupVindex)
        await self._executor.lookups.delete(item.vindex, table.keyspace, [row])

    async def is_shared(self, table: TableSchema, item: ColumnVindex) -> bool:
        """Whether several rows may have one lookup row: the same values, in the same place."""
        assert isinstance(item.vindex, LookupVindex) and table.primary is not None
        if item.vindex.unique:
            return False
        shape = await self._executor.tables.shape(table.keyspace, table.name)
        key = {name for name, one in shape.columns.items() if one.flags & ColumnFlag.PRI_KEY}
        return not key or not key <= {
            name.lower() for name in (*item.columns, *table.primary.columns)
        }

    async def delete_unused(
        self, table: TableSchema, item: ColumnVindex, row: LookupRow, place: Sequence[bytes]
    ) -> None:
        """Take a lookup row away if no row of the table has it any more.

        Looked at twice: first, so that two who take rows away meet where a server sees that they
        wait for each other. And once the lookup row is locked: only then can no other session
        rely on it for a row that it adds meanwhile.

        Args:
            place: the values by which its rows are placed.
        """
        owner = LookupOwner(self._executor, table, item)
        if await owner.has(row[1], row[0], place):
            return
        await self.delete(table, item, row)
        if await owner.has(row[1], row[0], place):
            await self.create(table, item, [row])

    async def replace(
        self, table: TableSchema, item: ColumnVindex, before: LookupRow, after: LookupRow
    ) -> bool:
        """Move a lookup row from old values to new ones.

        Return whether the old one is still there, for `delete_unused` once the row has moved.
        """
        assert isinstance(item.vindex, LookupVindex)
        if after == before:
            return False
        owner = LookupOwner(self._executor, table, item)
        if item.vindex.consistent and await owner.equal(before[0], [after[0]]) == [True]:
            return False  # then lookup rows would lock each other
        is_shared = await self.is_shared(table, item)
        if not is_shared:
            await self.delete(table, item, before)
        await self.create(table, item, [after])
        return is_shared


class LookupOwner:
    """A table that owns a lookup vindex."""

    def __init__(self, executor: "Executor", table: TableSchema, item: ColumnVindex) -> None:
        assert isinstance(item.vindex, LookupVindex)
        self._executor = executor
        self._table = table
        self._item = item
        self._vindex = item.vindex

    async def has(
        self, keyspace_id: bytes, values: Sequence[bytes], place: Sequence[bytes] = ()
    ) -> bool:
        """`place`: only of rows that these values have placed."""
        executor = self._executor
        table = self._table
        assert table.primary is not None
        columns = (*self._item.columns, *table.primary.columns[: len(place)])
        where = " and ".join(f"{quote_name(column)} = ?" for column in columns)
        sql = (
            f"select {quote_name(columns[0])} from {quote_name(table.name)} "
            f"where {where} limit 1 lock in share mode"
        )
        shard = executor.resolver().partition(table.keyspace).shard_of(keyspace_id)
        out = CollectedOutput()
        await executor.on_shard(table.keyspace, shard, _fill(sql, (*values, *place)), out)
        return bool(out.rows)

    async def equal(self, values: Sequence[bytes], others: Sequence[Sequence[bytes]]) -> list[bool]:
        """As the lookup table's collations say, which may tell 'a' from 'A' or not."""
        if all(tuple(values) == tuple(other) for other in others):
            return [True] * len(others)
        forms = [await self._form(column) for column in self._vindex.from_columns]
        tests = [
            b" and ".join(
                form % one + b" <=> " + form % two
                for form, one, two in zip(forms, values, other, strict=True)
            )
            for other in others
        ]
        return [cell == b"1" for cell, _ in await self._executor.evaluate(*tests)]

    async def _form(self, column: str) -> bytes:
        """Return how a value is written so that it compares as in the lookup table."""
        gateway = self._executor.gateway
        lookup = gateway.cluster.vschema.find_table(
            *lookup_table(self._vindex, self._table.keyspace)
        )
        shape = (await self._executor.tables.shape(lookup.keyspace, lookup.name)).columns.get(
            column.lower()
        )
        if shape is None or not (shape.is_text or shape.is_enum_or_set):
            return b"%s"
        await gateway.learn_collation(lookup.keyspace, shape.collation_id)
        name = gateway.collation(shape.collation_id).name
        charset = name.partition("_")[0]
        return f"convert(%s using {charset}) collate {name}".encode()


def _fill(sql: str, literals: Sequence[bytes]) -> bytes:
    pieces = sql.encode().split(b"?")
    assert len(pieces) == len(literals) + 1
    out = [pieces[0]]
    for literal, piece in zip(literals, pieces[1:], strict=True):
        out += (literal, piece)
    return b"".join(out)
