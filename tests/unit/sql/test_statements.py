"""The parser sees what routing needs, at the right places."""
# ruff: noqa: E501  a statement reads best on one line

import pytest

from armillary.sql.ast import (
    Call,
    Column,
    Delete,
    Insert,
    Operation,
    Param,
    Select,
    TableRef,
    Union,
    Update,
    conjuncts,
)
from armillary.sql.commands import Verb, parse_ddl, parse_set, verb_of
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.statements import parse_statement


def select(key: str) -> Select:
    statement = parse_statement(key)
    assert isinstance(statement, Select)
    return statement


def test_clauses_lie_where_they_are_written() -> None:
    key = (
        "select a, count(*) c from t where b = ? group by a having c > ? order by c desc limit ?, ?"
    )
    found = select(key)
    assert key[: found.items_end] == "select a, count(*) c"
    assert key[found.group_start : found.group_end] == "group by a"
    assert key[found.having_start : found.having_end] == "having c > ?"
    assert key[found.order_start : found.order_end] == "order by c desc"
    assert found.limit is not None
    assert key[found.limit.start : found.limit.end] == "limit ?, ?"
    assert isinstance(found.limit.count, Param) and found.limit.count.index == 3
    assert isinstance(found.limit.offset, Param) and found.limit.offset.index == 2
    assert [item.alias for item in found.items] == ["", "c"]


def test_only_what_must_hold_is_a_conjunct() -> None:
    found = select("select * from t where (a = ? and (b = ?)) and (c = ? or d = ?) and not e = ?")
    ops = [node.op for node in conjuncts(found.where) if isinstance(node, Operation)]
    assert sorted(ops) == ["=", "=", "NOT", "OR"]


def test_between_takes_its_own_and() -> None:
    found = select("select * from t where a between ? and ? and b = ?")
    ops = [node.op for node in conjuncts(found.where) if isinstance(node, Operation)]
    assert ops == ["BETWEEN", "="]


@pytest.mark.parametrize(
    "key",
    [
        "select distinct sql_no_cache a from t use index (i) where a like ? escape ?",
        "select cast(a as char(?)), convert(b using utf8mb4), extract(year from c) from t",
        "select group_concat(distinct a order by b desc separator ?) from t",
        "select date_add(a, interval ? day), a + interval -? month from t",
        "select case a when ? then b else c end, if(a, b, c), left(a, ?) from t",
        "select trim(leading ? from a), substring(a from ? for ?), position(? in a) from t",
        "select count(distinct a, b), row_number() over (partition by a order by b) from t",
        "select * from a join b on a.x = b.x left join (c, d) on c.y = d.y where a.z is not null",
        "select * from t where (a, b) in ((?, ?), (?, ?)) and a <=> ? and b regexp ?",
        "select a from t for update skip locked",
        "select a from t lock in share mode",
        "select _utf8mb4 ?, date ?, timestamp ?, binary a, a collate utf8mb4_bin from t",
        "select json_extract(a, ?) -> ?, a ->> ?, match(a) against (? in boolean mode) from t",
        "select exists (select ? from b where b.x = t.x), not a, ! b, ~c, a div b, a mod b from t",
        "select `a``b`, t.*, k.t.c from k.t as `x` where current_timestamp > a",
        "select a from t union all (select b from u order by b limit ?) order by ? limit ?",
    ],
)
def test_all_of_these_are_understood(key: str) -> None:
    parse_statement(key)


@pytest.mark.parametrize(
    "key",
    [
        "select", "select * from", "select a from t where", "select a b c from t", "select (a from t",
        "select a from t group by a with", "insert into t", "update t where a = ?", "delete t",
        "select a from t into outfile ?", "with x as (select ?) select * from x",
        "select a from t group by a asc", "select * from t procedure analyse()",
        "select a from json_table(?, ? columns (b int path ?)) x", "select ? ?, a from t where = ?",
    ],
)  # fmt: skip
def test_what_is_not_followed_is_said(key: str) -> None:
    with pytest.raises(NotUnderstoodError):
        parse_statement(key)


def test_an_insert_has_rows_and_columns() -> None:
    key = (
        "insert ignore into k.t (a, `B`) values (?, now()), (-?, default) "
        "on duplicate key update a = ?"
    )
    found = parse_statement(key)
    assert isinstance(found, Insert)
    assert (found.table.keyspace, found.table.name) == ("k", "t")
    assert found.columns == ("a", "b")
    assert [key[row.start : row.end] for row in found.rows] == ["(?, now())", "(-?, default)"]
    assert found.ignore and not found.replace
    assert [item.column.name for item in found.on_duplicate] == ["a"]
    negative = found.rows[1].args[0]
    assert isinstance(negative, Param) and negative.negative and negative.index == 1


def test_insert_set_is_a_row() -> None:
    found = parse_statement("replace into t set a = ?, b = c + ?")
    assert isinstance(found, Insert)
    assert found.replace and found.from_set
    assert found.columns == ("a", "b")


def test_update_and_delete_know_their_conditions() -> None:
    key = "update k.t x set x.a = ?, b = b + ? where c = ? order by d limit ?"
    update = parse_statement(key)
    assert isinstance(update, Update)
    assert key[update.where_start : update.where_end] == "where c = ?"
    assert [item.column.name for item in update.assignments] == ["a", "b"]
    assert update.limit is not None
    table = update.tables.tables[0]
    assert isinstance(table, TableRef) and table.visible_name == "x"
    delete = parse_statement("delete from t where a in (?, ?)")
    assert isinstance(delete, Delete) and not delete.multi
    several = parse_statement("delete a, b from a join b on a.x = b.x")
    assert isinstance(several, Delete) and several.multi


def test_subqueries_and_unions_are_seen() -> None:
    found = parse_statement("select a from t where b in (select c from u) union select d from v")
    assert isinstance(found, Union)
    assert len(found.parts) == 2


def test_a_window_hides_no_subquery() -> None:
    with pytest.raises(NotUnderstoodError):
        parse_statement("select sum(a) over (order by (select b from u)) from t")


def test_deep_brackets_end_in_an_error_and_not_in_the_stack() -> None:
    with pytest.raises(NotUnderstoodError):
        parse_statement("select " + "(" * 5000 + "?" + ")" * 5000)


def test_columns_may_be_qualified() -> None:
    found = select("select k.t.c, count(t.d) from k.t")
    first, second = (item.expr for item in found.items)
    assert isinstance(first, Column)
    assert (first.keyspace, first.table, first.name) == ("k", "t", "c")
    assert isinstance(second, Call) and second.name == "COUNT"


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        (b"select 1", Verb.ROUTED),
        (b"  /* x */ -- y\n # z\n (select 1)", Verb.ROUTED),
        (b"START TRANSACTION", Verb.BEGIN),
        (b"use `a`", Verb.USE),
        (b"truncate t", Verb.DDL),
        (b"", Verb.EMPTY),
        (b"-- a\n /* b */ # c", Verb.EMPTY),
        (b"--\nselect 1", Verb.ROUTED),
        (b"/* a */ " * 500 + b"1", Verb.OTHER),  # at once
        (b"call p()", Verb.OTHER),
    ],
)
def test_a_statement_s_verb_stands_behind_comments(sql: bytes, verb: Verb) -> None:
    assert verb_of(sql) == verb


def test_set_is_taken_apart() -> None:
    found = parse_set("set names utf8mb4 collate utf8mb4_bin, @a = concat('x', ','), @@session.b = 1, "
                      "global c = 2, d := on")  # fmt: skip
    assert [(item.scope, item.name, item.value) for item in found] == [
        ("NAMES", "names", "utf8mb4"),
        ("USER", "a", "concat('x', ',')"),
        ("SESSION", "b", "1"),
        ("GLOBAL", "c", "2"),
        ("SESSION", "d", "on"),
    ]
    assert parse_set("set session transaction isolation level read committed")[0].name == "session"
    assert parse_set("set transaction read only")[0].name == "next"


def test_a_schema_change_names_its_object_and_keyspace() -> None:
    assert parse_ddl("create table if not exists k.t (a int)").keyspaces == ("k",)
    assert parse_ddl("alter table `k`.`t` add b int").keyspaces == ("k",)
    assert parse_ddl("create unique index i on k.t (a)").what == "INDEX"
    assert parse_ddl("truncate t").what == "TABLE"
    assert parse_ddl("drop database d").what == "DATABASE"
    assert parse_ddl("create temporary table t (a int)").temporary
