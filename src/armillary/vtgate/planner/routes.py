"""Where a statement's rows live: from its conditions to a route. Pure.

Every table of every block (the statement, its subqueries, the parts of its unions) must be seen.
Tables whose vindex columns are equal live on one shard together; each such class gets a route.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from armillary.routing.lookup import LookupVindex
from armillary.routing.vindexes import LOOSE_KINDS, FunctionalVindex
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.sql.ast import (
    Call,
    Column,
    Constant,
    Derived,
    Expr,
    Join,
    Operation,
    Param,
    Query,
    Row,
    Select,
    TableRef,
    Union,
    conjuncts,
    walk,
    without_brackets,
)
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.plan import (
    AllShards,
    AnyShard,
    ByKeyspaceId,
    ByLookup,
    ByVindex,
    Route,
    SameShard,
    Source,
)
from armillary.vtgate.planner.shapes import EXACT_COLLATIONS, ColumnShape, Shapes, TableShape
from armillary.wire.protocol import BINARY_COLLATION

_COST_IN = 1000
_COST_SCATTER = 10_000


@dataclass(slots=True, eq=False)
class TableUse:
    ref: TableRef
    schema: TableSchema
    depth: int = 0  # how many blocks are around its own
    shape: TableShape | None = None
    best: tuple[int, Route] | None = None
    parent: "TableUse | None" = None  # of the union-find

    def root(self) -> "TableUse":
        use = self
        while use.parent is not None:
            use = use.parent
        return use

    @property
    def shape_columns(self) -> frozenset[str]:
        return self.shape.names if self.shape is not None else frozenset()

    def column_shape(self, name: str) -> ColumnShape | None:
        return self.shape.columns.get(name.lower()) if self.shape is not None else None

    def trusts(self, vindex: LookupVindex) -> bool:
        """Whether the lookup table finds whatever the table itself would find."""
        lookups = self.shape.lookups if self.shape is not None else None
        return lookups is None or vindex.name in lookups

    def places_equals_together(self, column: str) -> bool:
        """Whether rows with equal values in this column are surely on one shard.

        Not if the vindex tells apart what the column's collation does not: 'a' and 'A'.
        """
        primary = self.schema.primary
        if primary is None or primary.columns != (column.lower(),):
            return False
        if not isinstance(primary.vindex, FunctionalVindex):
            return False
        shape = self.column_shape(column)
        if primary.vindex.by_number or shape is None:
            return primary.vindex.by_number
        if primary.vindex.type in LOOSE_KINDS and shape.collation_id in EXACT_COLLATIONS:
            return shape.is_string
        return shape.is_integer or shape.collation_id == BINARY_COLLATION

    def vindex_of(self, column: str) -> list[ColumnVindex]:
        return [item for item in self.schema.column_vindexes if item.columns[0] == column.lower()]


@dataclass(slots=True)
class Block:
    """One SELECT (or the tables of an UPDATE or DELETE) with the scope that it sees."""

    uses: dict[str, TableUse]
    outer: "Block | None"
    depth: int = 0
    derived: frozenset[str] = frozenset()  # the names of derived tables, which hide outer ones
    where: Expr | None = None
    join: Join | None = None
    exprs: tuple[Expr, ...] = ()  # besides WHERE and ON

    @property
    def all_exprs(self) -> list[Expr]:
        found = list(self.exprs)
        if self.where is not None:
            found.append(self.where)
        if self.join is not None:
            found.extend(on.condition for on in self.join.conditions)
        return found


@dataclass(slots=True)
class Blocks:
    all: list[Block] = field(default_factory=list)
    subqueries: list[Select] = field(default_factory=list)  # or the query itself
    union: bool = False
    derived: bool = False

    @property
    def uses(self) -> list[TableUse]:
        return [use for block in self.all for use in block.uses.values()]


class BlockFinder:
    """Collects the blocks of a statement; `schemas` has each TableRef's schema by its place."""

    def __init__(self, schemas: Mapping[int, TableSchema], shapes: Shapes) -> None:
        self._schemas = schemas
        self._shapes = shapes
        self.found = Blocks()

    def add_query(self, query: Query, outer: Block | None) -> None:
        if isinstance(query, Union):
            self.found.union = True
            for part in query.parts:
                self.add_query(part, outer)
            if query.order_by:  # sees the columns of the whole, not the tables of a part
                self.add_block(None, None, outer, [item.expr for item in query.order_by])
            return
        self.found.subqueries.append(query)
        self.add_block(query.tables, query.where, outer, _select_exprs(query))

    def add_block(
        self, join: Join | None, where: Expr | None, outer: Block | None, exprs: list[Expr]
    ) -> None:
        depth = outer.depth + 1 if outer is not None else 0
        block = Block({}, outer, depth, where=where, join=join, exprs=tuple(exprs))
        self.found.all.append(block)
        inside = list(exprs)
        for table in join.tables if join is not None else ():
            if isinstance(table, Derived):
                self.found.derived = True
                block.derived |= {table.alias.lower()}
                self.add_query(table.query, None)
            else:
                name = table.visible_name.lower()
                if name in block.uses:
                    raise RefusedError(f"two tables with the name {name!r}")
                schema = self._schemas[table.start]
                shape = self._shapes.get((schema.keyspace, schema.name))
                block.uses[name] = TableUse(table, schema, depth, shape)
        if join is not None:
            inside.extend(on.condition for on in join.conditions)
        if where is not None:
            inside.append(where)
        for subquery in walk(*inside).subqueries:
            self.add_query(subquery.query, block)


def _select_exprs(select: Select) -> list[Expr]:
    exprs: list[Expr] = [item.expr for item in select.items]
    exprs.extend(select.group_by)
    if select.having is not None:
        exprs.append(select.having)
    exprs.extend(item.expr for item in select.order_by)
    if select.limit is not None:
        exprs.append(select.limit.count)
    return exprs


def table_refs(query: Query) -> Iterator[TableRef]:
    """Yield every table that a query names, at any depth."""
    if isinstance(query, Union):
        for part in query.parts:
            yield from table_refs(part)
        yield from refs_below(None, [item.expr for item in query.order_by])
        return
    exprs = _select_exprs(query)
    if query.where is not None:
        exprs.append(query.where)
    yield from refs_below(query.tables, exprs)


def refs_below(join: Join | None, exprs: list[Expr]) -> Iterator[TableRef]:
    inside = list(exprs)
    if join is not None:
        inside.extend(on.condition for on in join.conditions)
        for table in join.tables:
            if isinstance(table, Derived):
                yield from table_refs(table.query)
            else:
                yield table
    for subquery in walk(*inside).subqueries:
        yield from table_refs(subquery.query)


def source_of(expr: Expr) -> Source | None:
    """Return where a constant comes from, or None when the expression is no constant."""
    expr = without_brackets(expr)
    if isinstance(expr, Param):
        return Source(expr.index, expr.negative)
    if isinstance(expr, Constant) and expr.text != "DEFAULT":
        return Source(text=expr.text.encode("latin-1"))
    return None


def find_route(keyspace: str, blocks: Blocks) -> Route:
    """Return the route of a statement whose tables are all in one sharded keyspace.

    Raises:
        RefusedError: rows of different shards would have to meet.
    """
    for block in blocks.all:
        _follow_conditions(block)
    pinned = [use for use in blocks.uses if use.schema.pinned is not None]
    for use in pinned:
        assert use.schema.pinned is not None
        use.root().best = (0, ByKeyspaceId(keyspace, use.schema.pinned))
    roots = []
    for use in blocks.uses:
        if use.schema.type == "reference":
            continue
        root = use.root()
        if root not in roots:
            roots.append(root)
    routes = [root.best[1] if root.best is not None else AllShards(keyspace) for root in roots]
    if not routes:
        return AnyShard(keyspace)
    if len(routes) == 1:
        return routes[0]
    if all(_is_one_shard(route) for route in routes):
        return SameShard(keyspace, tuple(routes))
    raise RefusedError("joining or comparing tables whose rows may live on different shards")


def whole_on_each_shard(select: Select, blocks: Blocks) -> RefusedError | None:
    """Why several shards would each answer a query with rows that belong into it once.

    Rows of a reference table are on every shard: only a row of a sharded table that they are
    joined with makes them one shard's part of the answer.
    """
    block = blocks.all[0]  # of the query itself, for it is no UNION
    if all(use.schema.type == "reference" for use in block.uses.values()):
        return RefusedError("a subquery whose rows lie on several shards")
    if select.tables is None:
        return None
    tables = select.tables.tables
    for join in select.tables.outer:
        sharded = [
            any(
                isinstance(table, TableRef)
                and block.uses[table.visible_name.lower()].schema.type != "reference"
                for table in (tables[place] for place in side)
            )
            for side in (join.kept, join.other)
        ]
        if sharded == [False, True]:
            return RefusedError(
                "an outer join that keeps all rows of a reference table, over several shards"
            )
    return None


def may_be_missing(select: Select, blocks: Blocks) -> list[TableUse]:
    """Return the tables whose columns an outer join may fill with NULL, on whatever shard."""
    assert select.tables is not None
    tables = select.tables.tables
    return [
        blocks.all[0].uses[table.visible_name.lower()]
        for join in select.tables.outer
        for table in (tables[place] for place in join.other)
        if isinstance(table, TableRef)
    ]


def aggregates_of_outer_rows(blocks: Blocks, names: Collection[str]) -> Call | None:
    """Return a call in a subquery that may aggregate the rows of the query around it.

    In `select (select sum(a.x)) from a` the sum is the outer query's, for so are its columns.
    """
    for block in blocks.all:
        if not block.depth:
            continue
        for call in walk(*block.exprs).calls:
            if call.name in names and not _aggregates_own_rows(block, call):
                return call
    return None


def _aggregates_own_rows(block: Block, call: Call) -> bool:
    found = walk(*call.args)
    return not found.subqueries and all(_is_inside(block, column) for column in found.columns)


def _is_inside(block: Block, column: Column) -> bool:
    """Whether a column is surely of a subquery's tables, not of the outermost query's."""
    scope: Block | None = block
    while scope is not None and scope.depth:
        if column.table.lower() in scope.derived:
            return True
        for name, use in scope.uses.items():
            if column.table and column.table.lower() != name:
                continue
            if column.table == use.ref.visible_name or column.name.lower() in use.shape_columns:
                return True
        scope = scope.outer
    return False


def _is_one_shard(route: Route) -> bool:
    if isinstance(route, ByKeyspaceId):
        return True
    return isinstance(route, ByVindex) and len(route.sources) == 1


def _follow_conditions(block: Block) -> None:
    for condition in conjuncts(block.where):
        if isinstance(condition, Operation):
            _follow(block, condition, constants=True, joined=None)
    for on in block.join.conditions if block.join is not None else ():
        tables = block.join.tables[on.first : on.last] if block.join is not None else ()
        names = {table.visible_name.lower() for table in tables if isinstance(table, TableRef)}
        for condition in conjuncts(on.condition):
            if isinstance(condition, Operation):
                # What an outer join's ON says of other tables, or of constants, filters nothing.
                _follow(block, condition, constants=False, joined=names if on.outer else None)


def _follow(
    block: Block, condition: Operation, *, constants: bool, joined: set[str] | None
) -> None:
    if condition.op == "=":
        left, right = (without_brackets(arg) for arg in condition.args)
        if isinstance(left, Column) and isinstance(right, Column):
            _unite(block, left, right, joined)
        elif constants:
            for column, value in ((left, right), (right, left)):
                source = source_of(value)
                if isinstance(column, Column) and source is not None:
                    _restrict(block, column, (source,))
    elif condition.op == "IN" and constants:
        column, values = condition.args
        if isinstance(column, Column) and isinstance(values, Row):
            sources = tuple(source_of(value) for value in values.args)
            if all(source is not None for source in sources):
                _restrict(block, column, tuple(item for item in sources if item is not None))


def resolve(block: Block, column: Column) -> TableUse | None:
    """Return the table that a column is of, if that is sure."""
    if column.table:
        scope: Block | None = block
        name = column.table.lower()
        while scope is not None and name not in scope.derived:
            use = scope.uses.get(name)
            if use is not None:
                # Whether `A` may mean `a`, or an outer `A` beyond it, depends on the server.
                return use if use.ref.visible_name == column.table else None
            scope = scope.outer
        return None
    uses = list(block.uses.values())
    having = [use for use in uses if use.vindex_of(column.name)]
    if len(having) != 1:
        return None
    return having[0]


def _restrict(block: Block, column: Column, sources: tuple[Source, ...]) -> None:
    use = resolve(block, column)
    if use is None or use not in block.uses.values():
        return
    keyspace = use.schema.keyspace
    shape = use.column_shape(column.name)
    for item in use.vindex_of(column.name):
        vindex = item.vindex
        route: Route
        if isinstance(vindex, LookupVindex):
            if vindex.write_only or not use.trusts(vindex):
                continue
            route = ByLookup(keyspace, vindex, sources, shape)
        else:
            route = ByVindex(keyspace, vindex, sources, shape)
        cost = vindex.cost + (_COST_IN if len(sources) > 1 else 0)
        root = use.root()
        # What a subquery asks of its own rows does not filter the rows around it.
        if root.depth == use.depth and (root.best is None or cost < root.best[0]):
            root.best = (cost, route)


def _compare_alike(one: TableUse, left: Column, other: TableUse, right: Column) -> bool:
    """Whether equal values of both columns have equal ids: 5 = '05', whose digests differ."""
    shapes = one.column_shape(left.name), other.column_shape(right.name)
    primary = one.schema.primary
    by_number = primary is not None and primary.vindex.by_number
    if shapes[0] is None or shapes[1] is None:
        return by_number
    # Unlike kinds are compared as doubles, of which one equals several large numbers.
    if (shapes[0].is_exact, shapes[0].is_string) != (shapes[1].is_exact, shapes[1].is_string):
        return False
    return by_number or shapes[0].is_integer == shapes[1].is_integer


def _unite(block: Block, left: Column, right: Column, joined: set[str] | None) -> None:
    one, other = resolve(block, left), resolve(block, right)
    if one is None or other is None or one is other:
        return
    if (
        joined is not None
        and not {
            one.ref.visible_name.lower(),
            other.ref.visible_name.lower(),
        }
        & joined
    ):
        return
    kinds = [
        {
            (item.vindex.type, item.vindex.params)
            for item in use.vindex_of(column.name)
            if isinstance(item.vindex, FunctionalVindex) and use.schema.primary is item
            if use.places_equals_together(column.name)
        }
        for use, column in ((one, left), (other, right))
    ]
    if not kinds[0] & kinds[1] or not _compare_alike(one, left, other, right):
        return
    root, child = sorted((one.root(), other.root()), key=lambda use: use.depth)
    if root is child or child.depth < block.depth:
        return  # what a subquery asks of its own rows does not join the tables around it
    child.parent = root
    bests = [best for best in (root.best, child.best) if best is not None]
    if root.depth == child.depth and bests:
        root.best = min(bests, key=lambda best: best[0])
