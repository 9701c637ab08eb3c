"""What a table's columns are, as a shard describes them. Pure.

Read by `select * from t limit 0` on a connection without result conversion, so that the character
set in a column's definition is the column's own.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from armillary.sql.triggers import columns_set
from armillary.wire.columns import ColumnDefinition
from armillary.wire.protocol import (
    BINARY_COLLATION,
    DECIMAL_TYPES,
    FLOAT_TYPES,
    INTEGER_TYPES,
    ColumnFlag,
    ColumnType,
)

_GENERATED = re.compile(r"\b(?:VIRTUAL|STORED|PERSISTENT)\b", re.IGNORECASE)
_STAMPED = re.compile(r"\bon update\b", re.IGNORECASE)
_STRINGS = frozenset(
    {
        ColumnType.VARCHAR,
        ColumnType.VAR_STRING,
        ColumnType.STRING,
        ColumnType.ENUM,
        ColumnType.SET,
        ColumnType.BLOB,
        ColumnType.TINY_BLOB,
        ColumnType.MEDIUM_BLOB,
        ColumnType.LONG_BLOB,
    }
)
_BLOBS = frozenset(
    {ColumnType.BLOB, ColumnType.TINY_BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB}
)
# Binary collations of text: equal means the same characters, but for blanks at the end.
EXACT_COLLATIONS = frozenset({46, 47, 65, 77, 83, 309, 1070, 1071, 1107})
# Collation ids by character set; MariaDB's UCA 14 collations have their own hundreds.
_CHARSETS: tuple[tuple[frozenset[int], str, int], ...] = (
    (frozenset({45, 46, *range(224, 248), *range(255, 324), *range(2304, 2560)}), "utf-8", 4),
    (frozenset({33, 76, 83, *range(192, 216), 223, *range(2048, 2304)}), "utf-8", 3),
    (frozenset({5, 8, 15, 31, 47, 48, 49, 94}), "cp1252", 1),
    (frozenset({9, 21, 27, 77}), "iso8859-2", 1),
    (frozenset({11, 65}), "ascii", 1),
    (frozenset({BINARY_COLLATION}), "latin-1", 1),
)


@dataclass(frozen=True, slots=True)
class ColumnShape:
    name: str
    type: int
    flags: int
    collation_id: int
    decimals: int
    length: int = 0  # in bytes; of numbers, in characters
    has_default: bool = False  # other than NULL

    @property
    def is_integer(self) -> bool:
        return self.type in INTEGER_TYPES

    @property
    def is_exact(self) -> bool:
        """Whether it compares with another such column digit by digit."""
        return self.type in INTEGER_TYPES | DECIMAL_TYPES

    @property
    def is_enum_or_set(self) -> bool:
        """Whether it is such a column; what MySQL computes of one is text, though it says ENUM."""
        return bool(self.flags & (ColumnFlag.ENUM | ColumnFlag.SET))

    @property
    def is_string(self) -> bool:
        return self.type in _STRINGS and not self.is_enum_or_set and not self.is_own_kind

    @property
    def is_own_kind(self) -> bool:
        """UUID, INET4 and INET6 come as unsigned strings; they compare by rules of their own."""
        return self.type == ColumnType.STRING and bool(self.flags & ColumnFlag.UNSIGNED)

    @property
    def is_text(self) -> bool:
        return self.is_string and self.collation_id != BINARY_COLLATION

    @property
    def is_blob(self) -> bool:
        """Whether its length is counted in bytes, even of text."""
        return self.type in _BLOBS

    @property
    def character_bytes(self) -> int:
        """How many bytes of `length` stand for one character."""
        return _charset_of(self.collation_id)[1]

    @property
    def codec(self) -> str:
        """Python's name of its character set."""
        return _charset_of(self.collation_id)[0]

    def encode(self, text: str) -> bytes:
        """Return text as this column keeps it.

        Raises:
            UnicodeEncodeError: it has characters that the column cannot keep.
        """
        codec, width = _charset_of(self.collation_id)
        if codec == "utf-8" and width < 4 and any(ord(char) > 0xFFFF for char in text):
            raise UnicodeEncodeError("utf8mb3", text, 0, len(text), "a character beyond U+FFFF")
        return text.encode(codec)

    def compares_as(self, other: "ColumnShape") -> bool:
        """Whether both columns keep and compare every value alike."""
        unsigned = ColumnFlag.UNSIGNED | ColumnFlag.BINARY
        return (
            self.type == other.type
            and self.length == other.length
            and self.decimals == other.decimals
            and self.collation_id == other.collation_id
            and self.flags & unsigned == other.flags & unsigned
            and not self.is_enum_or_set
        )

    @property
    def is_number(self) -> bool:
        return self.type in INTEGER_TYPES | DECIMAL_TYPES | FLOAT_TYPES


def _charset_of(collation_id: int) -> tuple[str, int]:
    """Return Python's name of a collation's character set, and its longest character in bytes.

    Of a character set that we do not know, text in ASCII is kept by all.
    """
    for ids, codec, width in _CHARSETS:
        if collation_id in ids:
            return codec, width
    return "ascii", 4


@dataclass(frozen=True, slots=True)
class TableShape:
    columns: Mapping[str, ColumnShape]  # in the table's order, names in lower case
    lookups: frozenset[str] | None = None  # lookup vindexes that compare as the table does; or all
    generated: frozenset[str] = frozenset()  # whose values the server computes from others
    stamped: frozenset[str] = frozenset()  # ON UPDATE CURRENT_TIMESTAMP
    set_at_insert: frozenset[str] = frozenset()  # by a trigger
    set_at_update: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.columns)


Shapes = Mapping[tuple[str, str], TableShape]  # by keyspace and table


def shape_of(
    definitions: Iterable[ColumnDefinition],
    *,
    defaults: Collection[str] = (),
    extras: Mapping[str, str] = {},
    triggers: Collection[tuple[str, str]] = (),
) -> TableShape:
    """Return a table's shape.

    Args:
        defaults: the columns with a default other than NULL.
        extras: what information_schema calls `extra`, of columns that have it.
        triggers: that fire before a row is written: on what (INSERT, UPDATE), and their bodies.
    """
    columns = {}
    for definition in definitions:
        name = definition.name.decode("utf-8", "replace").lower()
        columns[name] = replace(column_shape(definition), has_default=name in defaults)
    return TableShape(
        columns,
        generated=frozenset(name for name, extra in extras.items() if _GENERATED.search(extra)),
        stamped=frozenset(name for name, extra in extras.items() if _STAMPED.search(extra)),
        set_at_insert=_set_by(triggers, "INSERT"),
        set_at_update=_set_by(triggers, "UPDATE"),
    )


def _set_by(triggers: Collection[tuple[str, str]], event: str) -> frozenset[str]:
    bodies = (columns_set(body) for on, body in triggers if on.upper() == event)
    return frozenset().union(*bodies)


def column_shape(definition: ColumnDefinition) -> ColumnShape:
    return ColumnShape(
        definition.name.decode("utf-8", "replace"),
        definition.type,
        definition.flags,
        definition.collation_id,
        definition.decimals,
        definition.length,
    )
