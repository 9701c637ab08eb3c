"""By which value rows are looked for; where equal ones may lie elsewhere, all shards are."""

import pytest

from armillary.routing.vindexes import FunctionalVindex, Value, make_functional
from armillary.sql.literals import NotAValue
from armillary.vtgate.placement.resolve import routing_value
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.protocol import ColumnType

GENERAL_CI = 45


def vindex(kind: str) -> FunctionalVindex:
    found = make_functional(name="v", kind=kind, params={}, owner="")
    assert found is not None
    return found


def value_of(literal: bytes, kind: ColumnType, vindex_kind: str = "hash") -> Value:
    column = ColumnShape("c", kind, 0, GENERAL_CI, 0, 20)
    return routing_value(literal, vindex(vindex_kind), column, codec="utf-8")


def test_a_number_is_looked_for_as_what_it_is() -> None:
    assert value_of(b"9007199254740993", ColumnType.LONGLONG) == 2**53 + 1
    assert value_of(b"9007199254740991", ColumnType.VAR_STRING) == 2**53 - 1


@pytest.mark.parametrize("digits", [b"9007199254740992", b"-9007199254740992"])
def test_a_number_that_equals_several_as_a_double_names_no_shard(digits: bytes) -> None:
    with pytest.raises(NotAValue):
        value_of(digits, ColumnType.VAR_STRING)


def test_a_year_names_no_shard_since_70_means_1970() -> None:
    with pytest.raises(NotAValue):
        value_of(b"70", ColumnType.YEAR)


def test_text_names_a_shard_only_where_equal_text_has_one_weight() -> None:
    assert value_of(b"'Zoe'", ColumnType.VAR_STRING, "unicode_loose_md5") == b"Zoe"
    for literal in (b"'Miss'", b"'z\xc3\xb6e'", b"1"):
        with pytest.raises(NotAValue):
            value_of(literal, ColumnType.VAR_STRING, "unicode_loose_md5")
