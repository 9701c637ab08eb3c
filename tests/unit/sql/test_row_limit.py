"""sql_select_limit, which stands in a query where LIMIT would."""

import pytest

from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.row_limit import with_row_limit

COLUMNS = "select a from t"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("select 1", "select 1 LIMIT 3"),
        ("select t.limit from t -- all", "select t.limit from t LIMIT 3"),
        ("select (1) ;", "select (1) LIMIT 3 ;"),
        (f"{COLUMNS} order by (b) for update", f"{COLUMNS} order by (b) LIMIT 3 for update"),
        (f"{COLUMNS} lock in share mode", f"{COLUMNS} LIMIT 3 lock in share mode"),
        ("select a into @a from t", "select a LIMIT 3 into @a from t"),
        (f"{COLUMNS} use index for join (i)", f"{COLUMNS} use index for join (i) LIMIT 3"),
        (
            f"{COLUMNS} where b in ({COLUMNS} limit 1)",
            f"{COLUMNS} where b in ({COLUMNS} limit 1) LIMIT 3",
        ),
        ("with x as (select 1) select * from x", "with x as (select 1) select * from x LIMIT 3"),
        ("with x as (select 1) update t set a = 1", "with x as (select 1) update t set a = 1"),
        (f"{COLUMNS} limit 5", f"{COLUMNS} limit 5"),
        (f"({COLUMNS}) limit 5", f"({COLUMNS}) limit 5"),
        (f"{COLUMNS} fetch first 5 rows only", f"{COLUMNS} fetch first 5 rows only"),
    ],
)
def test_a_query_gets_the_limit_that_it_lacks(query: str, wanted: str) -> None:
    assert with_row_limit(query, 3) == wanted


@pytest.mark.parametrize("query", ["(select 1)", "select 1 union select 2"])
def test_what_servers_limit_differently_is_refused(query: str) -> None:
    with pytest.raises(NotUnderstoodError):
        with_row_limit(query, 3)
