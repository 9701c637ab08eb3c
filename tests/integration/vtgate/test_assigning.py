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
    "select @\u00e9t\u00e9 := 5",
    "set @\u00e9t\u00e9 = @\u00e9t\u00e9 + 1",
    "select @\u00e9t\u00e9, @\u00e9t\u00e9 := @\u00e9t\u00e9 * 2",
    "set @row = 0",
    "insert into notes (id, body) select 100 + (@row := @row + 1) % 2, 'x' from notes",
    "select @row",
    "select @day := cast('2024-02-29' as date), @at := cast('10:11:12.5' as time(1))",
    "select concat(@day, 'x'), @day + interval 1 day, addtime(@at, '1')",
    "select @bits := b'101', @big := 18446744073709551615, @low := -9223372036854775808",
    "select hex(@bits), @bits + 0, @big - 1, @low + 1, @neg := -1.50",
    "select 1 - @neg, @neg * 2, @tiny := 1e-300, @tiny * 10, @empty := '', length(@empty)",
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


@pytest.mark.parametrize(
    "settings",
    [
        "set names latin1",
        "set names cp1251",
        "set names binary",
        "set character_set_results = null",  # as Java's driver does
        "set character_set_results = latin1",
        "set character_set_connection = latin1",
        "set collation_connection = utf8mb4_bin",
    ],
)
def test_text_is_kept_whatever_it_is_written_and_read_in(
    gate: Gate, servers: tuple[Server, ...], settings: str
) -> None:
    answers = []
    for client in (connect_gate(gate, "plain"), connect_whole(servers[2], "vt_plain")):
        ask(client, "delete from notes")
        ask(client, "insert into notes (id, body) values (1, '\u00e4\u20ac'), (2, 'A')")
        ask(client, settings)
        ask(client, "select body, convert(body using latin1), 'x' from notes where id = 1 into "
            "@own, @other, @plain")  # fmt: skip
        ask(client, "select length(@again := concat(@own, @plain)), length(@other := @other)")
        hexes = "select " + ", ".join(f"hex(@{n})" for n in ("own", "other", "plain", "again"))
        collations = ask(client, "select collation(@own), collation(@plain), @plain = 'X'")
        answers.append((ask(client, hexes).rows, collations.rows))
        client.close()
    assert answers[0] == answers[1]


def test_what_was_assigned_is_met_by_no_other_session(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    servers[2].query("create trigger told before insert on notes for each row "
                     "set new.body = concat(new.body, ifnull(@who, ''))", "vt_plain")  # fmt: skip
    try:
        one, other = connect_gate(gate, "plain"), connect_gate(gate, "plain")
        assert ask(one, "select @who := 'one'").rows == (("one",),)
        assert ask(one, "select @who := 'two', exp(1000)").errno == 1690
        for _ in range(3):
            ask(other, "insert into notes (body) values ('x')")
        assert set(ask(other, "select body from notes").rows) == {("x",)}
        for client in (one, other):
            client.close()
    finally:
        servers[2].query("drop trigger told", "vt_plain")


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
