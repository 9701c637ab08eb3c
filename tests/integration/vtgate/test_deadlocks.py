"""A deadlock on one shard ends the transaction on all of them, as it does on one server."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import mysql.connector
import pytest

from tests.integration.vtgate.clients import Answer, ask, connect_gate
from tests.integration.vtgate.gate import PASSWORD, USER, Gate
from tests.integration.vtgate.servers import Server
from tests.integration.vtgate.test_workers import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

ON_FIRST, LIGHT, HEAVY = 1, 7, 6  # users; the last two share the second shard


class Light:
    """The client that a deadlock hits: it has changed less. Each way of asking is one of its."""

    def __init__(self, gate: Gate) -> None:
        self._connection: Any = mysql.connector.connect(
            host=gate.address, user=USER, password=PASSWORD, database="main", use_pure=True,
            ssl_disabled=True, charset="utf8mb4", collation="utf8mb4_general_ci", autocommit=True,
        )  # fmt: skip

    def text(self, sql: str) -> list[tuple[object, ...]]:
        cursor = self._connection.cursor()
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.with_rows else []

    def prepared(self, sql: str) -> None:
        cursor = self._connection.cursor(prepared=True)
        cursor.execute(sql)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def light(gate: Gate) -> Iterator[Light]:
    client = Light(gate)
    yield client
    client.close()


def heavy_client(gate: Gate) -> Any:
    client = connect_gate(gate)
    rows = ", ".join(f"({number}, {HEAVY}, 1, 'y')" for number in range(200, 260))
    own = f"update orders set note = 'h' where id = 3 and user_id = {HEAVY}"
    for sql in ("begin", f"insert into orders values {rows}", own):
        assert not ask(client, sql).errno
    return client


def run_into(server: Server, light: Callable[[str], object], sql: str, heavy: Any) -> None:
    """Let the heavy client wait for the light one, and then the other way round."""
    answers: list[Answer] = []
    wanted = f"update orders set note = 'h' where id = 2 and user_id = {LIGHT}"
    waiting = threading.Thread(target=lambda: answers.append(ask(heavy, wanted)))
    waiting.start()
    wait_for(lambda: server.row_waits() == 1)
    with pytest.raises(mysql.connector.Error) as failed:
        light(sql)
    waiting.join()
    assert failed.value.errno == 1213, failed.value
    assert not answers[0].errno


STATEMENTS = {
    "text": f"update orders set note = 'z' where id = 3 and user_id = {HEAVY}",
    "prepared": f"update orders set note = 'z' where id = 3 and user_id = {HEAVY}",
    "rows": "select id, repeat('x', 100000) from orders force index (primary) "
    f"where user_id in ({LIGHT}, {HEAVY}) order by id for update",
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_nothing_of_a_transaction_that_a_deadlock_hit_is_kept(
    kind: str, gate: Gate, servers: tuple[Server, ...], light: Light
) -> None:
    light.text(f"insert into orders values (2, {LIGHT}, 1, 'x'), (3, {HEAVY}, 1, 'x')")
    heavy = heavy_client(gate)
    light.text("begin")
    light.text(f"insert into orders values (100, {ON_FIRST}, 1, 'x')")
    light.text(f"update orders set note = 'l' where id = 2 and user_id = {LIGHT}")
    way = light.prepared if kind == "prepared" else light.text
    run_into(servers[1], way, STATEMENTS[kind], heavy)
    light.text("begin")  # as a client does that tries again; it commits what is still open
    light.text("commit")
    assert light.text("select id from orders where id = 100") == []
    heavy.close()
