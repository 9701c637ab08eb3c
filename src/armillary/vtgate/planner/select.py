"""The planner: one parsed statement in, one plan out. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from armillary.routing.vschema import TableSchema, UnknownTableError, VSchema
from armillary.sql.ast import (
    Delete,
    Derived,
    Insert,
    Query,
    Select,
    SelectItem,
    Statement,
    TableRef,
    Union,
    Update,
)
from armillary.sql.tokens import Kind, Token
from armillary.vtgate.errors import RefusedError, no_database
from armillary.vtgate.planner.dml import DmlPlanner
from armillary.vtgate.planner.insert import plan_insert, refuse_computed_vindexes
from armillary.vtgate.planner.plan import (
    AllShards,
    AnyShard,
    DmlPlan,
    OnlyShard,
    Plan,
    Route,
    ScatterDraft,
    SelectPlan,
    Splice,
)
from armillary.vtgate.planner.routes import (
    BlockFinder,
    find_route,
    refs_below,
    table_refs,
    whole_on_each_shard,
)
from armillary.vtgate.planner.scatter import ScatterPlanner
from armillary.vtgate.planner.select_terms import SelectTerms
from armillary.vtgate.planner.shapes import Shapes
from armillary.vtgate.planner.stored_functions import refuse_stored_call
from armillary.vtgate.planner.text import (
    SessionUse,
    build_template,
    find_qualifiers,
    find_schema_literals,
    find_session_terms,
    label_pieces,
    refuse_connection_state,
    tokens_of,
    without_database,
)

_LABEL_MAX = 100
SYSTEM_SCHEMAS = frozenset({"information_schema", "mysql", "performance_schema", "sys"})


@dataclass(frozen=True, slots=True)
class Named:
    """The tables that a statement names, with their schemas by place in the key."""

    schemas: dict[int, TableSchema]
    keyspaces: frozenset[str]
    system: bool


def statement_refs(statement: Statement) -> Iterator[TableRef]:
    match statement:
        case Select() | Union():
            yield from table_refs(statement)
        case Insert():
            yield statement.table
            if statement.query is not None:
                yield from table_refs(statement.query)
            exprs = [value for row in statement.rows for value in row.args]
            exprs.extend(item.value for item in statement.on_duplicate)
            yield from refs_below(None, exprs)
        case Update() | Delete():
            exprs = [item.expr for item in statement.order_by]
            if isinstance(statement, Update):
                exprs.extend(item.value for item in statement.assignments)
            if statement.where is not None:
                exprs.append(statement.where)
            yield from refs_below(statement.tables, exprs)


def name_tables(statement: Statement, vschema: VSchema, keyspace: str) -> Named:
    """Find every table's schema.

    Raises:
        NotFoundError: an unknown keyspace or table.
        SqlError: no keyspace is selected and none is named.
    """
    schemas: dict[int, TableSchema] = {}
    keyspaces: set[str] = set()
    system = False
    for ref in statement_refs(statement):
        if ref.keyspace.lower() in SYSTEM_SCHEMAS:
            system = True
            continue
        if not ref.keyspace and keyspace.lower() in SYSTEM_SCHEMAS:
            system = True
            continue
        try:
            table = vschema.find_table(ref.keyspace or keyspace or None, ref.name)
        except UnknownTableError:
            if not ref.keyspace and not keyspace:
                raise no_database() from None
            raise
        schemas[ref.start] = table
        keyspaces.add(table.keyspace)
    return Named(schemas, frozenset(keyspaces), system)


def plan_statement(
    key: str,
    statement: Statement,
    named: Named,
    *,
    vschema: VSchema,
    keyspace: str,
    shapes: Shapes,
    literals: Sequence[bytes],
) -> Plan:
    """Plan one statement for a session in `keyspace`.

    Raises:
        RefusedError: it cannot be routed so that the answer is surely right.
        SqlError: it is wrong.
    """
    tokens = tokens_of(key)
    if any(
        token.kind == Kind.HINT and "SQL_SELECT_LIMIT" in token.text.upper() for token in tokens
    ):
        raise RefusedError("sql_select_limit")  # each shard would cut its own rows
    plan = _plan(key, tokens, statement, named, vschema, keyspace, shapes, literals)
    refusal = refuse_stored_call(tokens, named.schemas)
    if refusal is None:
        return plan
    if isinstance(plan, SelectPlan):
        return replace(plan, scatter=refusal, one_answer=refusal)
    return replace(plan, single_only=refusal)


def _plan(
    key: str,
    tokens: Sequence[Token],
    statement: Statement,
    named: Named,
    vschema: VSchema,
    keyspace: str,
    shapes: Shapes,
    literals: Sequence[bytes],
) -> Plan:
    session = find_session_terms(tokens)
    refuse_connection_state(session, writing=isinstance(statement, Insert | Update))
    if named.system:
        # There the database is the one that the server knows, and so are names compared with it.
        session = without_database(session)
    qualifiers = find_qualifiers(tokens, named.keyspaces)
    splices = (*session.splices, *qualifiers)
    if isinstance(statement, Select | Union):
        splices = (*splices, *_label_splices(key, statement, session))
    if named.system and named.keyspaces:
        raise RefusedError("joining tables of a keyspace with system tables")
    _refuse_sequence_calls(session, vschema, named.keyspaces or {keyspace})
    if named.system or not named.keyspaces:
        return _plan_without_keyspace(
            key, statement, splices, vschema, keyspace, system=named.system
        )
    if len(named.keyspaces) > 1:
        raise RefusedError("one statement over several keyspaces")
    (target,) = named.keyspaces
    if not vschema.keyspaces[target].sharded:
        return _plan_unsharded(key, statement, splices, target)
    finder = BlockFinder(named.schemas, shapes)
    if isinstance(statement, Select | Union):
        return _plan_select(key, statement, splices, finder, target, literals)
    return _plan_write(key, statement, splices, finder, named, shapes)


def _plan_write(
    key: str,
    statement: Insert | Update | Delete,
    splices: tuple[Splice, ...],
    finder: BlockFinder,
    named: Named,
    shapes: Shapes,
) -> Plan:
    match statement:
        case Insert():
            table = named.schemas[statement.table.start]
            if len(named.schemas) > 1:
                raise RefusedError("subqueries in INSERT into a sharded table")
            shape = shapes.get((table.keyspace, table.name))
            upserts = bool(statement.on_duplicate)
            refuse_computed_vindexes(table, shape, inserts=True, updates=upserts)
            return plan_insert(key, statement, table, shape, splices)
        case Update():
            for table in named.schemas.values():
                shape = shapes.get((table.keyspace, table.name))
                refuse_computed_vindexes(table, shape, updates=True)
            return DmlPlanner(key, splices, finder, rewritten=bool(splices)).update(statement)
        case Delete():
            return DmlPlanner(key, splices, finder, rewritten=bool(splices)).delete(statement)


def _plan_select(
    key: str,
    statement: Query,
    splices: tuple[Splice, ...],
    finder: BlockFinder,
    keyspace: str,
    literals: Sequence[bytes],
) -> SelectPlan:
    finder.add_query(statement, None)
    route = find_route(keyspace, finder.found)
    scatter, fixed = _draft(key, statement, splices, finder, literals)
    if isinstance(route, AllShards) and isinstance(scatter, RefusedError):
        raise scatter
    return SelectPlan(
        route=route,
        template=build_template(key, splices) if splices else None,
        scatter=scatter,
        locking=isinstance(statement, Select) and statement.locking,
        counts_found=_counts_found(key),
        fixed=tuple(sorted((index, literals[index]) for index in fixed if index < len(literals))),
    )


def _draft(
    key: str,
    statement: Query,
    splices: tuple[Splice, ...],
    finder: BlockFinder,
    literals: Sequence[bytes],
) -> tuple[ScatterDraft | RefusedError, set[int]]:
    if isinstance(statement, Union):
        return RefusedError("UNION over several shards"), set()
    if finder.found.derived or finder.found.union:
        return RefusedError("a derived table over several shards"), set()
    reason = whole_on_each_shard(statement, finder.found)
    if reason is not None:
        return reason, set()
    terms = SelectTerms(key, statement, splices, literals)
    try:
        return ScatterPlanner(terms, finder.found).draft(), terms.fixed
    except RefusedError as refusal:
        return refusal, terms.fixed


def _plan_unsharded(
    key: str, statement: Statement, splices: tuple[Splice, ...], keyspace: str
) -> Plan:
    route: Route = OnlyShard(keyspace)
    template = build_template(key, splices) if splices else None
    if isinstance(statement, Select | Union):
        return SelectPlan(
            route=route,
            template=template,
            scatter=RefusedError("an unsharded keyspace with several shards"),
            locking=isinstance(statement, Select) and statement.locking,
            counts_found=_counts_found(key),
        )
    return DmlPlan(
        route=route,
        template=template,
        verb=type(statement).__name__.upper(),
        single_only=RefusedError("an unsharded keyspace with several shards"),
    )


def _plan_without_keyspace(
    key: str,
    statement: Statement,
    splices: tuple[Splice, ...],
    vschema: VSchema,
    keyspace: str,
    *,
    system: bool,
) -> Plan:
    """Plan what any server can answer: no table, or tables of the server itself."""
    if not isinstance(statement, Select | Union):
        raise RefusedError("changing tables of the server itself")
    where = keyspace if keyspace in vschema.keyspaces else ""
    if not where:
        where = next(iter(vschema.keyspaces), "")
    return SelectPlan(
        route=AnyShard(where, reads_rows=False),
        template=build_template(key, splices) if splices else None,
        scatter=RefusedError("system tables over several shards"),
        counts_found=_counts_found(key),
        is_system=system,
        schema_literals=find_schema_literals(key) if system else (),
    )


def _counts_found(key: str) -> bool:
    return "SQL_CALC_FOUND_ROWS" in key.upper()


def _refuse_sequence_calls(
    session: SessionUse, vschema: VSchema, keyspaces: Collection[str]
) -> None:
    """Every shard would count for itself: a number would be given out several times."""
    sharded = any(
        name in vschema.keyspaces and vschema.keyspaces[name].sharded for name in keyspaces
    )
    if sharded and session.calls & {"NEXTVAL", "SETVAL"}:
        raise RefusedError("NEXTVAL() in a sharded keyspace, whose shards count for themselves")


def _named_items(query: Query) -> Iterator[SelectItem]:
    """Yield the items that name columns, those of derived tables too."""
    select = query
    while isinstance(select, Union):
        select = select.parts[0]
    yield from select.items
    for table in select.tables.tables if select.tables is not None else ():
        if isinstance(table, Derived):
            yield from _named_items(table.query)


def _label_splices(key: str, query: Query, session: SessionUse) -> list[Splice]:
    """Keep a column's label where its expression is rewritten: `DATABASE()` stays its name."""
    added = []
    for item in _named_items(query):
        inside = any(
            item.start <= splice.start and splice.end <= item.end for splice in session.splices
        )
        text = key[item.expr.start : item.expr.end]
        if inside and not item.alias and len(text) <= _LABEL_MAX:
            label = label_pieces(key, item.expr.start, item.expr.end)
            added.append(Splice(item.expr.end, item.expr.end, label))
    return added
