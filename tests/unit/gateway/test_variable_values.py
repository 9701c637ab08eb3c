"""What a user variable holds is written into statements with its type."""

import pytest

from armillary.vtgate.errors import RefusedError
from armillary.vtgate.statements.variable_values import literal_of_cell, literal_of_text
from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import ColumnFlag, ColumnType

UNSIGNED = int(ColumnFlag.UNSIGNED)
BIG = b"cast('00000000000000000005' as %s)"


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        (" 5 ", BIG % b"signed"),
        ("null", b"NULL"),
        ("1e0", None),
        ("'a'", None),
        ("99999999999999999999", None),
    ],
)
def test_some_values_need_no_server(text: str, literal: bytes | None) -> None:
    assert literal_of_text(text) == literal


@pytest.mark.parametrize(
    ("cell", "kind", "flags", "collation_id", "literal"),
    [
        (None, ColumnType.LONG, 0, 63, b"NULL"),
        (b"5", ColumnType.LONG, 0, 63, BIG % b"signed"),
        (b"5", ColumnType.LONGLONG, UNSIGNED, 63, BIG % b"unsigned"),
        (b"-5", ColumnType.LONG, 0, 63, b"cast('-0000000000000000005' as signed)"),
        (b"1.50", ColumnType.NEWDECIMAL, 0, 63, b"1.50"),
        (b"1", ColumnType.DOUBLE, 0, 63, b"1e0"),
        (b"1e20", ColumnType.DOUBLE, 0, 63, b"1e20"),
        (b"2020-01-01", ColumnType.DATE, 0, 63, b"'2020-01-01'"),
        (b"A\xff", ColumnType.VAR_STRING, 0, 63, b"cast(x'41ff' as binary)"),
        ("it's ä".encode(), ColumnType.VAR_STRING, 0, 45, "'it''s ä'".encode()),
        (b"root@%", ColumnType.VAR_STRING, 0, 33, b"'root@%'"),
    ],
)
def test_a_value_keeps_its_kind(
    cell: bytes | None, kind: int, flags: int, collation_id: int, literal: bytes
) -> None:
    column = ColumnDefinition(name=b"v", type=kind, flags=flags, collation_id=collation_id)
    assert literal_of_cell(cell, column, connection_collation=45, codec="utf-8") == literal


def test_text_of_a_collation_of_its_own_is_refused() -> None:
    column = ColumnDefinition(name=b"v", type=ColumnType.VAR_STRING, collation_id=46)
    with pytest.raises(RefusedError, match="collation"):
        literal_of_cell(b"A", column, connection_collation=45, codec="utf-8")
