"""Rows that share a lookup row, because they have the same value and lie in the same place."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.clients import Answer, ask, connect_gate, connect_whole
from tests.integration.vtgate.gate import (
    CELL,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.servers import Server, address_of
from tests.integration.vtgate.test_workers import wait_for

pytestmark = pytest.mark.integration

SHARDS = ("-80", "80-")
KINDS = {"lookup": "varbinary(16)", "lookup_hash": "bigint unsigned"}
KINDS["consistent_lookup"] = KINDS["lookup"]


@pytest.fixture(scope="module")
def sharing(servers: tuple[Server, ...]) -> Iterator[Gate]:
    """For each kind a table of bills, many of a customer, found by their code."""
    tables: dict[str, Any] = {}
    vindexes: dict[str, Any] = {"hash": {"type": "hash"}, "loose": {"type": "unicode_loose_md5"}}
    for server in servers[:2]:
        server.new_database("vt_bills")
    for kind, id_type in KINDS.items():
        for server in servers[:2]:
            rows = "id bigint primary key, customer bigint, code varchar(9), key (code, customer)"
            server.query(f"create table {kind} ({rows})", "vt_bills")
            columns = f"(code varchar(9), ksid {id_type}, primary key (code, ksid))"
            server.query(f"create table i_{kind} {columns}", "vt_bills")
        params = {"table": f"i_{kind}", "from": "code", "to": "ksid"}
        vindexes[kind] = {"type": kind, "params": params, "owner": kind}
        by_code = {"column": "code", "name": kind}
        tables[kind] = {"column_vindexes": [{"column": "customer", "name": "hash"}, by_code]}
        tables[f"i_{kind}"] = {"column_vindexes": [{"column": "code", "name": "loose"}]}
    vschema = json.dumps({"sharded": True, "vindexes": vindexes, "tables": tables})
    cluster = Cluster(cell=CELL)
    primaries = [
        tablet(server, "bills", shard, database="vt_bills", uid=uid)
        for uid, (server, shard) in enumerate(zip(servers[:2], SHARDS, strict=True), start=1)
    ]
    fill_cluster(cluster, {"bills": vschema}, {"bills": SHARDS}, primaries)
    with (
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
        running_gate(cluster, settings_for(address_of(40), Path(directory))) as gate,
    ):
        yield gate


STORY = """
delete from bills
insert into bills values (1, 5, 'x'), (2, 5, 'x'), (3, 6, 'x')
insert into bills values (4, 5, 'x')
delete from bills where id = 1 and customer = 5
update bills set code = 'y' where id = 2
update bills set code = 'Y' where id = 2
begin
insert into bills values (5, 5, 'x'), (6, 7, 'y'), (7, 7, 'y')
delete from bills where id = 5
update bills set code = 'x' where id = 2
commit
delete from bills where customer = 5
begin
delete from bills where code = 'y'
insert into bills values (8, 7, 'y'), (9, 7, 'y')
delete from bills where id in (3, 8)
insert into bills values (10, 6, 'x')
commit
begin
delete from bills where code in ('x', 'y')
insert into bills values (11, 6, 'x'), (12, 8, 'x'), (13, 7, 'y')
commit
begin
delete from bills where code = 'x'
insert into bills values (11, 6, 'x'), (12, 8, 'x')
commit
begin
insert into bills values (14, 6, 'x')
delete from bills where customer = 6
rollback
begin
insert into bills values (15, 6, 'x')
delete from bills where customer = 6
commit
insert into bills values (16, 6, 'x')
""".strip().splitlines()


@pytest.mark.on_mysql_too(kind="consistent_lookup")
@pytest.mark.parametrize("kind", KINDS)
def test_it_stays_as_long_as_one_of_them_needs_it(sharing: Gate, kind: str) -> None:
    client = connect_gate(sharing, "bills")
    for sql in STORY:
        answer = ask(client, sql.replace("bills", kind))
        assert not answer.errno, (sql, answer)
        rows = ask(client, f"select id, lower(code) from {kind} order by id").rows
        for code in ("x", "y"):
            found = ask(client, f"select id from {kind} where code = '{code}' order by id").rows
            assert found == tuple((row[0],) for row in rows if row[1] == code), sql
    assert [row[0] for row in rows] == [12, 13, 16]
    places = ask(client, f"select count(*) from i_{kind}").rows[0][0]
    assert places == 3
    client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_it_stays_for_a_row_that_comes_while_the_last_one_goes(
    sharing: Gate, servers: tuple[Server, ...], kind: str
) -> None:
    """The one who adds has found the lookup row there, and is held up before its own row."""
    client = connect_gate(sharing, "bills")
    ask(client, f"delete from {kind}")
    ask(client, f"insert into {kind} values (1, 4, 'x')")
    sessions = [connect_gate(sharing, "bills") for _ in range(2)]
    for session in sessions:
        assert ask(session, "set session transaction isolation level read committed").errno == 0
    statements = (f"insert into {kind} values (2, 4, 'x')", f"delete from {kind} where id = 1")
    answers: dict[str, Answer] = {}

    def run(session: Any, sql: str) -> None:
        answers[sql] = ask(session, sql)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(sessions, statements, strict=True)
    ]
    with open_transaction(servers[1], f"insert into {kind} values (2, 0, 'other')"):
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            wait_for(partial(row_waits_are, servers[:2], waiting))
    for thread in threads:
        thread.join(30)
    assert [answers[sql].errno for sql in statements] == [0, 0], answers
    assert ask(client, f"select count(*) from i_{kind}").rows == ((1,),)
    assert ask(client, f"select id from {kind} where code = 'x'").rows == ((2,),)
    for session in (client, *sessions):
        session.close()


@contextmanager
def open_transaction(server: Server, sql: str) -> Iterator[None]:
    session = connect_whole(server, "vt_bills")
    ask(session, "begin")
    assert ask(session, sql).errno == 0
    yield
    ask(session, "rollback")
    session.close()


def row_waits_are(servers: tuple[Server, ...], count: int) -> bool:
    return count == sum(server.row_waits() for server in servers)
