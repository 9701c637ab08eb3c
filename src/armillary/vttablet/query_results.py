"""Rows of mysqld as Vitess's `query.QueryResult`. Pure.

Values stay the bytes that mysqld sent; a row is all values after one another with their lengths.
Source: Vitess `sqltypes` (MySQL type and flags to query.Type), proto3 rows.
"""

from collections.abc import Mapping

from armillary.base.errors import PreconditionError
from armillary.mysqld.connection import FIELD_TYPE, Column, Rows
from armillary.pb import query_pb2

_UNSIGNED_FLAG = 32
_BINARY_FLAG = 128
_ENUM_FLAG = 256
_SET_FLAG = 2048
_BINARY_CHARSET = 63

_SIGNED: Mapping[int, str] = {
    FIELD_TYPE.TINY: "INT8",
    FIELD_TYPE.SHORT: "INT16",
    FIELD_TYPE.INT24: "INT24",
    FIELD_TYPE.LONG: "INT32",
    FIELD_TYPE.LONGLONG: "INT64",
}
_OTHERS: Mapping[int, str] = {
    FIELD_TYPE.DECIMAL: "DECIMAL",
    FIELD_TYPE.NEWDECIMAL: "DECIMAL",
    FIELD_TYPE.FLOAT: "FLOAT32",
    FIELD_TYPE.DOUBLE: "FLOAT64",
    FIELD_TYPE.NULL: "NULL_TYPE",
    FIELD_TYPE.TIMESTAMP: "TIMESTAMP",
    FIELD_TYPE.DATE: "DATE",
    FIELD_TYPE.NEWDATE: "DATE",
    FIELD_TYPE.TIME: "TIME",
    FIELD_TYPE.DATETIME: "DATETIME",
    FIELD_TYPE.YEAR: "YEAR",
    FIELD_TYPE.BIT: "BIT",
    FIELD_TYPE.JSON: "JSON",
    FIELD_TYPE.GEOMETRY: "GEOMETRY",
}
_TEXTS: Mapping[int, tuple[str, str]] = {  # text, binary
    FIELD_TYPE.TINY_BLOB: ("TEXT", "BLOB"),
    FIELD_TYPE.MEDIUM_BLOB: ("TEXT", "BLOB"),
    FIELD_TYPE.LONG_BLOB: ("TEXT", "BLOB"),
    FIELD_TYPE.BLOB: ("TEXT", "BLOB"),
    FIELD_TYPE.VARCHAR: ("VARCHAR", "VARBINARY"),
    FIELD_TYPE.VAR_STRING: ("VARCHAR", "VARBINARY"),
    FIELD_TYPE.STRING: ("CHAR", "BINARY"),
}


def type_name(column: Column) -> str:
    """Return the name of the column's `query.Type`."""
    if column.flags & _ENUM_FLAG:
        return "ENUM"
    if column.flags & _SET_FLAG:
        return "SET"
    if column.type_code in _SIGNED:
        return ("U" if column.flags & _UNSIGNED_FLAG else "") + _SIGNED[column.type_code]
    if column.type_code in _TEXTS:
        text, binary = _TEXTS[column.type_code]
        return binary if column.charset == _BINARY_CHARSET else text
    return _OTHERS.get(column.type_code, "VARBINARY")


def encode_field(column: Column) -> query_pb2.Field:
    return query_pb2.Field(
        name=column.name,
        type=type_name(column),
        table=column.table,
        database=column.database,
        column_length=column.length,
        charset=column.charset,
        decimals=column.decimals,
        flags=column.flags,
    )


def encode_result(rows: Rows, *, rows_max: int) -> query_pb2.QueryResult:
    """Return `rows`, which were read with `raw_values`, as a message.

    Raises:
        PreconditionError: there are more rows than `rows_max` (0 means any number).
    """
    if rows_max and len(rows.values) > rows_max:
        raise PreconditionError(f"row count exceeded {rows_max}")
    result = query_pb2.QueryResult(
        fields=[encode_field(column) for column in rows.columns],
        rows_affected=len(rows.values) if rows.columns else rows.rows_affected,
        insert_id=rows.insert_id,
    )
    for values in rows.values:
        result.rows.add(
            lengths=[-1 if value is None else len(value) for value in values],
            values=b"".join(value for value in values if value is not None),
        )
    return result
