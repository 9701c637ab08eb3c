"""Procedures, triggers and the like of an unsharded keyspace: made, called, and what they leave."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

_MADE = (
    "create procedure vt_pair(in a int, out b int, inout c int) "
    "begin if a > 1 then set b = a + 1; end if; set c = c * 2; select a; select b, c; "
    "insert into notes (body) values ('by vt_pair'); end",
    "create definer = current_user procedure vt_own() "
    "begin set @statement = 'select 5'; prepare s from @statement; execute s; "
    "insert into notes (body) values (last_insert_id()), (database()); end",
    "create trigger vt_mark before insert on notes for each row "
    "if new.body is null then set new.body = 'nothing'; end if",
)


@pytest.fixture
def client(gate: Gate, servers: tuple[Server, ...]) -> Iterator[Any]:
    connection = connect_gate(gate, "plain")
    for sql in _MADE:
        answer = ask(connection, sql)
        assert not answer.errno, (sql, answer)
    yield connection
    connection.close()
    for sql in ("drop trigger vt_mark", "drop procedure vt_pair", "drop procedure vt_own"):
        servers[2].query(sql, "vt_plain")


def results(client: Any, sql: str) -> list[tuple[Any, ...]]:
    with client.cursor() as cursor:
        cursor.execute(sql)
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found


def last_insert_id(client: Any) -> int:
    with client.cursor() as cursor:
        cursor.execute("select last_insert_id()")
        return int(cursor.fetchone()[0])


def test_a_procedure_answers_and_sets_the_variables_that_it_is_given(client: Any) -> None:
    ask(client, "set @c = 5")
    assert results(client, "call vt_pair(3, @b, @c)")[:2] == [((3,),), ((4, 10),)]
    assert ask(client, "select @b, @c").rows == ((4, 10),)
    several = results(client, "call vt_pair(@b, @b, @c); select @b, @c")
    assert several[0] == ((4,),)
    assert several[-1] == ((5, 20),)


def test_rows_that_a_procedure_inserts_are_counted_for_its_session(client: Any) -> None:
    ask(client, "insert into notes (body) values ('mine')")
    first = last_insert_id(client)
    ask(client, "set @c = 1")
    results(client, "call vt_pair(1, @b, @c)")
    assert last_insert_id(client) == first + 1
    results(client, "call vt_own()")
    bodies = ask(client, "select body from notes order by id").rows
    assert bodies[-2:] == ((str(first + 1),), ("vt_plain",))


@pytest.mark.mariadb_only("INSERT ... RETURNING")
def test_ids_of_rows_that_are_returned_are_the_session_s(client: Any) -> None:
    other = ask(client, "insert into notes (body) values (NULL) returning id, body").rows
    assert other[0][1] == "nothing"
    assert last_insert_id(client) == other[0][0]
    ask(client, "insert into notes values (5000, 'given') returning id")
    assert last_insert_id(client) == other[0][0]


@pytest.mark.parametrize(
    "sql",
    [
        "create trigger vt_who before update on notes for each row set new.body = user()",
        "create view vt_mine as select * from notes where body = session_user()",
        "create table vt_log (id int, session int default (connection_id()))",
        "create function vt_f() returns int return @a",
        "create procedure vt_p() select @a",
        "create trigger vt_a before insert on notes for each row set new.body = @actor",
        "create procedure vt_l() begin select get_lock('a', 1); end",
    ],
)
def test_what_a_server_would_tell_of_the_gateway_is_not_kept(sql: str, gate: Gate) -> None:
    connection = connect_gate(gate, "plain")
    assert ask(connection, sql).refused
    connection.close()
