"""Lookup rows move with the very rows that an UPDATE or DELETE changes, and wait for nobody."""

from typing import Any

import pytest

from armillary.base.errors import ArmillaryError
from armillary.routing.vschema import TableSchema
from armillary.vtgate.planner.plan import DmlPlan, OnlyShard
from armillary.vtgate.writes.changes import check_same_rows
from armillary.wire.scanner import ResponseSummary
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server
from tests.integration.vtgate.test_lookups import lookup_rows

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


def do(client: Any, *statements: str) -> None:
    for sql in statements:
        answer = ask(client, sql)
        assert not answer.errno, (sql, answer)


@pytest.mark.parametrize(
    "where",
    [
        "rand() < 0.5",
        "user_id > 0 and uuid() > '5'",
        "sysdate(6) > '2020-01-01'",
        "user_id = 1 and vt_own(user_id)",
        "user_id in (select 1 union select 2)",
    ],
)
def test_rows_that_may_be_others_the_second_time_are_not_changed(where: str, gate: Gate) -> None:
    client = connect_gate(gate)
    assert ask(client, f"update users set name = 'x' where {where}").refused
    assert ask(client, f"delete from users where {where}").refused
    client.close()


def test_a_clock_that_was_stopped_for_one_statement_goes_on(gate: Gate) -> None:
    client = connect_gate(gate)
    do(client, "insert into users values (1, 'a'), (4, 'b')", "begin")
    do(client, "update users set name = 'c' where now(6) > '2020-01-01'")
    stopped = "select user_id from users where now(6) < sysdate(6) - interval 1 second"
    do(client, "select sleep(1.1)")
    assert ask(client, stopped).rows == ()
    do(client, "commit", "set timestamp = 100")
    assert ask(client, "delete from users where now() < '2020-01-01'").affected == 2
    client.close()


def test_rows_are_chosen_by_what_others_have_committed_meanwhile(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """An UPDATE reads the newest orders; so must what reads the rows whose lookup rows move."""
    one, other = connect_gate(gate), connect_gate(gate)
    do(one, "insert into users values (1, 'old')", "begin")
    do(one, "select * from orders where user_id = 1")
    do(other, "insert into orders values (1, 1, 1, 'late')")
    late = "exists (select 1 from orders o where o.user_id = users.user_id and note = 'late')"
    assert ask(one, f"update users set name = 'new' where {late}").affected == 1
    do(one, "commit")
    assert lookup_rows(servers, "users_name_idx") == {("new", 1)}
    one.close()
    other.close()


def test_other_rows_than_were_read_are_not_changed() -> None:
    plan = DmlPlan(
        route=OnlyShard("main"),
        template=None,
        verb="UPDATE",
        table=TableSchema(name="users", keyspace="main"),
    )
    done = ResponseSummary(affected_rows=1, info=b"\x28Rows matched: 3  Changed: 1  Warnings: 0")
    check_same_rows(plan, 3, done)
    with pytest.raises(ArmillaryError, match="of 2 rows lookup rows were moved, but 3"):
        check_same_rows(plan, 2, done)


@pytest.mark.parametrize("charset", ["latin1", "ascii", "gbk", "binary"])
def test_lookup_rows_of_text_that_results_cannot_hold_are_found(
    charset: str, gate: Gate, servers: tuple[Server, ...]
) -> None:
    client = connect_gate(gate)
    do(client, "insert into users values (7, '日本'), (4, 'ü')")
    do(client, "insert into members values (7, '日@x', '本')")
    do(client, f"set character_set_results = {charset}")
    do(client, "update users set name = 'z' where user_id = 7")
    do(client, "delete from users where user_id = 4")
    do(client, "update members set email = 'y@x', code = 'y' where id = 7")
    assert lookup_rows(servers, "users_name_idx") == {("z", 7)}
    assert {row[0] for row in lookup_rows(servers, "members_email_idx")} == {"y@x"}
    assert {row[0] for row in lookup_rows(servers, "members_code_idx")} == {"y"}
    client.close()


@pytest.mark.parametrize("charset", ["utf16", "ucs2", "utf32", "54"])
def test_results_whose_digits_are_not_ascii_are_refused(charset: str, gate: Gate) -> None:
    client = connect_gate(gate)
    assert ask(client, f"set character_set_results = {charset}").refused
    client.close()


def test_a_value_that_a_transaction_has_freed_is_its_row_s_again(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """The lookup row's lock is held by another connection of the transaction."""
    client = connect_gate(gate)
    do(client, "insert into members values (1, 'a@x', 'one'), (2, 'b@x', 'two')")
    do(client, "begin", "delete from members where id = 1")
    do(client, "insert into members values (1, 'a@x', 'one')")
    do(client, "update members set email = 'c@x' where id = 2")
    do(client, "update members set email = 'b@x' where id = 2", "commit")
    assert {row[0] for row in lookup_rows(servers, "members_email_idx")} == {"a@x", "b@x"}
    assert ask(client, "select id from members where email = 'a@x'").rows == ((1,),)
    client.close()


def test_a_value_that_a_transaction_has_freed_is_for_others_in_the_next(gate: Gate) -> None:
    client = connect_gate(gate)
    do(client, "insert into members values (1, 'a@x', 'one'), (2, 'b@x', 'two')")
    do(client, "begin", "delete from members where id = 1")
    refused = ask(client, "insert into members values (9, 'A@x', 'one')")
    assert "commit, and use it in the next one" in refused.message
    do(client, "commit", "insert into members values (9, 'A@x', 'one')")
    assert ask(client, "select id from members where email = 'a@x'").rows == ((9,),)
    client.close()
