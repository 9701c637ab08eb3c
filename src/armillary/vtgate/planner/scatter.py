"""Whether and how a SELECT can run on several shards, its answers merged. Pure.

The shards do what they can (conditions, ORDER BY, LIMIT, GROUP BY, aggregates); the gateway merges
sorted rows and combines groups. What it could not do exactly is refused.
"""

from collections.abc import Sequence

from armillary.sql.ast import (
    Call,
    Column,
    Constant,
    Expr,
    OrderItem,
    Param,
    Select,
    SelectItem,
    Star,
    Variable,
    walk,
    without_brackets,
)
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.planner.plan import (
    Aggregate,
    ScatterDraft,
    SortKey,
    Source,
    Splice,
    SqlTemplate,
)
from armillary.vtgate.planner.routes import TableUse, source_of
from armillary.vtgate.planner.text import LIMIT_TERM, build_template

COMBINABLE = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG"})
_AGGREGATES = COMBINABLE | frozenset(
    """BIT_AND BIT_OR BIT_XOR GROUP_CONCAT JSON_ARRAYAGG JSON_OBJECTAGG STD STDDEV STDDEV_POP
    STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE ANY_VALUE""".split()  # noqa: SIM905
)
_UNSTABLE = frozenset(
    """RAND UUID UUID_SHORT SYS_GUID SLEEP BENCHMARK NEXTVAL LASTVAL SETVAL GET_LOCK RELEASE_LOCK
    RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK MASTER_POS_WAIT RANDOM_BYTES""".split()  # noqa: SIM905
)


class ScatterPlanner:
    def __init__(
        self,
        key: str,
        select: Select,
        splices: tuple[Splice, ...],
        literals: Sequence[bytes],
        uses: Sequence[TableUse],
    ) -> None:
        self._key = key
        self._select = select
        self._splices = splices
        self._literals = literals
        self._uses = uses
        self.fixed: set[int] = set()  # literals that this plan depends on

    def draft(self) -> ScatterDraft:
        """Raises: RefusedError: its answers cannot be merged exactly."""
        select = self._select
        found = walk(*(item.expr for item in select.items))
        if any(call.window for call in found.calls) or select.windows:
            raise RefusedError("window functions over several shards")
        if "SQL_CALC_FOUND_ROWS" in select.modifiers:
            raise RefusedError("SQL_CALC_FOUND_ROWS over several shards")
        if select.rollup:
            raise RefusedError("WITH ROLLUP over several shards")
        aggregated = any(call.name in _AGGREGATES for call in found.calls)
        ordering = walk(*(item.expr for item in select.order_by))
        aggregated |= any(call.name in _AGGREGATES for call in ordering.calls)
        aggregated |= select.having is not None and not select.group_by
        if not (aggregated or select.group_by):
            return self._plain()
        if select.group_by and self._groups_are_local():
            return self._plain()
        return self._grouped()

    def _text(self, expr: Expr) -> SqlTemplate:
        return build_template(self._key, self._splices, start=expr.start, end=expr.end)

    def _groups_are_local(self) -> bool:
        """Whether each group lies on one shard: a unique vindex column is among its keys."""
        names = {
            (column.table.lower(), column.name.lower())
            for expr in self._select.group_by
            if isinstance(column := without_brackets(expr), Column)
        }
        aliases = {item.alias.lower() for item in self._select.items if item.alias}
        for use in self._uses:
            primary = use.schema.primary
            if use.depth or primary is None or len(primary.columns) != 1:
                continue
            name = primary.columns[0]
            if (use.ref.visible_name.lower(), name) in names or (
                ("", name) in names and len(self._uses) == 1 and name not in aliases
            ):
                return True
        return False

    # Rows, sorted or not

    def _plain(self) -> ScatterDraft:
        select = self._select
        sort = tuple(self._sort_key(item) for item in select.order_by)
        if select.distinct:
            if any(key.column < 0 for key in sort):
                raise RefusedError("DISTINCT with ORDER BY of a column that is not selected")
            if any(isinstance(item.expr, Star) for item in select.items) and select.order_by:
                raise RefusedError("DISTINCT of * with ORDER BY over several shards")
        limit, offset = self._limit_sources()
        start = end = select.order_end
        if select.limit is not None:
            start, end = select.limit.start, select.limit.end
        splices = (*self._splices, Splice(start, end, (LIMIT_TERM,)))
        return ScatterDraft(
            key=self._key,
            splices=splices,
            columns_at=select.items_end,
            limit=limit,
            offset=offset,
            distinct=select.distinct,
            sort=sort,
        )

    def _limit_sources(self) -> tuple[Source | None, Source | None]:
        limit = self._select.limit
        if limit is None:
            return None, None
        count = source_of(limit.count)
        offset = source_of(limit.offset) if limit.offset is not None else None
        if count is None or (limit.offset is not None and offset is None):
            raise RefusedError("LIMIT by an expression")
        return count, offset

    def _sort_key(self, item: OrderItem) -> SortKey:
        expr = without_brackets(item.expr)
        index = self._item_of(expr)
        if index is None:
            self._refuse_unstable(expr)
            return SortKey(self._text(expr), -1, item.descending)
        selected = self._select.items[index]
        self._refuse_unstable(selected.expr)
        star_before = any(isinstance(it.expr, Star) for it in self._select.items[:index])
        column = -1 if star_before else index
        return SortKey(self._text(selected.expr), column, item.descending)

    def _refuse_unstable(self, expr: Expr) -> None:
        found = walk(expr)
        if any(call.name in _UNSTABLE for call in found.calls):
            raise RefusedError("ordering rows of several shards by a value that changes")
        if found.subqueries:
            raise RefusedError("ordering rows of several shards by a subquery")
        if isinstance(expr, Constant | Variable):
            raise RefusedError("ordering rows of several shards by a constant")

    def _item_of(self, expr: Expr) -> int | None:
        """Return the select item that ORDER BY or GROUP BY means by a number, alias or text."""
        items = self._select.items
        if isinstance(expr, Param):
            return self._position(expr)
        if isinstance(expr, Column) and not expr.table:
            for index, item in enumerate(items):
                if item.alias and item.alias.lower() == expr.name.lower():
                    return index
        for index, item in enumerate(items):
            if _same_expression(self._key, item, expr):
                return index
        return None

    def _position(self, param: Param) -> int:
        literal = self._literals[param.index] if param.index < len(self._literals) else b""
        self.fixed.add(param.index)
        if param.negative or not literal.isdigit():
            raise RefusedError("ordering rows of several shards by a constant")
        position = int(literal)
        items = self._select.items
        if any(isinstance(item.expr, Star) for item in items):
            raise RefusedError("ordering by a column's number beside *")
        if not 1 <= position <= len(items):
            raise SqlError(1054, f"Unknown column '{position}' in 'order clause'")
        return position - 1

    # Groups

    def _grouped(self) -> ScatterDraft:
        select = self._select
        if select.distinct:
            raise RefusedError("DISTINCT with aggregates over several shards")
        if select.having is not None:
            raise RefusedError("HAVING on groups whose rows lie on several shards")
        group = tuple(self._group_key(expr) for expr in select.group_by)
        keys = {key.column for key in group}
        aggregates = tuple(
            self._aggregate(index, item, keys) for index, item in enumerate(select.items)
        )
        sort = tuple(self._sort_key_of_group(item, group) for item in select.order_by)
        # Groups are whole only after merging: no shard may cut or need order them.
        splices = list(self._splices)
        for start, end in self._order_and_limit():
            splices = [s for s in splices if not start <= s.start < end]
            splices.append(Splice(start, end, ()))
        at = select.limit.end if select.limit is not None else select.order_end
        splices.append(Splice(at, at, (LIMIT_TERM,)))
        limit, offset = self._limit_sources()
        return ScatterDraft(
            key=self._key,
            splices=tuple(splices),
            columns_at=select.items_end,
            limit=limit,
            offset=offset,
            sort=sort,
            group=group,
            aggregates=aggregates,
        )

    def _is_column(self, name: str) -> bool:
        return any(name.lower() in use.shape_columns for use in self._uses)

    def _order_and_limit(self) -> list[tuple[int, int]]:
        select = self._select
        spans = []
        if select.order_by:
            spans.append((select.order_start, select.order_end))
        if select.limit is not None:
            spans.append((select.limit.start, select.limit.end))
        return spans

    def _group_key(self, expr: Expr) -> SortKey:
        expr = without_brackets(expr)
        index = self._item_of(expr)
        if index is not None and isinstance(expr, Column) and self._is_column(expr.name):
            # In GROUP BY, unlike in ORDER BY, a column of the table comes before an alias.
            selected = without_brackets(self._select.items[index].expr)
            if not isinstance(selected, Column) or selected.name.lower() != expr.name.lower():
                index = None
        if index is None:
            self._refuse_unstable(expr)
            return SortKey(self._text(expr))
        item = self._select.items[index]
        self._refuse_unstable(item.expr)
        if any(isinstance(it.expr, Star) for it in self._select.items):
            raise RefusedError("grouping of * over several shards")
        return SortKey(self._text(item.expr), index)

    def _aggregate(self, index: int, item: SelectItem, keys: set[int]) -> Aggregate:
        expr = without_brackets(item.expr)
        if isinstance(expr, Star):
            raise RefusedError("aggregates beside * over several shards")
        if index in keys:
            return Aggregate("KEY")
        if isinstance(expr, Call) and expr.name in COMBINABLE:
            if not expr.plain or (len(expr.args) != 1 and not expr.star):
                raise RefusedError(f"{expr.name} in this form over several shards")
            if expr.distinct and expr.name not in ("MIN", "MAX"):
                self._refuse_unless_unique(expr)
            argument = self._text(expr.args[0]) if expr.args else ()
            return Aggregate(expr.name, argument)
        calls = walk(expr).calls
        if any(call.name in _AGGREGATES for call in calls):
            raise RefusedError("expressions with aggregates over several shards")
        if not self._select.group_by and walk(expr).columns:
            raise RefusedError("columns beside aggregates without GROUP BY over several shards")
        return Aggregate("ANY")

    def _refuse_unless_unique(self, call: Call) -> None:
        """COUNT(DISTINCT c) adds up when equal values of c lie on one shard."""
        argument = without_brackets(call.args[0])
        for use in self._uses:
            primary = use.schema.primary
            if (
                isinstance(argument, Column)
                and primary is not None
                and primary.columns == (argument.name.lower(),)
                and argument.table.lower() in ("", use.ref.visible_name.lower())
                and len(self._uses) == 1
            ):
                return
        raise RefusedError(f"{call.name}(DISTINCT ...) over several shards")

    def _sort_key_of_group(self, item: OrderItem, group: Sequence[SortKey]) -> SortKey:
        expr = without_brackets(item.expr)
        index = self._item_of(expr)
        if index is not None:
            self._refuse_unstable(self._select.items[index].expr)
            text = self._text(self._select.items[index].expr)
            return SortKey(text, index, item.descending)
        text = self._text(expr)
        for number, key in enumerate(group):
            if key.expr == text:
                # Not selected: it is among the added columns, as the group's key `number`.
                return SortKey(text, -2 - number, item.descending)
        raise RefusedError("ordering groups by something that is neither selected nor a key")


def _same_expression(key: str, item: SelectItem, expr: Expr) -> bool:
    """Whether an item is written as `expr` is; constants differ, for they may hide literals."""
    text = key[expr.start : expr.end]
    if "?" in text or isinstance(item.expr, Star):
        return False
    return key[item.expr.start : item.expr.end].lower() == text.lower()
