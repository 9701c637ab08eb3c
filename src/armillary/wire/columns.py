"""Column definitions (protocol 4.1). Pure."""

from dataclasses import dataclass

from armillary.base.errors import WireError
from armillary.wire.lenenc import encode_string, read_int, read_string
from armillary.wire.protocol import BINARY_COLLATION, UTF8MB4_GENERAL_CI, ColumnFlag, ColumnType

_FIXED_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDefinition:
    name: bytes
    type: int
    collation_id: int = BINARY_COLLATION
    length: int = 0
    flags: int = 0
    decimals: int = 0
    schema: bytes = b""
    table: bytes = b""
    org_table: bytes = b""
    org_name: bytes = b""


def text_column(name: str, *, characters: int = 255) -> ColumnDefinition:
    """A VARCHAR column of an answer that we make ourselves."""
    return ColumnDefinition(
        name=name.encode(),
        type=ColumnType.VAR_STRING,
        collation_id=UTF8MB4_GENERAL_CI,
        length=characters * 4,
        decimals=31,
    )


def integer_column(name: str, *, unsigned: bool = False) -> ColumnDefinition:
    return ColumnDefinition(
        name=name.encode(),
        type=ColumnType.LONGLONG,
        length=21,
        flags=ColumnFlag.BINARY | (ColumnFlag.UNSIGNED if unsigned else 0),
    )


def encode_column(column: ColumnDefinition) -> bytes:
    return (
        b"\x03def"
        + encode_string(column.schema)
        + encode_string(column.table)
        + encode_string(column.org_table)
        + encode_string(column.name)
        + encode_string(column.org_name)
        + b"\x0c"
        + column.collation_id.to_bytes(2, "little")
        + column.length.to_bytes(4, "little")
        + bytes((column.type,))
        + column.flags.to_bytes(2, "little")
        + bytes((column.decimals,))
        + b"\x00\x00"
    )


def parse_column(payload: bytes) -> ColumnDefinition:
    """Raises: WireError: cut off."""
    _, at = read_string(payload, 0)
    schema, at = read_string(payload, at)
    table, at = read_string(payload, at)
    org_table, at = read_string(payload, at)
    name, at = read_string(payload, at)
    org_name, at = read_string(payload, at)
    fixed, at = read_int(payload, at)
    if fixed < 10 or at + 10 > len(payload):
        raise WireError("column definition is cut off")
    return ColumnDefinition(
        name=name,
        type=payload[at + 6],
        collation_id=int.from_bytes(payload[at : at + 2], "little"),
        length=int.from_bytes(payload[at + 2 : at + 6], "little"),
        flags=int.from_bytes(payload[at + 7 : at + 9], "little"),
        decimals=payload[at + 9],
        schema=schema,
        table=table,
        org_table=org_table,
        org_name=org_name,
    )


def replace_schema(payload: bytes, old: bytes, new: bytes) -> bytes:
    """Return the column definition with database `old` renamed to `new`; others unchanged."""
    _, start = read_string(payload, 0)
    schema, end = read_string(payload, start)
    if schema != old:
        return payload
    return payload[:start] + encode_string(new) + payload[end:]
