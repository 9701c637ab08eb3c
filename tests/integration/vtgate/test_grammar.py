"""Statements of a whole grammar through the gateway over three shards and on one server: the same
answers, and after changes the same rows, each on its shard, each found by its lookup rows.

A refusal is allowed, a different answer never. `ARMILLARY_GRAMMAR_SEEDS=100` runs a hundred seeds
in place of the few of every day; `ARMILLARY_GRAMMAR_FIRST=500` begins with another one.
"""

# ruff: noqa: E501  a statement reads best on one line

import os
import random
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from armillary.routing.partition import Partition
from armillary.routing.vindexes import make_functional
from armillary.sql.tokens import tokenize
from armillary.vtgate.planner.stored_functions import find_stored_call
from tests.integration.vtgate.clients import Answer, ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.grammar import Grammar
from tests.integration.vtgate.servers import Server, address_of
from tests.integration.vtgate.test_differential import difference
from tests.integration.vtgate.wide import SHARDS, TABLES, fill, make_tables, running_wide

pytestmark = pytest.mark.integration

FIRST = int(os.environ.get("ARMILLARY_GRAMMAR_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("ARMILLARY_GRAMMAR_SEEDS", "2")))
SELECTS = 350
CHANGES = 120
COMPARE_EVERY = 20


@pytest.fixture(scope="module")
def wide(servers: tuple[Server, ...]) -> Iterator[Gate]:
    make_tables(servers)
    with running_wide(servers, address_of(30)) as gate:
        yield gate


@pytest.fixture
def both(wide: Gate, servers: tuple[Server, ...]) -> Iterator[tuple[Any, Any]]:
    here, there = connect_gate(wide, "wide"), connect_whole(servers[2], "wide_whole")
    fill(servers, here, there)
    yield here, there
    here.close()
    there.close()


# Each of them was once answered otherwise than by one server.
BY_HAND = """
select avg(round(d, 1)) from a
select avg(round(d, 3)) from a
select avg(cast(d as decimal(10,1))) from a
select avg(cast(d as decimal(10,3))) from a
select b.id, count(*) from a left join b on b.id = a.id group by b.id order by b.id
select b.id, count(*) from b right join a on b.id = a.id group by b.id order by b.id
select (select count(a.id)) from a
select (select sum(a.n) from r limit 1) from a
select id from a order by row_number() over (order by s, id), id
select id, count(*) from b group by id order by row_number() over (order by count(*), id)
(select id from a where id = 5) order by (select count(*) from b)
select upper(s) 'id', n from a order by id, n
select s 'k', count(*) from a group by k order by k
select n 'id', count(*) from a group by id order by id
select * from a order by id limit 5, 18446744073709551615
select rand(3) from a order by id
select convert(id, unsigned integer), convert(s, char charset latin1), convert(n, decimal(9, 2)) from a order by id
select max(convert(n, signed)), convert(n, signed) % 2 k from a group by k order by k
select id, i from o order by i, id
select min(u), max(u), min(i), max(i) from o
select i, count(*) from o group by i
select distinct u from o
select a.id from a where a.id = 1 and exists (select 1 from (select 8 as id) a, b where b.id = a.id)
select a.id from a A where exists (select 1 from b a, c where a.id = A.id)
select id from a order by coalesce(n, 5), id
select id from a order by coalesce(n, '10'), id
select min(s), min(s), avg(n), avg(n), max(d), max(d) from a
select avg(n), avg(n), min(concat(s, 'x')), min(concat(s, 'x')) from b
select max(e), max(e), min(ts), min(ts) x, max(ts) from o
select s, min(s), min(s), avg(n), avg(n) from a group by s order by min(s), 2
select n, min(s), min(s), avg(id), avg(id) from a group by n order by min(s) desc, n
select avg(n + 1.5) from a
select avg(n + 1.55555) from a
select x.id, (select count(*) from b y, l z where y.id = x.id and x.n <> all (select n from o where z.id = x.id)) from a x
select x.id, y.bid from a x, b y where not exists (select 1 from l z where z.id = x.id and z.id = y.id)
select * from (select connection_id() is null, row_count()) x
insert into a (id, n) values (901, nextval(sq)), (902, nextval(sq))
select interval(id, 3, 5) x, count(*) from a group by x order by x
set @'q' = 4, @v = x'41', @w = 1
select @'q', @v = 'a', length(@v)
set @w = @w + 1, @v = @w
select @v, @w
set @v = 1e0
select @v / 3
set @v = cast(5 as unsigned)
select @v - 6
set @v = 'A' collate utf8mb4_bin
select concat(@w, 'x'), concat(connection_id(), 'y') is null, 1 /*! + 1 */, row_count()
select @w union select 1
select 1 /*M! + 1 */
select 1 /*M!100100 + 1 */, 2 /*!80000 + 1 */, 3 /*!999999 + 1 */
select 2 /*!101100 + 1 */
select 3 /*!50699 + 1 */, 4 /*M!999999 + 1 */
select last_insert_id() - 1
select last_insert_id(), @@last_insert_id
select found_rows(), row_count()
""".strip().splitlines()


@pytest.mark.on_mysql_too
def test_what_was_once_wrong_agrees_or_is_refused(both: tuple[Any, Any], server_kind: str) -> None:
    here, there = both
    exact = server_kind == "MariaDB"
    problems = []
    for sql in BY_HAND:
        mine = ask(here, sql)
        if not mine.refused:
            ordered = "order by" in sql
            problem = difference(sql, mine, ask(there, sql), ordered=ordered, exact_widths=exact)
            problems += [problem] if problem is not None else []
    assert not problems, "\n".join(problems)


IN_MARIADB_S_COMMENTS = ("/*M! lock tables a write */", "/*M!100100 select is_used_lock('a') */")
REFUSED = """
create table z as values (1)
create table z as table a
select /*+ SET_VAR(sql_select_limit=1) */ id from a
insert into k (n) values (1)
insert into k (n, id) values (1, default)
insert into k (n) values (1) on duplicate key update n = 5
replace into k (n) values (1)
update k set n = 5
update k set n = 5 where id = 2
select vt_total(n) from a
select vt_ag(n) from a
select vt_ag (n) from a where n > 1
select id from a order by vt_total(id)
select vt_total(1)
select vt_total(rid) from r
set @q = vt_total(1)
select id from a where id in (1, 2, 3, 4) and n = vt_total(0)
update a set n = vt_total(n)
delete from a where n = vt_total(n)
insert into a (id, n) values (31, vt_total(1)), (32, 0), (33, 0), (34, 0)
""".strip().splitlines()


@pytest.mark.mariadb_only("comments with M")
@pytest.mark.parametrize("sql", IN_MARIADB_S_COMMENTS)
def test_what_a_comment_hides_from_mysql_alone_is_refused(sql: str, both: tuple[Any, Any]) -> None:
    assert ask(both[0], sql).refused


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("sql", REFUSED)
def test_what_the_server_alone_would_decide_is_refused(sql: str, both: tuple[Any, Any]) -> None:
    assert ask(both[0], sql).refused


_FUNCTIONS = {
    "vt_total": "create function vt_total(x int) returns int reads sql data "
    "return x + (select count(*) from a)",
    "vt_ag": "create aggregate function vt_ag(x int) returns int begin "
    "declare n int default 0; declare continue handler for not found return n; "
    "loop fetch group next row; set n = n + 1; end loop; end",
}


@pytest.fixture
def functions(servers: tuple[Server, ...]) -> None:
    for server in servers:
        for name, sql in _FUNCTIONS.items():
            server.query(f"drop function if exists {name}", "vt_wide")
            if name == "vt_total" or not server.is_mysql:  # which aggregates by no stored function
                server.query(sql, "vt_wide")


@pytest.mark.usefixtures("functions")
def test_a_stored_function_sees_its_shard(both: tuple[Any, Any], server_kind: str) -> None:
    here, _ = both
    for name in ("vt_total", "vt_ag") if server_kind == "MariaDB" else ("vt_total",):
        answer = ask(here, f"select {name}(n) from a where id = 1")
        assert not answer.errno, answer
    missing = ask(here, "select vt_total(n) from a")
    assert "vt_total(), which is no function of the server's own" in missing.message


@pytest.mark.on_mysql_too
@pytest.mark.usefixtures("wide")
def test_no_function_of_the_server_is_taken_for_a_stored_one(servers: tuple[Server, ...]) -> None:
    server = servers[0]
    listed = (
        "select function from information_schema.sql_functions union "
        "select plugin_name from information_schema.plugins where plugin_type = 'FUNCTION'"
    )
    known = set()
    words = server.query("select word from information_schema.keywords")
    if server.is_mysql:  # keeps no list, but tells how to use them
        words += server.query("select substring_index(name, ' ', 1) from mysql.help_topic")
    else:
        known = {str(name).upper() for (name,) in server.query(listed)}
    for (word,) in words:
        if str(word).replace("_", "").isalnum() and str(word).upper() not in known:
            known |= {str(word).upper()} if _is_function(server, str(word)) else set()
    assert len(known) > 300
    assert {
        name for name in known if find_stored_call(tokenize(f"select {name}(1)").tokens)
    } == set()


# The last: MySQL's, that only its own views may call.
_NO_FUNCTION = frozenset({1064, 1305, 1630, 3566})


def _is_function(server: Server, name: str) -> bool:
    for arguments in ("", "1", "1, 1", "1, 1, 1"):
        try:
            server.query(f"select {name}({arguments})", "vt_wide")
        except pymysql.MySQLError as error:
            if error.args[0] in _NO_FUNCTION:
                continue
        return True
    return False


@pytest.mark.on_mysql_too(seed=FIRST)
@pytest.mark.parametrize("seed", SEEDS)
def test_queries_agree_or_are_refused(seed: int, both: tuple[Any, Any], server_kind: str) -> None:
    here, there = both
    grammar = Grammar(random.Random(seed))
    problems = []
    answered = 0
    for _ in range(SELECTS):
        asked = grammar.select()
        mine = ask(here, asked.sql)
        if mine.refused:
            continue
        answered += 1
        theirs = ask(there, asked.sql)
        problem = difference(
            asked.sql,
            mine,
            theirs,
            ordered=asked.ordered,
            loose=asked.loose,
            exact_widths=server_kind == "MariaDB",
        )
        if problem is not None:
            problems.append(problem)
    assert not problems, f"seed {seed}\n" + "\n".join(problems[:8])
    assert answered > 0.3 * SELECTS, "the gateway refuses too much"


@pytest.mark.on_mysql_too(seed=FIRST)
@pytest.mark.parametrize("seed", SEEDS)
def test_changes_agree_and_rows_are_where_they_belong(
    seed: int, both: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    here, there = both
    grammar = Grammar(random.Random(f"changes {seed}"))
    taken = []
    for number in range(CHANGES):
        sql = grammar.change()
        mine = ask(here, sql)
        if not mine.refused and mine.errno not in _OURS:
            theirs = ask(there, sql)
            problem = _change_difference(sql, mine, theirs)
            assert problem is None, f"seed {seed}\n{problem}"
            if not mine.errno:
                taken.append(sql)
        if number % COMPARE_EVERY == COMPARE_EVERY - 1:
            problems = misplaced(servers) + unlike(servers)
            recent = "\n".join(taken[-COMPARE_EVERY:])
            assert not problems, f"seed {seed}\n" + "\n".join(problems) + "\nafter\n" + recent
    assert len(taken) > 0.2 * CHANGES, "the gateway takes too little"


# What one server has no word for: values without a keyspace id, and rows of lookup tables, which
# may be locked by the other transaction of the same statement.
_OURS = frozenset({1105, 1048, 1062, 1205})


def _change_difference(sql: str, mine: Answer, theirs: Answer) -> str | None:
    if bool(mine.errno) != bool(theirs.errno):
        return f"{sql}\n  gateway {mine}\n  server  {theirs}"
    if mine.affected != theirs.affected:
        return f"{sql}\n  affected {mine.affected}, on the server {theirs.affected}"
    return None


def misplaced(servers: tuple[Server, ...]) -> list[str]:
    """Rows that are not on the shard of their keyspace id, and rows that no lookup row finds."""
    partition = Partition.of(SHARDS)
    kinds = {name: make_functional(name=name, kind=name, params={}, owner="") for name in _KINDS}
    problems = []
    for table, (column, kind) in _PLACED.items():
        vindex = kinds[kind]
        assert vindex is not None
        for server, shard in zip(servers, SHARDS, strict=True):
            for (value,) in server.query(f"select {column} from {table}", "vt_wide"):
                keyspace_id = vindex.map(value.encode() if isinstance(value, str) else value)  # type: ignore[arg-type]
                if keyspace_id is None or partition.shard_of(keyspace_id) != shard:
                    problems.append(f"{table}.{column} = {value!r} is on {shard}")
    codes = {
        str(row[0]).lower()
        for server in servers
        for row in server.query("select code from l_code", "vt_wide")
    }
    tags = {
        (str(row[0]).lower(), row[1])
        for server in servers
        for row in server.query("select tag, id from l_tag", "vt_wide")
    }
    owned = [
        row for server in servers for row in server.query("select id, code, tag from l", "vt_wide")
    ]
    for key, code, tag in owned:
        if str(code).lower() not in codes or (str(tag).lower(), key) not in tags:
            problems.append(f"l {key} {code!r} {tag!r} has not its lookup rows")
    if len(codes) != len(owned):
        problems.append(f"{len(codes)} lookup rows for {len(owned)} codes")
    return problems


_KINDS = ("hash", "unicode_loose_md5")
_PLACED = {
    "a": ("id", "hash"),
    "b": ("id", "hash"),
    "c": ("v", "unicode_loose_md5"),
    "l": ("id", "hash"),
    "o": ("id", "hash"),
    "l_code": ("code", "unicode_loose_md5"),
    "l_tag": ("tag", "unicode_loose_md5"),
}


def unlike(servers: tuple[Server, ...]) -> list[str]:
    """Tables whose rows are not those of the one server."""
    problems = []
    for table in TABLES:
        sharded = servers if table != "r" else servers[:1]
        found = [
            row for server in sharded for row in server.query(f"select * from {table}", "vt_wide")
        ]
        wanted = servers[2].query(f"select * from {table}", "wide_whole")
        if sorted(map(sortable, found)) != sorted(map(sortable, wanted)):
            more = sorted(set(map(sortable, found)) - set(map(sortable, wanted)))
            less = sorted(set(map(sortable, wanted)) - set(map(sortable, found)))
            problems.append(f"{table}: the gateway has {more}, the server {less}")
    return problems
