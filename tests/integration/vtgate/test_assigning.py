"""Statements that assign user variables, where one server runs them: as on that server."""

import pytest

from tests.integration.vtgate.clients import REFUSED, ask, connect_gate, connect_whole
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

STORY = (
    "select @i := 0",
    "select (@i := @i + 1) as rank, body from notes order by id",
    "select @i, @i + 1, @i / 2, @never",
    "select id, body from notes order by id limit 1 into @id, @Body",
    "select @body, length(@body), @body = 'A', @body = 'a', collation(@body)",
    "select @b := cast('x' as binary), @d := 1.50, @f := 1e0, @n := null",
    "select @u := cast(7 as unsigned)",
    "select @b = 'X', @d, @f, @n, @u - 8",
    "select @b, @d + 1, @f + 1, @n is null",
    "select @l := convert('\u00e4' using latin1), @c := 'x' collate utf8mb4_bin",
    "select @l = '\u00c4', @c = 'X', @l, @c, hex(@l)",
    "set @j = 0",
    "update notes set body = concat(body, @j := @j + 1) order by id",
    "select body, @j from notes order by id",
    "insert into notes (body) select concat('n', @j := @j + 1) from notes",
    "select count(*), @j from notes",
    "select @x := no_such_column from notes",
    "select @x",
    "select @`odd name` := 'it''s', @'o' := '\\\\'",
    "select @`odd name`, @o",
    "set @k = @i + 1",
    "select @k := @k * 2, @k",
)


def test_variables_are_assigned_as_on_one_server(gate: Gate, servers: tuple[Server, ...]) -> None:
    ours, theirs = connect_gate(gate, "plain"), connect_whole(servers[2], "vt_plain")
    different = []
    for client in (ours, theirs):
        ask(client, "delete from notes")
        ask(client, "insert into notes (id, body) values (1, 'a'), (2, 'b'), (3, 'c')")
        story = [ask(client, sql) for sql in STORY]
        if client is ours:
            found = story
    for sql, mine, other in zip(STORY, found, story, strict=True):
        if (mine.errno, mine.rows, mine.affected) != (other.errno, other.rows, other.affected):
            different.append((sql, mine, other))
    for client in (ours, theirs):
        client.close()
    assert different == [], "\n".join(map(str, different))


def test_variables_are_assigned_within_a_transaction_and_by_parameters(gate: Gate) -> None:
    one, other = connect_gate(gate, "plain"), connect_gate(gate, "plain")
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('x')")
    assert ask(one, "select count(*) into @n from notes where body = %s", ("x",)).errno == 0
    assert ask(one, "select @n").rows == ((1,),)
    ask(one, "rollback")
    assert ask(one, "select @n").rows == ((1,),), "variables are not rolled back"
    assert ask(other, "select @n").rows == ((None,),)
    for client in (one, other):
        client.close()


def test_several_shards_assign_nothing(gate: Gate) -> None:
    client = connect_gate(gate, "main")
    ask(client, "insert into users values (101, 'Jacques'), (102, 'Jacques')")
    for sql in ("select @a := user_id from users", "update users set name = (@a := 'x')"):
        answer = ask(client, sql)
        assert answer.errno == REFUSED, answer
    assert ask(client, "select @a").rows == ((None,),)
    ask(client, "use main:-80")
    assert ask(client, "select @a := user_id from users").rows == ((102,),)
    ask(client, "use main")
    assert ask(client, "select @a").rows == ((102,),)
    client.close()
