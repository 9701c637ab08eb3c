"""PREPARE, EXECUTE and DEALLOCATE PREPARE as text answer as one server does."""

import re
from typing import Any

import pytest

from tests.integration.vtgate.clients import ask, connect_gate, connect_whole, sortable
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

# What MariaDB alone takes: values after USING, EXECUTE IMMEDIATE.
_MARIADB_S = re.compile(r"execute immediate|.* using (?!@)")
STORY = (
    "prepare p from 'insert into users values (?, ?)'",
    "set @id = 1, @name = 'one', @more = concat('select * from users ', 'where user_id < ?')",
    "execute p using @id, @name",
    "execute p using 2, 'two'",
    "execute p using @id, @name",
    "execute p using 3, concat('th', 'ree')",
    "prepare p from @more",
    "set @id = 3",
    "execute P using @id",
    "execute p using 'x'",
    "execute p using @never_set",
    "execute p",
    "execute p using 1, 2",
    "prepare `odd name` from 'select count(*), max(user_id) from users'",
    "execute `odd name`",
    "prepare l from 'select user_id from users order by user_id limit ?'",
    "set @two = 2",
    "execute l using @two",
    "prepare broken from 'selekt 1'",
    "execute broken",
    "prepare p from 'select no_such_column from users'",
    "execute p",
    "prepare two from 'select 1; select 2'",
    "prepare nothing from null",
    "prepare inner_one from 'prepare x from \\'select 1\\''",
    "execute immediate 'select name from users where user_id = ?' using 2",
    "execute immediate concat('select ', 1)",
    "deallocate prepare l",
    "execute l using @two",
    "drop prepare `odd name`",
    "drop prepare `odd name`",
    "prepare t from 'update users set name = ? where user_id = 1'",
    "execute t using 'uno'",
    "select * from users order by user_id",
    "prepare",
    "prepare p",
    "execute",
    "deallocate p",
)


@pytest.mark.parametrize("database", ["main", "plain"])
def test_named_statements_answer_as_on_one_server(
    gate: Gate, servers: tuple[Server, ...], database: str
) -> None:
    ours = connect_gate(gate, database)
    theirs = connect_whole(servers[2], "whole" if database == "main" else "vt_plain")
    different = []
    for sql in STORY:
        if servers[0].is_mysql and _MARIADB_S.match(sql):
            continue
        text = sql if database == "main" else on_notes(sql)
        found, wanted = ask(ours, text), ask(theirs, text)
        same = (found.errno, found.columns) == (wanted.errno, wanted.columns)
        if not same or sorted(map(sortable, found.rows)) != sorted(map(sortable, wanted.rows)):
            different.append((text, found, wanted))
        if database == "plain" and text.startswith(("execute p", "execute t")):
            assert ask(ours, "select count(*) from notes").errno == 0
    for client in (ours, theirs):
        client.close()
    assert different == [], "\n".join(map(str, different))


def on_notes(sql: str) -> str:
    """As the same statement about a table of the unsharded keyspace, which both then share."""
    text = sql.replace("users", "notes").replace("user_id", "id").replace("name = ", "body = ")
    text = text.replace("select name", "select body")
    return text.replace("insert into", "replace into").replace("update notes", "update notes")


def test_named_statements_are_a_session_s_own_and_end_with_it(gate: Gate) -> None:
    one, other = connect_gate(gate), connect_gate(gate)
    ask(one, "prepare p from 'select 1'")
    assert ask(other, "execute p").errno == 1243
    one.ping()
    assert ask(one, "execute p").rows == ((1,),)
    for client in (one, other):
        client.close()


def test_a_named_statement_follows_the_session_s_target(gate: Gate) -> None:
    client: Any = connect_gate(gate)
    ask(client, "insert into users values (101, 'Jacques'), (102, 'Jacques')")
    ask(client, "prepare p from 'select user_id from users where user_id > ?'")
    assert len(ask(client, "execute p using 1").rows) == 2
    ask(client, "use main:-80")
    assert ask(client, "execute p using 1").rows == ((102,),)
    ask(client, "begin")
    assert ask(client, "execute p using 101").rows == ((102,),)
    ask(client, "rollback")
    client.close()
