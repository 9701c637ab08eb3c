"""Rows and parameters, from bytes to SQL and back."""

import datetime
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.base.errors import WireError
from armillary.sql.literals import NotAValue, literal_value, unescape
from armillary.wire.columns import ColumnDefinition
from armillary.wire.lenenc import encode_int, read_int
from armillary.wire.protocol import ColumnFlag, ColumnType
from armillary.wire.rows import (
    binary_to_text,
    encode_binary_row,
    split_binary_row,
    text_to_binary,
)
from armillary.wire.statements import (
    encode_execute,
    literal_of,
    may_be_relayed,
    parse_execute,
    quote,
)


@given(st.integers(0, 2**64 - 1))
def test_lengths_survive(value: int) -> None:
    encoded = encode_int(value)
    assert read_int(encoded, 0) == (value, len(encoded))


CELLS = [
    (ColumnType.LONGLONG, 0, b"-5"),
    (ColumnType.LONGLONG, ColumnFlag.UNSIGNED, b"18446744073709551615"),
    (ColumnType.TINY, 0, b"-128"),
    (ColumnType.YEAR, ColumnFlag.UNSIGNED, b"2020"),
    (ColumnType.DOUBLE, 0, b"2.5"),
    (ColumnType.NEWDECIMAL, 0, b"-10.50"),
    (ColumnType.VAR_STRING, 0, "é".encode()),
    (ColumnType.DATE, 0, b"2020-02-29"),
    (ColumnType.DATETIME, 0, b"2020-02-29 23:59:58"),
    (ColumnType.TIME, 0, b"-838:59:59"),
    (ColumnType.TIME, 0, b"00:00:01"),
    (ColumnType.VAR_STRING, 0, None),
]


@pytest.mark.parametrize(("kind", "flags", "cell"), CELLS)
def test_a_text_cell_survives_the_binary_protocol(
    kind: ColumnType, flags: int, cell: bytes | None
) -> None:
    column = ColumnDefinition(name=b"c", type=kind, flags=flags)
    row = encode_binary_row([text_to_binary(cell, column), None, text_to_binary(cell, column)])
    cells = split_binary_row(row, [column, column, column])
    assert [binary_to_text(one, column) for one in cells] == [cell, None, cell]


def test_fractions_of_a_second_survive() -> None:
    column = ColumnDefinition(name=b"c", type=ColumnType.DATETIME, decimals=3)
    cell = text_to_binary(b"2020-01-02 03:04:05.120", column)
    assert binary_to_text(cell, column) == b"2020-01-02 03:04:05.120"


@given(st.binary(max_size=30))
def test_a_quoted_string_means_itself(value: bytes) -> None:
    quoted = quote(value)
    assert unescape(quoted) == value
    inside = quoted[1:-1].replace(b"\\\\", b"").replace(b"''", b"")
    assert b"'" not in inside


def test_parameters_become_literals_of_the_same_meaning() -> None:
    double = struct.pack("<d", 1.5)
    assert literal_of(double, ColumnType.DOUBLE, 0) == b"1.5e0"
    assert literal_of(b"\xff", ColumnType.TINY, 0) == b"-1"
    assert literal_of(b"\xff", ColumnType.TINY, 0x80) == b"255"
    assert literal_of(b"1.10", ColumnType.NEWDECIMAL, 0) == b"1.10"
    assert literal_of(b"a'b", ColumnType.VAR_STRING, 0) == b"'a''b'"
    assert literal_of(b"\x00", ColumnType.BLOB, 0) == b"_binary'\\0'"
    assert literal_of(None, ColumnType.LONG, 0) == b"NULL"
    day = datetime.date(2020, 2, 3)
    packed = b"\x04" + struct.pack("<HBB", day.year, day.month, day.day)
    assert literal_of(packed, ColumnType.DATE, 0) == b"DATE'2020-02-03'"


MOMENTS = [
    (ColumnType.DATETIME, "<BHBB", (4, 2020, 2, 3), b"TIMESTAMP'2020-02-03 00:00:00'"),
    (ColumnType.TIMESTAMP, "<BHBBBBBI", (11, 2020, 2, 3, 4, 5, 6, 7),
     b"TIMESTAMP'2020-02-03 04:05:06.000007'"),
    (ColumnType.TIME, "<BBIBBB", (8, 1, 2, 3, 4, 5), b"TIME'-51:04:05'"),
    (ColumnType.DATE, "<BHBB", (4, 2020, 0, 0), b"_latin1'2020-00-00'"),
    (ColumnType.DATE, "<B", (0,), b"_latin1'0000-00-00'"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "form", "fields", "literal"), MOMENTS)
def test_dates_and_times_keep_their_type_and_place_no_row(
    kind: ColumnType, form: str, fields: tuple[int, ...], literal: bytes
) -> None:
    found = literal_of(struct.pack(form, *fields), kind, 0)
    assert found == literal
    with pytest.raises(NotAValue):
        literal_value(found)


NO_MOMENTS = [
    (ColumnType.DATE, "<BHBB", (4, 2020, 13, 1)),
    (ColumnType.DATE, "<BHBB", (4, 20210, 2, 3)),
    (ColumnType.DATETIME, "<BHBBBBB", (7, 2020, 1, 1, 24, 0, 0)),
    (ColumnType.TIMESTAMP, "<BHBBBBBI", (11, 2020, 1, 1, 0, 0, 0, 1_000_000)),
    (ColumnType.TIME, "<BBIBBB", (8, 0, 40, 0, 0, 0)),
    (ColumnType.TIME, "<BBIBBB", (8, 0, 0, 3, 61, 2)),
]


@pytest.mark.parametrize(("kind", "form", "fields"), NO_MOMENTS)
def test_a_date_or_time_that_there_is_not_is_refused(
    kind: ColumnType, form: str, fields: tuple[int, ...]
) -> None:
    with pytest.raises(WireError):
        literal_of(struct.pack(form, *fields), kind, 0)


def test_parameters_of_odd_types_are_not_relayed() -> None:
    for kind in (ColumnType.YEAR, 14, 17, 18, 19, ColumnType.BIT, ColumnType.JSON):
        assert not may_be_relayed(bytes((ColumnType.LONG, 0, kind, 0)))
    assert may_be_relayed(bytes((ColumnType.LONG, 0x80, ColumnType.DATETIME, 0)))


def test_execute_survives_and_remembers_types() -> None:
    types = bytes((ColumnType.LONGLONG, 0, ColumnType.VAR_STRING, 0, ColumnType.NULL, 0))
    values = (struct.pack("<q", 5), b"text", None)
    payload = encode_execute(7, types, values)
    request = parse_execute(payload, parameter_count=3, last_types=b"")
    assert (request.statement_id, request.values) == (7, values)
    at = 10 + 1
    again = payload[:at] + b"\x00" + payload[at + 1 + len(types) :]
    assert parse_execute(again, parameter_count=3, last_types=types).values == values
