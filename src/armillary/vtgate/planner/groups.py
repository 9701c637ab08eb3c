"""Groups and aggregates over several shards: what each shard computes, and what is added. Pure."""

from collections.abc import Sequence

from armillary.sql.ast import (
    Call,
    Column,
    Expr,
    OrderItem,
    SelectItem,
    Star,
    walk,
    without_brackets,
)
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.plan import (
    Aggregate,
    ScatterDraft,
    SortKey,
    Splice,
)
from armillary.vtgate.planner.routes import TableUse
from armillary.vtgate.planner.select_terms import SelectTerms
from armillary.vtgate.planner.text import LIMIT_TERM

COMBINABLE = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG"})
AGGREGATES = COMBINABLE | frozenset(
    """BIT_AND BIT_OR BIT_XOR GROUP_CONCAT JSON_ARRAYAGG JSON_OBJECTAGG STD STDDEV STDDEV_POP
    STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE ANY_VALUE ST_COLLECT""".split()  # noqa: SIM905
)


class GroupPlanner:
    def __init__(self, terms: SelectTerms, uses: Sequence[TableUse]) -> None:
        self._terms = terms
        self._select = terms.select
        self._uses = uses

    def draft(self) -> ScatterDraft:
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
        sort = tuple(self._sort_key_of_group(item, group) for item in self._terms.ordered)
        # Groups are whole only after merging: no shard may cut or need order them.
        splices = list(self._terms.splices)
        for start, end in self._terms.order_and_limit():
            splices = [s for s in splices if not start <= s.start < end]
            splices.append(Splice(start, end, ()))
        at = select.limit.end if select.limit is not None else select.order_end
        splices.append(Splice(at, at, (LIMIT_TERM,)))
        limit, offset = self._terms.limit_sources()
        return ScatterDraft(
            key=self._terms.key,
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

    def _group_key(self, expr: Expr) -> SortKey:
        expr = without_brackets(expr)
        index = self._terms.item_of(expr)
        if index is not None and isinstance(expr, Column) and self._is_column(expr.name):
            # In GROUP BY, unlike in ORDER BY, a column of the table comes before an alias.
            selected = without_brackets(self._select.items[index].expr)
            if not isinstance(selected, Column) or selected.name.lower() != expr.name.lower():
                index = None
        if index is None:
            self._terms.refuse_unstable(expr)
            computed = self._terms.is_computed_key(expr)
            return SortKey(self._terms.text(expr), is_computed=computed)
        item = self._select.items[index]
        self._terms.refuse_unstable(item.expr)
        if any(isinstance(it.expr, Star) for it in self._select.items):
            raise RefusedError("grouping of * over several shards")
        computed = self._terms.is_computed_key(item.expr)
        return SortKey(self._terms.text(item.expr), index, is_computed=computed)

    def _aggregate(self, index: int, item: SelectItem, keys: set[int]) -> Aggregate:
        expr = without_brackets(item.expr)
        if isinstance(expr, Star):
            raise RefusedError("aggregates beside * over several shards")
        if index in keys:
            return Aggregate("KEY")
        if isinstance(expr, Call) and expr.name in COMBINABLE:
            if not expr.plain or (len(expr.args) != 1 and not expr.star):
                raise RefusedError(f"{expr.name} in this form over several shards")
            if expr.distinct and expr.name == "AVG":
                raise RefusedError("AVG(DISTINCT ...) over several shards")
            if expr.distinct and expr.name not in ("MIN", "MAX"):
                self._refuse_unless_unique(expr)
            argument = self._terms.text(expr.args[0]) if expr.args else ()
            return Aggregate(expr.name, argument, self._terms.text(item.expr))
        calls = walk(expr).calls
        if any(call.name in AGGREGATES for call in calls):
            raise RefusedError("expressions with aggregates over several shards")
        if not self._select.group_by and walk(expr).columns:
            raise RefusedError("columns beside aggregates without GROUP BY over several shards")
        return Aggregate("ANY")

    def _refuse_unless_unique(self, call: Call) -> None:
        """COUNT(DISTINCT c) adds up when equal values of c lie on one shard."""
        argument = without_brackets(call.args[0])
        for use in self._uses:
            if (
                isinstance(argument, Column)
                and use.places_equals_together(argument.name)
                and argument.table.lower() in ("", use.ref.visible_name.lower())
                and len(self._uses) == 1
            ):
                return
        raise RefusedError(f"{call.name}(DISTINCT ...) over several shards")

    def _sort_key_of_group(self, item: OrderItem, group: Sequence[SortKey]) -> SortKey:
        expr = without_brackets(item.expr)
        index = self._terms.item_of(expr)
        if index is not None:
            self._terms.refuse_unstable(self._select.items[index].expr)
            selected = self._select.items[index].expr
            computed = self._terms.is_computed_key(selected)
            return SortKey(self._terms.text(selected), index, item.descending, computed)
        text = self._terms.text(expr)
        for number, key in enumerate(group):
            if key.expr == text:
                # Not selected: it is among the added columns, as the group's key `number`.
                return SortKey(text, -2 - number, item.descending)
        raise RefusedError("ordering groups by something that is neither selected nor a key")
