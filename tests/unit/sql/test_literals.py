"""Two ways to a statement's key agree, and literals mean what MySQL says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.sql import literals as module
from armillary.sql.executable_comments import (
    ServerKind,
    UncertainCommentError,
    unwrap_executable_comments,
)
from armillary.sql.literals import (
    NotAValue,
    literal_kinds,
    literal_value,
    normalise,
    unescape,
)
from armillary.sql.splitting import split_statements
from armillary.sql.tokens import SqlSyntaxError
from armillary.vtgate.placement.stored_values import whole_number

PIECES = st.sampled_from(
    [
        "select", "a", "t1", "1", "12.5", ".5", "1e3", "1.e2", "'x'", "'it''s'", "''", "0x4D", "x1",
        "1x", "a1b2", "t.c", "t.1c", "@v1", "@@x", "(", ")", ",", "=", "-", "+1", "-1", "in", "$1",
        "a$1", "5.", "_5", "é7", "1-1", "3.4.5", "'1'", "a.5", "where", "<=", "0xZ", "12abc", "e5",
        "_latin1", "n", "x",
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PIECES, min_size=1, max_size=12), st.sampled_from(["", " ", "  ", "\n"]))
def test_the_fast_way_and_the_careful_way_agree(pieces: list[str], gap: str) -> None:
    sql = gap.join(pieces).encode("latin-1")
    try:
        careful = module._normalise_with_care(sql)
    except SqlSyntaxError:
        return
    fast = normalise(sql)
    assert (fast.key, fast.literals) == (careful.key, careful.literals)


@given(st.lists(PIECES, min_size=1, max_size=12))
def test_a_key_and_its_literals_give_the_statement_back(pieces: list[str]) -> None:
    sql = " ".join(pieces).encode("latin-1")
    try:
        statement = normalise(sql)
    except SqlSyntaxError:
        return
    between = statement.key.encode("latin-1").split(b"?")
    pairs = zip(between, (*statement.literals, b""), strict=True)
    assert b"".join(text + literal for text, literal in pairs) == sql


SAME_KEY = [
    ("select * from t where a = 1", "select * from t where a = 22"),
    ("select * from t where a = 'x'", "select * from t where a = 'it''s'"),
    ("select * from t where a = 'x'", "select * from t where a = 'a\\'b; -- '"),
    ("select * from t where a = 1.5", "select * from t where a = 1e10"),
]
OTHER_KEY = [
    ("select `1` from t", "select `2` from t"),
    ("select a1 from t", "select a2 from t"),
    ("select 1", "select -1"),
    ("select * from t1", "select * from t2"),
]


@pytest.mark.parametrize(("one", "other"), SAME_KEY)
def test_statements_that_differ_in_literals_share_a_key(one: str, other: str) -> None:
    assert normalise(one.encode()).key == normalise(other.encode()).key


@pytest.mark.parametrize(("one", "other"), OTHER_KEY)
def test_other_statements_do_not(one: str, other: str) -> None:
    assert normalise(one.encode()).key != normalise(other.encode()).key


def test_comments_leave_the_key_and_directives_are_kept() -> None:
    statement = normalise(
        b"select /*vt+ QUERY_TIMEOUT_MS=5 */ a /* b */ from t -- c\n where d = 'e'"
    )
    assert statement.key.split() == ["select", "a", "from", "t", "where", "d", "=", "?"]
    assert statement.directives == ("QUERY_TIMEOUT_MS=5",)


def test_executable_comments_become_what_is_executed() -> None:
    assert unwrap_executable_comments("select /*!40000 a */ from t").split() == [
        "select", "a", "from", "t",
    ]  # fmt: skip
    assert unwrap_executable_comments("select /*!50699 a, */ b /*!999999 c */").split() == [
        "select", "a,", "b",
    ]  # fmt: skip
    assert unwrap_executable_comments("/*M!999999\\- enable the sandbox mode */").split() == []
    assert "'/*! no */'" in unwrap_executable_comments("select '/*! no */' /*! , x */")


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 /*M! + 1 */",
        "select 1 /*M!100100 + 1 */",
        "select 1 /*!50700 + 1 */",
        "select 1 /*!99999 + 1 */",
        "select 1 /*!101100 + 1 */",
        "select 1 /*!199999 + 1 */",
        "select 1 /*!800999 + 1 */",
        "/*!80000 set */ autocommit = 0",
        "select 1 /*! + 1 /*! + 1 */ */",
        "select 1 /*!999999 + 1 /* */ + 1 */",
        "select 1 /*! , ' */ , 'b'",
        "select 1 /*! -- */ + 1",
        "select 1 /*! # */ + 1",
        "select 1 /*! ; select 2 */",
        "/*M! lock tables t write */",
    ],
)
def test_a_comment_that_servers_take_differently_is_refused(sql: str) -> None:
    with pytest.raises(UncertainCommentError, match=r"VT12001.*write the SQL without it"):
        unwrap_executable_comments(sql)


def test_a_question_mark_alone_is_no_sql() -> None:
    with pytest.raises(SqlSyntaxError):
        normalise(b"select ?")


@pytest.mark.parametrize("sql", ["select 'a", 'select "a', "select `a", "select /* a"])
def test_what_has_no_end_is_no_sql(sql: str) -> None:
    with pytest.raises(SqlSyntaxError):
        normalise(sql.encode())


def test_statements_are_split_outside_strings_only() -> None:
    assert split_statements("select 1; select ';'; /* ; */ select `;` -- ;\n ;;") == [
        "select 1", " select ';'", " /* ; */ select `;` -- ;\n ",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (b"'a'", b"a"),
        (b"'it''s'", b"it's"),
        (b'"a""b"', b'a"b'),
        (b"'a\\'b\\n\\%\\x\\\\'", b"a'b\n\\%x\\"),
        (b"5", 5),
        (b"-5", -5),
        (b"NULL", None),
        (b"x'4D'", b"M"),
        (b"_binary'a'", b"a"),
    ],
)
def test_literals_have_values(literal: bytes, value: object) -> None:
    assert literal_value(literal) == value


@pytest.mark.parametrize("literal", [b"1.5", b"1e3", b"0x4D", b"_latin1'a'", b"TRUE", b"b'1'"])
def test_of_some_literals_only_a_server_knows_the_value(literal: bytes) -> None:
    with pytest.raises(NotAValue):
        literal_value(literal)


def test_text_is_read_in_the_connection_s_character_set() -> None:
    assert literal_value("'é'".encode("latin-1"), codec="cp1252") == "é".encode()
    assert unescape(b"''") == b""


def test_literals_of_one_kind_make_expressions_of_one_type() -> None:
    """`coalesce(n, 5)` is a number, `coalesce(n, '5')` text; `avg(n + 1.5)` has one digit more."""
    kinds = literal_kinds([b"5", b"-7", b"'a'", b"'bc'", b"1.5", b"-.2", b"1e0", b"2.5E-3"])
    assert kinds[0::2] == kinds[1::2]
    assert len(set(kinds)) == 4
    different = [b"5", b"99999999999", b"5.0", b"5.00", b"5e0", b"'5'", b"x'35'", b"0x35", b"NULL"]
    assert len(set(literal_kinds([*different, b"_latin1'5'"]))) == len(different) + 1
    assert len(set(literal_kinds([b"'u'", "'€'".encode()]))) == 2  # ASCII fits any character set


MARIADB = ServerKind.parse("5.5.5-10.11.14-MariaDB-0+deb12u2-log")
MYSQL = ServerKind.parse("8.4.3")


def test_a_servers_kind_is_what_it_says_of_itself() -> None:
    assert ServerKind(is_mariadb=True, version=101114) == MARIADB
    assert ServerKind(is_mariadb=False, version=80403) == MYSQL
    assert ServerKind.parse("unknown") is None


@pytest.mark.parametrize(
    ("comment", "on_mariadb", "on_mysql"),
    [
        ("/*! x */", True, True),
        ("/*!50503 x */", True, True),
        ("/*!50700 x */", False, True),
        ("/*!80016 x */", False, True),
        ("/*!80404 x */", False, False),
        ("/*!99999 x */", False, False),
        ("/*!100100 x */", True, False),
        ("/*!101115 x */", False, False),
        ("/*M! x */", True, False),
        ("/*M!100616 x */", True, False),
        ("/*M!101115 x */", False, False),
        ("/*M!999999 x */", False, False),
    ],
)
def test_a_known_server_decides_what_it_runs(
    comment: str, on_mariadb: bool, on_mysql: bool
) -> None:
    assert ("x" in unwrap_executable_comments(comment, MARIADB)) == on_mariadb
    assert ("x" in unwrap_executable_comments(comment, MYSQL)) == on_mysql


@pytest.mark.parametrize(
    ("comment", "run"),
    [
        ("/*!101100 + 1 */", "0 + 1"),
        ("/*!800361+ 1 */", "1+ 1"),
        ("/*!80037 + 1 */", ""),
        ("/*!801000 + 1 */", ""),
        ("/*!999999\\- enable the sandbox mode */", ""),
    ],
)
def test_servers_before_8_1_take_five_digits_of_six(comment: str, run: str) -> None:
    server = ServerKind.parse("8.0.36-2ubuntu3")
    assert unwrap_executable_comments(f"select 2 {comment}", server).split() == [
        "select", "2", *run.split(),
    ]  # fmt: skip


def test_where_a_comment_ends_must_be_sure_on_a_known_server_too() -> None:
    for sql in ("select 1 /*!80016 /* */ + 1 */", "select 1 /*M! /* */ + 1 */"):
        with pytest.raises(UncertainCommentError):
            unwrap_executable_comments(sql, MARIADB)


@pytest.mark.parametrize("digits", ["9" * 81, "9" * 5000, "-" + "1" * 100_000])
def test_more_digits_than_any_column_holds_are_no_value(digits: str) -> None:
    with pytest.raises(NotAValue):
        literal_value(digits.encode())
    with pytest.raises(NotAValue):
        whole_number(b"'%s'" % digits.encode(), digits.encode())


def test_zeros_before_a_number_are_no_digits_of_it() -> None:
    assert literal_value(b"0" * 5000) == 0
    assert literal_value(b"-" + b"0" * 5000 + b"7") == -7
