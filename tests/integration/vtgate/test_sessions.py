"""What one client does and sees, and what another one must not see."""

import threading
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT

from tests.integration.vtgate.clients import ask, connect_connector, connect_gate
from tests.integration.vtgate.gate import PASSWORD, USER, Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def test_databases_and_tables_look_as_the_procedure_prints_them(gate: Gate) -> None:
    client = connect_gate(gate, None)
    assert ask(client, "show databases").columns == ("Databases",)
    assert ask(client, "show databases").rows == (("main",), ("plain",))
    ask(client, "use main")
    tables = ask(client, "show tables like 'users%'")
    assert tables.columns == ("Tables_in_vt_main (users%)",)
    assert tables.rows == (("users",), ("users_name_idx",))
    assert ask(client, "show tables from plain").columns == ("Tables_in_vt_plain",)
    assert ask(client, "select database()").rows == (("main",),)
    assert ask(client, "show vschema tables").rows[:3] == (
        ("accounts",), ("dual",), ("items",),
    )  # fmt: skip
    assert ask(client, "show vitess_shards").rows == (("main/-80",), ("main/80-",), ("plain/0",))
    assert ask(client, "show vitess_target").rows == (("main@primary",),)
    tablets = ask(client, "show vitess_tablets").rows
    assert [row[:5] for row in tablets] == [
        ("zone1", "main", "-80", "PRIMARY", "SERVING"),
        ("zone1", "main", "80-", "PRIMARY", "SERVING"),
        ("zone1", "plain", "0", "PRIMARY", "SERVING"),
    ]
    client.close()


def test_a_table_is_described_by_any_shard(gate: Gate) -> None:
    client = connect_gate(gate)
    assert ask(client, "describe users").rows[0][0] == "user_id"
    assert ask(client, "show columns from main.users").rows[1][0] == "name"
    assert ask(client, "show columns from users from main").rows[1][0] == "name"
    assert "CREATE TABLE" in str(ask(client, "show create table main.users").rows[0][1])
    assert ask(client, "show index from users").rows
    assert ask(client, "show variables like 'version'").rows
    assert ask(client, "show collation like 'utf8mb4_bin'").rows
    assert ask(client, "explain select * from users where user_id = 1").rows
    client.close()


def test_targets_name_shards_and_types(gate: Gate, servers: tuple[Server, ...]) -> None:
    client = connect_gate(gate)
    ask(client, "insert into users values (101, 'Jacques'), (102, 'Jacques')")
    for target, wanted in (
        ("main:-80", {102}),
        ("main/80-", {101}),
        ("main[-80]", {102}),
        ("`main:80-`", {101}),
    ):
        ask(client, f"use {target}")
        assert {row[0] for row in ask(client, "select user_id from users").rows} == wanted
    assert ask(client, "use main:40-80").errno == 0
    assert ask(client, "select * from users").errno == 1105
    assert ask(client, "use nothing").errno == 1049
    assert ask(client, "use main@nonsense").errno == 1105
    ask(client, "use main@replica")
    assert "no healthy tablet" in ask(client, "select * from users").message
    assert "VT09002" in ask(client, "delete from users").message
    client.close()
    by_name = connect_gate(gate, "main/80-")
    assert ask(by_name, "select user_id from users").rows == ((101,),)
    by_name.close()


def test_settings_belong_to_one_session(gate: Gate) -> None:
    one, other = connect_gate(gate), connect_gate(gate)
    ask(one, "set time_zone = '+05:00', sql_mode = 'STRICT_ALL_TABLES'")
    assert ask(one, "select @@time_zone, @@sql_mode").rows == (("+05:00", "STRICT_ALL_TABLES"),)
    assert ask(one, "select @@time_zone from users where user_id = 1 union select @@time_zone "
               "from users where user_id = 1").errno == 0  # fmt: skip
    assert ask(other, "select @@time_zone").rows != (("+05:00",),)
    assert ask(one, "set nonsense_variable = 1").errno == 1193
    assert ask(one, "set sql_mode = 'ANSI_QUOTES'").errno == 1235
    assert ask(one, "set global max_connections = 5").errno == 1235
    assert ask(one, "select @@sql_mode").rows == (("STRICT_ALL_TABLES",),)
    one.close()
    other.close()


def test_user_variables_belong_to_one_session(gate: Gate) -> None:
    one, other = connect_gate(gate), connect_gate(gate)
    ask(one, "set @id = 101, @name = concat('Jac', 'ques')")
    ask(one, "insert into orders values (1, 101, 5, @name)")
    assert ask(one, "select @id, note from orders where user_id = 101").rows == ((101, "Jacques"),)
    assert ask(other, "select @id").rows == ((None,),)
    one.close()
    other.close()


def test_last_insert_id_comes_from_the_sequence(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "insert into items (label) values ('a'), ('b'), ('c')")
    first = ask(client, "select last_insert_id()").rows[0][0]
    assert isinstance(first, int)
    ids = [row[0] for row in ask(client, "select id from items order by id").rows]
    assert ids == [first, first + 1, first + 2]
    ask(client, "insert into items values (NULL, 'd')")
    ask(client, "insert into items (id, label) values (7000, 'e')")
    assert ask(client, "select count(distinct id) from items").rows == ((5,),)
    value = ask(client, "select next 3 values from plain.item_seq")
    assert value.columns == ("nextval",)
    client.close()


def test_last_insert_id_of_an_unsharded_table_is_the_session_s(gate: Gate) -> None:
    one, other = connect_gate(gate, "plain"), connect_gate(gate, "plain")
    ask(one, "insert into notes (body) values ('x')")
    ask(other, "insert into notes (body) values ('y')")
    mine = ask(one, "select last_insert_id()").rows
    assert ask(one, "select id from notes where body = 'x'").rows == mine
    one.close()
    other.close()


def test_several_statements_in_one_command(gate: Gate) -> None:
    client = connect_gate(gate)
    with client.cursor() as cursor:
        cursor.execute(
            "insert into users values (1, 'a;b'); select * from users; select 2; set @x = 1; "
            "select count(*) from users"
        )
        results: list[Any] = [cursor.rowcount]
        while cursor.nextset():
            results.append(cursor.fetchall())
    assert [list(rows) if isinstance(rows, tuple) else rows for rows in results] == [
        1, [(1, "a;b")], [(2,)], [], [(1,)],
    ]  # fmt: skip
    assert ask(client, "select 1; selct 2; select 3").errno == 1064
    assert ask(client, "select 1").rows == ((1,),)
    client.close()


def test_unsharded_keyspaces_take_any_sql(gate: Gate) -> None:
    client = connect_gate(gate, "plain")
    ask(client, "insert into notes (body) values ('a'), ('b'), ('a')")
    queries = (
        "select body, count(*) from notes group by body having count(*) > 1",
        "select x.c from (select count(*) c from plain.notes) x",
        "with n as (select body from notes) select count(*) from n",
        "select row_number() over (order by id), body from plain.notes n where n.body = 'b'",
        "select plain.notes.body from plain.notes where plain.notes.id > 0 limit 1",
        "insert into notes (body) select body from notes where body = 'b'",
        "select count(*) from notes union all select 5",
    )
    for sql in queries:
        answer = ask(client, sql)
        assert not answer.errno, (sql, answer.message)
    ask(client, "use main")
    assert ask(client, "select count(*) from plain.notes").rows == ((4,),)
    assert ask(client, "select count(*) from notes").errno == 1109
    client.close()


def test_result_metadata_names_the_keyspace(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "insert into users values (1, 'a')")
    with client.cursor() as cursor:
        for sql in ("select * from users where user_id = 1", "select * from users"):
            cursor.execute(sql)
            fields = cursor._result.fields
            assert {field.db for field in fields} == {b"main"}
    client.close()


def test_schema_changes_reach_every_shard(gate: Gate, servers: tuple[Server, ...]) -> None:
    client = connect_gate(gate)
    assert ask(client, "alter table main.orders add column extra int").errno == 0
    for server in servers[:2]:
        assert server.query("show columns from orders like 'extra'", "vt_main")
    ask(client, "insert into orders values (1, 101, 1, 'x', 7), (2, 102, 1, 'x', 8)")
    assert ask(client, "select sum(extra) from orders").rows[0][0] == 15
    assert ask(client, "alter table orders drop column extra").errno == 0
    assert ask(client, "create database x").errno == 1235
    assert ask(client, "create temporary table x (i int)").errno == 1235
    client.close()


def test_a_column_that_another_gateway_added_stands_in_nobodys_place(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    names = ", ".join(f"({number}, '{name}')" for number, name in enumerate("dbcaef", 1))
    ask(client, f"insert into users (user_id, name) values {names}")
    queries = ("select * from users", "select * from users order by user_id % 10")
    for sql in queries:
        assert len(ask(client, sql).rows) == 6
    for server in servers[:2]:
        server.query("alter table users add column z bigint default 0", "vt_main")
        server.query("update users set z = 100 - user_id * 7 % 5", "vt_main")
    try:
        for sql in queries:
            answer = ask(client, sql)
            assert [len(row) for row in answer.rows] == [3] * 6, sql
        assert [row[0] for row in answer.rows] == [1, 2, 3, 4, 5, 6]
    finally:
        for server in servers[:2]:
            server.query("alter table users drop column z", "vt_main")
        client.close()


@pytest.mark.on_mysql_too
def test_what_cannot_be_routed_is_refused_and_what_is_wrong_says_so(gate: Gate) -> None:
    client = connect_gate(gate)
    for sql in (
        "select name from users into outfile '/tmp/x'",
        "lock tables users write",
        "select get_lock('a', 1) from users",
        "load data infile 'x' into table users",
        "insert into users select 1, 'a'",
        "replace into users values (1, 'a')",
        "select @x := 1",
        "start transaction with consistent snapshot",
    ):
        assert ask(client, sql).errno in (1235, 1290), sql
    assert ask(client, "selct 1").errno == 1064
    assert ask(client, "select * frm users").errno == 1064
    assert ask(client, "select 'a").errno == 1064
    assert ask(client, "select * from nothing").errno == 1109
    assert ask(client, "select * from nothing.users").errno == 1049
    assert ask(client, "insert into users values (1)").errno == 1136
    assert ask(client, "insert into users values (NULL, 'a')").errno == 1105
    assert ask(client, "").errno == 1065
    assert ask(client, "-- a comment alone\n").errno == 0
    nowhere = connect_gate(gate, None)
    assert ask(nowhere, "select * from users where user_id = 1").errno == 0
    assert ask(nowhere, "select * from nothing").errno == 1046
    nowhere.close()
    client.close()


def test_kill_query_interrupts_another_session_of_the_same_user(gate: Gate) -> None:
    import threading
    import time

    one, other = connect_gate(gate), connect_gate(gate)
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(ask(one, "select sleep(20) from users where user_id = 1"))
    )
    ask(one, "insert into users values (1, 'a')")
    thread.start()
    time.sleep(0.5)  # noqa: TID251  the statement must be under way
    assert ask(other, f"kill query {one.thread_id()}").errno == 0
    thread.join(10)
    assert answers and answers[0].errno == 1317
    assert ask(one, "select name from users where user_id = 1").rows == (("a",),)
    assert ask(other, "kill 999999").errno == 1094
    one.close()
    other.close()


def test_a_new_user_starts_afresh_on_an_old_connection(gate: Gate) -> None:
    client = connect_connector(gate, "main")
    cursor = client.cursor()
    cursor.execute("set @x = 1")
    client.cmd_change_user(USER, PASSWORD, "plain")
    cursor = client.cursor()
    cursor.execute("select database(), @x")
    assert cursor.fetchall() == [("plain", None)]
    client.cmd_reset_connection()
    client.cmd_ping()
    client.close()


def test_rows_found_are_counted_for_a_client_that_asks(gate: Gate) -> None:
    plain, counting = connect_gate(gate), connect_gate(gate, flags=CLIENT.FOUND_ROWS)
    ask(plain, "insert into orders values (1, 101, 1, 'x'), (2, 102, 1, 'x')")
    assert ask(plain, "update orders set note = 'x'").affected == 0
    assert ask(counting, "update orders set note = 'x'").affected == 2
    plain.close()
    counting.close()


def test_wrong_passwords_are_refused(gate: Gate) -> None:
    for user, password in ((USER, "wrong"), (USER, ""), ("stranger", PASSWORD), ("", "")):
        with pytest.raises(pymysql.OperationalError) as refusal:
            pymysql.connect(host=gate.address, user=user, password=password)
        assert refusal.value.args[0] == 1045
    with pytest.raises(pymysql.OperationalError) as refusal:
        connect_gate(gate, "nothing")
    assert refusal.value.args[0] == 1049


def test_warnings_can_be_asked_for_until_the_next_statement(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "insert into users values (1, 'a')")
    for _ in range(2):  # the second time on the short way
        ask(client, "select cast('5x' as signed) from users where user_id = 1")
        shown = ask(client, "show warnings").rows
        assert [row[:2] for row in shown] == [("Warning", 1292)]
        assert ask(client, "show count(*) warnings").rows == ((1,),)
    ask(client, "selct 1")
    assert ask(client, "show errors").rows[0][:2] == ("Error", 1064)
    ask(client, "select 1")
    assert ask(client, "show warnings").rows == ()
    client.close()


def test_a_slow_reader_is_not_read_ahead_for(gate: Gate) -> None:
    """The answer is 100 MB; the gateway holds a few buffers of it."""
    import resource
    import time

    client = connect_gate(gate, "plain")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    from pymysql.cursors import SSCursor

    cursor = client.cursor(SSCursor)
    numbers = "with recursive n as (select 1 i union all select i + 1 from n where i < 1000)"
    cursor.execute(f"{numbers} select repeat('x', 100000) from n")
    time.sleep(1)  # noqa: TID251  the servers would send all of it in this time
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    assert sum(1 for _ in cursor) == 1000
    client.close()


def test_a_keyspace_without_its_vschema_says_what_to_apply(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """As in a cluster that was created again: its rows are back, its VSchema is not."""
    from armillary.routing.vschema import KeyspaceSchema, VSchema

    known = gate.cluster.vschema
    client = connect_gate(gate)
    gate.call(
        gate.cluster.set_vschema, VSchema({**known.keyspaces, "main": KeyspaceSchema(name="main")})
    )  # type: ignore[operator]
    try:
        for sql in (
            "select * from users where user_id = 1",
            "select count(*) from users",
            "insert into users values (1, 'a')",
            "delete from users",
            "select * from users where (1, 2) in (select 1, 2 union select 3, 4)",
            "with u as (select 1) select * from u",
        ):
            answer = ask(client, sql)
            assert answer.errno == 1105, sql
            assert "keyspace main has 2 shards, but its VSchema is empty" in answer.message
            assert 'ApplyVSchema -vschema="$(cat vschema_main.json)" main' in answer.message
    finally:
        gate.call(gate.cluster.set_vschema, known)  # type: ignore[operator]
    assert ask(client, "select count(*) from users").errno == 0
    client.close()


def test_a_table_is_read_while_its_lookup_table_is_not_there(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    ask(client, "insert into members values (1, 'a@x', 'one'), (2, 'b@x', 'two')")
    for server in servers[:2]:
        server.query("rename table members_email_idx to away", "vt_main")
    gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    try:
        assert ask(client, "select code from members where id = 2").rows == (("two",),)
        assert ask(client, "select id from members where email = 'b@x'").rows == ((2,),)
        assert ask(client, "insert into members values (3, 'c@x', 'z')").errno == 1146
        assert ask(client, "select count(*) from members").rows == ((2,),)
    finally:
        for server in servers[:2]:
            server.query("rename table away to members_email_idx", "vt_main")
        gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    client.close()


def test_grants_are_those_of_the_gateway_s_user(gate: Gate) -> None:
    client = connect_gate(gate, None)
    for of in ("", " for current_user", " for current_user()", f" for '{USER}'@'%'"):
        answer = ask(client, f"show grants{of}")
        assert answer.columns == (f"Grants for {USER}@%",), answer
        assert answer.rows[0] == (f"GRANT USAGE ON *.* TO `{USER}`@`%`",)
        assert "INSERT" in str(answer.rows[1][0])
        assert "ON `main`.* TO" in str(answer.rows[1][0])
        assert "vt_app" not in str(answer.rows)
    assert ask(client, "show grants for 'vt_app'@'%'").errno == 1141
    assert ask(client, "show create user current_user()").errno == 1235
    client.close()


def test_what_is_no_statement_is_a_syntax_error_without_a_database_too(gate: Gate) -> None:
    client = connect_gate(gate, None)
    assert ask(client, "status").errno == 1064
    assert ask(client, "do 1").errno == 1046
    client.close()


def test_the_process_list_has_the_ids_that_kill_takes(gate: Gate) -> None:
    client, busy = connect_gate(gate, None), connect_gate(gate, "plain")
    waiting = threading.Thread(target=ask, args=(busy, f"select sleep(60), '{'x' * 200}'"))
    waiting.start()
    columns = ("Id", "User", "Host", "db", "Command", "Time", "State", "Info")
    while (rows := by_id(client, "show processlist"))[busy.thread_id()][4] != "Query":
        assert waiting.is_alive()
    assert ask(client, "show full processlist").columns == columns
    assert rows[busy.thread_id()][3] == "plain"
    assert len(str(rows[busy.thread_id()][7])) == 100
    assert len(str(by_id(client, "show full processlist")[busy.thread_id()][7])) > 200
    assert ask(client, f"kill {busy.thread_id()}").errno == 0
    waiting.join(10)
    while busy.thread_id() in by_id(client, "show processlist"):
        pass
    client.close()


def by_id(client: Any, sql: str) -> dict[object, tuple[object, ...]]:
    return {row[0]: row for row in ask(client, sql).rows}
