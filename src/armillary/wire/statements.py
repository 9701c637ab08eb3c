"""Prepared statements: packets of COM_STMT_PREPARE and COM_STMT_EXECUTE. Pure.

Source: MySQL protocol, "Prepared Statements".
"""

import re
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from armillary.base.errors import WireError
from armillary.wire.lenenc import encode_int, read_string
from armillary.wire.protocol import ColumnType, Command

_UNSIGNED = 0x80
_NUMBER = re.compile(rb"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ESCAPES = re.compile(rb"['\\\x00\x1a]")
_ESCAPED = {b"'": b"''", b"\\": b"\\\\", b"\x00": b"\\0", b"\x1a": b"\\Z"}
_INTEGERS = {
    ColumnType.TINY: 1,
    ColumnType.SHORT: 2,
    ColumnType.YEAR: 2,
    ColumnType.LONG: 4,
    ColumnType.INT24: 4,
    ColumnType.LONGLONG: 8,
}
_HOURS_MAX = 838
_DATE_PREFIXES: dict[int, bytes] = {
    ColumnType.DATE: b"DATE",
    ColumnType.DATETIME: b"TIMESTAMP",
    ColumnType.TIMESTAMP: b"TIMESTAMP",
}
_BLOBS = frozenset(
    {ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB, ColumnType.BLOB}
)
# All but YEAR, and what no client should send: of those, servers read other bytes or values.
_KNOWN_TYPES = bytes(
    (
        *(kind for kind in _INTEGERS if kind != ColumnType.YEAR),
        *(ColumnType.FLOAT, ColumnType.DOUBLE, ColumnType.DECIMAL, ColumnType.NEWDECIMAL),
        *(ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME),
        *(ColumnType.VARCHAR, ColumnType.VAR_STRING, ColumnType.STRING, *_BLOBS),
        ColumnType.NULL,
    )
)


@dataclass(frozen=True, slots=True)
class PrepareOk:
    statement_id: int
    column_count: int
    parameter_count: int
    warnings: int = 0


def parse_prepare_ok(payload: bytes) -> PrepareOk:
    """Raises: WireError: not the first packet of an answer to COM_STMT_PREPARE."""
    if len(payload) < 12 or payload[0] != 0:
        raise WireError("answer to a prepare wanted, found another packet")
    statement_id, columns, parameters, _, warnings = struct.unpack("<IHHBH", payload[1:12])
    return PrepareOk(statement_id, columns, parameters, warnings)


def encode_prepare_ok(ok: PrepareOk) -> bytes:
    return b"\x00" + struct.pack(
        "<IHHBH", ok.statement_id, ok.column_count, ok.parameter_count, 0, ok.warnings
    )


@dataclass(frozen=True, slots=True)
class ExecuteRequest:
    statement_id: int
    types: bytes  # two bytes a parameter
    values: tuple[bytes | None, ...]  # in binary form; None for NULL or for long data


def statement_id_of(payload: bytes) -> int:
    """Raises: WireError: the command is cut off."""
    if len(payload) < 5:
        raise WireError("statement id wanted, end of packet found")
    return int.from_bytes(payload[1:5], "little")


def parse_execute(
    payload: bytes,
    *,
    parameter_count: int,
    last_types: bytes,
    long_data: Collection[int] = (),
) -> ExecuteRequest:
    """Parse COM_STMT_EXECUTE; `last_types` serve when the client sends none again.

    Args:
        long_data: numbers of the parameters that were sent before, and are not here.

    Raises:
        WireError: cut off, or no types were ever sent.
    """
    statement_id = statement_id_of(payload)
    at = 10
    if parameter_count == 0:
        return ExecuteRequest(statement_id, b"", ())
    bitmap = payload[at : at + (parameter_count + 7) // 8]
    at += len(bitmap)
    if at >= len(payload):
        raise WireError("parameters of a prepared statement are cut off")
    types = last_types
    if payload[at] == 1:
        types = payload[at + 1 : at + 1 + 2 * parameter_count]
        at += 2 * parameter_count
    at += 1
    if len(types) != 2 * parameter_count:
        raise WireError("types of the parameters wanted, none were sent")
    values: list[bytes | None] = []
    for index in range(parameter_count):
        null = bitmap[index // 8] >> index % 8 & 1
        if null or types[2 * index] == ColumnType.NULL or index in long_data:
            values.append(None)
            continue
        value, at = _read_value(payload, at, types[2 * index])
        values.append(value)
    return ExecuteRequest(statement_id, types, tuple(values))


def _read_value(payload: bytes, at: int, kind: int) -> tuple[bytes, int]:
    if kind in _INTEGERS:
        width = _INTEGERS[kind]  # type: ignore[index]
    elif kind == ColumnType.FLOAT:
        width = 4
    elif kind == ColumnType.DOUBLE:
        width = 8
    elif kind in (
        ColumnType.DATE,
        ColumnType.DATETIME,
        ColumnType.TIMESTAMP,
        ColumnType.TIME,
    ):
        width = 1 + payload[at] if at < len(payload) else 1
    else:
        return read_string(payload, at)
    if at + width > len(payload):
        raise WireError("parameter of a prepared statement is cut off")
    return payload[at : at + width], at + width


def encode_execute(statement_id: int, types: bytes, values: Sequence[bytes | None]) -> bytes:
    """Build COM_STMT_EXECUTE with its types, without a cursor."""
    head = bytes((Command.STMT_EXECUTE,)) + struct.pack("<IBI", statement_id, 0, 1)
    if not values:
        return head
    bitmap = bytearray((len(values) + 7) // 8)
    parts = []
    for index, value in enumerate(values):
        if value is None:
            bitmap[index // 8] |= 1 << index % 8
        elif types[2 * index] in (*_INTEGERS, ColumnType.FLOAT, ColumnType.DOUBLE) or types[
            2 * index
        ] in (ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP, ColumnType.TIME):
            parts.append(value)
        else:
            parts.append(encode_int(len(value)) + value)
    return head + bytes(bitmap) + b"\x01" + types + b"".join(parts)


def quote(value: bytes) -> bytes:
    """Return a SQL string literal; for connections without NO_BACKSLASH_ESCAPES."""
    return b"'" + _ESCAPES.sub(lambda match: _ESCAPED[match.group()], value) + b"'"


def literal_of(value: bytes | None, kind: int, flags: int) -> bytes:
    """Return a parameter as SQL text that means the same value of the same type.

    Raises:
        WireError: a decimal that is no number, a date or a time that there is not.
    """
    if value is None:
        return b"NULL"
    if kind in _INTEGERS:
        return b"%d" % int.from_bytes(value, "little", signed=not flags & _UNSIGNED)
    if kind in (ColumnType.FLOAT, ColumnType.DOUBLE):
        number = struct.unpack("<f" if kind == ColumnType.FLOAT else "<d", value)[0]
        text = repr(number).encode()
        if not _NUMBER.fullmatch(text):
            raise WireError(f"a finite number wanted, found {number}")
        return text if b"e" in text else text + b"e0"
    if kind in (ColumnType.DECIMAL, ColumnType.NEWDECIMAL):
        if not _NUMBER.fullmatch(value):
            raise WireError("a decimal number wanted, found another text")
        return value
    if kind in (ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP):
        return _date_literal(value, kind)
    if kind == ColumnType.TIME:
        return _time_literal(value)
    if kind in _BLOBS or kind == ColumnType.BIT:
        return b"_binary" + quote(value)
    return quote(value)


def literals_of(request: ExecuteRequest) -> list[bytes]:
    """Return the parameters as SQL text. Raises: WireError: as `literal_of`."""
    types = request.types
    return [
        literal_of(value, types[2 * index], types[2 * index + 1])
        for index, value in enumerate(request.values)
    ]


def may_be_relayed(types: bytes) -> bool:
    """Whether `literal_of` knows all these types, and reads of them what a server does."""
    return not types[::2].translate(None, _KNOWN_TYPES)


def _date_literal(value: bytes, kind: int) -> bytes:
    """Return a literal with its type: as a mere string it would be compared as text."""
    fields = value[1:] + b"\x00" * (11 - len(value) + 1)
    year = int.from_bytes(fields[0:2], "little")
    month, day = fields[2], fields[3]
    micros = int.from_bytes(fields[7:11], "little")
    _check("date", year <= 9999 and month <= 12 and day <= 31)
    _check("time", fields[4] <= 23 and _is_in_an_hour(fields[5], fields[6], micros))
    date = b"%04d-%02d-%02d" % (year, month, day)
    typed = _DATE_PREFIXES[kind] if month and day else b"_latin1"  # DATE'2020-00-00' is refused
    if kind == ColumnType.DATE:
        return typed + b"'" + date + b"'"
    fraction = b".%06d" % micros if micros else b""
    return typed + b"'" + date + b" %02d:%02d:%02d" % tuple(fields[4:7]) + fraction + b"'"


def _time_literal(value: bytes) -> bytes:
    fields = value[1:] + b"\x00" * (12 - len(value) + 1)
    hours = int.from_bytes(fields[1:5], "little") * 24 + fields[5]
    micros = int.from_bytes(fields[8:12], "little")
    fraction = b".%06d" % micros if micros else b""
    _check("time", hours <= _HOURS_MAX and _is_in_an_hour(fields[6], fields[7], micros))
    sign = b"-" if fields[0] else b""
    return b"TIME'" + sign + b"%02d:%02d:%02d" % (hours, fields[6], fields[7]) + fraction + b"'"


def _is_in_an_hour(minute: int, second: int, micros: int) -> bool:
    return minute <= 59 and second <= 59 and micros <= 999_999


def _check(what: str, holds: bool) -> None:
    if not holds:
        raise WireError(f"a {what} wanted, found fields that none has")
