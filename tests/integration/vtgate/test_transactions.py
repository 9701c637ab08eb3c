"""Transactions over one shard and over several, with and without autocommit."""

from pathlib import Path

import pytest
from pymysql.constants import SERVER_STATUS

from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.conftest import make_cluster
from tests.integration.vtgate.gate import PASSWORD, USER, Gate, running_gate, settings_for
from tests.integration.vtgate.servers import Server, address_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def test_a_rollback_undoes_every_shard_and_the_lookup_rows(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "begin")
    ask(client, "insert into users values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
    assert ask(client, "select count(*) from users").rows == ((4,),)
    assert ask(client, "select user_id from users where name = 'c'").rows == ((3,),)
    ask(client, "rollback")
    assert ask(client, "select count(*) from users").rows == ((0,),)
    assert ask(client, "select count(*) from users_name_idx").rows == ((0,),)
    client.close()


def test_others_see_a_transaction_only_after_its_commit(gate: Gate) -> None:
    one, other = connect_gate(gate), connect_gate(gate)
    ask(one, "start transaction")
    ask(one, "insert into users values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")
    assert ask(other, "select count(*) from users").rows == ((0,),)
    ask(one, "commit")
    assert ask(other, "select count(*) from users").rows == ((4,),)
    one.close()
    other.close()


def test_a_client_that_vanishes_leaves_no_transaction(gate: Gate) -> None:
    one, other = connect_gate(gate), connect_gate(gate)
    ask(one, "begin")
    ask(one, "insert into users values (1, 'a')")
    one._force_close()
    ask(other, "set innodb_lock_wait_timeout = 5")
    assert ask(other, "insert into users values (1, 'b')").errno == 0
    assert ask(other, "select name from users").rows == (("b",),)
    other.close()


def test_the_status_says_whether_a_transaction_is_open(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "insert into users values (1, 'a')")

    def in_transaction() -> bool:
        return bool(client.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    assert not in_transaction()
    ask(client, "begin")
    assert in_transaction()
    ask(client, "select * from users where user_id = 1")
    assert in_transaction()
    ask(client, "select * from users")
    assert in_transaction()
    ask(client, "update users set name = 'b' where user_id = 1")
    assert in_transaction()
    ask(client, "commit")
    assert not in_transaction()
    client.close()


def test_without_autocommit_nothing_is_kept_until_commit(gate: Gate) -> None:
    one, other = connect_gate(gate, autocommit=False), connect_gate(gate)
    assert not one.get_autocommit()
    ask(one, "insert into users values (1, 'a'), (2, 'b')")
    assert ask(other, "select count(*) from users").rows == ((0,),)
    assert not one.get_autocommit()
    ask(one, "rollback")
    ask(one, "insert into users values (3, 'c')")
    one.commit()
    assert ask(other, "select user_id from users").rows == ((3,),)
    ask(one, "insert into users values (4, 'd')")
    one.autocommit(True)
    assert ask(other, "select count(*) from users").rows == ((2,),)
    assert one.get_autocommit()
    one.close()
    other.close()


def test_without_autocommit_the_next_transaction_is_as_it_was_set(gate: Gate) -> None:
    client = connect_gate(gate, autocommit=False)
    assert ask(client, "set transaction read only").errno == 0
    assert ask(client, "insert into orders values (1, 1, 1, 'a')").errno == 1792
    ask(client, "rollback")
    assert ask(client, "insert into orders values (1, 1, 1, 'a')").errno == 0
    ask(client, "rollback")
    client.close()


def test_set_transaction_is_for_the_next_statement_alone(gate: Gate) -> None:
    client = connect_gate(gate)
    for sql in ("insert into orders values (1, 1, 1, 'a')", "delete from users"):
        ask(client, "set transaction read only")
        assert ask(client, sql).errno == 1792
    assert ask(client, "select count(*) from orders").rows == ((0,),)
    assert not ask(client, "insert into orders values (1, 1, 1, 'a')").errno
    ask(client, "begin")
    assert not ask(client, "insert into orders values (2, 1, 1, 'a')").errno
    ask(client, "rollback")
    client.close()


@pytest.mark.on_mysql_too
def test_savepoints_work_over_shards(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "begin")
    ask(client, "insert into users values (1, 'a')")
    ask(client, "savepoint s")
    ask(client, "insert into users values (2, 'b'), (3, 'c'), (4, 'd')")
    ask(client, "rollback to savepoint s")
    assert ask(client, "select user_id from users").rows == ((1,),)
    assert ask(client, "release savepoint s").errno == 0
    assert ask(client, "rollback to s").errno == 1305
    ask(client, "commit")
    assert ask(client, "select user_id from users").rows == ((1,),)
    client.close()


def test_a_failed_statement_leaves_its_transaction_as_it_was(gate: Gate) -> None:
    """Rows go to both shards, and only the last one fails: none may stay."""
    client = connect_gate(gate)
    ask(client, "insert into users values (5, 'five')")
    ask(client, "begin")
    ask(client, "insert into users values (1, 'one')")
    failed = ask(client, "insert into users values (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e')")
    assert failed.errno == 1062
    assert ask(client, "select user_id from users order by user_id").rows == ((1,), (5,))
    ask(client, "commit")
    names = ask(client, "select name from users_name_idx order by name").rows
    assert names == (("five",), ("one",))
    client.close()


def test_a_failed_statement_alone_leaves_nothing(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "insert into users values (5, 'five')")
    assert ask(client, "insert into users values (1, 'a'), (2, 'b'), (5, 'e')").errno == 1062
    assert ask(client, "select user_id from users").rows == ((5,),)
    assert ask(client, "select count(*) from users_name_idx").rows == ((1,),)
    client.close()


@pytest.mark.parametrize("database", ["plain", None])
def test_a_snapshot_is_of_the_moment_at_which_it_was_asked_for(
    database: str | None, gate: Gate
) -> None:
    """Without a database, as mysqldump --single-transaction asks, it is of all single shards."""
    one, other = connect_gate(gate, database), connect_gate(gate, "plain")
    ask(other, "insert into notes (body) values ('before')")
    assert not ask(one, "start transaction with consistent snapshot").errno
    ask(other, "insert into notes (body) values ('after')")
    assert ask(one, "select body from plain.notes").rows == (("before",),)
    assert ask(one, "select * from main.users").refused
    assert ask(one, "select 1 + 1").rows == ((2,),)
    assert not ask(one, "select count(*) from information_schema.files").errno
    ask(one, "commit")
    assert ask(one, "select count(*) from plain.notes").rows == ((2,),)
    assert not ask(one, "select * from main.users").errno
    ask(one, "use main")
    assert ask(one, "start transaction with consistent snapshot").refused
    one.close()
    other.close()


def test_single_mode_refuses_a_second_shard(gate: Gate) -> None:
    client = connect_gate(gate)
    ask(client, "set transaction_mode = 'single'")
    ask(client, "begin")
    assert ask(client, "insert into orders values (1, 101, 1, 'x')").errno == 0
    refused = ask(client, "insert into orders values (2, 102, 1, 'x')")
    assert refused.errno == 1317
    assert "multi-db transaction attempted" in refused.message
    ask(client, "rollback")
    client.close()


def test_a_gateway_of_single_mode_stays_so_and_prepares_anywhere(
    servers: tuple[Server, ...], tmp_path: Path
) -> None:
    import mysql.connector

    settings = settings_for(address_of(33), tmp_path, transaction_mode="SINGLE")
    with running_gate(make_cluster(servers), settings) as single:
        client = mysql.connector.connect(
            host=single.address, user=USER, password=PASSWORD, database="main", use_pure=True,
            ssl_disabled=True, charset="utf8mb4", collation="utf8mb4_general_ci",
        )  # fmt: skip
        cursor = client.cursor(prepared=True)
        for user in (4, 1):  # of either shard: describing it must not bind the transaction
            cursor.execute("insert into orders values (?, ?, 1, 'x')", (user, user))
            client.commit()
        cursor.close()
        client.close()
        plain = connect_gate(single)
        ask(plain, "set transaction_mode = 'multi'")
        plain._execute_command(0x1F, b"")  # COM_RESET_CONNECTION
        plain._read_ok_packet()
        ask(plain, "begin")
        assert ask(plain, "select * from orders where user_id = 1").errno == 0
        refused = ask(plain, "select * from orders where user_id = 4")
        assert "multi-db transaction attempted" in refused.message
        plain.close()
