"""What is a call of a stored function, and what only looks like one."""

import pytest

from armillary.sql.tokens import tokenize
from armillary.vtgate.planner.stored_functions import find_stored_call


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select f(1) from t", "f"),
        ("select count(*), f (a) from t", "f"),
        ("select 1 from t where a = db.count(1)", "db.count"),
        ("select `f`(1)", "`f`"),
        ("select max(a) over (order by f(a)) from t", "f"),
        ("replace t set a = f(1)", "f"),
        ("select concat(a, datetime(1)) from t", "datetime"),
        ("select convert(a, char), datetime(1) from t", "datetime"),
    ],
)
def test_a_function_of_somebody_is_found(sql: str, name: str) -> None:
    assert find_stored_call(tokenize(sql).tokens) == name


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*), ifnull(a, 1), st_area(g), json_extract(j, '$') from t",
        "select * from t use index (a) join (u) using (b) where a in (1) and (b = 2 or not (c))",
        "select cast(a as char(10)), cast(a as datetime(3)), convert(a, datetime(3)) from t",
        "select cast(a as decimal(5, 2)), convert(a, decimal(5,2)), convert(a using utf8) from t",
        "select a from t partition (p) where a = any (select 1) and match (a) against ('x')",
        "select sum(a) over (partition by b), case when (a) then (b) else (c) end from t",
        "select sql_no_cache (a), if(a, b, c), left(a, 1), interval(a, 1), values(a) from t",
        "update t set a = values(b) where exists (select 1) and b between (1) and (2)",
    ],
)
def test_what_only_looks_like_a_call_is_none(sql: str) -> None:
    assert find_stored_call(tokenize(sql).tokens) is None


def test_the_columns_of_a_table_are_no_arguments() -> None:
    tokens = tokenize("insert into db.t(a) values (1)").tokens
    assert find_stored_call(tokens, {tokens[2].start}) is None
