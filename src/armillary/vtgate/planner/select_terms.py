"""What a SELECT's terms mean (positions, aliases, expressions), and what they may be. Pure."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

from armillary.base.errors import ArmillaryError
from armillary.sql.ast import (
    Call,
    Column,
    Constant,
    Expr,
    Operation,
    OrderItem,
    Param,
    Select,
    SelectItem,
    Star,
    Variable,
    walk,
    without_brackets,
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

    @cached_property
    def ordered(self) -> tuple[OrderItem, ...]:
        """What ORDER BY orders by: NULL, which Django says behind GROUP BY, is no order."""
        found = []
        for item in self.select.order_by:
            expr = without_brackets(item.expr)
            if not (isinstance(expr, Constant) and expr.text.upper() == "NULL"):
                found.append(item)
        return tuple(found)

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
            if _same_expression(self.key, item, expr) or self._same_column(item, expr):
                return index
        return None

    def _same_column(self, item: SelectItem, expr: Expr) -> bool:
        """Whether both are one column of the only table, whichever of them names the table."""
        one, other = without_brackets(item.expr), without_brackets(expr)
        tables = self.select.tables.tables if self.select.tables is not None else ()
        if len(tables) != 1 or not isinstance(one, Column) or not isinstance(other, Column):
            return False
        return one.name.lower() == other.name.lower() and "" in (one.table, other.table)

    def is_computed_key(self, expr: Expr) -> bool:
        """Whether it is more than a column and, but for constants, written as a GROUP BY term."""
        bare = without_brackets(expr)
        return not isinstance(bare, Column) and self._look(bare) in self._key_looks

    @cached_property
    def _key_looks(self) -> set[str]:
        looks = set()
        for expr in map(without_brackets, self.select.group_by):
            looks.add(self._look(expr))
            if isinstance(expr, Column) and not expr.table:
                named = zip(self.aliases, self.select.items, strict=True)
                looks |= {self._look(item.expr) for a, item in named if a == expr.name.lower()}
            elif isinstance(expr, Param):
                with suppress(ArmillaryError):  # the server says what is wrong with a position
                    looks.add(self._look(self.select.items[self._position(expr)].expr))
        return looks

    def _look(self, expr: Expr) -> str:
        bare = without_brackets(expr)
        return self.key[bare.start : bare.end].lower()

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
    bare, other = without_brackets(expr), without_brackets(item.expr)
    text = key[bare.start : bare.end]
    if "?" in text or isinstance(other, Star):
        return False
    return key[other.start : other.end].lower() == text.lower()
