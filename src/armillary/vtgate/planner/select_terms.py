"""What a SELECT's terms mean (positions, aliases, expressions), and what they may be. Pure."""

from collections.abc import Sequence

from armillary.sql.ast import (
    Call,
    Column,
    Constant,
    Expr,
    Operation,
    Param,
    Select,
    SelectItem,
    Star,
    Variable,
    walk,
)
from armillary.sql.literals import unescape
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.planner.plan import (
    Source,
    Splice,
    SqlTemplate,
)
from armillary.vtgate.planner.routes import source_of
from armillary.vtgate.planner.text import build_template

UNSTABLE = frozenset(
    """RAND UUID UUID_SHORT SYS_GUID SLEEP BENCHMARK NEXTVAL LASTVAL SETVAL GET_LOCK RELEASE_LOCK
    RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK MASTER_POS_WAIT RANDOM_BYTES""".split()  # noqa: SIM905
)


class SelectTerms:
    """One SELECT that is to run on several shards, and questions about its terms."""

    def __init__(
        self,
        key: str,
        select: Select,
        splices: tuple[Splice, ...],
        literals: Sequence[bytes],
    ) -> None:
        self.key = key
        self.select = select
        self.splices = splices
        self._literals = literals
        self.fixed: set[int] = set()  # literals that this plan depends on
        self.aliases = tuple(self._alias(item) for item in select.items)  # in lower case

    def text(self, expr: Expr) -> SqlTemplate:
        return build_template(self.key, self.splices, start=expr.start, end=expr.end)

    def _alias(self, item: SelectItem) -> str:
        """Return what ORDER BY and GROUP BY may call an item; `as 'x'` was taken for a literal."""
        if item.alias_index < 0 or not (self.select.order_by or self.select.group_by):
            return item.alias.lower()
        self.fixed.add(item.alias_index)
        literal = self._literals[item.alias_index]
        return unescape(literal).decode("utf-8", "replace").lower()

    def limit_sources(self) -> tuple[Source | None, Source | None]:
        limit = self.select.limit
        if limit is None:
            return None, None
        count = source_of(limit.count)
        offset = source_of(limit.offset) if limit.offset is not None else None
        if count is None or (limit.offset is not None and offset is None):
            raise RefusedError("LIMIT by an expression")
        return count, offset

    def order_and_limit(self) -> list[tuple[int, int]]:
        select = self.select
        spans = []
        if select.order_by:
            spans.append((select.order_start, select.order_end))
        if select.limit is not None:
            spans.append((select.limit.start, select.limit.end))
        return spans

    def refuse_unstable(self, expr: Expr) -> None:
        found = walk(expr)
        if any(call.name in UNSTABLE for call in found.calls):
            raise RefusedError("ordering rows of several shards by a value that changes")
        if found.subqueries:
            raise RefusedError("ordering rows of several shards by a subquery")
        if isinstance(expr, Constant | Variable):
            raise RefusedError("ordering rows of several shards by a constant")

    def refuse_aliases_inside(self, expr: Expr) -> None:
        """Inside an expression, servers take a name for the alias or for the column."""
        names = {column.name.lower() for column in walk(expr).columns if not column.table}
        for alias in self.aliases:
            if alias in names and isinstance(expr, Operation | Call):
                raise RefusedError(f"ordering by an expression with the alias {alias}")

    def item_of(self, expr: Expr) -> int | None:
        """Return the select item that ORDER BY or GROUP BY means by a number, alias or text."""
        items = self.select.items
        if isinstance(expr, Param):
            return self._position(expr)
        if isinstance(expr, Column) and not expr.table:
            wanted = expr.name.lower()
            named = [index for index, alias in enumerate(self.aliases) if alias == wanted]
            if len(named) > 1:
                raise RefusedError(f"two selected columns with the name {expr.name}")
            if named:
                return named[0]
        for index, item in enumerate(items):
            if _same_expression(self.key, item, expr):
                return index
        return None

    def _position(self, param: Param) -> int:
        literal = self._literals[param.index] if param.index < len(self._literals) else b""
        self.fixed.add(param.index)
        if param.negative or not literal.isdigit():
            raise RefusedError("ordering rows of several shards by a constant")
        position = int(literal)
        items = self.select.items
        if any(isinstance(item.expr, Star) for item in items):
            raise RefusedError("ordering by a column's number beside *")
        if not 1 <= position <= len(items):
            raise SqlError(1054, f"Unknown column '{position}' in 'order clause'")
        return position - 1


def _same_expression(key: str, item: SelectItem, expr: Expr) -> bool:
    """Whether an item is written as `expr` is; constants differ, for they may hide literals."""
    text = key[expr.start : expr.end]
    if "?" in text or isinstance(item.expr, Star):
        return False
    return key[item.expr.start : item.expr.end].lower() == text.lower()
