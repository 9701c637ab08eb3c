"""What the parser understands of a statement; every node knows its place in the key. Pure.

Places are half-open `[start, end)` in the text that was parsed, so that a rewrite can splice text
and leave the rest to the byte as it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Node):
    name: str
    table: str = ""
    keyspace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param(Node):
    """A `?`: a literal that was taken out, or a parameter of a prepared statement."""

    index: int
    negative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Node):
    """NULL, TRUE, FALSE, DEFAULT, or a literal that was left in place."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Node):
    name: str  # with its @ or @@


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    name: str  # upper case
    args: tuple["Expr", ...] = ()
    distinct: bool = False
    star: bool = False
    window: bool = False
    plain: bool = True  # nothing but a list of arguments between the brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Node):
    """An operator with its operands; `op` in upper case, with NOT in front when negated."""

    op: str
    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Node):
    """`(a, b)`; one expression in brackets is that expression."""

    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subquery(Node):
    query: "Query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Star(Node):
    table: str = ""


Expr = Column | Param | Constant | Variable | Call | Operation | Row | Subquery | Star


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef(Node):
    keyspace: str
    name: str
    alias: str

    @property
    def visible_name(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Node):
    query: "Query"
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class On:
    """The condition under which tables `first` to `last` (exclusive) were joined."""

    condition: Expr
    outer: bool
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class OuterJoin:
    """The places of the tables whose rows all come, and of those that may be filled with NULL."""

    kept: range
    other: range


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Node):
    """A list of joined tables in order; the columns of USING and NATURAL are not followed."""

    tables: tuple[TableRef | Derived, ...]
    conditions: tuple[On, ...] = ()
    outer: tuple[OuterJoin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectItem(Node):
    expr: Expr
    alias: str = ""
    alias_index: int = -1  # of the literal that a quoted alias was taken for


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem(Node):
    expr: Expr
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Node):
    count: Expr
    offset: Expr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Select(Node):
    items: tuple[SelectItem, ...]
    items_end: int
    modifiers: tuple[str, ...] = ()
    distinct: bool = False
    tables: Join | None = None
    where: Expr | None = None
    where_end: int = 0
    group_by: tuple[Expr, ...] = ()
    group_start: int = 0
    group_end: int = 0
    rollup: bool = False
    having: Expr | None = None
    having_start: int = 0
    having_end: int = 0
    order_by: tuple[OrderItem, ...] = ()
    order_start: int = 0
    order_end: int = 0
    limit: Limit | None = None
    locking: bool = False
    windows: bool = False
    into: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Union(Node):
    """UNION, EXCEPT or INTERSECT of queries, or a query with common table expressions."""

    parts: tuple["Query", ...]
    order_by: tuple[OrderItem, ...] = ()  # of the whole


Query = Select | Union


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Node):
    column: Column
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert(Node):
    table: TableRef
    replace: bool = False
    ignore: bool = False
    columns: tuple[str, ...] | None = None
    columns_end: int = 0  # after the `)` of the list, or after the table's name
    columns_start: int = 0
    rows: tuple[Row, ...] = ()
    rows_start: int = 0
    rows_end: int = 0
    query: Query | None = None
    on_duplicate: tuple[Assignment, ...] = ()
    from_set: bool = False  # INSERT ... SET a = 1
    odd: bool = False  # RETURNING, row alias, PARTITION


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Node):
    tables: Join
    assignments: tuple[Assignment, ...]
    assignments_start: int
    where: Expr | None = None
    where_start: int = 0  # of the word WHERE; the end of SET when there is none
    where_end: int = 0
    order_by: tuple[OrderItem, ...] = ()
    limit: Limit | None = None
    ignore: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Node):
    tables: Join
    where: Expr | None = None
    where_start: int = 0
    where_end: int = 0
    order_by: tuple[OrderItem, ...] = ()
    limit: Limit | None = None
    ignore: bool = False
    multi: bool = False
    odd: bool = False


Statement = Select | Union | Insert | Update | Delete


@dataclass(slots=True)
class Walk:
    """What occurs anywhere below some nodes; filled by `walk`."""

    columns: list[Column] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    subqueries: list[Subquery] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


def walk(*roots: Expr | None) -> Walk:
    """Collect what occurs below the expressions, not looking inside subqueries."""
    found = Walk()
    for node in _nodes(roots):
        match node:
            case Column():
                found.columns.append(node)
            case Call():
                found.calls.append(node)
            case Variable():
                found.variables.append(node)
            case Subquery():
                found.subqueries.append(node)
            case Param():
                found.params.append(node)
            case Operation():
                found.operations.append(node)
    return found


def _nodes(roots: tuple[Expr | None, ...]) -> Iterator[Expr]:
    pending = [root for root in reversed(roots) if root is not None]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Call | Operation | Row):
            pending.extend(reversed(node.args))


def without_brackets(expr: Expr) -> Expr:
    """Brackets around one expression are an AND of one operand."""
    while isinstance(expr, Operation) and expr.op == "AND" and len(expr.args) == 1:
        expr = expr.args[0]
    return expr


def conjuncts(expr: Expr | None) -> Iterator[Expr]:
    """Yield the conditions that must all hold for `expr` to hold."""
    if expr is None:
        return
    pending = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, Operation) and node.op == "AND":
            pending.extend(reversed(node.args))
        else:
            yield node
