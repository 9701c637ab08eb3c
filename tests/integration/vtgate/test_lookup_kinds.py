"""Every kind of lookup vindex, in transactions by chance, beside one server with the same rows.

Lookup tables in the keyspace itself and in an unsharded one, of numbers and of text that compares
in several ways. `ARMILLARY_LOOKUP_SEEDS=200` runs two hundred seeds in place of the few of every
day; `ARMILLARY_LOOKUP_FIRST=500` begins with another one.
"""

import json
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.clients import Answer, ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import CELL, Gate, fill_cluster, running_gate, settings_for
from tests.integration.vtgate.gate import tablet as make_tablet
from tests.integration.vtgate.servers import Server, address_of

pytestmark = pytest.mark.integration

SHARDS = ("-55", "55-aa", "aa-")
KINDS = (
    "lookup",
    "lookup_unique",
    "lookup_hash",
    "lookup_hash_unique",
    "consistent_lookup",
    "consistent_lookup_unique",
)
TYPES = {
    "text": "varchar(20)",
    "exact": "varchar(20) collate utf8mb4_bin",
    "loose": "varchar(20) collate utf8mb4_unicode_ci",
    "number": "bigint",
}
OUTSIDE = ("loose", "number")  # whose lookup tables are in the unsharded keyspace
TEXTS = ("a", "A", "b", "B", "ss", "s", "é", "e", "x", "", "a ", "日")
NAMES = [
    f"{kind}_{name}"
    for kind in KINDS
    for name in (TYPES if kind.startswith("consistent") else ("exact", "number"))
]
FIRST = int(os.environ.get("ARMILLARY_LOOKUP_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("ARMILLARY_LOOKUP_SEEDS", "24")))
STATEMENTS = 50


def make_tables(servers: tuple[Server, ...]) -> str:
    """Make the tables, and return the VSchema."""
    for server in servers:
        server.new_database("vt_kinds")
    for database in ("kinds_whole", "vt_kinds_outside"):
        servers[2].new_database(database)
    vindexes: dict[str, Any] = {"hash": {"type": "hash"}, "loose": {"type": "unicode_loose_md5"}}
    tables: dict[str, Any] = {}
    for name in NAMES:
        kind, _, type_name = name.rpartition("_")
        code = TYPES[type_name]
        unique = kind.endswith("unique")
        id_type = "bigint unsigned" if "hash" in kind else "varbinary(16)"
        key = "code" if unique else "code, ksid"
        rows = f"create table {name} (id bigint primary key, code {code}, n int)"
        lookup = f"create table i_{name} (code {code}, ksid {id_type}, primary key ({key}))"
        for server in servers:
            server.query(rows, "vt_kinds")
            if type_name not in OUTSIDE:
                server.query(lookup, "vt_kinds")
        if type_name in OUTSIDE:
            servers[2].query(lookup, "vt_kinds_outside")
        servers[2].query(rows, "kinds_whole")
        if unique:
            servers[2].query(f"alter table {name} add unique (code)", "kinds_whole")
        place = "kinds_outside." if type_name in OUTSIDE else ""
        vindexes[f"v_{name}"] = {
            "type": kind,
            "params": {"table": f"{place}i_{name}", "from": "code", "to": "ksid"},
            "owner": name,
        }
        by_code = {"column": "code", "name": f"v_{name}"}
        tables[name] = {"column_vindexes": [{"column": "id", "name": "hash"}, by_code]}
        if not place:
            tables[f"i_{name}"] = {"column_vindexes": [{"column": "code", "name": "loose"}]}
    return json.dumps({"sharded": True, "vindexes": vindexes, "tables": tables})


@pytest.fixture(scope="module")
def kinds(servers: tuple[Server, ...]) -> Iterator[Gate]:
    vschemas = {"kinds": make_tables(servers), "kinds_outside": "{}"}
    cluster = Cluster(cell=CELL)
    tablets = [
        make_tablet(server, "kinds", shard, database="vt_kinds", uid=number)
        for number, (server, shard) in enumerate(zip(servers, SHARDS, strict=True), start=1)
    ]
    outside = make_tablet(servers[2], "kinds_outside", "0", database="vt_kinds_outside", uid=9)
    layouts = {"kinds": SHARDS, "kinds_outside": ("0",)}
    fill_cluster(cluster, vschemas, layouts, [*tablets, outside])
    with (
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
        running_gate(cluster, settings_for(address_of(40), Path(directory))) as gate,
    ):
        yield gate


class Story:
    """Statements of one session on one table, few values so that they meet."""

    def __init__(self, chance: random.Random, table: str) -> None:
        self._chance = chance
        self._table = table
        self._numbers = table.endswith("number")

    def _code(self) -> str:
        if self._numbers:
            return str(self._chance.randint(-1, 8))
        return f"'{self._chance.choice(TEXTS)}'"

    def _row(self) -> str:
        return f"({self._chance.randint(1, 8)}, {self._code()}, {self._chance.randint(0, 3)})"

    def _where(self) -> str:
        number = self._chance.randint
        return self._chance.choice(
            (
                f"id = {number(1, 8)}",
                f"id in ({number(1, 8)}, {number(1, 8)})",
                f"code = {self._code()}",
                f"n = {number(0, 3)}",
            )
        )

    def statement(self) -> str:
        table, code = self._table, self._code()
        insert = f"insert into {table} values {self._row()}"
        forms = {
            insert: 4,
            f"{insert}, {self._row()}, {self._row()}": 2,
            f"update {table} set code = {code} where {self._where()}": 4,
            f"update {table} set n = n + 1 where code = {code}": 1,
            f"delete from {table} where {self._where()}": 4,
            f"select * from {table} where code = {code}": 4,
            f"select * from {table} where code in ({code}, {self._code()})": 2,
            f"select * from {table}": 1,
            "begin": 3,
            "commit": 2,
            "rollback": 1,
            "savepoint s": 1,
            "rollback to s": 1,
            f"set autocommit = {self._chance.randint(0, 1)}": 1,
        }
        return self._chance.choices(list(forms), list(forms.values()))[0]


def is_refused(answer: Answer) -> bool:
    """Whether one server would have done what cannot be done over several connections."""
    return answer.refused or answer.errno == 1205


def same(mine: Answer, theirs: Answer) -> bool:
    if mine.errno or theirs.errno:  # of two mistakes in one statement, any may be told
        return bool(mine.errno) == bool(theirs.errno)
    rows = sorted(map(sortable, mine.rows)), sorted(map(sortable, theirs.rows))
    return rows[0] == rows[1] and mine.affected == theirs.affected


@pytest.mark.on_mysql_too(seed=FIRST)
@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_found_by_lookups_as_on_one_server(
    seed: int, kinds: Gate, servers: tuple[Server, ...]
) -> None:
    table = NAMES[seed % len(NAMES)]
    here, there = connect_gate(kinds, "kinds"), connect_whole(servers[2], "kinds_whole")
    for client in (here, there):
        ask(client, "set innodb_lock_wait_timeout = 1")
        ask(client, f"delete from {table}")
    story = Story(random.Random(seed), table)
    told = []
    for _ in range(STATEMENTS):
        sql = story.statement()
        mine = ask(here, sql)
        if is_refused(mine):
            continue
        theirs = ask(there, sql)
        told.append(sql)
        assert same(mine, theirs), f"{told}\n  gateway {mine}\n  server  {theirs}"
    here.close()
    there.close()
    assert len(told) > STATEMENTS / 2, "the gateway refuses too much"


def test_a_lookup_row_moves_when_its_own_collation_tells_the_values_apart(kinds: Gate) -> None:
    client = connect_gate(kinds, "kinds")
    for name, moved in (("exact", True), ("text", False)):
        table = f"consistent_lookup_unique_{name}"
        ask(client, f"delete from {table}")
        for number in range(1, 9):
            assert not ask(client, f"insert into {table} values ({number}, 'a{number}', 1)").errno
            changed = ask(client, f"update {table} set code = 'A{number}' where id = {number}")
            assert changed.affected == 1
            assert len(ask(client, f"select * from {table} where code = 'A{number}'").rows) == 1
            again = ask(client, f"insert into {table} values ({number + 20}, 'a{number}', 1)")
            assert again.errno == (0 if moved else 1062)
    client.close()


def test_a_value_that_was_found_taken_is_freed_in_the_same_transaction(kinds: Gate) -> None:
    """Its lookup row would stay locked by the connection over which the insert failed."""
    client = connect_gate(kinds, "kinds")
    table = "consistent_lookup_unique_text"
    for sql in (f"delete from {table}", f"insert into {table} values (1, 'a', 1)", "begin"):
        assert not ask(client, sql).errno
    assert ask(client, f"insert into {table} values (2, 'A', 1)").errno == 1062
    assert ask(client, f"delete from {table} where id = 1").affected == 1
    assert not ask(client, "commit").errno
    assert not ask(client, f"insert into {table} values (2, 'A', 1)").errno
    client.close()
