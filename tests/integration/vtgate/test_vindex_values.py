"""Whatever a server makes of a value, its row is found again: by every way of writing the value.

Sessions without strict mode, where servers cut, clamp and round. The gateway may refuse a value,
but a row that it took must be where it is looked for; one unsharded server tells what is right.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.clients import ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import CELL, Gate, fill_cluster, running_gate, settings_for
from tests.integration.vtgate.gate import tablet as make_tablet
from tests.integration.vtgate.servers import Server, address_of

pytestmark = pytest.mark.integration

# Type of the vindex column, and its vindex.
KINDS: tuple[tuple[str, str], ...] = (
    ("tinyint", "hash"),
    ("tinyint not null", "xxhash"),
    ("int unsigned", "numeric"),
    ("bigint", "hash"),
    ("bigint unsigned", "hash"),
    ("decimal(4,1)", "hash"),
    ("float", "hash"),
    ("double", "xxhash"),
    ("year", "hash"),
    ("date", "xxhash"),
    ("enum('a','s','1')", "xxhash"),
    ("bit(8)", "hash"),
    ("varchar(5)", "hash"),
    ("varchar(5)", "xxhash"),
    ("varchar(5) not null default 'dflt'", "xxhash"),
    ("char(5)", "xxhash"),
    ("char(5)", "binary_md5"),
    ("binary(4)", "xxhash"),
    ("varbinary(4)", "xxhash"),
    ("varbinary(4) default 'dflt'", "binary_md5"),
    ("varchar(5)", "unicode_loose_md5"),
    ("char(5)", "unicode_loose_xxhash"),
    ("varchar(5) collate utf8mb4_unicode_ci", "unicode_loose_md5"),
    ("varchar(5) collate utf8mb4_bin", "unicode_loose_md5"),
    ("varchar(5) character set latin1", "unicode_loose_md5"),
    ("varchar(5) character set utf8mb3", "unicode_loose_md5"),
    ("tinytext", "unicode_loose_md5"),
    ("varchar(20)", "hash"),
    ("double", "hash"),
)
# fmt: off
LITERALS: tuple[str, ...] = (
    "1", "'1'", "' 1'", "'1 '", "'1abc'", "'01'", "1.5", "'1.5'", "1e1", "'1e1'", "300",
    "-1", "'-1'",
    "-0", "'-0'", "0", "'0'", "0x31", "x'31'", "b'110001'", "true", "NULL", "default",
    "'toolongtext'", "'a'", "'A'", "'a '", "' a'", "'ß'", "'ı'", "'i'", "'s'", "'ss'", "'é'",
    "'e'",
    "'ł'", "'😀'", "'🍣'", "''", "18446744073709551615", "-9223372036854775809", "16777217",
    "16777216", "'2020-01-01'", "70", "2020", "'a\\0'", "'abcde   '", "_binary'a'", "_latin1'a'",
    "concat('a')", "99.96", "'Ä'", "_utf8mb4'y'", "'ü'",
    "2.0e0", "-3.0e0", "0.0e0", "-0.0e0", "12345.0e0", "12346.0", "123456.0e0", "16777217.0e0",
    "9007199254740991.0e0", "9007199254740992.0e0", "9007199254740992", "'9007199254740993'",
)
# fmt: on


_REFUSED_KINDS = ("date", "enum", "bit", "year")


@pytest.fixture(scope="module")
def odd(servers: tuple[Server, ...]) -> Iterator[tuple[Gate, Server]]:
    tables = {f"t{number}": kind for number, kind in enumerate(KINDS)}
    vindexes = {name: {"type": name} for _, name in KINDS}
    for index, server in enumerate(servers):
        database = "vt_odd" if index < 2 else "odd_whole"
        server.new_database(database)
        for name, (column, _) in tables.items():
            server.query(
                f"create table {name} (v int, k {column}, key (k{_prefix(column)}))", database
            )
    vschema = {
        "sharded": True,
        "vindexes": vindexes,
        "tables": {
            name: {"column_vindexes": [{"column": "k", "name": vindex}]}
            for name, (_, vindex) in tables.items()
        },
    }
    cluster = Cluster(cell=CELL)
    fill_cluster(
        cluster,
        {"odd": json.dumps(vschema)},
        {"odd": ("-80", "80-")},
        [
            make_tablet(server, "odd", shard, database="vt_odd", uid=number)
            for number, (server, shard) in enumerate(
                zip(servers[:2], ("-80", "80-"), strict=True), start=1
            )
        ],
    )
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory:
        settings = settings_for(address_of(20), Path(directory))
        with running_gate(cluster, settings) as gate:
            yield gate, servers[2]


def _prefix(column: str) -> str:
    return "(5)" if column.endswith("text") else ""


Rows = tuple[int, list[tuple[str, ...]]]


def rows(client: Any, sql: str) -> Rows:
    answer = ask(client, sql)
    return answer.errno, sorted(sortable(row) for row in answer.rows)


def _without_keys(found: Rows) -> Rows:
    errno, cells = found
    return errno, sorted(row[1:] for row in cells)


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_a_row_is_found_by_the_value_it_holds(odd: tuple[Gate, Server], number: int) -> None:
    gate, server = odd
    here, there = connect_gate(gate, "odd"), connect_whole(server, "odd_whole")
    for client in (here, there):
        ask(client, "set sql_mode = ''")
    table = f"t{number}"
    taken = 0
    forms = (
        "insert into {t} (v, k) values ({n}, {x})",
        "insert ignore into {t} (k, v) values ({x}, {n})",
        "insert into {t} set v = {n}, k = {x}",
        "replace into {t} values ({n}, {x}), ({n}, {x})",
    )
    statements = [forms[n % len(forms)].format(t=table, n=n, x=x) for n, x in enumerate(LITERALS)]
    statements += [
        f"insert into {table} (v) values (901), (902)",
        f"insert into {table} () values ()",
    ]
    for sql in statements:
        if not ask(here, sql).errno:
            taken += 1
            assert ask(there, sql).errno == 0, sql
    problems = []
    questions = [f"select v, k from {table}"]
    for literal in LITERALS:
        questions.append(f"select v, k from {table} where k = {literal}")
        questions.append(f"select v, k from {table} where k in ({literal}, NULL, 'x')")
    questions += [
        f"select k, count(*) from {table} group by k",
        f"select count(distinct k) from {table}",
        f"select count(*) from {table} a join {table} b on a.k = b.k",
        f"select a.v from {table} a where exists "
        f"(select 1 from {table} b where b.k = a.k and b.v < 5)",
    ]
    for sql in questions:
        if " default" in sql:
            continue
        mine, theirs = rows(here, sql), rows(there, sql)
        if mine[0] == 1235 or (mine[0] and theirs[0]):
            continue
        if "group by" in sql:  # which of several equal keys stands for a group is nobody's promise
            mine, theirs = _without_keys(mine), _without_keys(theirs)
        if mine != theirs:
            problems.append(f"{sql}\n  gateway {mine}\n  server  {theirs}")
    here.close()
    there.close()
    assert not problems, f"{KINDS[number]}\n" + "\n".join(problems[:8])
    assert taken > 2 or KINDS[number][0].split("(")[0] in _REFUSED_KINDS, "too much refused"


@pytest.mark.on_mysql_too
def test_rows_of_unlike_columns_meet_as_on_one_server(odd: tuple[Gate, Server]) -> None:
    """A server compares text with a number as doubles, of which one equals several numbers."""
    gate, server = odd
    here, there = connect_gate(gate, "odd"), connect_whole(server, "odd_whole")
    for number in range(len(KINDS)):
        for literal in LITERALS:
            sql = f"insert into t{number} (v, k) values (1000, {literal})"
            if not ask(here, sql).errno:
                ask(there, sql)
    problems = []
    for one, (_, vindex) in enumerate(KINDS):
        for other in (n for n in range(one) if KINDS[n][1] == vindex):
            sql = f"select count(*) from t{one} a join t{other} b on a.k = b.k"
            mine = ask(here, sql)
            if not mine.refused and mine.rows != ask(there, sql).rows:
                problems.append((KINDS[one], KINDS[other], mine))
    here.close()
    there.close()
    assert not problems
