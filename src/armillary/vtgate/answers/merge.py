"""Compare and combine rows of several shards exactly as one server would. Pure.

A cell is what the text protocol carries; `reader_of` turns cells of one column into keys that
compare as the server compares them: numbers by value, text by the weights that the shards sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import total_ordering
from typing import Any

from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.plan import SqlTemplate
from armillary.vtgate.planner.shapes import ColumnShape
from armillary.wire.protocol import DECIMAL_TYPES, INTEGER_TYPES, ColumnType

Cell = bytes | None
Key = tuple[Any, ...]
Reader = Callable[[Cell], Any]

_EXACT = Context(prec=120, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class CollationFacts:
    """How a collation's weight strings compare."""

    name: str
    pads: bool  # trailing spaces count for nothing
    space: bytes  # the weight of a space
    single_level: bool


@total_ordering
class PaddedWeight:
    """A weight string that compares as if spaces followed without end."""

    __slots__ = ("_space", "weight")

    def __init__(self, weight: bytes, space: bytes) -> None:
        width = len(space)
        end = len(weight)
        while end >= width and weight[end - width : end] == space:
            end -= width
        self.weight = weight[:end]
        self._space = space

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PaddedWeight) and self.weight == other.weight

    def __hash__(self) -> int:
        return hash(self.weight)

    def __lt__(self, other: "PaddedWeight") -> bool:
        mine, theirs = self.weight, other.weight
        common = min(len(mine), len(theirs))
        if mine[:common] != theirs[:common] or len(mine) == len(theirs):
            return mine < theirs
        longer = mine if len(mine) > common else theirs
        pad = self._space * ((len(longer) - common) // len(self._space) + 1)
        rest = longer[common:]
        if longer is mine:
            return rest < pad[: len(rest)]
        return pad[: len(rest)] < rest


def read_time(cell: bytes) -> int:
    """Return a TIME in microseconds."""
    negative = cell[:1] == b"-"
    hours, minutes, seconds = cell.lstrip(b"-").split(b":")
    whole, _, fraction = seconds.partition(b".")
    micros = int(fraction.ljust(6, b"0")[:6] or b"0")
    value = ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + micros
    return -value if negative else value


def needs_weight(shape: ColumnShape) -> bool:
    """Whether this column's order lies in weights that the shards must send."""
    return shape.is_text


def as_number(shape: ColumnShape, expr: SqlTemplate) -> SqlTemplate | None:
    """Return an expression whose order as a number is that of `expr`; None where none is wanted.

    ENUM and SET order by position, FLOAT's text has too few digits to compare, and a TIMESTAMP is
    an instant: when a clock goes back, the later one has the earlier text.
    """
    if shape.is_enum_or_set:
        return ("(", *expr, ") + 0")
    if shape.type == ColumnType.FLOAT:
        return ("(", *expr, ") + 0e0")
    if shape.type == ColumnType.TIMESTAMP:
        return ("unix_timestamp(", *expr, ")")
    return None


def reader_of(shape: ColumnShape, facts: CollationFacts | None = None) -> Reader:
    """Return what turns a column's cells into comparable keys; None never reaches it.

    For a column that `needs_weight`, the cells are weight strings and `facts` its collation's.

    Raises:
        RefusedError: the type has no order that we can reproduce.
    """
    kind = shape.type
    if facts is not None:
        return _weight_reader(facts)
    if kind in INTEGER_TYPES:
        return lambda cell: int(cell or b"0")
    if kind in DECIMAL_TYPES:
        return lambda cell: Decimal((cell or b"0").decode("ascii"))
    if kind in (ColumnType.DOUBLE, ColumnType.FLOAT):
        return lambda cell: float(cell or b"0")
    if kind in (ColumnType.DATE, ColumnType.DATETIME, ColumnType.TIMESTAMP):
        return lambda cell: cell
    if kind == ColumnType.TIME:
        return lambda cell: read_time(cell or b"0:0:0")
    if kind == ColumnType.BIT:
        return lambda cell: int.from_bytes(cell or b"", "big")
    if kind == ColumnType.NULL or (shape.is_string and not shape.is_text):
        return lambda cell: cell
    raise RefusedError(f"ordering or grouping rows of several shards by {shape.name}: its type")


def _weight_reader(facts: CollationFacts) -> Reader:
    if not facts.pads:
        return lambda cell: cell
    if not facts.single_level or not facts.space:
        raise RefusedError(f"ordering rows of several shards in collation {facts.name}")
    space = facts.space

    def read(cell: Cell) -> PaddedWeight:
        weight = cell or b""
        if len(weight) % len(space):
            raise RefusedError(f"ordering rows of several shards in collation {facts.name}")
        return PaddedWeight(weight, space)

    return read


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One term of a key: which column of the shards' rows holds it, and how to read it."""

    column: int
    read: Reader
    descending: bool = False


@total_ordering
class Descending:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and bool(self.value == other.value)

    def __lt__(self, other: "Descending") -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


_NULL = (0, 0)


def key_of(cells: Sequence[Cell], parts: Sequence[KeyPart]) -> Key:
    """Return a row's key; NULL comes before everything, or after it when descending."""
    key = []
    for part in parts:
        cell = cells[part.column]
        value: Any = _NULL if cell is None else (1, part.read(cell))
        key.append(Descending(value) if part.descending else value)
    return tuple(key)


class GroupMerger:
    """Combines the groups that several shards sent."""

    def __init__(
        self, keys: Sequence[KeyPart], columns: Sequence["Combine"], *, groups_max: int
    ) -> None:
        self._keys = keys
        self._columns = columns
        self._groups_max = groups_max
        self._groups: dict[Key, list[Cell]] = {}

    def add(self, cells: list[Cell]) -> None:
        """Raises: RefusedError: more groups than may be kept."""
        key = key_of(cells, self._keys)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= self._groups_max:
                raise RefusedError(f"more than {self._groups_max} groups over several shards")
            self._groups[key] = cells
            return
        for combine in self._columns:
            combine.into(group, cells)

    def finish(self) -> list[list[Cell]]:
        groups = list(self._groups.values())
        for group in groups:
            for combine in self._columns:
                combine.finish(group)
        return groups


class Combine:
    """Combines one column of two groups with the same key; the first value stays."""

    def into(self, group: list[Cell], cells: Sequence[Cell]) -> None:
        return

    def finish(self, group: list[Cell]) -> None:
        return


class AddUp(Combine):
    """COUNT and SUM."""

    def __init__(self, column: int, shape: ColumnShape) -> None:
        self._column = column
        self._floating = shape.type in (ColumnType.DOUBLE, ColumnType.FLOAT)

    def into(self, group: list[Cell], cells: Sequence[Cell]) -> None:
        mine, other = group[self._column], cells[self._column]
        if other is None:
            return
        if mine is None:
            group[self._column] = other
        elif self._floating:
            group[self._column] = format_double(float(mine) + float(other))
        else:
            with localcontext(_EXACT):
                total = Decimal(mine.decode("ascii")) + Decimal(other.decode("ascii"))
            group[self._column] = format(total, "f").encode()


class Extreme(Combine):
    """MIN and MAX: keeps the cell whose key wins, and the cells that go with it."""

    def __init__(self, column: int, key_column: int, read: Reader, *, largest: bool) -> None:
        self._column = column
        self._key_column = key_column
        self._read = read
        self._largest = largest

    def into(self, group: list[Cell], cells: Sequence[Cell]) -> None:
        mine, other = group[self._key_column], cells[self._key_column]
        if other is None:
            return
        if mine is not None:
            left, right = self._read(mine), self._read(other)
            if not (left < right if self._largest else right < left):
                return
        group[self._column] = cells[self._column]
        group[self._key_column] = other


class Average(Combine):
    """AVG, from the SUM and COUNT that travel beside it (and are added up on their own)."""

    def __init__(self, column: int, total: int, count: int, shape: ColumnShape) -> None:
        self._column = column
        self._total = total
        self._count = count
        self._decimals = shape.decimals
        self._floating = shape.type in (ColumnType.DOUBLE, ColumnType.FLOAT)

    def finish(self, group: list[Cell]) -> None:
        total, count = group[self._total], group[self._count]
        if total is None or not count or int(count) == 0:
            group[self._column] = None
        elif self._floating:
            group[self._column] = format_double(float(total) / int(count))
        else:
            with localcontext(_EXACT):
                exact = Decimal(total.decode("ascii")) / Decimal(int(count))
                rounded = exact.quantize(Decimal(1).scaleb(-self._decimals), ROUND_HALF_UP)
            group[self._column] = format(rounded, "f").encode()


def format_double(value: float) -> bytes:
    """Return a double as the server prints it: shortest digits, exponent from 1e15 or 1e-15 on.

    Source: my_gcvt in strings/dtoa.c.
    """
    if value == 0:
        return b"-0" if str(value).startswith("-") else b"0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent  # digits before the decimal point
    minus = "-" if sign else ""
    if -15 < point - 1 < 15 or (point > 0 and exponent >= 0 and point <= 17 and len(text) == point):
        if exponent >= 0:
            return f"{minus}{text}{'0' * exponent}".encode()
        if point > 0:
            return f"{minus}{text[:point]}.{text[point:]}".encode()
        return f"{minus}0.{'0' * -point}{text}".encode()
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{minus}{mantissa}e{point - 1}".encode()
