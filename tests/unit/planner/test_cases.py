"""Each case of tests/cases/planner: a statement, and the plan that it must get.

A case's `plan` says where the statement goes and how answers are merged, or why it is refused.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from armillary.base.errors import ArmillaryError
from armillary.routing.vschema import VSchema, parse_keyspace_json
from armillary.sql.literals import normalise
from armillary.sql.statements import parse_statement
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.plan import (
    AllShards,
    AnyShard,
    ByKeyspaceId,
    ByLookup,
    ByVindex,
    DmlPlan,
    InsertPlan,
    LabelLiteral,
    OnlyShard,
    Plan,
    Route,
    SameShard,
    ScatterDraft,
    SelectPlan,
    SessionTerm,
    SqlTemplate,
)
from armillary.vtgate.planner.select import name_tables, plan_statement
from armillary.vtgate.planner.shapes import ColumnShape, TableShape
from armillary.wire.protocol import ColumnType

CASES = Path(__file__).parents[2] / "cases" / "planner"
COLUMNS = ("id", "user_id", "name", "email", "total", "note", "a", "b")


def load() -> list[Any]:
    found = []
    for file in sorted(CASES.glob("*.json")):
        if file.name == "vschema.json":
            continue
        for case in json.loads(file.read_text()):
            found.append(pytest.param(case, id=f"{file.stem}: {case['query'][:60]}"))
    return found


def vschema() -> VSchema:
    documents = json.loads((CASES / "vschema.json").read_text())
    return VSchema(
        {name: parse_keyspace_json(name, json.dumps(d)) for name, d in documents.items()}
    )


def shape(table: str) -> TableShape:
    return TableShape(
        {
            name: ColumnShape(
                name,
                ColumnType.VAR_STRING if name in ("name", "email", "note") else ColumnType.LONGLONG,
                0,
                45 if name in ("name", "email", "note") else 63,
                0,
            )
            for name in COLUMNS
        },
        generated=frozenset({"total"} if table == "computed" else ()),
        stamped=frozenset({"note"} if table == "stamped" else ()),
    )


def make_plan(query: str, keyspace: str) -> Plan:
    schema = vschema()
    statement = normalise(query.encode())
    parsed = parse_statement(statement.key)
    named = name_tables(parsed, schema, keyspace)
    shapes = {(table.keyspace, table.name): shape(table.name) for table in named.schemas.values()}
    return plan_statement(
        statement.key,
        parsed,
        named,
        vschema=schema,
        keyspace=keyspace,
        shapes=shapes,
        literals=statement.literals,
    )


def text(template: SqlTemplate) -> str:
    return "".join(
        piece
        if isinstance(piece, str)
        else f":{piece}"
        if isinstance(piece, int)
        else f"<:{piece.index}>"
        if isinstance(piece, LabelLiteral)
        else f"<{piece.name}>"
        if isinstance(piece, SessionTerm)
        else f"<:{piece.index} in a name>"
        for piece in template
    )


def describe_route(route: Route) -> str:
    match route:
        case AllShards(keyspace):
            return f"all shards of {keyspace}"
        case AnyShard(keyspace):
            return f"any shard of {keyspace}"
        case OnlyShard(keyspace):
            return f"the shard of {keyspace}"
        case ByVindex():
            return f"{route.keyspace} by {route.vindex.name} of {len(route.sources)}"
        case ByLookup():
            return f"{route.keyspace} by lookup {route.vindex.name} of {len(route.sources)}"
        case ByKeyspaceId():
            return f"{route.keyspace} at {route.keyspace_id.hex()}"
        case SameShard():
            return "same shard: " + "; ".join(describe_route(part) for part in route.routes)


def describe_scatter(draft: ScatterDraft | RefusedError) -> Any:
    if isinstance(draft, RefusedError):
        return f"refused: {draft}"
    found: dict[str, Any] = {}
    if draft.group is not None:
        found["groups"] = [text(key.expr) for key in draft.group]
        found["aggregates"] = [item.function for item in draft.aggregates]
    if draft.sort:
        found["sort"] = [
            f"{text(key.expr)}{' desc' if key.descending else ''}" for key in draft.sort
        ]
    if draft.distinct:
        found["distinct"] = True
    if draft.limit is not None:
        found["limit"] = True
    return found


def describe(plan: Plan) -> dict[str, Any]:
    match plan:
        case SelectPlan():
            found: dict[str, Any] = {"route": describe_route(plan.route)}
            if plan.template is not None:
                found["sent"] = text(plan.template)
            if isinstance(plan.route, AllShards):
                found["merge"] = describe_scatter(plan.scatter)
            return found
        case InsertPlan():
            return {
                "insert into": plan.table.name,
                "columns": list(plan.columns),
                "rows": [text(row) for row in plan.rows],
            }
        case DmlPlan():
            found = {"route": describe_route(plan.route), "verb": plan.verb}
            if plan.owned:
                found["lookups"] = [item.vindex.name for item in plan.owned]
            if plan.select_owned is not None:
                found["reads"] = text(plan.select_owned)
            if plan.single_only is not None:
                found["one shard only"] = str(plan.single_only)
            return found


@pytest.mark.parametrize("case", load())
def test_a_statement_gets_its_plan(case: dict[str, Any]) -> None:
    keyspace = case.get("keyspace", "main")
    try:
        found: Any = describe(make_plan(case["query"], keyspace))
    except ArmillaryError as error:
        found = {"error": str(error)}
    assert found == case["plan"], case.get("comment", "")
