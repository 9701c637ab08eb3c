"""A statement that is killed inside a transaction: nobody gets its late answer."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from pymysql.constants import COMMAND

from armillary.wire.errnos import NET_READ_ERROR
from tests.integration.vtgate.clients import Answer, ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


@pytest.fixture
def pair(gate: Gate) -> Iterator[tuple[Any, Any]]:
    one, other = connect_gate(gate), connect_gate(gate)
    yield one, other
    one.close()
    other.close()


def ask_and_kill(one: Any, other: Any, sql: str) -> Answer:
    """Ask for what takes long, and kill it under way."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(ask(one, sql)))
    thread.start()
    time.sleep(0.5)  # noqa: TID251  the statement must be under way
    assert ask(other, f"kill query {one.thread_id()}").errno == 0
    thread.join(10)
    return answers[0]


def test_a_kill_inside_a_transaction_ends_it(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a')")
    killed = ask_and_kill(one, other, "select sleep(2), note from orders where user_id = 1")
    assert killed.errno == 1317
    told = ask(one, "select note from orders where user_id = 1")
    assert told.errno == NET_READ_ERROR
    assert "the connection of this transaction to main/-80 is lost" in told.message
    for _ in range(3):
        assert ask(one, "select 1, 'mine'").rows == ((1, "mine"),)
        assert ask(one, "select count(*) from orders").rows == ((0,),)


def test_so_does_one_at_a_savepoint(pair: tuple[Any, Any], servers: tuple[Server, ...]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a')")
    with servers[0].asleep():
        assert ask_and_kill(one, other, "savepoint one").errno == 1317
    told = ask(one, "savepoint two")
    assert told.errno == NET_READ_ERROR
    assert "the connection of this transaction to main/-80 is lost" in told.message
    assert ask(one, "select count(*) from orders").rows == ((0,),)


def test_a_commit_after_a_kill_says_that_nothing_was_committed(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a'), (4, 4, 4, 'd')")
    ask_and_kill(one, other, "select sleep(2), note from orders where user_id = 1")
    assert ask(one, "commit").errno == NET_READ_ERROR
    assert ask(one, "select count(*) from orders").rows == ((0,),)


def test_a_commit_that_has_begun_is_not_done_by_halves(
    pair: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a'), (4, 4, 4, 'd')")
    blocker = pymysql.connect(
        unix_socket=str(servers[1].socket), user="root", autocommit=True, ssl_disabled=True
    )
    assert ask(blocker, "flush tables with read lock").errno == 0
    release = threading.Timer(1.5, blocker.close)
    release.start()
    answer = ask_and_kill(one, other, "commit")
    release.join()
    assert answer.errno == 0
    assert ask(other, "select count(*) from orders").rows == ((2,),)


def test_a_rollback_whose_client_leaves_still_reaches_every_shard(
    gate: Gate, pair: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    one, other = connect_gate(gate), pair[0]
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a'), (4, 4, 4, 'd')")
    with servers[0].asleep():
        one._execute_command(COMMAND.COM_QUERY, "rollback")
        time.sleep(0.3)  # noqa: TID251  it must be under way
        one._force_close()
        time.sleep(0.3)  # noqa: TID251  the gateway sees that
    assert ask(other, "set innodb_lock_wait_timeout = 3").errno == 0
    assert ask(other, "insert into orders values (1, 1, 1, 'b'), (4, 4, 4, 'e')").affected == 2


@pytest.mark.parametrize("hint", ["", "/* by the long way; */ "])
def test_a_write_that_is_killed_alone_says_that_its_end_is_unknown(
    pair: tuple[Any, Any], hint: str
) -> None:
    one, other = pair
    ask(one, "insert into orders values (1, 1, 1, 'a')")
    write = f"{hint}update orders set note = sleep(1.5) where user_id = 1"
    killed = ask_and_kill(one, other, write)
    assert killed.errno == 1317
    assert "whether its write was done is unknown" in killed.message
    read = ask_and_kill(one, other, "select sleep(1.5) from orders where user_id = 1")
    assert read.errno == 1317
    assert "unknown" not in read.message


def test_warnings_of_a_failed_write_do_not_come_later(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    ask(one, "insert into orders values (4, 4, 4, 'd')")
    ask(one, "update orders set total = 1 where user_id = 4")
    ask(one, "set sql_mode = ''")
    failed = ask(one, f"insert into orders values (1, 1, 1, '{'x' * 50}'), (4, 4, 4, 'e')")
    assert failed.errno == 1062
    assert ask(one, "select note from orders where user_id = 4").rows == (("d",),)
    assert ask(one, "show warnings").rows == ()
