"""Which SETs change nothing, and which values no single server may compute."""

import pytest

from armillary.sql.commands import parse_set
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.session import Session
from armillary.vtgate.statements.set_statement import changes_nothing, refuse_query


@pytest.mark.parametrize(
    ("statement", "harmless"),
    [
        ("set sql_auto_is_null = 0", True),  # Connector/ODBC says so at every connect
        ("set session profiling = off", True),
        ("set completion_type = 'NO_CHAIN'", True),
        ("set completion_type = default", True),
        ("set sql_auto_is_null = 1", False),
        ("set completion_type = 1", False),
        ("set sql_mode = 0", False),
    ],
)
def test_what_is_so_already_changes_nothing(statement: str, harmless: bool) -> None:
    (setting,) = parse_set(statement)
    assert changes_nothing(setting) == harmless


@pytest.mark.parametrize(
    "expression",
    [
        "(select count(*) from orders)",
        "1 + (SELECT max(a) FROM t)",
        "(with a as (select 1) select * from a)",
        "(/*!50000 select */ a from t)",
        "(table t)",
    ],
)
def test_a_value_that_one_shard_would_answer_alone_is_refused(expression: str) -> None:
    with pytest.raises(RefusedError, match="subquery in SET"):
        refuse_query(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "1",
        "'select'",
        "concat('a', @b)",
        "`select` + 1",
        "(select concat(@@sql_mode, ',NO_ENGINE_SUBSTITUTION'))",  # so sqlx sets its mode
    ],
)
def test_other_values_are_computed(expression: str) -> None:
    refuse_query(expression)


def test_a_session_may_keep_zero_in_columns_that_count() -> None:
    mode = ("sql_mode", "SET SESSION `sql_mode` = 'NO_AUTO_VALUE_ON_ZERO,STRICT_TRANS_TABLES'")
    assert Session(id=1, settings=(mode,)).keeps_zero
    assert not Session(id=1, settings=(("sql_mode", "SET SESSION `sql_mode` = ''"),)).keeps_zero
