"""What a session leaves on a connection of its own: table locks, temporary tables, handlers.

Only in an unsharded keyspace, or on one shard that the target names. Nobody else meets it there,
and when the connection is lost the session is told.
"""

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymysql.constants import COMMAND
from pymysql.protocol import FieldDescriptorPacket

from armillary.model.tablet import TabletAlias, TabletType
from armillary.wire.errnos import NET_READ_ERROR
from tests.integration.vtgate.clients import REFUSED, Answer, ask, connect_gate, connect_whole
from tests.integration.vtgate.conftest import make_cluster
from tests.integration.vtgate.gate import Gate, running_gate, settings_for, tablet
from tests.integration.vtgate.servers import Server, address_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


@pytest.fixture
def pair(gate: Gate) -> Iterator[tuple[Any, Any]]:
    one, other = connect_gate(gate, "plain"), connect_gate(gate, "plain")
    ask(one, "insert into notes (body) values ('a'), ('b')")
    yield one, other
    for client in (one, other):
        if client.open:
            client.close()


def in_background(client: Any, sql: str) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(ask(client, sql)), daemon=True)
    thread.start()
    return thread, answers


def bodies(client: Any) -> list[object]:
    return [row[0] for row in ask(client, "select body from notes order by id").rows]


def test_a_temporary_table_is_one_session_s_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "create temporary table plain.t (i int, w varchar(9))").errno == 0
    assert ask(one, "insert into t values (1, 'x'), (2, 'y')").affected == 2
    assert ask(one, "insert into t values (%s, %s)", (3, "z")).affected == 1
    assert ask(one, "select * from t where i > 1").rows == ((2, "y"), (3, "z"))
    assert ask(one, "select count(*) from notes, plain.t").rows == ((6,),)
    assert ask(one, "describe t").rows[0][0] == "i"
    assert ask(other, "select * from t").errno == 1146
    assert ask(other, "create temporary table t (j int)").errno == 0
    assert ask(other, "select * from t").rows == ()
    assert ask(one, "alter table t add column k int").errno == 0
    assert ask(one, "select k from t where i = 1").rows == ((None,),)
    assert ask(one, "drop temporary table t").errno == 0
    assert ask(one, "select * from t").errno == 1146


def test_a_temporary_table_hides_one_of_its_name_and_is_gone_with_its_session(
    gate: Gate, pair: tuple[Any, Any]
) -> None:
    one, other = pair
    assert bodies(one) == ["a", "b"]
    ask(one, "create temporary table notes (id int, body int)")
    ask(one, "insert into notes values (7, 70)")
    assert bodies(one) == [70]
    assert bodies(other) == ["a", "b"]
    third = connect_gate(gate, "plain")
    ask(third, "create temporary table notes (id int, body int)")
    third.close()
    again = [connect_gate(gate, "plain") for _ in range(4)]
    assert [bodies(client) for client in again] == [["a", "b"]] * 4
    for client in again:
        client.close()


def test_a_temporary_table_lives_through_transactions_and_is_in_them(
    pair: tuple[Any, Any],
) -> None:
    one, _ = pair
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('c')")
    ask(one, "create temporary table t (i int)")
    ask(one, "insert into t values (1)")
    ask(one, "rollback")
    assert bodies(one) == ["a", "b"], "CREATE TEMPORARY TABLE does not commit"
    assert ask(one, "select * from t").rows == ()
    ask(one, "set autocommit = 0")
    ask(one, "insert into t values (2)")
    ask(one, "insert into notes (body) values ('d')")
    ask(one, "commit")
    ask(one, "insert into notes (body) values ('e')")
    ask(one, "rollback")
    ask(one, "set autocommit = 1")
    assert bodies(one) == ["a", "b", "d"]
    assert ask(one, "select * from t").rows == ((2,),)


def test_settings_reach_a_session_s_own_connection(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    ask(one, "set time_zone = '+05:00'")
    ask(one, "create temporary table t (i int)")
    ask(one, "set time_zone = '+03:00', sql_mode = 'STRICT_ALL_TABLES'")
    asked = "select @@time_zone, @@sql_mode, count(*) from t"
    assert ask(one, asked).rows == (("+03:00", "STRICT_ALL_TABLES", 0),)
    ask(one, "begin")
    ask(one, "select * from t")
    assert ask(one, "set time_zone = '+02:00', no_such_variable = 1").errno == 1193
    assert ask(one, asked).rows == (("+03:00", "STRICT_ALL_TABLES", 0),)


def test_a_setting_that_undoes_a_later_one_reaches_it_too(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    ask(one, "create temporary table t (w varchar(20) charset utf8mb4)")
    for sql in ("set names utf8mb4", "set character_set_client = latin1", "set names utf8mb4"):
        ask(one, sql)
        ask(one, "insert into t values ('\u00e4')")
    assert ask(one, "select w from t").rows == (("\u00e4",), ("\u00c3\u00a4",), ("\u00e4",))


def test_a_table_that_is_not_there_keeps_no_connection(gate: Gate, pair: tuple[Any, Any]) -> None:
    one, _ = pair
    assert ask(one, "drop temporary table if exists t").errno == 0
    assert ask(one, "drop temporary table t").errno == 1051
    assert ask(one, "create temporary table t (i int, i int)").errno == 1060
    assert gate.listener.connections[one.thread_id()].session.reserved == {}


def test_table_locks_hold_others_out_until_they_are_given_back(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "lock tables plain.notes write").errno == 0
    thread, answers = in_background(other, "insert into notes (body) values ('z')")
    assert ask(one, "insert into notes (body) values ('c')").errno == 0
    assert ask(one, "alter table notes comment = 'x'").errno == 0
    assert bodies(one) == ["a", "b", "c"]
    assert "not locked" in ask(one, "select * from item_seq").message
    thread.join(0.2)
    assert not answers
    assert ask(one, "unlock tables").errno == 0
    thread.join(10)
    assert answers[0].affected == 1
    assert bodies(one) == ["a", "b", "c", "z"]


def test_begin_gives_table_locks_up_and_unlocking_nothing_commits_nothing(
    pair: tuple[Any, Any],
) -> None:
    one, other = pair
    ask(one, "lock tables notes write")
    thread, answers = in_background(other, "insert into notes (body) values ('c')")
    assert ask(one, "begin").errno == 0
    thread.join(10)
    assert answers[0].affected == 1
    ask(one, "insert into notes (body) values ('d')")
    assert ask(one, "unlock tables").errno == 0
    ask(one, "rollback")
    assert bodies(one) == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["use main", "lock tables no_such_table read"])
def test_table_locks_are_given_back_wherever_they_are(pair: tuple[Any, Any], how: str) -> None:
    one, other = pair
    ask(one, "lock tables notes write")
    thread, answers = in_background(other, "insert into notes (body) values ('c')")
    ask(one, how)
    if how == "use main":
        thread.join(0.2)
        assert not answers
        assert ask(one, "unlock tables").errno == 0
    thread.join(10)
    assert answers[0].affected == 1


def test_a_session_that_locks_a_table_can_ask_for_its_columns(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    ask(one, "lock tables notes write")
    one._execute_command(COMMAND.COM_FIELD_LIST, b"notes\0")
    names = [one._read_packet(FieldDescriptorPacket).name for _ in range(2)]
    assert names == ["id", "body"]
    assert one._read_packet().is_eof_packet()


def test_lock_tables_commits_and_the_end_of_a_session_unlocks(
    gate: Gate, pair: tuple[Any, Any]
) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('c')")
    ask(one, "lock tables notes write")
    ask(one, "rollback")
    assert ask(one, "select count(*) from notes").rows == ((3,),)
    thread, answers = in_background(other, "insert into notes (body) values ('d')")
    thread.join(0.2)
    assert not answers
    one.close()
    thread.join(10)
    assert answers[0].affected == 1


@pytest.mark.parametrize("target", ["main", "main:-80", "plain:0"])
def test_tables_are_unlocked_whatever_keyspace_is_in_use(
    target: str, gate: Gate, pair: tuple[Any, Any]
) -> None:
    one, other = pair
    ask(one, "lock tables notes write")
    ask(one, f"use `{target}`")
    thread, answers = in_background(other, "insert into notes (body) values ('d')")
    assert ask(one, "unlock tables").errno == 0
    thread.join(10)
    assert answers[0].affected == 1
    nowhere = connect_gate(gate, None)
    assert ask(nowhere, "unlock tables").errno == 0  # as mysqldump does before it begins
    nowhere.close()


def test_a_dump_is_read_in_with_its_locks(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    dump = (
        "LOCK TABLES `notes` WRITE",
        "/*!40000 ALTER TABLE `notes` DISABLE KEYS */",
        "INSERT INTO `notes` VALUES (100005,'five'),(100006,'six')",
        "/*!40000 ALTER TABLE `notes` ENABLE KEYS */",
        "UNLOCK TABLES",
    )
    assert [ask(one, sql).message for sql in dump] == [""] * 5
    assert bodies(one) == ["a", "b", "five", "six"]


def test_a_handler_goes_on_where_it_was(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "handler notes open as h").errno == 0
    assert ask(one, "handler h read first").rows[0][1] == "a"
    assert ask(one, "handler h read next").rows[0][1] == "b"
    assert ask(other, "handler h read next").errno == 1109
    assert ask(one, "handler h close").errno == 0


def test_what_was_left_is_told_as_lost_once(pair: tuple[Any, Any], servers: Any) -> None:
    one, _ = pair
    server: Server = servers[2]
    ask(one, "create temporary table t (i int)")
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('c')")
    server.query(f"kill {thread_of(one)}")
    told = ask(one, "select * from notes")
    assert told.errno == NET_READ_ERROR
    assert ask(one, "select * from t").errno in (1146, NET_READ_ERROR)
    assert bodies(one) == ["a", "b"]


@pytest.mark.on_mysql_too
def test_a_loss_between_statements_is_told_too(pair: tuple[Any, Any], servers: Any) -> None:
    one, other = pair
    ask(one, "lock tables notes write")
    servers[2].query(f"kill {thread_of(one)}")
    told = ask(one, "insert into notes (body) values ('c')")
    assert told.errno == NET_READ_ERROR
    assert "this session's table locks on plain/0 are gone" in told.message
    assert bodies(other) == ["a", "b"]
    assert ask(one, "insert into notes (body) values ('d')").errno == 0


def thread_of(client: Any) -> object:
    """Return the server's own id of the connection that serves this session."""
    rows = ask(client, "select id from information_schema.processlist where info like '%who am i%'")
    return rows.rows[0][0]


def test_only_one_server_can_be_left_something(gate: Gate) -> None:
    client = connect_gate(gate, "main")
    for sql in ("lock tables users write", "handler users open"):
        assert ask(client, sql).errno == REFUSED
    assert ask(client, "create temporary table t (i int)").errno == REFUSED
    ask(client, "use main:-80")
    assert ask(client, "lock tables users write").errno == 0
    assert ask(client, "select count(*) from users").rows == ((0,),)
    assert ask(client, "unlock tables").errno == 0
    client.close()


def test_of_several_replicas_a_session_keeps_to_the_one_where_it_left_something(
    servers: tuple[Server, ...],
) -> None:
    cluster = make_cluster(servers)
    for uid in (4, 5):
        replica = tablet(servers[2], "plain", "0", database="vt_plain", uid=uid)
        cluster.set_tablet(replace(replica, type=TabletType.REPLICA))
    with (
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
        running_gate(cluster, settings_for(address_of(33), Path(directory))) as gate,
    ):
        client = connect_gate(gate, "plain@replica")
        assert ask(client, "handler notes open as h").errno == 0
        assert [ask(client, "handler h read next").errno for _ in range(4)] == [0] * 4
        for uid in (4, 5):
            gate.call(cluster.drop_tablet, TabletAlias("zone1", uid))  # type: ignore[operator]
        told = ask(client, "handler h read next")
        assert told.errno == NET_READ_ERROR
        assert "open handlers on plain/0 are gone" in told.message
        client.close()


def test_a_loss_beside_another_shard_s_error_lets_nothing_of_the_transaction_commit(
    servers: tuple[Server, ...],
) -> None:
    """One shard refuses the statement while the other's primary, with what was left, moves on."""
    cluster = make_cluster(servers)
    with (
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
        running_gate(
            cluster, settings_for(address_of(33), Path(directory), enable_buffer=True)
        ) as gate,
    ):
        call: Any = gate.call
        client = connect_gate(gate, "main:80-")
        assert ask(client, "handler kinds open as h").errno == 0
        ask(client, "use main")
        ask(client, "begin")
        assert ask(client, "insert into kinds (id, c) values (1, 'no number'), (4, '5')").errno == 0
        assert ask(client, "use `main[-]`").errno == 0
        old = tablet(servers[1], "main", "80-", database="vt_main", uid=2)
        call(cluster.set_tablet, replace(old, serving=False))
        thread, answers = in_background_refused_by(servers[0], client, "update kinds set i = c")
        call(cluster.set_tablet, replace(old, alias=TabletAlias("zone1", 6), term_start_s=2))
        thread.join(10)
        assert answers[0].errno == 1366
        assert ask(client, "commit").errno == NET_READ_ERROR
        assert [s.query("select id from kinds", "vt_main") for s in servers[:2]] == [[], []]
        client.close()


def test_a_connection_that_breaks_beside_another_shard_s_error_is_told_with_it(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """By the error alone the client would go on, and take its COMMIT for one."""
    with (
        closing(connect_gate(gate)) as client,
        closing(connect_whole(servers[1], "vt_main")) as holder,
    ):
        ask(client, "insert into kinds (id, c) values (1, 'no number'), (4, '5')")
        ask(holder, "begin")
        ask(holder, "select * from kinds where id = 4 for update")
        ask(client, "begin")
        ask(client, "insert into kinds (id, c) values (2, '2')")
        ask(client, "use `main[-]`")
        thread, answers = in_background_refused_by(servers[0], client, "update kinds set i = c")
        waiting = "select id from information_schema.processlist where info like 'update kinds%'"
        until(lambda: bool(servers[1].query(waiting)))
        servers[1].query(f"kill {servers[1].query(waiting)[0][0]}")
        thread.join(10)
        assert answers[0].errno == NET_READ_ERROR
        assert "no number" in answers[0].message and "rolled back as a whole" in answers[0].message
        ask(client, "commit")
        assert servers[0].query("select id from kinds", "vt_main") == [(1,)]


def in_background_refused_by(
    server: Server, client: Any, sql: str
) -> tuple[threading.Thread, list[Answer]]:
    """Start an UPDATE, and return once this server has refused its part."""
    count = "show global status like 'com_update'"
    working = "select count(*) from information_schema.processlist where info like 'update%'"
    before = server.query(count)
    started = in_background(client, sql)
    until(lambda: server.query(count) != before)
    until(lambda: server.query(working) == [(0,)])
    return started


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a server counts, and tells nobody."""
    while not condition():
        threading.Event().wait(0.02)
