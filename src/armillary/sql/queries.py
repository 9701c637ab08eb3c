"""Parse SELECT, with joins, subqueries, unions and common table expressions. Pure."""

from dataclasses import dataclass, field, replace

from armillary.sql.ast import (
    Derived,
    Expr,
    Join,
    Limit,
    On,
    OrderItem,
    OuterJoin,
    Query,
    Select,
    SelectItem,
    Star,
    Subquery,
    TableRef,
    Union,
)
from armillary.sql.cursor import Cursor
from armillary.sql.expressions import RESERVED, Expressions
from armillary.sql.tokens import Kind, unquote_name

_MODIFIERS = (
    "ALL",
    "DISTINCT",
    "DISTINCTROW",
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_SMALL_RESULT",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_CACHE",
    "SQL_NO_CACHE",
    "SQL_CALC_FOUND_ROWS",
)
_JOIN_WORDS = ("JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "NATURAL", "STRAIGHT_JOIN")


@dataclass(slots=True)
class _Joined:
    """The tables of a FROM as far as they are read."""

    tables: list[TableRef | Derived] = field(default_factory=list)
    conditions: list[On] = field(default_factory=list)
    outer: list[OuterJoin] = field(default_factory=list)
    begin: int = 0  # the first table of what the next JOIN joins to

    def add(self, inner: Join) -> None:
        """Add the tables of a join in brackets."""
        shift = len(self.tables)
        self.tables.extend(inner.tables)
        self.conditions.extend(
            replace(on, first=on.first + shift, last=on.last + shift) for on in inner.conditions
        )
        self.outer.extend(
            OuterJoin(
                range(one.kept.start + shift, one.kept.stop + shift),
                range(one.other.start + shift, one.other.stop + shift),
            )
            for one in inner.outer
        )


class Queries:
    """Parses queries at a cursor."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.expressions = Expressions(cursor, self._subquery)

    def _subquery(self, cursor: Cursor) -> Subquery:
        query = self.query()
        return Subquery(query=query, start=query.start, end=query.end)

    def query(self) -> Query:
        """Parse a query up to whatever follows it."""
        cursor = self.cursor
        start = cursor.token.start
        if cursor.is_word("WITH"):
            return self._with(start)
        first = self._part()
        parts = [first]
        while cursor.is_word("UNION", "EXCEPT", "INTERSECT", "MINUS"):
            cursor.advance()
            cursor.take_word("ALL", "DISTINCT")
            parts.append(self._part())
        if len(parts) == 1:
            return first
        order_by = self._tail()
        return Union(parts=tuple(parts), order_by=order_by, start=start, end=cursor.last_end)

    def _with(self, start: int) -> Query:
        cursor = self.cursor
        cursor.advance()
        if cursor.take_word("RECURSIVE"):
            raise cursor.unexpected("no recursive common table expression")
        raise cursor.unexpected("no common table expression")

    def _part(self) -> Query:
        cursor = self.cursor
        if cursor.is_op("("):
            start = cursor.advance().start
            inner = self.query()
            cursor.expect_op(")")
            if cursor.is_word("ORDER", "LIMIT"):
                order_by = self._tail()
                return Union(parts=(inner,), order_by=order_by, start=start, end=cursor.last_end)
            return (
                inner
                if isinstance(inner, Union)
                else Union(parts=(inner,), start=start, end=cursor.last_end)
            )
        return self.select()

    def _tail(self) -> tuple[OrderItem, ...]:
        cursor = self.cursor
        order_by: tuple[OrderItem, ...] = ()
        if cursor.take_word("ORDER"):
            cursor.expect_word("BY")
            order_by = self.order_items()
        self.limit()
        return order_by

    def select(self) -> Select:
        cursor = self.cursor
        start = cursor.expect_word("SELECT").start
        modifiers = []
        while cursor.is_word(*_MODIFIERS):
            modifiers.append(cursor.advance().upper)
        items = [self._item()]
        while cursor.take_op(","):
            items.append(self._item())
        items_end = cursor.last_end
        into = self._into()
        tables: Join | None = None
        if cursor.take_word("FROM"):
            tables = None if cursor.take_word("DUAL") else self.join()
        where = self.expressions.parse() if cursor.take_word("WHERE") else None
        where_end = cursor.last_end
        group_start, group_by, group_end, rollup = self._group_by()
        having_start = cursor.token.start
        having = self.expressions.parse() if cursor.take_word("HAVING") else None
        having_end = cursor.last_end
        windows = self._windows()
        order_start, order_by, order_end = self._order_by()
        limit = self.limit()
        into = self._into() or into
        locking = self._locking()
        into = self._into() or into
        return Select(
            items=tuple(items),
            items_end=items_end,
            modifiers=tuple(modifiers),
            distinct=any(word.startswith("DISTINCT") for word in modifiers),
            tables=tables,
            where=where,
            where_end=where_end,
            group_by=group_by,
            group_start=group_start,
            group_end=group_end,
            rollup=rollup,
            having=having,
            having_start=having_start,
            having_end=having_end,
            order_by=order_by,
            order_start=order_start,
            order_end=order_end,
            limit=limit,
            locking=locking,
            windows=windows,
            into=into,
            start=start,
            end=cursor.last_end,
        )

    def _item(self) -> SelectItem:
        cursor = self.cursor
        start = cursor.token.start
        expr = self.expressions.parse()
        alias, alias_index = "", -1
        if not isinstance(expr, Star) and (
            cursor.take_word("AS")
            or cursor.token.kind in (Kind.QUOTED, Kind.STRING, Kind.PARAM)
            or (cursor.token.kind == Kind.WORD and not cursor.is_word(*RESERVED))
        ):
            if cursor.token.kind == Kind.PARAM:
                alias_index = cursor.params_seen
            alias = self._alias_text()
        return SelectItem(
            expr=expr, alias=alias, alias_index=alias_index, start=start, end=cursor.last_end
        )

    def _alias_text(self) -> str:
        token = self.cursor.token
        if token.kind == Kind.STRING:
            return self.cursor.advance().text[1:-1]
        if token.kind == Kind.PARAM:  # a quoted alias that was taken for a literal
            return self.cursor.advance().text
        return self.cursor.take_name()

    def _into(self) -> bool:
        cursor = self.cursor
        if not cursor.is_word("INTO"):
            return False
        raise cursor.unexpected("no INTO")

    def _group_by(self) -> tuple[int, tuple[Expr, ...], int, bool]:
        cursor = self.cursor
        start = cursor.token.start
        if not cursor.take_word("GROUP"):
            return start, (), cursor.last_end, False
        cursor.expect_word("BY")
        items: list[Expr] = []
        while True:
            items.append(self.expressions.parse())
            if cursor.is_word("ASC", "DESC"):
                raise cursor.unexpected("GROUP BY without a direction")
            if not cursor.take_op(","):
                break
        rollup = False
        if cursor.is_words("WITH", "ROLLUP"):
            cursor.advance()
            cursor.advance()
            rollup = True
        return start, tuple(items), cursor.last_end, rollup

    def _windows(self) -> bool:
        cursor = self.cursor
        if not cursor.take_word("WINDOW"):
            return False
        while True:
            cursor.take_name()
            cursor.expect_word("AS")
            cursor.expect_op("(")
            cursor.skip_brackets()
            cursor.expect_op(")")
            if not cursor.take_op(","):
                return True

    def _order_by(self) -> tuple[int, tuple[OrderItem, ...], int]:
        cursor = self.cursor
        start = cursor.token.start
        if not cursor.take_word("ORDER"):
            return start, (), cursor.last_end
        cursor.expect_word("BY")
        items = self.order_items()
        return start, items, cursor.last_end

    def order_items(self) -> tuple[OrderItem, ...]:
        cursor = self.cursor
        items = []
        while True:
            expr = self.expressions.parse()
            descending = cursor.is_word("DESC")
            cursor.take_word("ASC", "DESC")
            items.append(
                OrderItem(expr=expr, descending=descending, start=expr.start, end=cursor.last_end)
            )
            if not cursor.take_op(","):
                return tuple(items)

    def limit(self) -> Limit | None:
        cursor = self.cursor
        start = cursor.token.start
        if not cursor.take_word("LIMIT"):
            return None
        first = self.expressions.parse()
        offset: Expr | None = None
        if cursor.take_op(","):
            offset, first = first, self.expressions.parse()
        elif cursor.take_word("OFFSET"):
            offset = self.expressions.parse()
        return Limit(count=first, offset=offset, start=start, end=cursor.last_end)

    def _locking(self) -> bool:
        cursor = self.cursor
        found = False
        while cursor.is_words("FOR", "UPDATE") or cursor.is_words("FOR", "SHARE"):
            found = True
            cursor.advance()
            cursor.advance()
            if cursor.take_word("OF"):
                cursor.take_name()
                while cursor.take_op(","):
                    cursor.take_name()
            if cursor.take_word("WAIT"):
                cursor.advance()
            else:
                cursor.take_word("NOWAIT") or (
                    cursor.take_word("SKIP") and cursor.take_word("LOCKED")
                )
        if cursor.is_words("LOCK", "IN"):
            for word in ("LOCK", "IN", "SHARE", "MODE"):
                cursor.expect_word(word)
            found = True
        return found

    def join(self) -> Join:
        """Parse a list of tables, joined by commas or JOIN."""
        cursor = self.cursor
        start = cursor.token.start
        joined = _Joined()
        self._factor(joined)
        while True:
            if cursor.take_op(","):
                joined.begin = len(joined.tables)  # JOIN binds closer than a comma
                self._factor(joined)
            elif cursor.is_word(*_JOIN_WORDS):
                self._joined(joined)
            else:
                break
        return Join(
            tables=tuple(joined.tables),
            conditions=tuple(joined.conditions),
            outer=tuple(joined.outer),
            start=start,
            end=cursor.last_end,
        )

    def _joined(self, joined: _Joined) -> None:
        cursor = self.cursor
        words = set()
        while cursor.is_word("NATURAL", "INNER", "CROSS", "LEFT", "RIGHT", "OUTER"):
            words.add(cursor.advance().upper)
        outer = bool(words & {"LEFT", "RIGHT"})
        if not cursor.take_word("JOIN", "STRAIGHT_JOIN"):
            raise cursor.unexpected("JOIN")
        first = len(joined.tables)
        self._factor(joined)
        last = len(joined.tables)
        if outer:
            sides = range(joined.begin, first), range(first, last)
            joined.outer.append(OuterJoin(*(sides if "LEFT" in words else sides[::-1])))
        if cursor.take_word("ON"):
            condition = self.expressions.parse()
            joined.conditions.append(On(condition=condition, outer=outer, first=first, last=last))
        elif cursor.take_word("USING"):
            cursor.expect_op("(")
            cursor.skip_brackets()
            cursor.expect_op(")")

    def _factor(self, joined: _Joined) -> None:
        cursor = self.cursor
        if not cursor.is_op("("):
            joined.tables.append(self.table())
            return
        start = cursor.advance().start
        if cursor.is_word("SELECT", "WITH") or cursor.is_op("("):
            query = self.query()
            cursor.expect_op(")")
            alias = self._table_alias()
            if cursor.is_op("("):
                raise cursor.unexpected("a derived table without a column list")
            joined.tables.append(
                Derived(query=query, alias=alias, start=start, end=cursor.last_end)
            )
            return
        inner = self.join()
        cursor.expect_op(")")
        joined.add(inner)

    def table(self, *, alias: bool = True) -> TableRef:
        cursor = self.cursor
        if cursor.is_word("LATERAL", "JSON_TABLE"):
            raise cursor.unexpected("a table")
        start = cursor.token.start
        if cursor.is_word(*RESERVED):
            raise cursor.unexpected("a table")
        name = cursor.take_name()
        keyspace = ""
        if cursor.take_op("."):
            keyspace, name = name, cursor.take_name()
        if alias and cursor.is_op("("):
            raise cursor.unexpected("a table")
        if cursor.is_word("PARTITION"):
            cursor.advance()
            cursor.expect_op("(")
            cursor.skip_brackets()
            cursor.expect_op(")")
        end = cursor.last_end
        visible = self._table_alias() if alias else ""
        self._index_hints()
        return TableRef(
            keyspace=keyspace,
            name=name,
            alias=visible,
            start=start,
            end=end,
        )

    def _table_alias(self) -> str:
        cursor = self.cursor
        if cursor.take_word("AS"):
            return cursor.take_name()
        token = cursor.token
        if token.kind == Kind.QUOTED or (
            token.kind == Kind.WORD
            and token.upper not in RESERVED
            and token.upper not in ("OFFSET", "FOR")
        ):
            return unquote_name(cursor.advance())
        return ""

    def _index_hints(self) -> None:
        cursor = self.cursor
        while cursor.is_word("USE", "FORCE", "IGNORE") and cursor.peek().upper in (
            "INDEX",
            "KEY",
        ):
            cursor.advance()
            cursor.advance()
            if cursor.take_word("FOR"):
                while not cursor.is_op("(") and not cursor.at_end():
                    cursor.advance()
            cursor.expect_op("(")
            cursor.skip_brackets()
            cursor.expect_op(")")
