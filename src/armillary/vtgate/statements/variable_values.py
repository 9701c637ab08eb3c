"""What a user variable holds, as the SQL expression of that value, type and all. Pure.

A variable is written into each statement that uses it. A server remembers more than digits: that
bytes compare as bytes, that a number is a double or has no sign.
"""

import re

from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.shapes import column_shape
from armillary.vtgate.rendering import big_integer
from armillary.vtgate.session import CODECS
from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import (
    BINARY_COLLATION,
    DECIMAL_TYPES,
    FLOAT_TYPES,
    INTEGER_TYPES,
    ColumnFlag,
    ColumnType,
)
from armillary.wire.statements import quote

_WHOLE = re.compile(r"\d{1,18}")
# Of what functions tell of the server itself, in ASCII: utf8mb3_general_ci, latin1_swedish_ci.
_SYSTEM_COLLATIONS = frozenset({33, 8})
_OF_NUMBERS = b"latin1_swedish_ci"  # what a date is, once it is text
_TEMPORAL = frozenset(
    {ColumnType.DATE, ColumnType.TIME, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.YEAR}
)


def literal_of_text(value: str) -> bytes | None:
    """Return what a variable set to this text holds, if no server must be asked for it."""
    text = value.strip()
    if _WHOLE.fullmatch(text):
        return big_integer(int(text))
    return b"NULL" if text.upper() == "NULL" else None


def literal_of_cell(
    cell: bytes | None, column: ColumnDefinition, *, connection_collation: int, codec: str
) -> bytes:
    """Return what a variable holds that was set to a value which a server has computed.

    Args:
        column: as a connection without result conversion describes it.
        connection_collation: of text that says nothing of its own.
        codec: Python's name of the character set that statements are written in.
    Raises:
        RefusedError: text that would compare by another collation than it is written in.
    """
    if cell is None:
        return b"NULL"
    if column.type in _TEMPORAL:
        return quote(cell)
    if column.type in INTEGER_TYPES:
        return big_integer(int(cell), unsigned=bool(column.flags & ColumnFlag.UNSIGNED))
    if column.type in FLOAT_TYPES:
        return cell if b"e" in cell.lower() else cell + b"e0"
    if column.type in DECIMAL_TYPES:
        return cell
    if column.collation_id == BINARY_COLLATION:
        return _binary(cell)
    if column.collation_id not in (connection_collation, *_SYSTEM_COLLATIONS):
        raise RefusedError("a user variable with a collation that is not the connection's")
    shape = column_shape(column)
    try:
        text = cell.decode(shape.codec)
        return quote(text.encode(codec or "utf-8"))
    except UnicodeError:
        raise RefusedError("a user variable with text that the connection cannot write") from None


def literal_of_variable(
    cell: bytes | None,
    column: ColumnDefinition,
    *,
    collation: bytes,
    connection_collation: bytes,
    codec: str,
) -> bytes:
    """Return what a variable holds that a statement has assigned, read back from its connection.

    Args:
        cell: the value's own bytes, unconverted.
        column: what kind of value it is.
        collation: of the variable itself; where it is not the connection's, the literal says so.
    """
    is_text = cell is not None and column.type not in (
        *_TEMPORAL, *INTEGER_TYPES, *FLOAT_TYPES, *DECIMAL_TYPES
    )  # fmt: skip
    if cell is None or not is_text:
        return literal_of_cell(cell, column, connection_collation=column.collation_id, codec=codec)
    if collation == b"binary":
        return _binary(cell)
    charset = collation.partition(b"_")[0]
    plain = _written(cell, charset.decode("ascii"), codec)
    is_plain = collation == connection_collation or (cell.isascii() and collation == _OF_NUMBERS)
    if is_plain and plain is not None:
        return plain
    return b"convert(x'%s' using %s) collate %s" % (cell.hex().encode(), charset, collation)


def _binary(cell: bytes) -> bytes:
    return b"cast(x'%s' as binary)" % cell.hex().encode()


def _written(cell: bytes, charset: str, codec: str) -> bytes | None:
    """Return text of one character set as a literal in a session's, if it can be written there."""
    theirs = CODECS.get(charset)
    if not theirs or not codec:
        return None
    try:
        return quote(cell.decode(theirs).encode(codec))
    except UnicodeError:
        return None
