"""A statement that is killed inside a transaction: nobody gets its late answer."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.vtgate.clients import Answer, ask, connect_gate
from tests.integration.vtgate.gate import Gate

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
    assert told.errno == 2013
    assert "the connection of this transaction to main/-80 is lost" in told.message
    for _ in range(3):
        assert ask(one, "select 1, 'mine'").rows == ((1, "mine"),)
        assert ask(one, "select count(*) from orders").rows == ((0,),)


def test_a_commit_after_a_kill_says_that_nothing_was_committed(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into orders values (1, 1, 1, 'a'), (4, 4, 4, 'd')")
    ask_and_kill(one, other, "select sleep(2), note from orders where user_id = 1")
    assert ask(one, "commit").errno == 2013
    assert ask(one, "select count(*) from orders").rows == ((0,),)
