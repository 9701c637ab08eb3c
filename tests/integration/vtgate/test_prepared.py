"""Prepared statements by an independent driver, and by the text protocol for comparison."""

import datetime
import decimal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mysql.connector
import pytest

from armillary.vtgate.tablets import pool, preparing
from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import (
    CELL,
    PASSWORD,
    USER,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.schema import VSCHEMA
from tests.integration.vtgate.servers import APP_PASSWORD, APP_USER, Server, address_of
from tests.integration.vtgate.statements import KINDS_ROWS
from tests.integration.vtgate.test_workers import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def connect(host: str, user: str, password: str, database: str) -> Any:
    return mysql.connector.connect(
        host=host,
        user=user,
        password=password,
        database=database,
        use_pure=True,
        ssl_disabled=True,
        autocommit=True,
        collation="utf8mb4_general_ci",  # else that of the server's kind that it met last
    )


@pytest.fixture
def both(gate: Gate, servers: tuple[Server, ...]) -> Iterator[tuple[Any, Any]]:
    """The gateway and one server, with the same rows."""
    here = connect(gate.address, USER, PASSWORD, "main")
    there = connect(servers[2].address, APP_USER, APP_PASSWORD, "whole")
    for client in (here, there):
        for sql in KINDS_ROWS:
            client.cursor().execute(sql)
    yield here, there
    here.close()
    there.close()


def run(client: Any, sql: str, *parameters: object) -> tuple[Any, ...]:
    cursor = client.cursor(prepared=True)
    cursor.execute(sql, parameters)
    try:
        if cursor.description is None:
            return ("affected", cursor.rowcount)
        types = tuple(column[1] for column in cursor.description)
        return (types, tuple(cursor.column_names), *cursor.fetchall())
    finally:
        cursor.close()


CASES: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("select * from users where user_id = ?", (101,)),
    ("select * from users where user_id = ?", ("101",)),
    ("select * from users where user_id = ?", (None,)),
    ("select * from users where user_id in (?, ?) order by user_id", (101, 102)),
    ("select * from users where name = ? order by user_id", ("Jacques",)),
    ("select * from users where name = ? and 'a?b' = 'a?b' order by user_id", ("anna",)),
    # Without y: the driver cannot read a binary YEAR, from any server.
    ("select id, i, u, d, f from kinds where id = ?", (1,)),
    ("select g, dt, ts, t from kinds where id = ?", (1,)),
    ("select id, i, u, d, f from kinds order by id", ()),
    ("select id, g, dt, ts, t from kinds order by id", ()),
    ("select id, e, s, c, b from kinds order by id", ()),
    ("select id, n, v, x, bi from kinds order by id", ()),
    ("select max(t), min(dt), max(ts), max(bi), max(v) from kinds", ()),
    ("select id, f, g, d from kinds where g < ? order by g, id limit ?", (2.5, 5)),
    ("select id, dt, ts, t from kinds where dt > ? order by dt desc, id",
     (datetime.date(1980, 1, 1),)),
    ("select i, count(*), sum(d), avg(d), max(ts), min(t), max(g), min(dt) from kinds "
     "group by i order by i", ()),
    ("select count(*) from orders where total > ?", (decimal.Decimal("10.5"),)),
    ("select distinct i from kinds where id > ? order by i", (2,)),
    # Drivers of languages whose numbers are all doubles, and some that count rows in text.
    ("select * from users where user_id = ?", (101.0,)),
    ("select * from users where user_id in (?, ?) order by user_id", (101.0, 102)),
    ("select * from users where name = ?", (5.0,)),
    ("select user_id from users order by user_id limit ?", (2.0,)),
    ("select user_id from users order by user_id limit ?, ?", (1.0, "2")),
    ("select user_id from users where user_id = 101 limit ? offset ?", ("5", 0.0)),
    ("insert into users values (?, ?)", (800.0, 7.0)),
    ("insert into accounts values (?, ?), (?, ?)", (17.0, 1.0, -5.0, -0.0)),
    ("select * from accounts where email = ?", (17.0,)),
    ("select * from accounts where email = ?", ("-5",)),
    ("update users set name = ? where user_id = ?", (8.0, 800.0)),
    ("select name from users where user_id = ?", (800,)),
    ("delete from users where user_id = ?", (800.0,)),
    ("insert into orders values (?, ?, ?, ?)", (900, 101, decimal.Decimal("1.25"), "p'q\\")),
    ("insert into users values (?, ?), (?, ?)", (900, "new", 901, "é")),
    ("update users set name = ? where user_id = ?", ("renamed", 900)),
    ("select * from users where name = ?", ("renamed",)),
    ("update orders set note = ? where total < ?", (None, 5)),
    ("select * from orders order by id", ()),
    ("delete from users where name in (?, ?)", ("renamed", "é")),
    ("select count(*) from users where user_id > ?", (800,)),
)  # fmt: skip


@pytest.mark.parametrize(("sql", "parameters"), [CASES[0]])
def test_a_statement_can_run_again_on_another_shard(
    sql: str, parameters: tuple[object, ...], both: tuple[Any, Any]
) -> None:
    here, _ = both
    cursor = here.cursor(prepared=True)
    found = []
    for user_id in (101, 102, 1, 2, 999, 101):
        cursor.execute(sql, (user_id,))
        found.append([row[0] for row in cursor.fetchall()])
    assert found == [[101], [102], [1], [2], [], [101]]
    cursor.close()


def counts(sql: str, parameters: tuple[object, ...]) -> list[object]:
    """As MySQL wants them after LIMIT, and MariaDB takes them: integers."""
    is_odd = [
        isinstance(one, float | str) and float(one).is_integer()
        for one in parameters
        if " limit ?" in sql
    ]
    return [
        int(float(str(one))) if odd else one
        for one, odd in zip(parameters, is_odd or [False] * 9, strict=False)
    ]


@pytest.mark.on_mysql_too
def test_prepared_statements_answer_as_one_server_does(both: tuple[Any, Any]) -> None:
    here, there = both
    problems = []
    for sql, parameters in CASES:
        mine = run(here, sql, *parameters)
        theirs = run(there, sql, *counts(sql, parameters))
        if mine != theirs:
            problems.append(f"{sql} {parameters}\n  gateway: {mine}\n  server:  {theirs}")
    assert not problems, "\n".join(problems)


def test_a_date_is_compared_as_one_on_all_shards(both: tuple[Any, Any]) -> None:
    """Of four texts that are the same day, each has its own shard; no plan is cached for one."""
    day = datetime.date(2020, 1, 1)
    texts = ("2020-01-01", "2020-1-1", "20200101", "2020-01-01 00:00:00")
    found = []
    for client in both:
        run(
            client, "delete from users_name_idx"
        )  # MySQL's DELETE compares no other text with a day
        for number, text in enumerate(texts):
            run(client, "insert into users_name_idx (name, user_id) values (?, ?)", text, number)
        select = "select user_id from users_name_idx where name = ?"
        run(client, select, "warm")
        delete = "delete from users_name_idx where name = ?"
        run(client, delete, "warm")
        rows = sorted(row[0] for row in run(client, select, day)[2:])
        found.append((rows, run(client, delete, day)))
    assert found[0] == found[1]
    assert found[0][1] == ("affected", len(texts))


def test_a_row_is_placed_by_what_is_stored(both: tuple[Any, Any]) -> None:
    here, _ = both
    insert = "insert into users_name_idx (name, user_id) values (?, ?)"
    run(here, insert, "warm", 1)
    for odd in (datetime.timedelta(days=40), datetime.timedelta(hours=20), datetime.date.max):
        with pytest.raises(mysql.connector.Error):
            run(here, insert, odd, 777)
    assert run(here, "select name from users_name_idx where user_id = ?", 777)[2:] == ()


def test_a_sequence_fills_a_column_whatever_kind_of_zero_it_gets(gate: Gate) -> None:
    client = connect(gate.address, USER, PASSWORD, "main")
    for nothing in (None, 0, 0.0, -0.0, "0"):
        assert run(client, "insert into items values (?, ?)", nothing, "x") == ("affected", 1)
    ids = {row[0] for row in run(client, "select id from items")[2:]}
    assert len(ids) == 5
    assert min(ids) > 0
    client.close()


def test_a_statement_that_is_refused_says_so_when_prepared_or_run(gate: Gate) -> None:
    client = connect(gate.address, USER, PASSWORD, "main")
    for sql in ("selct ?", "select name from users union select ? from orders"):
        cursor = client.cursor(prepared=True)
        with pytest.raises(mysql.connector.Error):
            cursor.execute(sql, (1,))
    assert run(client, "select ? + 1", 1)[2] == (2,)
    client.close()


def test_prepared_and_text_statements_share_a_session(gate: Gate) -> None:
    client = connect(gate.address, USER, PASSWORD, "main")
    other = connect_gate(gate)
    client.cursor().execute("begin")
    run(client, "insert into users values (?, ?)", 1, "a")
    cursor = client.cursor()
    cursor.execute("select count(*) from users")
    assert cursor.fetchall() == [(1,)]
    assert ask(other, "select count(*) from users").rows == ((0,),)
    client.rollback()
    assert run(client, "select count(*) from users")[2] == (0,)
    client.close()
    other.close()


def test_a_statement_stays_in_the_keyspace_it_was_prepared_in(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """A snapshot keyspace has the same tables: USE must not let it answer for the other."""
    servers[2].query("create table orders (user_id bigint, note varchar(40))", "vt_plain")
    client = connect(gate.address, USER, PASSWORD, "main")
    client.cursor().execute("insert into orders values (1, 1, 1, 'of main')")
    cursor = client.cursor(prepared=True)
    try:
        for target in ("main", "plain", "plain", "main:-80", "plain"):
            cursor.execute("select note from orders where user_id = ?", (1,))
            assert cursor.fetchall() == [("of main",)], target
            client.cursor().execute(f"use `{target}`")
        other = client.cursor()
        other.execute("select database()")
        assert other.fetchall() == [("plain",)]
    finally:
        client.close()
        servers[2].query("drop table orders", "vt_plain")


def test_what_clients_have_closed_does_not_fill_a_server(
    servers: tuple[Server, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections keep statements for the next client; a server counts those of all of them."""

    def count() -> int:
        return int(str(server.query("show global status like 'Prepared_stmt_count'")[0][1]))

    server = servers[0]
    monkeypatch.setattr(pool, "STATEMENTS_MAX", 10)
    monkeypatch.setattr(preparing, "FEW_STATEMENTS", 2)
    cluster = Cluster(cell=CELL)
    only = tablet(server, "main", "-", database="vt_main", uid=1)
    fill_cluster(cluster, {"main": VSCHEMA}, {"main": ("-",)}, [only])
    before = count()
    server.query(f"set global max_prepared_stmt_count = {before + 30}")
    try:
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            settings = settings_for(address_of(23), Path(directory))
            with running_gate(cluster, settings) as gate:
                clients = [connect(gate.address, USER, PASSWORD, "main") for _ in range(4)]
                for client in clients:
                    client.cursor().execute("begin")  # so each has a connection of its own
                for number in range(40):
                    sql = f"select note, {number} from orders where user_id = ?"
                    assert run(clients[number % 4], sql, 1)[2:] == ()
                kept = gate.listener.gateway.tablets.pools.of(only).kept
                wait_for(lambda: count() - before == kept.count)  # it hears of closing later
                assert 0 < kept.count <= 10 + 4 * 2
                for client in clients:
                    client.close()
        wait_for(lambda: (kept.count, count()) == (0, before))
    finally:
        server.query("set global max_prepared_stmt_count = default")
