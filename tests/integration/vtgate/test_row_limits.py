"""The most rows of an answer, and other settings of one statement: as drivers ask for them."""

from typing import Any

import pytest

from tests.integration.vtgate.clients import REFUSED, ask, connect_connector, connect_gate
from tests.integration.vtgate.gate import Gate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


@pytest.fixture(params=["plain", "main"])
def filled(request: pytest.FixtureRequest, gate: Gate) -> Any:
    keyspace = request.param
    client = connect_gate(gate, keyspace)
    columns = "user_id bigint primary key, name varchar(20)"
    if keyspace == "plain":
        assert ask(client, f"create table users ({columns})").errno == 0
    for number in range(1, 9):
        ask(client, f"insert into users (user_id, name) values ({number}, 'n{number % 2}')")
    yield client
    ask(client, "rollback")
    if keyspace == "plain":
        ask(client, "drop table users")
    client.close()


@pytest.mark.on_mysql_too
def test_a_session_may_limit_its_answers(filled: Any) -> None:
    """Connector/J sets it for setMaxRows(), and to describe a statement."""
    ids = "select user_id from users order by user_id"
    assert ask(filled, "set sql_select_limit = 2").errno == 0
    for _ in range(2):  # nor may the short way forget it
        assert ask(filled, ids).rows == ((1,), (2,))
        assert len(ask(filled, "select * from users").rows) == 2
        assert len(ask(filled, "select * from users where user_id = 3").rows) == 1
    assert ask(filled, "select @@sql_select_limit").rows == ((2,),)
    assert ask(filled, f"{ids} limit 3").rows == ((1,), (2,), (3,))
    assert ask(filled, "select count(*) from users").rows == ((8,),)
    assert ask(filled, f"({ids})").errno == REFUSED
    # What the gateway itself reads to carry out a change knows no limit.
    assert ask(filled, "update users set name = 'all'").affected == 8
    assert ask(filled, "set sql_select_limit = 'x'").errno == 1232
    assert ask(filled, "set sql_select_limit = default").errno == 0
    assert len(ask(filled, ids).rows) == 8
    assert ask(filled, "select @@sql_select_limit").rows == ((18446744073709551615,),)


def test_prepared_statements_keep_the_limit(gate: Gate, filled: Any) -> None:
    keyspace = ask(filled, "select database()").rows[0][0]
    client = connect_connector(gate, str(keyspace))
    cursor = client.cursor(prepared=True)
    question = "select user_id from users where user_id > ? order by user_id"
    for limit, wanted in (("default", 7), ("3", 3), ("default", 7)):
        client.cmd_query(f"set sql_select_limit = {limit}")
        cursor.execute(question, (1,))
        assert len(cursor.fetchall()) == wanted
    client.cmd_query("set sql_select_limit = 1")
    client.cmd_reset_connection()
    plain = client.cursor()
    plain.execute(question.replace("?", "1"))
    assert len(plain.fetchall()) == 7
    client.close()


@pytest.mark.mariadb_only
def test_settings_of_one_statement_end_with_it(filled: Any) -> None:
    """MariaDB's drivers give timeouts this way, in transactions or not."""
    ids = "select user_id from users order by user_id"
    timeouts = "select @@max_statement_time, @@lock_wait_timeout"
    before = ask(filled, timeouts).rows
    for sql in ("commit", "begin", "select * from users where user_id = 1 for update"):
        assert ask(filled, sql).errno == 0
        limited = f"set statement sql_select_limit=2, max_statement_time=5 for {ids}"
        assert ask(filled, limited).rows == ((1,), (2,))
        both = f"SET STATEMENT max_statement_time=5, lock_wait_timeout = 7 FOR {timeouts}"
        assert [float(str(cell)) for cell in ask(filled, both).rows[0]] == [5.0, 7.0]
        assert ask(filled, timeouts).rows == before
        assert len(ask(filled, ids).rows) == 8
    changed = "set statement max_statement_time=5 for update users set name = 'u'"
    assert ask(filled, changed).affected == 8
    assert ask(filled, "set statement max_statement_time=0.1 for select sleep(5)").errno == 1969
    assert ask(filled, timeouts).rows == before
    assert ask(filled, "set statement nope = 1 for select 1").errno == 1193
    assert ask(filled, "set statement autocommit = 0 for select 1").errno == REFUSED
    assert ask(filled, "set statement max_statement_time=5 for set @a = 1").errno == REFUSED
    assert ask(filled, "set statement max_statement_time=5").errno == 1064


@pytest.mark.mariadb_only
def test_a_connection_that_the_session_keeps_gets_its_value_back(filled: Any) -> None:
    if ask(filled, "select database()").rows == (("main",),):
        return  # LOCK TABLES is of one server
    ask(filled, "set max_statement_time = 20")
    assert ask(filled, "lock tables users write").errno == 0
    for _ in range(2):
        five = "set statement max_statement_time=5 for select @@max_statement_time"
        assert float(str(ask(filled, five).rows[0][0])) == 5
        assert ask(filled, "select @@max_statement_time > 19").rows == ((1,),)
    ask(filled, "unlock tables")
