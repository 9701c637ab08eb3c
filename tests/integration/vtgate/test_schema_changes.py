"""Tables that somebody else changes: the gateway is told, or asks, and never guesses."""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest

from armillary.mysqld.connection import MysqlParams, connect
from armillary.mysqld.table_digests import changed_tables, read_table_digests
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

OTHER_ORDER = "alter table orders modify column id bigint after user_id"
FIRST_ORDER = "alter table orders modify column id bigint first"


@contextmanager
def changed(servers: tuple[Server, ...], change: str, back: str) -> Iterator[None]:
    """Change a table as somebody would who speaks with the servers themselves."""
    for server in servers:
        server.query(change, "vt_main")
    try:
        yield
    finally:
        for server in servers:
            server.query(back, "vt_main")


@contextmanager
def waiting(server: Server, change: str) -> Iterator[None]:
    """Have a change wait for transactions that use its table; it is made when the block ends."""
    thread = threading.Thread(target=ask_server, args=(server, change))
    thread.start()
    waits = "select id from information_schema.processlist where state like '%metadata lock%'"
    deadline = time.monotonic() + 20
    while not (found := server.query(waits)):
        assert time.monotonic() < deadline and thread.is_alive(), "nothing waits"
    try:
        yield
        thread.join(20)
        assert not thread.is_alive(), "it waits still"
    except BaseException:
        server.query(f"kill {found[0][0]}")
        raise


def ask_server(server: Server, change: str) -> None:
    with contextlib.suppress(pymysql.Error):
        server.query(change, "vt_main")


@pytest.mark.on_mysql_too
def test_an_insert_without_a_list_of_columns_goes_by_their_order_now(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    insert = "insert into orders values ({}, {}, 1, 'x')"
    assert ask(client, insert.format(1, 101)).errno == 0
    with changed(servers[:2], OTHER_ORDER, FIRST_ORDER):
        assert ask(client, insert.format(102, 2)).errno == 0
        rows = ask(client, "select id, user_id from orders where user_id in (101, 102)").rows
        assert set(rows) == {(1, 101), (2, 102)}
    assert ask(client, insert.format(3, 103)).errno == 0
    assert ask(client, "select id from orders where user_id = 103").rows == ((3,),)
    client.close()


def test_so_does_a_prepared_one_and_one_in_a_transaction(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    ask(client, 'prepare put from "insert into orders values (?, ?, 1, 0)"')
    ask(client, "set @a = 1, @b = 101")
    assert ask(client, "execute put using @a, @b").errno == 0
    with changed(servers[:2], OTHER_ORDER, FIRST_ORDER):
        ask(client, "begin")
        ask(client, "set @a = 102, @b = 2")
        assert ask(client, "execute put using @a, @b").errno == 0
        ask(client, "commit")
        assert ask(client, "select id from orders where user_id = 102").rows == ((2,),)
    client.close()


def test_a_transaction_that_a_schema_change_waits_for_does_not_wait_for_it(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    insert = "insert into orders values ({}, {}, 1, 'x')"
    ask(client, "set lock_wait_timeout = 5")
    ask(client, "begin")
    assert ask(client, insert.format(1, 102)).errno == 0  # on the first shard
    with waiting(servers[0], OTHER_ORDER):
        assert ask(client, insert.format(2, 102)).errno == 0
        ask(client, "commit")
    servers[0].query(FIRST_ORDER, "vt_main")
    assert ask(client, "select count(*) from orders").rows == ((2,),)
    client.close()


def test_while_shards_differ_nothing_is_put_or_read_by_the_wrong_names(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    ask(client, "insert into orders values (1, 101, 1, 'x'), (2, 102, 1, 'x')")
    assert ask(client, "select * from orders").errno == 0
    with changed(servers[1:2], OTHER_ORDER, FIRST_ORDER):
        answer = ask(client, "select * from orders")
        assert "differ between shards" in answer.message
        assert set(ask(client, "select id, user_id from orders").rows) == {(1, 101), (2, 102)}
    assert {row[:2] for row in ask(client, "select * from orders").rows} == {(1, 101), (2, 102)}
    client.close()


def test_what_a_tablet_tells_is_known_at_once(gate: Gate, servers: tuple[Server, ...]) -> None:
    """Another length of a vindex column, where a server cuts values to what fits."""
    client = connect_gate(gate)
    ask(client, "set sql_mode = ''")
    put = "insert into accounts values ('{}', 1)"
    assert ask(client, put.format("a@example.org")).errno == 0
    short = "alter table accounts modify column email varchar(7)"
    ask(client, "delete from accounts")
    with changed(servers[:2], short, "alter table accounts modify column email varchar(64)"):
        gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
        for name in ("anna@example.org", "bert@example.org", "carl@example.org"):
            answer = ask(client, put.format(name))
            found = ask(client, f"select balance from accounts where email = '{name[:7]}'").rows
            assert answer.errno or found == ((1,),), name
        ask(client, "delete from accounts")
    client.close()


def test_a_trigger_on_a_vindex_column_is_known_once_it_is_told(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    assert ask(client, "insert into orders values (1, 101, 1, 'x')").errno == 0
    trigger = "create trigger moved before insert on orders for each row set new.user_id = 7"
    with changed(servers[:2], trigger, "drop trigger moved"):
        gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
        answer = ask(client, "insert into orders values (2, 102, 1, 'x')")
        assert "user_id a trigger sets" in answer.message
    gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    client.close()


@pytest.mark.on_mysql_too
def test_a_session_that_holds_up_a_schema_change_goes_on_planning(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    ask(client, "insert into orders values (1, 102, 1, 'ü'), (2, 101, 1, 'ü')")
    client.set_character_set("latin1")
    ask(client, "begin")
    ask(client, "update orders set total = 2 where user_id = 102")
    with waiting(servers[0], "alter table orders modify note varchar(41)"):
        gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
        assert ask(client, "update orders set total = 3 where user_id = 102").affected == 1
        answer = ask(client, "select hex(note), note from orders where user_id = 102")
        assert answer.rows == (("C3BC", "ü"),)  # still converted as this session wants it
        ask(client, "commit")
    servers[0].query("alter table orders modify note varchar(40)", "vt_main")
    assert ask(client, "select sum(total) from orders").rows[0][0] == 4
    client.close()


def test_a_session_plans_with_tables_that_it_has_locked(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate, "main:-80")
    assert ask(client, "lock tables orders write").errno == 0
    ask(client, "use main")
    gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    assert ask(client, "insert into orders (id, user_id) values (1, 102)").errno == 0
    assert ask(client, "select id from orders where user_id = 102").rows == ((1,),)
    assert "was not locked" in ask(client, "select * from items where id = 102").message
    ask(client, "unlock tables")
    client.close()


@pytest.mark.on_mysql_too
@pytest.mark.anyio
async def test_what_a_gateway_goes_by_is_in_a_tables_digest(servers: tuple[Server, ...]) -> None:
    server = servers[0]
    server.new_database("digests")
    server.query("create table other (a int)", "digests")
    server.query("create table t (a int, b int, c varchar(9) default 'x', key (a))", "digests")
    async with await connect(MysqlParams(user="root", socket=server.socket)) as connection:
        known = await read_table_digests(connection, "digests")
        server.query("insert into t values (1, 2, '3')", "digests")
        server.query("alter table t add key (b)", "digests")
        server.query("alter table t drop key b", "digests")
        assert await read_table_digests(connection, "digests") == known
        for change in (
            "alter table t modify a int after b",
            "alter table t modify a bigint after b",
            "alter table t modify c varchar(9) collate utf8mb4_bin default 'x'",
            "alter table t modify c varchar(9) collate utf8mb4_bin default 'y'",
            "alter table t add d int as (a + 1)",
            "alter table t drop d, add d int as (a + 2)",
            "create trigger at before insert on t for each row set new.a = 1",
            "drop trigger at",
            "drop table t",
        ):
            server.query(change, "digests")
            seen = await read_table_digests(connection, "digests")
            assert changed_tables(known, seen) == {"t"}, change
            known = seen
