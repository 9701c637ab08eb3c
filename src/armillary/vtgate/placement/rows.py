"""Where a row belongs: from the literals of its vindex columns to its keyspace id. I/O to ask."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from armillary.routing.lookup import LookupVindex
from armillary.routing.vindexes import FunctionalVindex
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.sql.literals import NotAValue
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.placement.resolve import unmappable
from armillary.vtgate.placement.stored_values import stored_value
from armillary.vtgate.planner.shapes import ColumnShape

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor


async def keyspace_id_of(executor: "Executor", table: TableSchema, literal: bytes) -> bytes:
    """Return the id by which a row with `literal` in its primary vindex column is placed.

    Raises:
        SqlError: the vindex has no id for it, or the column would not hold it as it is.
    """
    assert table.primary is not None
    if not isinstance(table.primary.vindex, LookupVindex):
        return await functional_id(executor, table, table.primary, literal)
    ids = await executor.lookups.map(table.primary.vindex, table.keyspace, [literal], locking=True)
    if len(ids) != 1:
        raise unmappable(table.primary.vindex.name, literal)
    return ids.pop()


async def functional_id(
    executor: "Executor", table: TableSchema, item: ColumnVindex, literal: bytes
) -> bytes:
    """Raises: SqlError: the vindex has no id for this value."""
    assert isinstance(item.vindex, FunctionalVindex)
    shape = await executor.tables.shape(table.keyspace, table.name)
    column = shape.columns.get(item.columns[0])
    if column is None:
        raise RefusedError(f"vindex column {item.columns[0]}, which {table.name} does not have")
    if literal.upper() == b"NULL" and item.vindex.map(None) is None:
        raise unmappable(item.vindex.name, literal)
    try:
        value = stored_value(literal, column, codec=executor.session.codec)
    except NotAValue:
        raise unmappable(item.vindex.name, literal) from None
    keyspace_id = item.vindex.map(value)
    if keyspace_id is None:
        raise unmappable(item.vindex.name, literal)
    return keyspace_id


async def check_lookup_row(
    executor: "Executor",
    table: TableSchema,
    item: ColumnVindex,
    values: Sequence[bytes],
    keyspace_id: bytes,
) -> None:
    """Make sure that a table and its lookup table will hold the same values.

    Columns that are alike convert alike. Where they differ, a value must fit both as it is.

    Raises:
        SqlError: one of them would hold another value; the lookup would not find the row.
    """
    vindex = item.vindex
    assert isinstance(vindex, LookupVindex)
    gateway = executor.gateway
    lookup = gateway.cluster.vschema.find_table(*lookup_table(vindex, table.keyspace))
    own = (await executor.tables.shape(table.keyspace, table.name)).columns
    other = (await executor.tables.shape(lookup.keyspace, lookup.name)).columns
    codec = executor.session.codec
    to = other.get(vindex.to.lower())
    for column, source, literal in zip(item.columns, vindex.from_columns, values, strict=True):
        mine, theirs = own.get(column), other.get(source.lower())
        if mine is None or theirs is None or to is None:
            raise RefusedError(f"lookup vindex {vindex.name}: a column that is not in its table")
        if literal.upper() == b"NULL":
            stored_value(literal, mine, codec=codec)
        elif not mine.compares_as(theirs):
            _check_same(vindex.name, literal, mine, theirs, codec)
    assert to is not None
    _check_same(vindex.name, vindex.to_literal(keyspace_id), to, to, codec)


def _check_same(
    vindex: str, literal: bytes, mine: ColumnShape, theirs: ColumnShape, codec: str
) -> None:
    try:
        same = stored_value(literal, mine, codec=codec) == stored_value(
            literal, theirs, codec=codec
        )
    except NotAValue:
        same = False
    if not same:
        raise unmappable(vindex, literal)


def lookup_table(vindex: LookupVindex, keyspace: str) -> tuple[str, str]:
    """Return keyspace and name of a lookup vindex's table; it may stand without the first."""
    named, _, bare = vindex.table.rpartition(".")
    return named or keyspace, bare
