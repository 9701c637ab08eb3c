"""Plans for INSERT and REPLACE into sharded tables. Pure."""

from collections.abc import Sequence

from armillary.routing.lookup import quote_name
from armillary.routing.vschema import TableSchema
from armillary.sql.ast import Constant, Insert, Row
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.planner.plan import InsertPlan, SessionTerm, Source, Splice, SqlTemplate
from armillary.vtgate.planner.routes import source_of
from armillary.vtgate.planner.shapes import TableShape
from armillary.vtgate.planner.text import build_template


def increment_term(row: int) -> SessionTerm:
    """The value that a sequence gives to a row."""
    return SessionTerm(f"#INCREMENT{row}")


def plan_insert(
    key: str,
    insert: Insert,
    table: TableSchema,
    shape: TableShape | None,
    splices: tuple[Splice, ...],
) -> InsertPlan:
    """Raises: RefusedError: it cannot be done correctly. SqlError: it is wrong."""
    _refuse(insert, table)
    # VALUES () gives no value at all, whether or not it has an empty list of columns.
    empty = insert.columns is None and not any(row.args for row in insert.rows)
    given = () if empty else insert.columns
    columns_of_table = () if given is not None else _all_columns(table, shape)
    columns = given if given is not None else columns_of_table
    for row in insert.rows:
        if len(row.args) != len(columns):
            raise SqlError(1136, "Column count doesn't match value count at row 1")
    sources = [[source_of(value) for value in row.args] for row in insert.rows]
    if given is None:
        # Named, for the table may have changed since we looked at it.
        names = ", ".join(quote_name(column) for column in columns)
        splices = (*splices, Splice(insert.table.end, insert.table.end, (f" ({names})",)))
    columns, increment, increments = _auto_increment(table, columns, insert, sources)
    columns, nulls = _left_out(table, shape, columns, insert, sources)
    splices = (*splices, *_joined((*increments, *nulls)))
    added = columns[len(given) :] if given is not None else ()
    if empty and added:
        names = ", ".join(quote_name(name) for name in added)
        splices = (*splices, Splice(insert.table.end, insert.table.end, (f" ({names})",)))
    elif insert.columns is not None and added and not insert.from_set:
        names = "".join(f", {quote_name(name)}" for name in added)
        place = insert.columns_end - 1
        splices = (*splices, Splice(place, place, (names if insert.columns else names[2:],)))
    elif given is None and len(columns) != len(insert.rows[0].args):
        raise RefusedError("INSERT without a column list that leaves out a column of a vindex")
    rows = tuple(build_template(key, splices, start=row.start, end=row.end) for row in insert.rows)
    if insert.from_set:
        names = ", ".join(f"`{column}`" for column in columns)
        head: SqlTemplate = (
            *build_template(key, splices, start=insert.start, end=insert.table.end),
            f" ({names}) values ",
        )
        rows = tuple(_set_row(key, row, splices) for row in insert.rows)
    else:
        head = build_template(key, splices, start=0, end=insert.rows_start)
    return InsertPlan(
        table=table,
        template_head=head,
        rows=rows,
        template_tail=build_template(key, splices, start=insert.rows_end),
        columns=columns,
        sources=tuple(tuple(row) for row in sources),
        increment=increment,
        assumed=() if given is not None or _is_declared(table) else columns_of_table,
        ignore=insert.ignore,
        replace=insert.replace,
        upsert=bool(insert.on_duplicate),
        whole=build_template(key, splices) if splices else None,
    )


def refuse_computed_vindexes(
    table: TableSchema, shape: TableShape | None, *, inserts: bool = False, updates: bool = False
) -> None:
    """Refuse a write that lets the server compute by which value a row should be placed.

    Raises:
        RefusedError: a vindex column is generated, a trigger sets it, or an UPDATE would stamp it
            with the time.
    """
    if shape is None:
        return
    for name in dict.fromkeys(name for item in table.column_vindexes for name in item.columns):
        if name in shape.generated and (inserts or updates):
            raise RefusedError(
                f"writing to {table.name}, whose vindex column {name} is generated: only the "
                "server knows where its rows belong; make it a column that the client writes"
            )
        by_trigger = (inserts and name in shape.set_at_insert) or (
            updates and name in shape.set_at_update
        )
        if by_trigger:
            raise RefusedError(
                f"writing to {table.name}, whose vindex column {name} a trigger sets: the row "
                "would not belong where it is sent; let the client write that column"
            )
        if name in shape.stamped and updates:
            raise RefusedError(
                f"UPDATE of {table.name}, whose vindex column {name} has ON UPDATE "
                "CURRENT_TIMESTAMP: it would move rows; take that off the column"
            )


def _refuse(insert: Insert, table: TableSchema) -> None:
    if insert.query is not None:
        raise RefusedError("INSERT ... SELECT into a sharded table")
    if insert.odd:
        raise RefusedError("INSERT with a row alias into a sharded table")
    if table.type == "reference":
        raise RefusedError(f"changing the reference table {table.name} through a shard")
    if not insert.rows:
        raise RefusedError("INSERT without rows into a sharded table")
    if insert.replace and table.owned:
        raise RefusedError("REPLACE INTO a table with owned lookup vindexes")
    if insert.ignore and any(item.vindex.unique for item in table.owned):
        raise RefusedError("INSERT IGNORE into a table with an owned unique lookup vindex")
    changed = {item.column.name.lower() for item in insert.on_duplicate}
    for item in table.column_vindexes:
        if changed & set(item.columns):
            raise RefusedError("DML cannot update vindex column")
    if insert.on_duplicate and any(item.vindex.unique for item in table.owned):
        raise RefusedError("ON DUPLICATE KEY UPDATE on a table with an owned unique lookup vindex")


def _all_columns(table: TableSchema, shape: TableShape | None) -> tuple[str, ...]:
    if _is_declared(table):
        return table.columns
    if shape is None:
        raise RefusedError("INSERT without a column list")
    return tuple(shape.columns)


def _is_declared(table: TableSchema) -> bool:
    """Whether the VSchema itself says which columns an INSERT without a list of them gives."""
    return table.column_list_authoritative and bool(table.columns)


def _auto_increment(
    table: TableSchema,
    columns: tuple[str, ...],
    insert: Insert,
    sources: list[list[Source | None]],
) -> tuple[tuple[str, ...], int | None, list[Splice]]:
    """Make room for the sequence's value, in each row that gives none."""
    if table.auto_increment is None:
        return columns, None, []
    splices = []
    name = table.auto_increment.column
    if name in columns:
        at = columns.index(name)
        for number, row in enumerate(insert.rows):
            value = row.args[at]
            if isinstance(value, Constant) and value.text == "DEFAULT":
                sources[number][at] = Source(text=b"NULL")
            splices.append(Splice(value.start, value.end, (increment_term(number),)))
        return columns, at, splices
    for number, row in enumerate(insert.rows):
        sources[number].append(Source(text=b"NULL"))
        place = row.end if insert.from_set else row.end - 1
        pieces = (", " if row.args else "", increment_term(number))
        if insert.from_set:
            pieces = (f", `{name}` = ", increment_term(number))
        splices.append(Splice(place, place, pieces))
    return (*columns, name), len(columns), splices


def _left_out(
    table: TableSchema,
    shape: TableShape | None,
    columns: tuple[str, ...],
    insert: Insert,
    sources: list[list[Source | None]],
) -> tuple[tuple[str, ...], list[Splice]]:
    """Write NULL for each vindex column that the statement leaves out.

    Raises:
        RefusedError: the column has a default, by whose value the row should have been placed.
    """
    splices = []
    for name in dict.fromkeys(name for item in table.column_vindexes for name in item.columns):
        if name in columns:
            continue
        column = shape.columns.get(name) if shape is not None else None
        if column is not None and column.has_default:
            raise RefusedError(f"INSERT that leaves the vindex column {name} to its default")
        for number, row in enumerate(insert.rows):
            sources[number].append(Source(text=b"NULL"))
            place = row.end if insert.from_set else row.end - 1
            pieces: tuple[str, ...] = (", " if columns else "", "NULL")
            if insert.from_set:
                pieces = (f", {quote_name(name)} = ", "NULL")
            splices.append(Splice(place, place, pieces))
        columns = (*columns, name)
    return columns, splices


def _joined(splices: Sequence[Splice]) -> list[Splice]:
    """Make one splice of those at one place, in their order."""
    joined: dict[tuple[int, int], SqlTemplate] = {}
    for splice in splices:
        place = (splice.start, splice.end)
        joined[place] = (*joined.get(place, ()), *splice.pieces)
    return [Splice(start, end, pieces) for (start, end), pieces in joined.items()]


def _set_row(key: str, row: Row, splices: tuple[Splice, ...]) -> SqlTemplate:
    """Turn `SET a = 1, b = 2` into `(1, 2)`."""
    added = [splice for splice in splices if splice.start == splice.end == row.end]
    inner = tuple(splice for splice in splices if splice not in added)
    pieces: SqlTemplate = ("(",)
    for index, value in enumerate(row.args):
        comma = (", ",) if index else ()
        pieces += (*comma, *build_template(key, inner, start=value.start, end=value.end))
    for splice in added:
        for term in splice.pieces[1::2]:  # between them stand the names: `, a = `
            pieces += (", ", term)
    return (*pieces, ")")
