"""Nothing that one session does stays on a connection where another session finds it.

Two sessions take turns on the same pooled connections; whatever a connection could remember is
either the session's own, or refused with an error that says why.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.vtgate.clients import REFUSED, ask, connect_connector, connect_gate
from tests.integration.vtgate.gate import Gate
from tests.integration.vtgate.servers import Server

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


@pytest.fixture
def pair(gate: Gate) -> Iterator[tuple[Any, Any]]:
    one, other = connect_gate(gate, "plain"), connect_gate(gate, "plain")
    ask(one, "insert into notes (body) values ('a'), ('b'), ('c')")
    yield one, other
    one.close()
    other.close()


# Where one server takes all statements, it may be left something: the session keeps the connection.
ONLY_SHARDED = (
    "with n as (select get_lock('x', 1) g) select * from n",
    "select @a := 1",
    "select 1 into @a",
    "create temporary table t (i int)",
    "create or replace temporary table t (i int)",
    "lock tables notes write",
    "lock table notes read",
    "handler notes open",
    "handler notes read first",
)
REFUSALS = (
    "select release_lock('x') from notes",
    "select is_used_lock('x')",
    "set @a = get_lock('x', 1)",
    "insert into notes (body) values (get_lock('x', 1))",
    "select last_insert_id(7)",
    "select lastval(s)",
    "flush tables notes with read lock",
    "backup lock notes",
    "xa start 'x'",
    "xa recover",
    "load data infile 'x' into table notes",
    "begin not atomic set @a = 1; end",
    "commit release",
    "set insert_id = 7",
    "set gtid_next = 'AUTOMATIC'",
    "alter instance disable innodb redo_log",
    "set last_insert_id = 7",
    "set rand_seed1 = 1",
    "set sql_auto_is_null = 1",
    "set completion_type = 1",
    "set profiling = 1",
    "set global max_connections = 7",
    "set sql_mode = 'ANSI_QUOTES'",
    "set sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "analyze select get_lock('x', 1)",
)


@pytest.mark.parametrize("keyspace", ["plain", "plain:0", "main", "main:-80"])
def test_what_would_stay_on_a_connection_is_refused(gate: Gate, keyspace: str) -> None:
    client = connect_gate(gate, keyspace)
    table = "notes" if keyspace.startswith("plain") else "users"
    wrong = []
    refused = (*REFUSALS, *ONLY_SHARDED) if keyspace == "main" else REFUSALS
    for sql in refused:
        answer = ask(client, sql.replace("notes", table).replace("(body)", "(name)"))
        if answer.errno not in (REFUSED, 1064, 1109, 1146):
            wrong.append((sql, answer))
    client.close()
    assert not wrong


def test_a_refusal_says_what_is_wrong(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    assert "IS_USED_LOCK(): it would tell the id" in ask(one, "select is_used_lock('x')").message
    assert "XA START: it would stay on a shared connection" in ask(one, "xa start 'x'").message


def test_last_insert_ids_are_each_session_s_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "insert into notes (body) values ('mine')").errno == 0
    mine = ask(one, "select id from notes where body = 'mine'").rows
    assert ask(other, "insert into notes (body) values ('yours')").errno == 0
    assert ask(one, "select last_insert_id()").rows == mine
    assert ask(one, "select @@identity, @@last_insert_id").rows == (mine[0] * 2,)
    assert ask(one, "update notes set body = 'u' where id = last_insert_id()").affected == 1
    assert ask(one, "update notes set id = last_insert_id(id + 1000) where body = 'u'").errno == 0
    moved = ask(one, "select id from notes where body = 'u'").rows
    assert ask(one, "select last_insert_id()").rows == moved


def test_rows_found_and_changed_are_each_session_s_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    for _ in range(2):  # the second time on the short way
        rows = ask(one, "select sql_calc_found_rows id from notes limit 1").rows
        assert len(rows) == 1
        ask(other, "select * from notes limit 2")
        assert ask(one, "select found_rows()").rows == ((3,),)
        assert ask(other, "select found_rows()").rows == ((2,),)
    ask(one, "update notes set body = concat(body, '!')")
    ask(other, "select 1")
    assert ask(one, "select row_count()").rows == ((3,),)
    assert ask(other, "select row_count()").rows == ((-1,),)


def test_warnings_are_each_session_s_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "select cast('5x' as signed)")
    ask(other, "select 1")
    assert ask(one, "select @@warning_count, @@error_count").rows == ((1, 0),)
    assert ask(other, "select @@warning_count").rows == ((0,),)


SETTINGS = (
    ("sql_mode", "'STRICT_ALL_TABLES'", "STRICT_ALL_TABLES"),
    ("time_zone", "'+07:00'", "+07:00"),
    ("tx_isolation", "'SERIALIZABLE'", "SERIALIZABLE"),
    ("group_concat_max_len", "17", 17),
    ("foreign_key_checks", "0", 0),
    ("max_sort_length", "@@max_sort_length + 8", 1032),
    ("lc_time_names", "concat('de', '_DE')", "de_DE"),
)


def on(servers: tuple[Server, ...], variable: str) -> str:
    """Return what these servers call a variable."""
    is_renamed = variable == "tx_isolation" and servers[0].is_mysql
    return "transaction_isolation" if is_renamed else variable


@pytest.mark.parametrize(("name", "value", "seen"), SETTINGS)
def test_settings_are_each_session_s_own(
    pair: tuple[Any, Any], name: str, value: str, seen: object, servers: tuple[Server, ...]
) -> None:
    one, other = pair
    name = on(servers, name)
    before = ask(other, f"select @@{name}").rows
    assert ask(one, f"set session {name} = {value}").errno == 0
    for _ in range(2):
        assert ask(one, f"select @@{name}").rows == ((seen,),)
        assert ask(other, f"select @@{name}").rows == before
    assert before != ((seen,),)


def test_a_setting_changed_inside_a_transaction_stays_with_its_session(
    pair: tuple[Any, Any],
) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "select * from notes")
    assert ask(one, "set session group_concat_max_len = 33").errno == 0
    assert ask(one, "select @@group_concat_max_len").rows == ((33,),)
    ask(one, "commit")
    for _ in range(3):
        assert ask(other, "select @@group_concat_max_len").rows != ((33,),)
        assert ask(one, "select @@group_concat_max_len").rows == ((33,),)


def test_a_setting_that_counts_up_counts_once_each_time(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    ask(one, "set max_sort_length = 1000")
    for wanted in (1001, 1002, 1003):
        assert ask(one, "set max_sort_length = @@max_sort_length + 1").errno == 0
        assert ask(one, "select @@max_sort_length").rows == ((wanted,),)


def test_a_set_of_several_is_done_whole_or_not_at_all(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    before = ask(one, "select @@group_concat_max_len, @v").rows
    assert ask(one, "set group_concat_max_len = 44, @v = 5, nonsense = 1").errno == 1193
    assert ask(one, "select @@group_concat_max_len, @v").rows == before


def test_a_set_that_failed_in_a_transaction_leaves_nothing_to_others(
    pair: tuple[Any, Any],
) -> None:
    one, other = pair
    strict = ask(other, "select @@sql_mode").rows
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('mine')")
    assert ask(one, "set sql_mode = '', nonsense = 1").errno == 1193
    assert ask(one, "set time_zone = '+01:00'").errno == 0
    assert ask(one, "commit").errno == 0
    assert ask(other, "set time_zone = '+01:00'").errno == 0
    for client in (other, one) * 2:
        assert ask(client, "select @@sql_mode").rows == strict


def test_mysqldump_s_preamble_restores_what_was(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    before = ask(one, "select @@sql_mode, @@character_set_client").rows
    for sql in (
        "SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT, @OLD_SQL_MODE=@@SQL_MODE",
        "SET NAMES latin1",
        "SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO'",
        "SET SQL_MODE=@OLD_SQL_MODE",
        "SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT",
    ):
        assert ask(one, sql).errno == 0, sql
    assert ask(one, "select @@sql_mode, @@character_set_client").rows == before


def test_user_variables_are_each_session_s_own(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert ask(one, "set @v = 'mine', @n = 2 + 3").errno == 0
    assert ask(other, "select @v, @n").rows == ((None, None),)
    assert ask(one, "select @v, @n").rows == (("mine", 5),)


def in_transaction(client: Any) -> bool:
    """Whether the connection that serves this session has changed something in a transaction."""
    sql = (
        "select 1 from information_schema.innodb_trx t join information_schema.processlist p "
        "on p.id = t.trx_mysql_thread_id where p.info like '%innodb_trx%'"
    )
    # InnoDB fills that table anew only when nobody has looked for 0.1 s.
    time.sleep(0.2)  # noqa: TID251
    return ask(client, sql).rows == ((1,),)


def test_autocommit_and_transactions_are_each_session_s_own(
    pair: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    one, other = pair
    ask(one, "set autocommit = 0")
    ask(one, "insert into notes (body) values ('pending')")
    assert ask(other, "select count(*) from notes").rows == ((3,),)
    assert ask(other, "select @@autocommit").rows == ((1,),)
    assert (in_transaction(one), in_transaction(other)) == (True, False)
    ask(one, "rollback")
    ask(one, "set autocommit = 1")
    assert ask(one, "set session transaction isolation level read uncommitted").errno == 0
    isolation = f"select @@{on(servers, 'tx_isolation')}"
    assert ask(one, isolation).rows == (("READ-UNCOMMITTED",),)
    assert ask(other, isolation).rows not in ((("READ-UNCOMMITTED",),), ())


def test_commit_and_chain_begins_the_next_transaction(pair: tuple[Any, Any]) -> None:
    one, other = pair
    ask(one, "begin")
    ask(one, "insert into notes (body) values ('first')")
    assert ask(one, "commit and chain").errno == 0
    ask(one, "insert into notes (body) values ('second')")
    assert ask(other, "select count(*) from notes").rows == ((4,),)
    assert ask(one, "rollback work and no chain").errno == 0
    assert ask(one, "select count(*) from notes").rows == ((4,),)


def test_what_a_procedure_leaves_behind_goes_with_its_connection(
    pair: tuple[Any, Any], servers: tuple[Server, ...]
) -> None:
    one, other = pair
    servers[2].query("drop procedure if exists leave_things", "vt_plain")
    servers[2].query(
        "create procedure leave_things() begin set @left = 1; "
        "create temporary table left_over (i int); start transaction; "
        "insert into notes (body) values ('left'); end",
        "vt_plain",
    )
    for comment in ("", "-- once more\n"):
        assert ask(one, f"{comment}call leave_things()").errno == 0
        assert ask(other, "select * from left_over").errno == 1146
        assert ask(other, "select count(*) from notes").rows == ((3,),)
        assert not in_transaction(other)
    servers[2].query("drop procedure leave_things", "vt_plain")


def test_a_reset_session_reads_text_in_its_first_character_set(gate: Gate) -> None:

    client = connect_connector(gate, "main")
    cursor = client.cursor()
    cursor.execute("set names latin1")
    client.cmd_reset_connection()
    cursor.execute("insert into accounts values ('zoë@x', 1)")
    client.commit()
    cursor.execute("select balance from accounts where email = 'zoë@x'")
    assert cursor.fetchall() == [(1,)]
    client.close()


def test_a_server_that_reads_sql_otherwise_is_asked_nothing(
    gate: Gate, servers: tuple[Server, ...]
) -> None:
    """Whose configuration says so: in ANSI_QUOTES, "x" is a column and no text to route by."""
    client = connect_gate(gate)
    servers[0].query("set global sql_mode = concat(@@sql_mode, ',ANSI_QUOTES')")
    try:
        # A setting of the session's own wants a new connection: already to be tried.
        answer = ask(client, "set lc_time_names = 'fi_FI'")
        assert "has sql_mode ANSI_QUOTES, under which the gateway would misread" in answer.message
    finally:
        servers[0].query("set global sql_mode = replace(@@sql_mode, 'ANSI_QUOTES', '')")
        client.close()
