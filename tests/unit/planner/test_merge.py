"""Rows of several shards compare and combine as one server would have it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armillary.vtgate.answers.merge import (
    AddUp,
    Average,
    CollationFacts,
    Descending,
    GroupMerger,
    KeyPart,
    PaddedWeight,
    format_double,
    key_of,
    read_time,
    reader_of,
)
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.protocol import ColumnType

SPACE = b"\x00\x20"


def weight(text: str) -> PaddedWeight:
    """As utf8mb4_bin would weigh it, in two bytes a character."""
    return PaddedWeight("".join(text).encode("utf-16-be"), SPACE)


def padded(text: str) -> str:
    return text.ljust(12, " ")


@given(*[st.text(st.sampled_from("a \tb"), max_size=5)] * 2)
def test_trailing_spaces_count_for_nothing_and_lesser_characters_do(one: str, other: str) -> None:
    assert (weight(one) < weight(other)) == (padded(one) < padded(other))
    assert (weight(one) == weight(other)) == (padded(one) == padded(other))


def shape(kind: int, decimals: int = 0, collation_id: int = 63) -> ColumnShape:
    return ColumnShape("c", kind, 0, collation_id, decimals)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        (ColumnType.LONGLONG, [b"-10", b"-9", b"0", b"9", b"10", b"18446744073709551615"]),
        (ColumnType.NEWDECIMAL, [b"-1.50", b"-1.5", b"0.00", b"9.9", b"10.0"]),
        (ColumnType.DOUBLE, [b"-1e20", b"-0.5", b"0", b"2e-20", b"1", b"1e20"]),
        (ColumnType.TIME, [b"-100:00:00", b"-12:00:00.5", b"-00:00:01", b"00:00:00", b"99:00:00",
                           b"100:00:00"]),
        (ColumnType.DATETIME, [b"1999-12-31 23:59:59.999", b"2000-01-01 00:00:00.000"]),
        (ColumnType.BIT, [b"\x00\x01", b"\x00\xff", b"\x01\x00"]),
        (ColumnType.VAR_STRING, [b"", b"A", b"B", b"a"]),
    ],
)  # fmt: skip
def test_cells_compare_by_what_they_mean(kind: int, cells: list[bytes]) -> None:
    read = reader_of(shape(kind))
    keys = [read(cell) for cell in cells]
    assert keys == sorted(keys)


def test_what_has_no_known_order_is_refused() -> None:
    with pytest.raises(RefusedError):
        reader_of(shape(ColumnType.GEOMETRY))
    with pytest.raises(RefusedError):
        reader_of(shape(ColumnType.VAR_STRING, 0, 45), CollationFacts("x", True, b" ", False))


def test_null_comes_first_or_last() -> None:
    part = KeyPart(0, reader_of(shape(ColumnType.LONGLONG)))
    assert key_of([None], [part]) < key_of([b"-5"], [part])
    down = KeyPart(0, part.read, descending=True)
    assert key_of([b"-5"], [down]) < key_of([None], [down])
    assert Descending(2) < Descending(1)


def test_times_are_read() -> None:
    assert read_time(b"-00:00:01.5") == -1_500_000
    assert read_time(b"100:00:00") == 360_000_000_000


def test_groups_add_up() -> None:
    key = KeyPart(0, reader_of(shape(ColumnType.LONGLONG)))
    decimal = shape(ColumnType.NEWDECIMAL, 2)
    merger = GroupMerger(
        [key],
        [
            AddUp(1, decimal),
            AddUp(3, decimal),
            AddUp(4, shape(ColumnType.LONGLONG)),
            Average(2, 3, 4, shape(ColumnType.NEWDECIMAL, 4)),
        ],
        groups_max=2,
    )
    merger.add([b"1", b"1.50", b"0.5000", b"1.00", b"2"])
    merger.add([b"2", None, None, None, b"0"])
    merger.add([b"1", b"2.25", b"1.0000", b"1.00", b"1"])
    merger.add([b"2", b"7.00", b"7.0000", b"7.00", b"1"])
    assert merger.finish() == [
        [b"1", b"3.75", b"0.6667", b"2.00", b"3"],
        [b"2", b"7.00", b"7.0000", b"7.00", b"1"],
    ]
    with pytest.raises(RefusedError):
        merger.add([b"3", None, None, None, b"0"])


DOUBLES = [
    (0.1, b"0.1"), (1e14, b"100000000000000"), (1e15, b"1e15"), (1e20, b"1e20"),
    (123456789.123, b"123456789.123"), (2.5e-20, b"2.5e-20"), (-0.000001, b"-0.000001"),
    (1.5e300, b"1.5e300"), (0.0, b"0"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), DOUBLES)
def test_doubles_are_printed_as_the_server_prints_them(value: float, text: bytes) -> None:
    assert format_double(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_double_is_the_same_number(value: float) -> None:
    assert math.isclose(float(format_double(value)), value, rel_tol=0, abs_tol=0)
