"""Whether and how a SELECT can run on several shards, its answers merged. Pure.

The shards do what they can (conditions, ORDER BY, LIMIT, GROUP BY, aggregates); the gateway merges
sorted rows and combines groups. What it could not do exactly is refused.
"""

from armillary.sql.ast import (
    Column,
    OrderItem,
    Star,
    walk,
    without_brackets,
)
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.groups import AGGREGATES, GroupPlanner
from armillary.vtgate.planner.plan import (
    ScatterDraft,
    SortKey,
    Splice,
)
from armillary.vtgate.planner.routes import Blocks, aggregates_of_outer_rows, may_be_missing
from armillary.vtgate.planner.select_terms import SelectTerms
from armillary.vtgate.planner.text import LIMIT_TERM


class ScatterPlanner:
    def __init__(self, terms: SelectTerms, blocks: Blocks) -> None:
        self._terms = terms
        self._select = terms.select
        self._blocks = blocks
        self._uses = blocks.uses

    def draft(self) -> ScatterDraft:
        """Raises: RefusedError: its answers cannot be merged exactly."""
        select = self._select
        found = walk(*(item.expr for item in select.items))
        if any(call.window for call in found.calls) or select.windows:
            raise RefusedError("window functions over several shards")
        self._refuse_sequences_of_numbers()
        outer = aggregates_of_outer_rows(self._blocks, AGGREGATES)
        if outer is not None:
            raise RefusedError(f"{outer.name} in a subquery, of rows outside of it")
        if "SQL_CALC_FOUND_ROWS" in select.modifiers:
            raise RefusedError("SQL_CALC_FOUND_ROWS over several shards")
        if select.rollup:
            raise RefusedError("WITH ROLLUP over several shards")
        aggregated = any(call.name in AGGREGATES for call in found.calls)
        ordering = walk(*(item.expr for item in select.order_by))
        if any(call.window for call in ordering.calls):
            raise RefusedError("ordering rows of several shards by a window function")
        aggregated |= any(call.name in AGGREGATES for call in ordering.calls)
        aggregated |= select.having is not None and not select.group_by
        if not (aggregated or select.group_by):
            return self._plain()
        if select.group_by and self._groups_are_local():
            return self._plain()
        return GroupPlanner(self._terms, self._uses).draft()

    def _refuse_sequences_of_numbers(self) -> None:
        """RAND(1) is one sequence over all rows; each shard would begin it anew."""
        for block in self._blocks.all:
            if any(call.name == "RAND" and call.args for call in walk(*block.all_exprs).calls):
                raise RefusedError("RAND(seed) over several shards")

    def _groups_are_local(self) -> bool:
        """Whether each group lies on one shard: a unique vindex column is among its keys.

        Not of a table that an outer join may fill with NULL, for every shard has such rows.
        """
        names = {
            (column.table.lower(), column.name.lower())
            for expr in self._select.group_by
            if isinstance(column := without_brackets(expr), Column)
        }
        aliases = self._terms.aliases
        missing = may_be_missing(self._select, self._blocks)
        for use in self._uses:
            primary = use.schema.primary
            if use.depth or primary is None or use in missing:
                continue
            name = primary.columns[0]
            if not use.places_equals_together(name):
                continue
            if (use.ref.visible_name.lower(), name) in names or (
                ("", name) in names and len(self._uses) == 1 and name not in aliases
            ):
                return True
        return False

    def _plain(self) -> ScatterDraft:
        select = self._select
        sort = tuple(self._sort_key(item) for item in self._terms.ordered)
        if select.distinct:
            if any(key.column < 0 for key in sort):
                raise RefusedError("DISTINCT with ORDER BY of a column that is not selected")
            if any(isinstance(item.expr, Star) for item in select.items) and select.order_by:
                raise RefusedError("DISTINCT of * with ORDER BY over several shards")
        limit, offset = self._terms.limit_sources()
        start = end = select.order_end
        if select.limit is not None:
            start, end = select.limit.start, select.limit.end
        splices = (*self._terms.splices, Splice(start, end, (LIMIT_TERM,)))
        return ScatterDraft(
            key=self._terms.key,
            splices=splices,
            columns_at=select.items_end,
            limit=limit,
            offset=offset,
            distinct=select.distinct,
            sort=sort,
        )

    def _sort_key(self, item: OrderItem) -> SortKey:
        expr = without_brackets(item.expr)
        index = self._terms.item_of(expr)
        if index is None:
            self._terms.refuse_unstable(expr)
            self._terms.refuse_aliases_inside(expr)
            computed = self._terms.is_computed_key(expr)
            return SortKey(self._terms.text(expr), -1, item.descending, computed)
        selected = self._select.items[index]
        self._terms.refuse_unstable(selected.expr)
        star_before = any(isinstance(it.expr, Star) for it in self._select.items[:index])
        column = -1 if star_before else index
        computed = self._terms.is_computed_key(selected.expr)
        return SortKey(self._terms.text(selected.expr), column, item.descending, computed)
