"""Lookup rows follow the rows that own them; consistent lookups also through failures."""

from typing import Any

import pytest

from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def lookup_rows(servers: tuple[Server, ...], table: str) -> set[Any]:
    return {
        row for server in servers[:2] for row in server.query(f"select * from {table}", "vt_main")
    }


def fill(client: Any) -> None:
    sql = "insert into members values (1, 'a@x', 'one'), (2, 'b@x', 'two'), (3, 'c@x', 'two')"
    assert ask(client, sql).errno == 0


def test_members_are_found_by_every_vindex(gate: Gate, servers: tuple[Server, ...]) -> None:
    client = connect_gate(gate)
    fill(client)
    assert ask(client, "select id from members where email = 'b@x'").rows == ((2,),)
    assert ask(client, "select id from members where email = 'B@X'").rows == ((2,),)
    found = ask(client, "select id from members where code = 'two' order by id").rows
    assert found == ((2,), (3,))
    assert len(lookup_rows(servers, "members_email_idx")) == 3
    assert len(lookup_rows(servers, "members_code_idx")) == 3
    client.close()


def test_a_unique_lookup_refuses_a_second_owner(gate: Gate, servers: tuple[Server, ...]) -> None:
    client = connect_gate(gate)
    fill(client)
    for user_id in (4, 5, 6, 7):
        answer = ask(client, f"insert into members values ({user_id}, 'a@x', 'z{user_id}')")
        assert answer.errno == 1062
    assert ask(client, "select count(*) from members").rows == ((3,),)
    assert len(lookup_rows(servers, "members_code_idx")) == 3
    client.close()


@pytest.mark.on_mysql_too
def test_equal_values_that_lie_on_several_shards_are_all_found(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """Uniqueness over shards holds for what the vindex calls equal; reading knows the rest."""
    client = connect_gate(gate)
    # Equal by the columns' collation, not by the vindex: the mark was new in Unicode 7.
    equal = "s\u1ab0" if servers[0].is_mysql else "ß"
    both = 0
    for number in range(10):
        first, second = f"s{number}", f"{equal}{number}"
        insert = f"insert into members values ({2 * number + 1}, '{first}', 'x')"
        assert ask(client, insert).errno == 0
        answer = ask(client, f"insert into members values ({2 * number + 2}, '{second}', 'x')")
        assert answer.errno in (0, 1062)  # on the shard of the first, its server refuses it
        both += not answer.errno
        for value in (first, second):
            found = ask(client, f"select id from members where email = '{value}'")
            assert len(found.rows) == 2 - bool(answer.errno), found
    assert 0 < both < 10
    assert ask(client, "delete from members where email like 's%'").affected == 10 + both
    client.close()


def test_a_dangling_lookup_row_is_taken_over(gate: Gate, servers: tuple[Server, ...]) -> None:
    """As after a crash between the commits: a lookup row stands, its owner does not."""
    client = connect_gate(gate)
    fill(client)
    for server in servers[:2]:
        server.query("delete from members where id = 1", "vt_main")
    assert ask(client, "select id from members where email = 'a@x'").rows == ()
    assert ask(client, "insert into members values (9, 'a@x', 'nine')").errno == 0
    assert ask(client, "select id from members where email = 'a@x'").rows == ((9,),)
    client.close()


def test_deleting_and_updating_move_the_lookup_rows(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    fill(client)
    assert ask(client, "update members set email = 'new@x' where id = 2").affected == 1
    assert ask(client, "select id from members where email = 'new@x'").rows == ((2,),)
    assert ask(client, "select id from members where email = 'b@x'").rows == ()
    assert ask(client, "update members set email = 'NEW@x' where id = 2").errno == 0
    assert ask(client, "update members set email = 'c@x' where id = 2").errno == 1062
    assert ask(client, "update members set code = 'x' where code = 'two'").affected == 2
    found = ask(client, "select id from members where code = 'x' order by id").rows
    assert found == ((2,), (3,))
    assert ask(client, "delete from members where id in (2, 3)").affected == 2
    assert {row[0] for row in lookup_rows(servers, "members_email_idx")} == {"a@x"}
    assert {row[:2] for row in lookup_rows(servers, "members_code_idx")} == {("one", 1)}
    client.close()


def test_a_rolled_back_transaction_leaves_no_lookup_rows(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    ask(client, "begin")
    fill(client)
    assert ask(client, "select id from members where email = 'b@x'").rows == ((2,),)
    ask(client, "rollback")
    assert lookup_rows(servers, "members_email_idx") == set()
    ask(client, "begin")
    fill(client)
    assert ask(client, "delete from members where id = 1").errno == 0
    assert ask(client, "update members set email = 'd@x' where id = 2").errno == 0
    assert ask(client, "update members set email = 'b@x' where id = 2").errno == 0
    ask(client, "commit")
    assert {row[0] for row in lookup_rows(servers, "members_email_idx")} == {"b@x", "c@x"}
    assert ask(client, "select count(*) from members").rows == ((2,),)
    client.close()


def test_null_in_an_owned_lookup_column_is_refused(gate: Gate) -> None:
    client = connect_gate(gate)
    assert ask(client, "insert into members values (1, NULL, 'x')").errno == 1048
    assert ask(client, "select count(*) from members").rows == ((0,),)
    client.close()


def test_names_of_other_scripts_route_alike(gate: Gate) -> None:
    client = connect_gate(gate)
    names = [
        "Ünïcode",
        "Ωmega",
        "日本",
        "ไทย",
        "emoji 😀",
        "it's",
        'say "hi"',
        "back\\slash",
        "tab\t",
    ]
    for number, name in enumerate(names):
        assert ask(client, "insert into users values (%s, %s)", (number, name)).errno == 0, name
    for number, name in enumerate(names):
        found = ask(client, "select user_id from users where name = %s", (name,)).rows
        assert (number,) in found, name
    client.close()


def test_two_rows_of_one_statement_do_not_get_one_unique_value(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """The lookup row of the first would go to the second, and nobody would find the first."""
    client = connect_gate(gate)
    fill(client)
    assert ask(client, "update members set email = 'same@x' where id in (1, 2, 3)").errno == 1062
    assert ask(client, "update members set email = 'six@x' where id = 3").errno == 0
    assert ask(client, "update members set email = 'same@x' where id in (1, 2, 3)").errno == 1062
    assert ask(client, "update members set email = 'c@x' where id = 3").errno == 0
    sql = "insert into members values (4, 'new@x', 'n'), (5, 'NEW@X', 'n'), (6, 'new@x', 'n')"
    assert ask(client, sql).errno == 1062
    assert {row[0] for row in lookup_rows(servers, "members_email_idx")} == {"a@x", "b@x", "c@x"}
    assert ask(client, "select count(*) from members").rows == ((3,),)
    client.close()


def test_lookup_rows_are_found_whatever_results_are_written_in(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    for charset in ("latin1", "NULL", "utf8mb4"):
        assert ask(client, f"set character_set_results = {charset}").errno == 0
        assert ask(client, "insert into users values (7, 'zoë')").errno == 0
        assert ask(client, "update users set name = 'ä' where user_id = 7").affected == 1
        assert ask(client, "delete from users where user_id = 7").affected == 1
        assert lookup_rows(servers, "users_name_idx") == set()
    client.close()
