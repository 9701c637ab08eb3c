"""The same statements through the gateway over two shards and on one server: the same answers.

What the gateway refuses (VT12001) is allowed where a case says so, a different answer never.
"""

import random

import pytest

from tests.integration.vtgate.clients import Answer, ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server
from tests.integration.vtgate.statements import KINDS_ROWS, STATEMENTS, RandomStatements

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def difference(sql: str, here: Answer, there: Answer, *, ordered: bool) -> str | None:
    if here.errno or there.errno:
        if here.errno and there.errno:
            return None
        return (
            f"{sql}\n  gateway: {here.errno} {here.message}"
            f"\n  server: {there.errno} {there.message}"
        )
    mine = [sortable(row) for row in here.rows]
    theirs = [sortable(row) for row in there.rows]
    if not ordered:
        mine.sort()
        theirs.sort()
    if mine != theirs:
        return f"{sql}\n  gateway: {mine}\n  server:  {theirs}"
    if here.columns != there.columns:
        return f"{sql}\n  columns {here.columns}, on the server {there.columns}"
    if here.types != there.types:
        return f"{sql}\n  types {here.types}, on the server {there.types}"
    if here.affected != there.affected:
        return f"{sql}\n  affected {here.affected}, on the server {there.affected}"
    return None


def on_server(sql: str) -> str:
    """One server keeps no lookup table; it would hold the names of all users."""
    if "users_name_idx" in sql and sql.startswith("select"):
        return sql.replace(
            "users_name_idx", "users where name is not null" if " where " not in sql else "users"
        )
    return sql


def fill(gate: Gate, servers: tuple[Server, ...]) -> None:
    for connection in (connect_gate(gate), connect_whole(servers[2])):
        for sql in KINDS_ROWS:
            answer = ask(connection, sql)
            assert not answer.errno, (sql, answer)
        connection.close()


def test_statements_by_hand_agree(gate: Gate, servers: tuple[Server, ...]) -> None:
    fill(gate, servers)
    here, there = connect_gate(gate), connect_whole(servers[2])
    problems = []
    for sql, *marks in STATEMENTS:
        mine = ask(here, sql)
        if mine.refused:
            if "refused" not in marks:
                problems.append(f"refused: {sql}\n  {mine.message}")
            continue
        theirs = ask(there, on_server(sql))
        if "refused" in marks:
            problems.append(f"not refused: {sql}")
        ordered = " order by " in sql.lower() and "loose" not in marks
        problem = difference(sql, mine, theirs, ordered=ordered)
        if problem is not None:
            problems.append(problem)
    here.close()
    there.close()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("seed", range(4))
def test_statements_by_chance_agree(seed: int, gate: Gate, servers: tuple[Server, ...]) -> None:
    fill(gate, servers)
    here, there = connect_gate(gate), connect_whole(servers[2])
    chance = RandomStatements(random.Random(seed))
    problems = []
    refused = 0
    for _ in range(250):
        sql, ordered = chance.statement()
        mine = ask(here, sql)
        if mine.refused:
            refused += 1
            continue
        theirs = ask(there, on_server(sql))
        problem = difference(sql, mine, theirs, ordered=ordered)
        if problem is not None:
            problems.append(problem)
            break
    here.close()
    there.close()
    assert not problems, f"seed {seed}\n" + "\n".join(problems)
    assert refused < 125, "the gateway refuses too much"
