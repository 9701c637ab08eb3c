"""A keyspace is a database to its clients, whatever its servers call the one that they have."""

import datetime
from typing import Any

import pytest

from tests.integration.vtgate.clients import REFUSED, ask, connect_connector, connect_gate
from tests.integration.vtgate.gate import Gate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

SCHEMA_QUERIES = (
    "select table_schema from information_schema.tables where table_name = 'notes'",
    "select table_schema as table_cat from information_schema.columns "
    "where table_schema = database() and table_name = 'notes' limit 1",
    "select schema_name from information_schema.schemata where schema_name = 'plain'",
    "select schema_name from information_schema.schemata where schema_name like 'plain%' "
    "order by schema_name = 'plain' desc limit 1",
    "select t.table_schema from information_schema.tables t join information_schema.columns c "
    "using (table_schema, table_name) where t.table_schema = 'plain' limit 1",
    "select max(concat(table_schema, '')) as `database` from information_schema.tables "
    "where table_schema = 'plain'",
)


@pytest.mark.on_mysql_too
@pytest.mark.parametrize("keyspace", ["plain", "main"])
def test_system_tables_tell_the_keyspace(gate: Gate, keyspace: str) -> None:
    """Tools look for their tables under the name that they connect with."""
    client = connect_gate(gate, keyspace)
    table = "notes" if keyspace == "plain" else "orders"
    for sql in SCHEMA_QUERIES:
        text = sql.replace("notes", table).replace("plain", keyspace)
        assert set(ask(client, text).rows) == {(keyspace,)}, text
    client.close()


def test_prepared_questions_about_tables_are_answered_alike(gate: Gate) -> None:
    client = connect_connector(gate, "plain")
    cursor = client.cursor(prepared=True)
    question = (
        "select table_schema, create_time > '2020-01-01', create_time, table_rows is null "
        "from information_schema.tables where table_schema = ? and table_name = ?"
    )
    cursor.execute(question, ("plain", "notes"))
    ((schema, is_new, made_at, unknown),) = cursor.fetchall()
    assert (schema, is_new, unknown) == ("plain", 1, 0)
    assert isinstance(made_at, datetime.datetime)
    client.close()


def test_stored_programs_are_found_by_their_keyspace(gate: Gate) -> None:
    """So `mysqldump --routines` asks for them, and leaves out what it does not find."""
    client = connect_gate(gate, "plain")
    ask(client, "drop procedure if exists of_plain")
    assert ask(client, "create procedure of_plain() select 1").errno == 0
    for sql in (
        "show procedure status where Db = 'plain'",
        "show procedure status where `Db`='plain' and Name = 'of_plain'",
        "show procedure status like 'of_plain'",
    ):
        assert [row[:2] for row in ask(client, sql).rows] == [("plain", "of_plain")], sql
    assert ask(client, "show function status where Db = 'plain'").rows == ()
    assert ask(client, "drop procedure of_plain").errno == 0
    client.close()


@pytest.mark.on_mysql_too
def test_a_keyspace_is_a_database_that_exists(gate: Gate) -> None:
    """Dumps of databases begin with CREATE DATABASE IF NOT EXISTS, and so do drivers if asked."""
    client = connect_gate(gate, None)
    told: Any = ask(client, "show create database if not exists `plain`").rows[0]
    assert told[0] == "plain"
    assert told[1].startswith("CREATE DATABASE") and "`plain`" in told[1]
    assert "DEFAULT CHARACTER SET" in told[1]
    for sql in ("create database if not exists `plain`", "CREATE SCHEMA IF NOT EXISTS plain;"):
        assert ask(client, sql).errno == 0
        note = ("Note", 1007, "Can't create database 'plain'; database exists")
        assert ask(client, "show warnings").rows == (note,)
    assert ask(client, "create database plain").errno == 1007
    for sql in ("create database x", "create database if not exists x", "drop database plain"):
        assert ask(client, sql).errno == REFUSED
    client.close()
