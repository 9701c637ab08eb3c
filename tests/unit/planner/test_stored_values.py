"""A row is placed by what its column will hold; what would be converted is refused."""

import pytest

from armillary.base.errors import ArmillaryError
from armillary.sql.literals import NotAValue
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.placement.resolve import has_one_weight
from armillary.vtgate.placement.stored_values import stored_value
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.vtgate.planner.text import find_session_terms, refuse_connection_state, tokens_of
from armillary.vtgate.transactions.commits import commit_report
from armillary.wire.protocol import ColumnFlag, ColumnType

GENERAL_CI, UNICODE_CI, UTF8MB4_BIN, UTF8MB3, LATIN1, BINARY = 45, 224, 46, 33, 8, 63


def column(
    kind: ColumnType, *, length: int = 20, flags: int = 0, collation: int = GENERAL_CI
) -> ColumnShape:
    return ColumnShape("k", kind, flags, collation, 0, length)


TINY = column(ColumnType.TINY)
UNSIGNED = column(ColumnType.LONGLONG, flags=ColumnFlag.UNSIGNED)
TEXT = column(ColumnType.VAR_STRING)  # varchar(5) of utf8mb4


@pytest.mark.parametrize(
    ("literal", "shape", "value"),
    [
        (b"127", TINY, 127),
        (b"'-128'", TINY, -128),
        (b"'007'", TINY, 7),
        (b"18446744073709551615", UNSIGNED, 2**64 - 1),
        (b"'abcde'", TEXT, b"abcde"),
        (b"12", TEXT, b"12"),
        (b"'a '", TEXT, b"a "),
        (b"'a '", column(ColumnType.STRING), b"a"),
        (b"'ab'", column(ColumnType.STRING, length=4, collation=BINARY), b"ab\0\0"),
        (b"x'ff'", column(ColumnType.VAR_STRING, length=4, collation=BINARY), b"\xff"),
        (b"NULL", TEXT, None),
        (b"16777216", column(ColumnType.FLOAT), 16777216),
        (b"-9999", column(ColumnType.NEWDECIMAL, length=5), -9999),
        (b"7.0e0", TINY, 7),
        (b"-0.0e0", TINY, 0),
        (b"9007199254740991.0e0", UNSIGNED, 2**53 - 1),
        (b"12345.0e0", TEXT, b"12345"),
    ],
)
def test_a_value_that_fits_is_stored_as_it_is(
    literal: bytes, shape: ColumnShape, value: object
) -> None:
    assert stored_value(literal, shape, codec="utf-8") == value


@pytest.mark.parametrize(
    ("literal", "shape", "errno"),
    [
        (b"128", TINY, 1264),
        (b"-1", UNSIGNED, 1264),
        (b"'abcdef'", TEXT, 1406),
        (b"'abcde '", TEXT, 1406),
        ("'€'".encode(), column(ColumnType.VAR_STRING, collation=LATIN1), None),
        ("'ł'".encode(), column(ColumnType.VAR_STRING, collation=LATIN1), 1366),
        ("'😀'".encode(), column(ColumnType.VAR_STRING, collation=UTF8MB3), 1366),
        (b"NULL", column(ColumnType.LONG, flags=ColumnFlag.NOT_NULL), 1048),
        (b"0", column(ColumnType.LONG, flags=ColumnFlag.AUTO_INCREMENT), 1105),
        (b"16777217", column(ColumnType.FLOAT), 1264),
        (b"10000", column(ColumnType.NEWDECIMAL, length=5), 1264),
        (b"128.0e0", TINY, 1264),
        (b"123456.0e0", TEXT, 1406),  # a server would store 1.2e5
        (b"0.0e0", column(ColumnType.LONG, flags=ColumnFlag.AUTO_INCREMENT), 1105),
    ],
)
def test_a_value_that_would_be_changed_is_refused(
    literal: bytes, shape: ColumnShape, errno: int | None
) -> None:
    if errno is None:
        assert stored_value(literal, shape, codec="utf-8")
        return
    with pytest.raises(SqlError) as refusal:
        stored_value(literal, shape, codec="utf-8")
    assert refusal.value.errno == errno


@pytest.mark.parametrize(
    "literal", [b"1.5", b"'1.5'", b"1e3", b"'1abc'", b"' 1'", b"0x31", b"x'31'", b"b'1'", b"TRUE"]
)
def test_a_value_that_a_server_would_have_to_read_is_no_value(literal: bytes) -> None:
    with pytest.raises(NotAValue):
        stored_value(literal, TINY, codec="utf-8")


@pytest.mark.parametrize(
    ("literal", "kind"),
    [
        (b"9007199254740992.0e0", ColumnType.LONGLONG),  # 9007199254740993 is the same double
        (b"1.5e0", ColumnType.LONGLONG),
        (b"1000000000000000.0e0", ColumnType.VAR_STRING),  # becomes 1e15
        (b"-0.0e0", ColumnType.VAR_STRING),
    ],
)
def test_a_double_that_stands_for_several_values_is_no_value(
    literal: bytes, kind: ColumnType
) -> None:
    with pytest.raises(NotAValue):
        stored_value(literal, column(kind, length=200), codec="utf-8")


def test_one_shard_is_asked_only_where_all_equal_text_is() -> None:
    assert has_one_weight(b"bob@x", GENERAL_CI)
    assert not has_one_weight(b"Jacques", GENERAL_CI)  # equals Jacqueß
    assert not has_one_weight(b"Rita", GENERAL_CI)  # equals R\xc4\xb1ta
    assert has_one_weight(b"Jacques", UTF8MB4_BIN)
    assert not has_one_weight(b"bob", UNICODE_CI)
    assert not has_one_weight(b"y", LATIN1)  # equals u with dots
    assert not has_one_weight(b"bob", 9999)


@pytest.mark.parametrize(
    "sql",
    [
        "select get_lock('a', 1)",
        "select `GET_LOCK` ('a', 1)",
        "select @a := 1",
        "select 1 into @a",
        "select last_insert_id(5)",
        "select lastval(s)",
    ],
)
def test_what_stays_on_a_connection_is_refused(sql: str) -> None:
    with pytest.raises(RefusedError):
        refuse_connection_state(find_session_terms(tokens_of(sql)))


def test_an_update_may_set_the_insert_id() -> None:
    use = find_session_terms(tokens_of("update t set id = last_insert_id(id + 1)"))
    refuse_connection_state(use, writing=True)
    with pytest.raises(RefusedError):
        refuse_connection_state(use)


def test_a_failed_commit_tells_of_every_shard() -> None:
    report = commit_report(
        ArmillaryError("cut"),
        committed=["main/-80"],
        failed="main/80-",
        unknown=True,
        rolled_back=["plain/0"],
    )
    assert report == (
        "the transaction was not committed as a whole: committed on 1 shards: main/-80; lost the "
        "connection to main/80- during COMMIT: whether it was done is unknown; "
        "rolled back on plain/0"
    )
