"""GET_LOCK and its like: sessions of any keyspace meet, and who loses a lock is told."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from armillary.wire.errnos import NET_READ_ERROR
from tests.integration.vtgate.clients import REFUSED, Answer, ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

_RESET_CONNECTION = 0x1F


@pytest.fixture
def pair(gate: Gate) -> Iterator[tuple[Any, Any]]:
    one, other = connect_gate(gate, "main"), connect_gate(gate, "plain")
    yield one, other
    for client in (one, other):
        if client.open:
            client.close()


def test_a_lock_holds_sessions_of_all_keyspaces_apart(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "select get_lock('x', 10) as got").columns == ("got",)
    assert ask(one, "select get_lock('x', 10)").rows == ((1,),), "one may have it several times"
    assert ask(other, "select get_lock('x', 0) from dual").rows == ((0,),)
    assert ask(other, "select is_free_lock('x'), is_free_lock('y')").rows == ((0, 1),)
    assert ask(other, "select release_lock('x')").rows == ((0,),), "it is another's"
    assert ask(one, "do release_lock('x')").errno == 0
    assert ask(other, "select get_lock('x', 0)").rows == ((0,),), "it was taken twice"
    assert ask(one, "select release_all_locks()").rows == ((1,),)
    assert ask(other, "select get_lock('x', 0)").rows == ((1,),)


def test_a_lock_is_beside_transactions(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into users values (1, 'a'), (2, 'b'), (3, 'c')")
    assert ask(one, "select get_lock(%s, %s)", ("x", 1.5)).rows == ((1,),)
    ask(one, "rollback")
    assert ask(one, "select count(*) from users").rows == ((0,),)
    assert ask(other, "select get_lock('x', 0)").rows == ((0,),)


@pytest.mark.parametrize("how", ["close", "reset", "kill"])
def test_a_lock_ends_with_its_session(gate: Gate, pair: tuple[Any, Any], how: str) -> None:
    one, other = pair
    ask(one, "select get_lock('x', 0)")
    if how == "close":
        one.close()
    elif how == "reset":
        one._execute_command(_RESET_CONNECTION, b"")
        one._read_ok_packet()
        assert ask(one, "select 1").rows == ((1,),)
    else:
        ask(other, f"kill {one.thread_id()}")
    assert ask(other, "select get_lock('x', 10)").rows == ((1,),)


def test_who_has_lost_a_lock_is_told_before_anything_else_is_done(
    pair: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    one, _ = pair
    ask(one, "begin")
    ask(one, "insert into users values (1, 'a')")
    ask(one, "select get_lock('x', 0)")
    held = "select id from information_schema.processlist where user = 'vt_app'"
    for (thread_id,) in servers[0].query(held):
        servers[0].query(f"kill {thread_id}")
    told = ask(one, "insert into users values (4, 'd')")
    assert told.errno == NET_READ_ERROR
    assert "this session's named locks on main/-80 are gone" in told.message
    assert ask(one, "commit").errno == 0
    assert ask(one, "select count(*) from users").rows == ((0,),), "all of it was rolled back"
    assert ask(one, "select get_lock('x', 0)").rows == ((1,),)


@pytest.mark.parametrize(
    "sql",
    [
        "select get_lock('y', 0), exp(1000)",
        "select exp(1000 + rand()), release_all_locks()",
        "select if(0, release_all_locks(), 1)",
        "select release_all_locks() limit 0",
    ],
)
def test_a_lock_that_a_statement_did_not_come_to_give_back_is_still_held(
    pair: tuple[Any, Any], sql: str
) -> None:
    one, other = pair
    assert ask(one, "select get_lock('x', 0)").rows == ((1,),)
    ask(one, sql)
    assert ask(other, "select get_lock('x', 0)").rows == ((0,),)
    assert ask(one, "select release_lock('x')").rows == ((1,),)
    one.close()
    assert ask(other, "select get_lock('x', 10), get_lock('y', 10)").rows == ((1, 1),)


def test_a_wait_for_a_lock_can_be_interrupted(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "select get_lock('x', 0)")
    answers: list[Answer] = []
    waiting = Thread(target=lambda: answers.append(ask(other, "select get_lock('x', 60)")))
    waiting.start()
    while waiting.is_alive():
        ask(one, f"kill query {other.thread_id()}")
        waiting.join(0.1)
    assert answers[0].errno == 1317
    assert ask(other, "select 1").rows == ((1,),)
    assert ask(other, "select get_lock('y', 0)").rows == ((1,),)


def test_a_lock_is_not_taken_where_variables_are_assigned(pair: tuple[Any, Any]) -> None:
    _, other = pair
    for sql in (
        "select get_lock('x', 0) into @got",
        "select @got := get_lock('x', 0)",
        "insert into notes (body) select @got := get_lock('x', 0)",
    ):
        answer = ask(other, sql)
        assert answer.errno == REFUSED, sql
        assert "GET_LOCK() assigned to a variable" in answer.message
    assert ask(other, "select @got := last_insert_id(5)").errno == REFUSED
    assert ask(other, "select @got").rows == ((None,),)


def test_what_is_asked_beside_a_lock_is_refused(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    for sql in (
        "select get_lock('x', 0), user_id from users",
        "select get_lock('x', 0) union select 2",
        "select * from users where get_lock(name, 0)",
        "insert into users values (get_lock('x', 0), 'a')",
        "update users set name = get_lock('x', 0) where user_id = 1",
        "set @a = get_lock('x', 0)",
        "select @a := get_lock('x', 0)",
        "select is_used_lock('x')",
        "select get_lock(our_own('x'), 0)",
    ):
        answer = ask(one, sql)
        assert answer.errno == REFUSED, sql
        told = ("LOCK()", "our_own()")
        assert any(what in answer.message for what in told), answer
    assert ask(one, "select is_free_lock('x')").rows == ((1,),)
