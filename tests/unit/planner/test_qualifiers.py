"""Where the name of a keyspace stands before a table, and where it is an alias like any other."""

import pytest

from armillary.vtgate.planner.text import build_template, find_qualifiers, render_sql, tokens_of


def without(text: str) -> str:
    splices = find_qualifiers(tokens_of(text), frozenset({"k"}))
    return render_sql(build_template(text, splices), [b"?"] * text.count("?"), {}).decode()


@pytest.mark.parametrize(
    "text",
    [
        "lock tables k.t write, k.u read",
        "handler k.t open",
        "insert k.t values (?)",
        "replace k.t (a) values (replace(?, ?, ?))",
        "create view k.v as select event from k.t",
        "select a from (k.t, k.u)",
        "describe k.t",
    ],
)
def test_it_is_taken_out_where_a_table_is_named(text: str) -> None:
    assert without(text) == text.replace("k.", "")


@pytest.mark.parametrize(
    "text",
    [
        "select event, k.id from t as k",
        "select handler, tables, view, function, sequence, k.id from t as k",
        "select replace(a, ?, ?), k.id from t as k",
        "select a from t as k join u order by u.a desc, k.id",
        "create view v as select event, k.id from t as k",
        "insert into t set event = 1, a = k.id",
    ],
)
def test_it_stays_where_a_column_is_named(text: str) -> None:
    assert without(text) == text
