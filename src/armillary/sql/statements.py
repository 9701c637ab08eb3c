"""Parse the statements that are routed: SELECT, INSERT, REPLACE, UPDATE, DELETE. Pure."""

from armillary.sql.ast import (
    Assignment,
    Column,
    Delete,
    Derived,
    Expr,
    Insert,
    Limit,
    OrderItem,
    Query,
    Row,
    Statement,
    Update,
)
from armillary.sql.cursor import Cursor, NotUnderstoodError
from armillary.sql.queries import Queries


def parse_statement(key: str) -> Statement:
    """Parse the key of one statement.

    Raises:
        NotUnderstoodError: bad SQL, or SQL that we do not follow.
    """
    try:
        return _parse(Cursor(key))
    except RecursionError:
        raise NotUnderstoodError("a statement with less deeply nested parts wanted") from None


def _parse(cursor: Cursor) -> Statement:
    queries = Queries(cursor)
    if cursor.is_word("SELECT", "WITH") or cursor.is_op("("):
        statement: Statement = queries.query()
    elif cursor.is_word("INSERT", "REPLACE"):
        statement = _Dml(queries).insert()
    elif cursor.is_word("UPDATE"):
        statement = _Dml(queries).update()
    elif cursor.is_word("DELETE"):
        statement = _Dml(queries).delete()
    else:
        raise cursor.unexpected("SELECT, INSERT, REPLACE, UPDATE or DELETE")
    cursor.take_op(";")
    if not cursor.at_end():
        raise cursor.unexpected("the end of the statement")
    return statement


class _Dml:
    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._cursor = queries.cursor
        self._expressions = queries.expressions

    def insert(self) -> Insert:
        cursor = self._cursor
        head = cursor.advance()
        ignore = False
        while cursor.is_word("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE"):
            ignore |= cursor.advance().upper == "IGNORE"
        cursor.take_word("INTO")
        table = self._queries.table(alias=False)
        columns_start, columns, columns_end = self._column_list(table.end)
        rows: list[Row] = []
        query: Query | None = None
        from_set = False
        rows_start = cursor.token.start
        if cursor.take_word("VALUES", "VALUE"):
            rows_start = cursor.token.start
            rows = self._rows()
        elif cursor.take_word("SET"):
            from_set = True
            columns, rows = self._set_row()
        else:
            query = self._queries.query()
        rows_end = cursor.last_end
        odd = False
        if cursor.take_word("AS"):
            odd = True
            cursor.take_name()
        on_duplicate: tuple[Assignment, ...] = ()
        if cursor.take_word("ON"):
            for word in ("DUPLICATE", "KEY", "UPDATE"):
                cursor.expect_word(word)
            on_duplicate = self._assignments()
        if cursor.is_word("RETURNING"):
            raise NotUnderstoodError("RETURNING in a sharded keyspace")
        return Insert(
            table=table,
            replace=head.upper == "REPLACE",
            ignore=ignore,
            columns=columns,
            columns_start=columns_start,
            columns_end=columns_end,
            rows=tuple(rows),
            rows_start=rows_start,
            rows_end=rows_end,
            query=query,
            on_duplicate=on_duplicate,
            from_set=from_set,
            odd=odd,
            start=head.start,
            end=cursor.last_end,
        )

    def _column_list(self, table_end: int) -> tuple[int, tuple[str, ...] | None, int]:
        """Parse `(a, b)`, unless the bracket begins a query."""
        cursor = self._cursor
        following = cursor.peek()
        if not cursor.is_op("(") or following.upper in ("SELECT", "WITH", "("):
            return table_end, None, table_end
        start = cursor.advance().start
        names = []
        while not cursor.is_op(")"):
            name = cursor.take_name()
            while cursor.take_op("."):
                name = cursor.take_name()
            names.append(name.lower())
            if not cursor.take_op(","):
                break
        return start, tuple(names), cursor.expect_op(")").end

    def _rows(self) -> list[Row]:
        cursor = self._cursor
        rows = []
        while True:
            cursor.take_word("ROW")
            start = cursor.expect_op("(").start
            args = () if cursor.is_op(")") else self._expressions.parse_list()
            rows.append(Row(args=args, start=start, end=cursor.expect_op(")").end))
            if not cursor.take_op(","):
                return rows

    def _set_row(self) -> tuple[tuple[str, ...], list[Row]]:
        assignments = self._assignments()
        values: tuple[Expr, ...] = tuple(item.value for item in assignments)
        row = Row(args=values, start=assignments[0].start, end=assignments[-1].end)
        return tuple(item.column.name.lower() for item in assignments), [row]

    def _assignments(self) -> tuple[Assignment, ...]:
        cursor = self._cursor
        items = []
        while True:
            start = cursor.token.start
            parts = [cursor.take_name()]
            while cursor.take_op("."):
                parts.append(cursor.take_name())
            keyspace, table, name = ["", "", *parts][-3:]
            column = Column(
                name=name, table=table, keyspace=keyspace, start=start, end=cursor.last_end
            )
            if not cursor.take_op("=", ":="):
                raise cursor.unexpected("'='")
            value = self._expressions.parse()
            items.append(Assignment(column=column, value=value, start=start, end=value.end))
            if not cursor.take_op(","):
                return tuple(items)

    def update(self) -> Update:
        cursor = self._cursor
        start = cursor.advance().start
        ignore = False
        while cursor.is_word("LOW_PRIORITY", "IGNORE"):
            ignore |= cursor.advance().upper == "IGNORE"
        tables = self._queries.join()
        cursor.expect_word("SET")
        assignments_start = cursor.token.start
        assignments = self._assignments()
        where_start, where, where_end, order_by, limit = self._conditions()
        return Update(
            tables=tables,
            assignments=assignments,
            assignments_start=assignments_start,
            where=where,
            where_start=where_start,
            where_end=where_end,
            order_by=order_by,
            limit=limit,
            ignore=ignore,
            start=start,
            end=cursor.last_end,
        )

    def _conditions(
        self,
    ) -> tuple[int, Expr | None, int, tuple[OrderItem, ...], Limit | None]:
        cursor = self._cursor
        where_start = cursor.token.start if cursor.is_word("WHERE") else cursor.last_end
        where = self._expressions.parse() if cursor.take_word("WHERE") else None
        where_end = cursor.last_end
        order_by: tuple[OrderItem, ...] = ()
        if cursor.take_word("ORDER"):
            cursor.expect_word("BY")
            order_by = self._queries.order_items()
        return where_start, where, where_end, order_by, self._queries.limit()

    def delete(self) -> Delete:
        cursor = self._cursor
        start = cursor.advance().start
        ignore = False
        while cursor.is_word("LOW_PRIORITY", "QUICK", "IGNORE"):
            ignore |= cursor.advance().upper == "IGNORE"
        multi = not cursor.is_word("FROM")
        if multi:
            self._targets()
        cursor.expect_word("FROM")
        tables = self._queries.join()
        if cursor.take_word("USING"):
            multi = True
            tables = self._queries.join()
        multi = multi or len(tables.tables) > 1 or isinstance(tables.tables[0], Derived)
        where_start, where, where_end, order_by, limit = self._conditions()
        if cursor.is_word("RETURNING"):
            raise NotUnderstoodError("RETURNING in a sharded keyspace")
        return Delete(
            tables=tables,
            where=where,
            where_start=where_start,
            where_end=where_end,
            order_by=order_by,
            limit=limit,
            ignore=ignore,
            multi=multi,
            start=start,
            end=cursor.last_end,
        )

    def _targets(self) -> None:
        cursor = self._cursor
        while not cursor.is_word("FROM") and not cursor.at_end():
            if not (cursor.is_name() or cursor.is_op(".", ",", "*")):
                raise cursor.unexpected("a table to delete from")
            cursor.advance()
