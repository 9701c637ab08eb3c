"""Rows of result sets, text and binary. Pure.

In both forms a cell is what the text protocol would carry: bytes, or None for NULL. Keeping one
form lets everything above compare and combine rows without knowing which protocol brought them.
"""

import struct
from collections.abc import Sequence

from armillary.base.errors import WireError
from armillary.wire.columns import ColumnDefinition
from armillary.wire.lenenc import encode_string, read_string
from armillary.wire.protocol import ColumnFlag, ColumnType

Cell = bytes | None

_INTEGER_FORMATS = {
    ColumnType.TINY: ("<b", "<B"),
    ColumnType.SHORT: ("<h", "<H"),
    ColumnType.YEAR: ("<h", "<H"),
    ColumnType.LONG: ("<i", "<I"),
    ColumnType.INT24: ("<i", "<I"),
    ColumnType.LONGLONG: ("<q", "<Q"),
}


def encode_text_row(cells: Sequence[Cell]) -> bytes:
    return b"".join(b"\xfb" if cell is None else encode_string(cell) for cell in cells)


def split_text_row(payload: bytes, column_count: int) -> list[Cell]:
    """Raises: WireError: fewer cells than columns, or bytes left over."""
    cells: list[Cell] = []
    at = 0
    end = len(payload)
    for _ in range(column_count):
        first = payload[at] if at < end else 0xFF
        if first < 0xFB:
            cells.append(payload[at + 1 : at + 1 + first])
            at += 1 + first
        elif first == 0xFB:
            cells.append(None)
            at += 1
        else:
            cell, at = read_string(payload, at)
            cells.append(cell)
    if at != end:
        raise WireError(f"a row of {column_count} cells wanted, {end - at} more bytes found")
    return cells


def encode_binary_row(cells: Sequence[bytes | None]) -> bytes:
    """Assemble a binary row from cells that are already in binary form."""
    bitmap = bytearray((len(cells) + 9) // 8)
    for index, cell in enumerate(cells):
        if cell is None:
            bitmap[(index + 2) // 8] |= 1 << (index + 2) % 8
    return b"\x00" + bytes(bitmap) + b"".join(cell for cell in cells if cell is not None)


def split_binary_row(payload: bytes, columns: Sequence[ColumnDefinition]) -> list[bytes | None]:
    """Return each cell's bytes as the binary protocol carries them; None for NULL."""
    bitmap_bytes = (len(columns) + 9) // 8
    at = 1 + bitmap_bytes
    if len(payload) < at:
        raise WireError("binary row is cut off")
    cells: list[bytes | None] = []
    for index, column in enumerate(columns):
        if payload[1 + (index + 2) // 8] >> (index + 2) % 8 & 1:
            cells.append(None)
            continue
        end = _binary_end(payload, at, column.type)
        cells.append(payload[at:end])
        at = end
    return cells


_FIXED_WIDTHS = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.YEAR: 2,
    ColumnType.LONG: 4,
    ColumnType.INT24: 4,
    ColumnType.FLOAT: 4,
    ColumnType.LONGLONG: 8,
    ColumnType.DOUBLE: 8,
}
_TEMPORAL = frozenset({ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME})


def _binary_end(payload: bytes, at: int, column_type: int) -> int:
    width = _FIXED_WIDTHS.get(column_type)  # type: ignore[call-overload]
    if width is not None:
        return at + int(width)
    if column_type in _TEMPORAL:
        return at + 1 + payload[at]
    _, end = read_string(payload, at)
    return end


def binary_to_text(cell: bytes | None, column: ColumnDefinition) -> Cell:
    """Return a binary cell as the text protocol would have sent it."""
    if cell is None:
        return None
    kind = column.type
    if kind in _INTEGER_FORMATS:
        signed, unsigned = _INTEGER_FORMATS[kind]  # type: ignore[index]
        code = unsigned if column.flags & ColumnFlag.UNSIGNED else signed
        return b"%d" % struct.unpack(code, cell)[0]
    if kind == ColumnType.DOUBLE:
        return repr(struct.unpack("<d", cell)[0]).encode()
    if kind == ColumnType.FLOAT:
        return repr(struct.unpack("<f", cell)[0]).encode()
    if kind == ColumnType.TIME:
        return _time_text(cell, column.decimals)
    if kind in _TEMPORAL:
        return _date_text(cell, column)
    value, _ = read_string(cell, 0)
    return value


def _date_text(cell: bytes, column: ColumnDefinition) -> bytes:
    fields = cell[1:]
    year = int.from_bytes(fields[0:2], "little") if fields else 0
    month, day = (fields[2], fields[3]) if len(fields) >= 4 else (0, 0)
    date = b"%04d-%02d-%02d" % (year, month, day)
    if column.type == ColumnType.DATE:
        return date
    hour, minute, second = fields[4:7] if len(fields) >= 7 else (0, 0, 0)
    micros = int.from_bytes(fields[7:11], "little") if len(fields) >= 11 else 0
    return date + b" %02d:%02d:%02d" % (hour, minute, second) + _fraction(micros, column.decimals)


def _time_text(cell: bytes, decimals: int) -> bytes:
    fields = cell[1:]
    if not fields:
        return b"00:00:00" + _fraction(0, decimals)
    days = int.from_bytes(fields[1:5], "little")
    hours, minutes, seconds = days * 24 + fields[5], fields[6], fields[7]
    micros = int.from_bytes(fields[8:12], "little") if len(fields) >= 12 else 0
    sign = b"-" if fields[0] else b""
    return sign + b"%02d:%02d:%02d" % (hours, minutes, seconds) + _fraction(micros, decimals)


def _fraction(micros: int, decimals: int) -> bytes:
    if not 0 < decimals <= 6:
        return b""
    return b"." + (b"%06d" % micros)[:decimals]


def text_to_binary(cell: Cell, column: ColumnDefinition) -> bytes | None:
    """Return a text cell in the binary protocol's form; only for types that we compute."""
    if cell is None:
        return None
    kind = column.type
    if kind in _INTEGER_FORMATS:
        signed, unsigned = _INTEGER_FORMATS[kind]  # type: ignore[index]
        code = unsigned if column.flags & ColumnFlag.UNSIGNED else signed
        return struct.pack(code, int(cell))
    if kind == ColumnType.DOUBLE:
        return struct.pack("<d", float(cell))
    if kind == ColumnType.FLOAT:
        return struct.pack("<f", float(cell))
    if kind == ColumnType.TIME:
        return _time_binary(cell)
    if kind in _TEMPORAL:
        return _date_binary(cell)
    return encode_string(cell)


def _date_binary(cell: bytes) -> bytes:
    date, _, time = cell.partition(b" ")
    year, month, day = (int(part) for part in date.split(b"-"))
    body = struct.pack("<HBB", year, month, day)
    if time:
        whole, _, fraction = time.partition(b".")
        hour, minute, second = (int(part) for part in whole.split(b":"))
        body += bytes((hour, minute, second))
        if micros := int(fraction.ljust(6, b"0") or b"0"):
            body += micros.to_bytes(4, "little")
    return bytes((len(body),)) + body


def _time_binary(cell: bytes) -> bytes:
    whole, _, fraction = cell.lstrip(b"-").partition(b".")
    hours, minutes, seconds = (int(part) for part in whole.split(b":"))
    days, hours = divmod(hours, 24)
    body = struct.pack("<BIBBB", cell[:1] == b"-", days, hours, minutes, seconds)
    if micros := int(fraction.ljust(6, b"0") or b"0"):
        body += micros.to_bytes(4, "little")
    return bytes((len(body),)) + body
