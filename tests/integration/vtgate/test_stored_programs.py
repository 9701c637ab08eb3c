"""Procedures, functions and triggers of an unsharded keyspace, made and used as clients do."""

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from tests.integration.vtgate.clients import REFUSED, ask, connect_gate
from tests.integration.vtgate.gate import PASSWORD, USER, Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

MADE = (
    """CREATE PROCEDURE plain.add_notes(IN n INT)
       BEGIN
         DECLARE i INT DEFAULT 0;
         WHILE i < n DO
           INSERT INTO plain.notes (body) VALUES (CONCAT('p', i)); SET i = i + 1;
         END WHILE;
         SELECT LAST_INSERT_ID() > 0 AS counted, COUNT(*) AS n FROM notes;
       END""",
    """/*!50003 CREATE*/ /*!50003 TRIGGER loud BEFORE INSERT ON plain.notes FOR EACH ROW BEGIN
         SET NEW.body = UPPER(NEW.body); SET @seen = 1; END */""",
    "CREATE FUNCTION half(n INT) RETURNS INT DETERMINISTIC IF n < 2 THEN RETURN 0; "
    "ELSE RETURN n DIV 2; END IF",
    "CREATE VIEW plain.asked_by AS SELECT id, DATABASE() AS d, ROW_COUNT() AS r FROM notes",
)
FOUND = "select 1 from information_schema.routines where routine_name = 'of_a_shard'"
DROPPED = (
    "drop procedure if exists add_notes",
    "drop trigger if exists loud",
    "drop function if exists half",
    "drop view if exists asked_by",
)


@pytest.fixture(params=["several", "one"])
def client(gate: Gate, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client that may send several statements at once, and one that may not."""
    if request.param == "several":
        connection: Any = connect_gate(gate, "plain")
    else:
        connection = pymysql.connect(
            host=gate.address, port=gate.port, user=USER, password=PASSWORD, database="plain",
            autocommit=True, ssl_disabled=True,
        )  # fmt: skip
    yield connection
    for sql in DROPPED:
        assert ask(connection, sql).errno == 0
    connection.close()


def test_programs_are_made_whole_and_run(client: Any) -> None:
    for sql in MADE:
        answer = ask(client, sql)
        assert answer.errno == 0, answer
    assert ask(client, "call plain.add_notes(2)").rows == ((1, 2),)
    assert ask(client, "select body from notes order by id").rows == (("P0",), ("P1",))
    assert ask(client, "select half(9), half(1)").rows == ((4, 0),)
    assert ask(client, "select @seen").rows == ((None,),)
    created = str(ask(client, "show create view asked_by").rows)
    assert "database()" in created
    assert "row_count()" in created
    assert ask(client, "create index by_body on plain.notes (body)").errno == 0
    assert ask(client, "drop index by_body on plain.notes").errno == 0


def test_several_statements_with_a_body_between_them(gate: Gate) -> None:
    client = connect_gate(gate, "plain")
    with client.cursor() as cursor:
        cursor.execute(f"insert into notes (body) values ('x'); {MADE[0]}; call add_notes(1)")
        assert cursor.rowcount == 1
        results = []
        while cursor.nextset():
            results += [row for row in cursor.fetchall() if cursor.description]
    assert results == [(1, 2)]
    for sql in DROPPED:
        ask(client, sql)
    client.close()


def test_an_executable_comment_between_semicolons_is_run(gate: Gate) -> None:
    client = connect_gate(gate, "plain")
    with client.cursor() as cursor:
        cursor.execute("select 1; /*!40101 set @a = 5 */; select @a")
        assert cursor.nextset()
        assert cursor.nextset()
        assert cursor.fetchall() == ((5,),)
    client.close()


def test_rows_that_a_trigger_would_send_elsewhere_are_refused(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    trigger = "create trigger moved before insert on kinds for each row set new.id = new.id + 1"
    for server in servers[:2]:
        server.query(trigger, "vt_main")
    gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    client = connect_gate(gate, "main")
    refused = ask(client, "insert into kinds (id) values (1)")
    assert "whose vindex column id a trigger sets" in refused.message
    assert ask(client, "select count(*) from kinds").rows == ((0,),)
    for server in servers[:2]:
        server.query("drop trigger moved", "vt_main")
    gate.call(gate.cluster.tables_changed)  # type: ignore[operator]
    assert ask(client, "insert into kinds (id) values (1)").errno == 0
    client.close()


def test_a_shard_that_is_named_takes_programs_of_its_own(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """It takes what its server takes; the keyspace as a whole does not."""
    client = connect_gate(gate)
    made = "create procedure of_a_shard() select 'here'"
    assert ask(client, made).errno == REFUSED
    assert ask(client, "use `main:-80`").errno == 0
    assert ask(client, made).errno == 0
    assert ask(client, "call of_a_shard()").rows == (("here",),)
    assert [len(server.query(FOUND)) for server in servers[:2]] == [1, 0]
    assert ask(client, "drop procedure of_a_shard").errno == 0
    client.close()
