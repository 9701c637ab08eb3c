"""Run a SELECT on several shards and make one answer of theirs. I/O.

The shards' rows arrive side by side; nothing is kept but one batch a shard, and groups.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from armillary.vtgate.answers.merge import (
    AddUp,
    Average,
    Cell,
    CollationFacts,
    Combine,
    Extreme,
    GroupMerger,
    KeyPart,
    as_number,
    key_of,
    needs_weight,
    reader_of,
)
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.planner.plan import (
    Aggregate,
    ScatterDraft,
    SortKey,
    Splice,
    SqlTemplate,
)
from armillary.vtgate.planner.shapes import ColumnShape, column_shape
from armillary.vtgate.planner.text import build_template
from armillary.vtgate.tablets.backend import RowStream
from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import ColumnFlag
from armillary.wire.rows import (
    binary_to_text,
    encode_binary_row,
    encode_text_row,
    split_binary_row,
    split_text_row,
    text_to_binary,
)

ROWS_MAX = 300_000

Facts = Callable[[int], CollationFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterPlan:
    """A draft whose column types are known."""

    template: SqlTemplate
    visible: int
    width: int  # of a shard's rows: visible and added columns
    shapes: tuple[ColumnShape, ...]  # of the visible columns, to notice a changed table
    sort: tuple[KeyPart, ...]
    distinct: tuple[KeyPart, ...]
    group: tuple[KeyPart, ...] | None
    combines: tuple[Combine, ...]
    tidy: tuple[KeyPart, ...] = ()  # the primary key, for small answers without ORDER BY


class _Columns:
    """Columns that are added behind the visible ones."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.exprs: list[SqlTemplate] = []
        self._combined: set[int] = set()

    def add(self, expr: SqlTemplate) -> int:
        if expr in self.exprs:
            return self._first + self.exprs.index(expr)
        self.exprs.append(expr)
        return self._first + len(self.exprs) - 1

    def add_smallest(self, expr: SqlTemplate) -> int:
        """Add one of the values that an expression has in a group whose rows it calls equal."""
        return self.add(("min(", *expr, ")"))

    def add_combined(self, expr: SqlTemplate) -> int:
        """Return a column that one aggregate alone combines: `avg(n), avg(n)` has two sums."""
        column = self.add(expr)
        if column in self._combined:
            self.exprs.append(expr)
            column = self._first + len(self.exprs) - 1
        self._combined.add(column)
        return column


def added_keys(draft: ScatterDraft) -> list[SqlTemplate]:
    """Return the key expressions that are no visible column, in the order of their adding."""
    keys = [*(draft.group or ()), *draft.sort]
    exprs: list[SqlTemplate] = []
    for key in keys:
        if key.column == -1 and key.expr not in exprs:
            exprs.append(key.expr)
    return exprs


def probe_template(draft: ScatterDraft) -> SqlTemplate:
    """Return the query whose columns are the visible ones and then the added keys."""
    return _with_columns(draft, added_keys(draft))


def _with_columns(draft: ScatterDraft, exprs: Sequence[SqlTemplate]) -> SqlTemplate:
    pieces: list[object] = []
    for number, expr in enumerate(exprs):
        # With names of their own: another column or alias of a name would make it ambiguous.
        pieces.extend((", ", *expr, f" as `armillary {number}`"))
    added = Splice(draft.columns_at, draft.columns_at, tuple(pieces))  # type: ignore[arg-type]
    return build_template(draft.key, (*draft.splices, added))


def finish_draft(
    draft: ScatterDraft, definitions: Sequence[ColumnDefinition], facts_of: Facts
) -> ScatterPlan:
    """Decide how each key is compared, now that the columns' types are known.

    Raises:
        RefusedError: a key has no order that we can reproduce.
    """
    added = added_keys(draft)
    visible = len(definitions) - len(added)
    shapes = [column_shape(definition) for definition in definitions]
    columns = _Columns(visible)
    for expr in added:
        columns.add(expr)

    def key_part(key: SortKey, *, equality: bool = False) -> KeyPart:
        column = key.column
        if column <= -2:
            assert draft.group is not None
            return key_part(replace(draft.group[-2 - column], descending=key.descending))
        if column == -1:
            column = visible + added.index(key.expr)
        shape = shapes[column]
        # Servers see that lower(a) depends on a key lower(a), but not that a function of it does.
        add = columns.add_smallest if key.is_computed else columns.add
        return _key_part(key.expr, column, shape, add, facts_of, key.descending, equality)

    sort = tuple(key_part(key) for key in draft.sort)
    group = None
    if draft.group is not None:
        group = tuple(key_part(key, equality=True) for key in draft.group)
    distinct: tuple[KeyPart, ...] = ()
    if draft.distinct:
        distinct = tuple(
            _key_part(
                _name_of(definitions[index]),
                index,
                shapes[index],
                columns.add,
                facts_of,
                equality=True,
            )
            for index in range(visible)
        )
    combines: list[Combine] = []
    for index, aggregate in enumerate(draft.aggregates):
        combines += _combines(index, aggregate, shapes[index], columns, facts_of)
    return ScatterPlan(
        template=_with_columns(draft, columns.exprs),
        visible=visible,
        width=visible + len(columns.exprs),
        shapes=tuple(shapes[:visible]),
        sort=sort,
        distinct=distinct,
        group=group,
        combines=tuple(combines),
        tidy=_tidy(shapes[:visible]),
    )


def _tidy(shapes: Sequence[ColumnShape]) -> tuple[KeyPart, ...]:
    """Return the primary key's columns among the visible ones, if they are all integers."""
    keys = [n for n, shape in enumerate(shapes) if shape.flags & ColumnFlag.PRI_KEY]
    if not all(shapes[number].is_integer for number in keys):
        return ()
    return tuple(KeyPart(number, reader_of(shapes[number])) for number in keys)


def _key_part(
    expr: SqlTemplate,
    column: int,
    shape: ColumnShape,
    add: Callable[[SqlTemplate], int],
    facts_of: Facts,
    descending: bool = False,
    equality: bool = False,
) -> KeyPart:
    """`equality`: rows are compared for being the same, not for an order."""
    if equality and shape.is_own_kind:
        return KeyPart(column, lambda cell: cell, descending)
    if needs_weight(shape):
        facts = facts_of(shape.collation_id)
        weight = add(("weight_string(", *expr, ")"))
        return KeyPart(weight, reader_of(shape, facts), descending)
    number = as_number(shape, expr)
    if number is not None:
        return KeyPart(add(number), _read_double, descending)
    return KeyPart(column, reader_of(shape), descending)


def _name_of(definition: ColumnDefinition) -> SqlTemplate:
    """Return an expression for a selected column, to push its weight."""
    if not definition.table or not definition.org_name:
        raise RefusedError("DISTINCT of expressions over several shards")
    table, name = definition.table.decode("latin-1"), definition.org_name.decode("latin-1")
    return (f"`{table}`.`{name}`",)


def _combines(
    index: int, aggregate: Aggregate, shape: ColumnShape, columns: _Columns, facts_of: Facts
) -> list[Combine]:
    argument = aggregate.argument
    match aggregate.function:
        case "COUNT" | "SUM":
            return [AddUp(index, shape)]
        case "MIN" | "MAX":
            call = aggregate.call
            largest = aggregate.function == "MAX"
            if shape.is_text or shape.is_enum_or_set:
                weight = columns.add_combined(("weight_string(", *call, ")"))
                read = reader_of(shape, facts_of(shape.collation_id))
                return [Extreme(index, weight, read, largest=largest)]
            number = as_number(shape, call)
            if number is not None:
                return [Extreme(index, columns.add_combined(number), _read_double, largest=largest)]
            return [Extreme(index, index, reader_of(shape), largest=largest)]
        case "AVG":
            total = columns.add_combined(("SUM(", *argument, ")"))
            count = columns.add_combined(("COUNT(", *argument, ")"))
            exact = ColumnShape("", shape.type, 0, 63, 0)
            integer = ColumnShape("", 8, 0, 63, 0)
            return [
                AddUp(total, exact),
                AddUp(count, integer),
                Average(index, total, count, shape),
            ]
    return []


def _read_double(cell: Cell) -> float:
    return float(cell or b"0")


class RowCodec:
    """Takes rows apart and puts them together, in the protocol that they came in."""

    def __init__(self, columns: Sequence[ColumnDefinition], visible: int, *, binary: bool) -> None:
        self._columns = columns
        self._visible = visible
        self._binary = binary

    def split(self, payload: bytes) -> list[Cell]:
        """Return the row's cells as text; the visible ones of a binary row stay as they came."""
        if not self._binary:
            return split_text_row(payload, len(self._columns))
        cells = split_binary_row(payload, self._columns)
        return [binary_to_text(c, d) for c, d in zip(cells, self._columns, strict=True)]

    def cut(self, payload: bytes, cells: list[Cell] | None) -> bytes:
        """Return the row with its visible cells only."""
        if self._visible == len(self._columns):
            return payload
        if not self._binary:
            if cells is None:
                cells = split_text_row(payload, len(self._columns))
            return encode_text_row(cells[: self._visible])
        return encode_binary_row(split_binary_row(payload, self._columns)[: self._visible])

    def join(self, cells: Sequence[Cell], *, binary: bool) -> bytes:
        """Encode computed text cells for a client of either protocol."""
        visible = cells[: self._visible]
        if not binary:
            return encode_text_row(visible)
        return encode_binary_row(
            [text_to_binary(c, d) for c, d in zip(visible, self._columns, strict=False)]
        )


class Window:
    """OFFSET and LIMIT over the merged rows."""

    def __init__(self, limit: int | None, offset: int) -> None:
        self._left = limit
        self._skip = offset

    def is_closed(self) -> bool:
        return self._left == 0

    def admits(self) -> bool:
        if self._skip:
            self._skip -= 1
            return False
        if self._left is None:
            return True
        if self._left == 0:
            return False
        self._left -= 1
        return True


async def merge_rows(
    plan: ScatterPlan,
    streams: Sequence[RowStream],
    *,
    binary: bool,
    limit: int | None,
    offset: int,
) -> AsyncIterator[bytes]:
    """Yield the merged rows' payloads; `binary` is the client's protocol.

    Groups are computed on text, so their streams must be of the text protocol in any case.

    Raises:
        RefusedError: too much would have to be kept in memory.
    """
    codec = RowCodec(streams[0].columns, plan.visible, binary=binary and plan.group is None)
    window = Window(limit, offset)
    if window.is_closed():
        return
    if plan.group is not None:
        async for payload in _merge_groups(plan, streams, codec, window, binary):
            yield payload
        return
    source = (
        _sorted_rows(plan, streams, codec) if plan.sort else _rows_in_turn(plan, streams, codec)
    )
    seen: set[object] = set()
    async for payload, known in source:
        cells = known
        if plan.distinct:
            cells = cells if cells is not None else codec.split(payload)
            key = key_of(cells, plan.distinct)
            if key in seen:
                continue
            if len(seen) >= ROWS_MAX:
                raise RefusedError(f"DISTINCT of more than {ROWS_MAX} rows over several shards")
            seen.add(key)
        if window.admits():
            yield codec.cut(payload, cells if not binary else None)
        if window.is_closed():
            return


async def _rows_in_turn(
    plan: ScatterPlan, streams: Sequence[RowStream], codec: RowCodec
) -> AsyncIterator[tuple[bytes, list[Cell] | None]]:
    """Yield the rows shard by shard; a small answer in the order of its primary key.

    One server would give that order, unasked; for a large answer it would cost too much.
    """
    first = [await stream.next_rows() for stream in streams]
    if plan.tidy and all(stream.is_over for stream in streams):
        rows = [(payload, codec.split(payload)) for batch in first for payload in batch]
        rows.sort(key=lambda row: key_of(row[1], plan.tidy))
        for payload, cells in rows:
            yield payload, cells
        return
    for stream, batch in zip(streams, first, strict=True):
        while batch:
            for payload in batch:
                yield payload, None
            batch = await stream.next_rows()  # noqa: PLW2901


async def _sorted_rows(
    plan: ScatterPlan, streams: Sequence[RowStream], codec: RowCodec
) -> AsyncIterator[tuple[bytes, list[Cell] | None]]:
    batches: list[list[bytes]] = [[] for _ in streams]
    at = [0] * len(streams)

    async def advance(number: int) -> tuple[object, int, bytes, list[Cell]] | None:
        if at[number] == len(batches[number]):
            batches[number] = await streams[number].next_rows()
            at[number] = 0
            if not batches[number]:
                return None
        payload = batches[number][at[number]]
        at[number] += 1
        cells = codec.split(payload)
        return key_of(cells, plan.sort), number, payload, cells

    heap: list[tuple[object, int, bytes, list[Cell]]] = []
    for number in range(len(streams)):
        entry = await advance(number)
        if entry is not None:
            heap.append(entry)
    heapq.heapify(heap)
    while heap:
        _, number, payload, cells = heap[0]
        yield payload, cells
        entry = await advance(number)
        if entry is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, entry)


async def _merge_groups(
    plan: ScatterPlan,
    streams: Sequence[RowStream],
    codec: RowCodec,
    window: Window,
    binary: bool,
) -> AsyncIterator[bytes]:
    assert plan.group is not None
    merger = GroupMerger(plan.group, plan.combines, groups_max=ROWS_MAX)
    for stream in streams:
        while batch := await stream.next_rows():
            for payload in batch:
                merger.add(codec.split(payload))
    groups = merger.finish()
    if plan.sort:
        groups.sort(key=lambda cells: key_of(cells, plan.sort))
    for cells in groups:
        if window.admits():
            yield codec.join(cells, binary=binary)
        if window.is_closed():
            return


def limit_number(literal: bytes) -> int:
    """Raises: SqlError: LIMIT wants a whole number that is not negative."""
    text = literal.strip(b"'\"")
    if not text.isdigit():
        raise SqlError(1064, f"LIMIT: a number wanted, found {literal.decode('latin-1')}")
    return int(text)
