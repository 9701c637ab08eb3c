"""What a column holds after a literal was written into it, as far as that is certain. Pure.

A row is placed by what its vindex column will hold, not by what the client wrote. In a strict
sql_mode a server refuses a value that does not fit; otherwise (and with IGNORE) it cuts, clamps or
rounds it, and the row would be where nobody looks for it. So values that do not fit as they are
are refused here, in every sql_mode.
"""

from armillary.routing.vindexes import Value
from armillary.sql.literals import DIGITS_MAX, NotAValue, literal_value, whole_double
from armillary.vtgate.errors import SqlError
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.protocol import DECIMAL_TYPES, ColumnFlag, ColumnType

_BITS = {
    ColumnType.TINY: 8,
    ColumnType.SHORT: 16,
    ColumnType.INT24: 24,
    ColumnType.LONG: 32,
    ColumnType.LONGLONG: 64,
}
_EXACT_BITS = {ColumnType.FLOAT: 24, ColumnType.DOUBLE: 53}
_TEXT_DIGITS_MAX = 60  # of a whole number that becomes text as it is written
_DOUBLE_DIGITS_MAX = 15  # of a double that does so without an exponent


def stored_value(literal: bytes, column: ColumnShape, *, codec: str) -> Value:
    """Return the value that `column` holds once `literal` was written into it.

    Raises:
        SqlError: the column cannot hold it as it is.
        NotAValue: what the column would hold cannot be told without a server.
    """
    value = literal_value(literal, codec=codec)
    if value is None:
        _refuse_null(column)
        return None
    if column.flags & ColumnFlag.AUTO_INCREMENT and value in (0, b"0"):
        raise SqlError(1105, f"column '{column.name}' would get a number of one shard's counter")
    if column.is_string:
        if whole_double(literal) is not None and not _is_text_of_double(literal, value):
            raise NotAValue
        return _stored_text(value, column)
    number = whole_number(literal, value)
    if column.type in _BITS:
        fits = number in _range(column)
    elif column.type in _EXACT_BITS:
        fits = abs(number) <= 1 << _EXACT_BITS[ColumnType(column.type)]
    elif column.type in DECIMAL_TYPES:
        fits = len(str(abs(number))) <= _whole_digits(column)
    else:
        raise NotAValue
    if not fits:
        raise SqlError(1264, f"Out of range value for column '{column.name}': {number}")
    return number


def whole_number(literal: bytes, value: int | bytes) -> int:
    """Return a literal's value as a number.

    Raises:
        NotAValue: no whole number in plain digits; x'35' is 5 to one server and 53 to another.
    """
    if isinstance(value, bytes):
        digits = value[1:] if value[:1] == b"-" else value
        if not digits.isdigit() or literal[:1] in (b"x", b"X") or len(digits) > DIGITS_MAX:
            raise NotAValue
    return int(value)


def _is_text_of_double(literal: bytes, value: int | bytes) -> bool:
    """Whether a whole double becomes text with its digits alone: not 1e15, not -0."""
    short = isinstance(value, int) and abs(value) < 10**_DOUBLE_DIGITS_MAX
    return short and not (value == 0 and literal.startswith(b"-"))


def _refuse_null(column: ColumnShape) -> None:
    if column.flags & ColumnFlag.AUTO_INCREMENT:
        raise SqlError(1105, f"column '{column.name}' would get a number of one shard's counter")
    if column.flags & ColumnFlag.NOT_NULL:
        raise SqlError(1048, f"Column '{column.name}' cannot be null")


def _whole_digits(column: ColumnShape) -> int:
    """Return how many digits a decimal column has before the point."""
    point = 1 + column.decimals if column.decimals else 0
    sign = 0 if column.flags & ColumnFlag.UNSIGNED else 1
    return column.length - point - sign


def _range(column: ColumnShape) -> range:
    bits = _BITS[ColumnType(column.type)]
    if column.flags & ColumnFlag.UNSIGNED:
        return range(1 << bits)
    return range(-(1 << bits - 1), 1 << bits - 1)


def _stored_text(value: int | bytes, column: ColumnShape) -> bytes:
    if isinstance(value, int):
        value = b"%d" % value
        if len(value) > _TEXT_DIGITS_MAX:
            raise NotAValue
    fixed = column.type == ColumnType.STRING
    if not column.is_text:
        if len(value) > column.length:
            raise _too_long(column)
        return value.ljust(column.length, b"\0") if fixed else value
    try:
        text = value.decode("utf-8")
        encoded = column.encode(text)
    except UnicodeError:
        raise SqlError(1366, f"Incorrect string value for column '{column.name}'") from None
    used = len(encoded) if column.is_blob else len(text)
    if used > (column.length if column.is_blob else column.length // column.character_bytes):
        raise _too_long(column)
    return text.rstrip(" ").encode() if fixed else value


def _too_long(column: ColumnShape) -> SqlError:
    return SqlError(1406, f"Data too long for column '{column.name}'")
