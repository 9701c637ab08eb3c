"""What a table's columns are, as a shard describes them. Pure.

Read by `select * from t limit 0` on a connection without result conversion, so that the character
set in a column's definition is the column's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import (
    BINARY_COLLATION,
    DECIMAL_TYPES,
    FLOAT_TYPES,
    INTEGER_TYPES,
    ColumnFlag,
    ColumnType,
)

_STRINGS = frozenset(
    {
        ColumnType.VARCHAR,
        ColumnType.VAR_STRING,
        ColumnType.STRING,
        ColumnType.BLOB,
        ColumnType.TINY_BLOB,
        ColumnType.MEDIUM_BLOB,
        ColumnType.LONG_BLOB,
    }
)


@dataclass(frozen=True, slots=True)
class ColumnShape:
    name: str
    type: int
    flags: int
    collation_id: int
    decimals: int

    @property
    def is_integer(self) -> bool:
        return self.type in INTEGER_TYPES

    @property
    def is_enum_or_set(self) -> bool:
        return bool(self.flags & (ColumnFlag.ENUM | ColumnFlag.SET)) or self.type in (
            ColumnType.ENUM,
            ColumnType.SET,
        )

    @property
    def is_string(self) -> bool:
        return self.type in _STRINGS and not self.is_enum_or_set

    @property
    def is_text(self) -> bool:
        return self.is_string and self.collation_id != BINARY_COLLATION

    @property
    def is_number(self) -> bool:
        return self.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES


@dataclass(frozen=True, slots=True)
class TableShape:
    columns: Mapping[str, ColumnShape]  # in the table's order, names in lower case

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.columns)


Shapes = Mapping[tuple[str, str], TableShape]  # by keyspace and table


def shape_of(definitions: Iterable[ColumnDefinition]) -> TableShape:
    columns = {}
    for definition in definitions:
        name = definition.name.decode("utf-8", "replace").lower()
        columns[name] = column_shape(definition)
    return TableShape(columns)


def column_shape(definition: ColumnDefinition) -> ColumnShape:
    return ColumnShape(
        definition.name.decode("utf-8", "replace"),
        definition.type,
        definition.flags,
        definition.collation_id,
        definition.decimals,
    )
