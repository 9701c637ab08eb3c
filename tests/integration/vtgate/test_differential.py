"""The same statements through the gateway over two shards and on one server: the same answers.

What the gateway refuses (VT12001) is allowed where a case says so, a different answer never.
"""

import random

import pytest

from tests.integration.vtgate import hostile
from tests.integration.vtgate.clients import Answer, ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server
from tests.integration.vtgate.statements import KINDS_ROWS, STATEMENTS, RandomStatements

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


HOSTILE_COUNT = 300
OUT_OF_RANGE = 1690


@pytest.fixture(scope="session")
def folding_zone(servers: tuple[Server, ...]) -> None:
    """A time zone whose clock went back at 2020-01-01 00:00 UTC: two instants have one text."""
    changed = 1_577_836_800
    for server in servers:
        for sql in (
            "delete from time_zone_name where name = 'Test/Fold'",
            "replace into time_zone values (4242, 'N')",
            "replace into time_zone_name values ('Test/Fold', 4242)",
            "replace into time_zone_transition_type values "
            "(4242, 0, 7200, 1, 'TFS'), (4242, 1, 3600, 0, 'TF')",
            f"replace into time_zone_transition values (4242, 0, 0), (4242, {changed}, 1)",
        ):
            server.query(sql.replace("into ", "into mysql.").replace("from ", "from mysql."))


def difference(
    sql: str,
    here: Answer,
    there: Answer,
    *,
    ordered: bool,
    loose: bool = False,
    exact_widths: bool = True,
) -> str | None:
    """`exact_widths`: one server's integers are as wide as another's; not MySQL's."""
    if here.errno or there.errno:
        # A shard may compute a value of a row that one server's LIMIT would have left out.
        if here.errno == OUT_OF_RANGE or (here.errno and there.errno):
            return None
        return (
            f"{sql}\n  gateway: {here.errno} {here.message}"
            f"\n  server: {there.errno} {there.message}"
        )
    mine = [sortable(row) for row in here.rows]
    theirs = [sortable(row) for row in there.rows]
    if loose:
        mine = [tuple(hostile.fold(cell) for cell in row) for row in mine]
        theirs = [tuple(hostile.fold(cell) for cell in row) for row in theirs]
    if not ordered:
        mine.sort()
        theirs.sort()
    if mine != theirs:
        return f"{sql}\n  gateway: {mine}\n  server:  {theirs}"
    if here.columns != there.columns:
        return f"{sql}\n  columns {here.columns}, on the server {there.columns}"
    if widened(here.types, exact_widths) != widened(there.types, exact_widths):
        return f"{sql}\n  types {here.types}, on the server {there.types}"
    if here.affected != there.affected:
        return f"{sql}\n  affected {here.affected}, on the server {there.affected}"
    return None


def widened(types: tuple[int, ...], exact: bool) -> list[int]:
    return [8 if kind in (1, 2, 3, 9) and not exact else kind for kind in types]


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


@pytest.mark.on_mysql_too
def test_statements_by_hand_agree(gate: Gate, servers: tuple[Server, ...]) -> None:
    fill(gate, servers)
    here, there = connect_gate(gate), connect_whole(servers[2])
    exact = not servers[0].is_mysql
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
        problem = difference(sql, mine, theirs, ordered=ordered, exact_widths=exact)
        if problem is not None:
            problems.append(problem)
    here.close()
    there.close()
    assert not problems, "\n".join(problems)


@pytest.mark.on_mysql_too(seed=0)
@pytest.mark.parametrize("seed", range(4))
def test_statements_by_chance_agree(seed: int, gate: Gate, servers: tuple[Server, ...]) -> None:
    fill(gate, servers)
    here, there = connect_gate(gate), connect_whole(servers[2])
    chance = RandomStatements(random.Random(seed))
    exact = not servers[0].is_mysql
    problems = []
    refused = 0
    for _ in range(250):
        sql, ordered = chance.statement()
        mine = ask(here, sql)
        if mine.refused:
            refused += 1
            continue
        theirs = ask(there, on_server(sql))
        problem = difference(sql, mine, theirs, ordered=ordered, exact_widths=exact)
        if problem is not None:
            problems.append(problem)
            break
    here.close()
    there.close()
    assert not problems, f"seed {seed}\n" + "\n".join(problems)
    assert refused < 125, "the gateway refuses too much"


@pytest.mark.on_mysql_too(seed=0, time_zone="Test/Fold")
@pytest.mark.parametrize("time_zone", ["SYSTEM", "+05:30", "Test/Fold"])
@pytest.mark.parametrize("seed", range(2))
def test_hostile_statements_agree_or_are_refused(
    seed: int, time_zone: str, gate: Gate, servers: tuple[Server, ...], folding_zone: None
) -> None:
    here, there = connect_gate(gate), connect_whole(servers[2])
    chance = random.Random(f"{seed} {time_zone}")
    setup = (
        "set time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES'",
        hostile.rows(chance, 60),
        # Where the clock went back, the later instant has the earlier text.
        "update things set ts = '2019-12-31 23:30:00' where id % 7 = 1",
        "update things set ts = '2020-01-01 00:20:00' where id % 7 = 2",
        "update things set ts = '2020-01-01 00:30:00' where id % 7 = 3",
        f"set time_zone = '{time_zone}'",
    )
    for client in (here, there):
        for sql in setup:
            answer = ask(client, sql)
            assert not answer.errno, answer
    statements = hostile.HostileStatements(chance)
    exact = not servers[0].is_mysql
    problems = []
    refused = 0
    for _ in range(HOSTILE_COUNT):
        sql, ordered, loose = statements.statement()
        mine = ask(here, sql)
        if mine.refused:
            refused += 1
            continue
        theirs = ask(there, sql)
        problem = difference(sql, mine, theirs, ordered=ordered, loose=loose, exact_widths=exact)
        if problem is not None:
            problems.append(problem)
    here.close()
    there.close()
    assert not problems, f"seed {seed} {time_zone}\n" + "\n".join(problems[:12])
    assert refused < 0.6 * HOSTILE_COUNT, "the gateway refuses too much"
