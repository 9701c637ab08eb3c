"""The rows of lookup tables that a table owns: added, moved and taken away with its own. I/O."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.lookup import LookupVindex, quote_name
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.vtgate.answers.output import CollectedOutput
from armillary.vtgate.placement.rows import check_lookup_row
from armillary.vtgate.writes.lookups import LookupRow, OnOwner

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
            item.vindex, table.keyspace, rows, owner_has=self._owner_check(table, item)
        )

    async def delete(self, table: TableSchema, item: ColumnVindex, row: LookupRow) -> None:
        assert isinstance(item.vindex, LookupVindex)
        await self._executor.lookups.delete(item.vindex, table.keyspace, [row])

    async def replace(
        self, table: TableSchema, item: ColumnVindex, before: LookupRow, after: LookupRow
    ) -> None:
        """Move a lookup row from old values to new ones."""
        assert isinstance(item.vindex, LookupVindex)
        if after == before:
            return
        if item.vindex.consistent and await self._equal(before[0], after[0]):
            return
        await self.delete(table, item, before)
        await self.create(table, item, [after])

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

    async def _equal(self, before: Sequence[bytes], after: Sequence[bytes]) -> bool:
        """Whether old and new are equal to the server: then lookup rows would lock each other."""
        executor = self._executor
        test = b" and ".join(b"(%s <=> %s)" % pair for pair in zip(before, after, strict=True))
        keyspace = executor.session.target.keyspace or next(iter(executor.gateway.cluster.layouts))
        answer = await executor.gateway.ask(keyspace, b"select " + test)
        return answer.rows[0] == b"\x011"


def _fill(sql: str, literals: Sequence[bytes]) -> bytes:
    pieces = sql.encode().split(b"?")
    assert len(pieces) == len(literals) + 1
    out = [pieces[0]]
    for literal, piece in zip(literals, pieces[1:], strict=True):
        out += (literal, piece)
    return b"".join(out)
