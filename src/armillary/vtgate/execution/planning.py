"""From a statement's key to its plan: the cache, and the planner with what it must be told. I/O
only to ask a shard for a table's columns.
"""

import time
from dataclasses import replace

from armillary.base.errors import ArmillaryError, MysqlError, NotFoundError
from armillary.routing.lookup import LookupVindex
from armillary.routing.vschema import TableSchema
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.statements import parse_statement
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.execution.tables import Tables
from armillary.vtgate.gateway import SHAPE_TTL_S, CachedPlan, Gateway
from armillary.vtgate.placement.rows import lookup_table
from armillary.vtgate.planner.plan import Plan, SelectPlan
from armillary.vtgate.planner.select import name_tables, plan_statement
from armillary.vtgate.rendering import Statement
from armillary.wire.errnos import UNSUPPORTED_PS, WRONG_VALUE_COUNT
from armillary.wire.statements import quote


async def plan_for(tables: Tables, statement: Statement, *, keyspace: str) -> CachedPlan:
    """Return the statement's plan, from the cache or made now.

    Raises:
        NotUnderstoodError: our parser does not follow it.
        RefusedError: it cannot be routed correctly.
    """
    gateway = tables.gateway
    generation = gateway.cluster.generation
    cache_key = (keyspace, statement.key)
    found = gateway.plans.get(cache_key, generation)
    if found is not None and _fits(found, statement):
        return found
    try:
        plan = await _make_plan(tables, statement, keyspace)
    except SqlError as error:
        if error.errno != WRONG_VALUE_COUNT:
            raise
        # Perhaps the table has changed since we looked at it.
        plan = await _make_plan(tables, statement, keyspace, anew=True)
        generation = gateway.cluster.generation
    made = CachedPlan(plan, generation, time.monotonic() + SHAPE_TTL_S)
    gateway.plans.put(cache_key, made)
    return made


async def _make_plan(
    tables: Tables, statement: Statement, keyspace: str, *, anew: bool = False
) -> Plan:
    vschema = tables.gateway.cluster.vschema
    parsed = parse_statement(statement.key)
    named = name_tables(parsed, vschema, keyspace)
    shapes = {}
    for schema in named.schemas.values():
        if vschema.keyspaces[schema.keyspace].sharded:
            place = (schema.keyspace, schema.name)
            shape = await tables.shape(*place, anew=anew)
            shapes[place] = replace(shape, lookups=await _trusted_lookups(tables, schema))
    return plan_statement(
        statement.key,
        parsed,
        named,
        vschema=vschema,
        keyspace=keyspace,
        shapes=shapes,
        literals=statement.literals,
    )


async def _trusted_lookups(tables: Tables, table: TableSchema) -> frozenset[str]:
    """Return the lookup vindexes whose tables compare a value as `table` itself does.

    Where the lookup's column has another type or collation, it would not find all equal values.
    """
    trusted = set()
    for item in table.column_vindexes:
        vindex = item.vindex
        if not isinstance(vindex, LookupVindex):
            continue
        try:
            lookup = tables.gateway.cluster.vschema.find_table(
                *lookup_table(vindex, table.keyspace)
            )
            theirs = (await tables.shape(lookup.keyspace, lookup.name)).columns
        except (NotFoundError, MysqlError):
            continue  # a lookup table that is not there yet finds nothing
        mine = (await tables.shape(table.keyspace, table.name)).columns.get(item.columns[0])
        other = theirs.get(vindex.from_columns[0].lower())
        if mine is not None and other is not None and mine.compares_as(other):
            trusted.add(vindex.name)
    return frozenset(trusted)


def _fits(found: CachedPlan, statement: Statement) -> bool:
    plan = found.plan
    if not isinstance(plan, SelectPlan) or not plan.fixed:
        return True
    literals = statement.literals
    return all(literals[index] == literal for index, literal in plan.fixed)


async def explain_refusal(
    gateway: Gateway, error: NotUnderstoodError, sql: bytes, keyspace: str
) -> ArmillaryError:
    """Say what is wrong with a statement that our parser does not follow.

    If a server does not take it either, its error is the better one.
    """
    try:
        await check_syntax(gateway, sql, keyspace)
    except MysqlError as refused:
        return refused
    except ArmillaryError:
        pass
    return RefusedError(str(error))


async def check_syntax(gateway: Gateway, sql: bytes, keyspace: str) -> None:
    """Raises: MysqlError: no server takes a statement. TabletUnavailableError: none answers."""
    try:
        await gateway.ask(keyspace, b"PREPARE armillary_check FROM " + quote(sql))
    except MysqlError as error:
        if error.errno != UNSUPPORTED_PS:  # else it is well-formed, and of a kind not prepared
            raise
