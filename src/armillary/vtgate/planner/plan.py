"""Plans as values. Pure.

A plan holds no literal of the statement it was made from, only their numbers, so that it serves
every statement with the same key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from armillary.routing.lookup import LookupVindex
from armillary.routing.vindexes import FunctionalVindex
from armillary.routing.vschema import ColumnVindex, TableSchema
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.shapes import ColumnShape


@dataclass(frozen=True, slots=True)
class SessionTerm:
    """A piece of a template that the session fills in: a function or a user variable."""

    name: str  # upper-case function name, or @variable


@dataclass(frozen=True, slots=True)
class LabelLiteral:
    """A literal as part of a column's name in backticks."""

    index: int


SqlTemplate = tuple[str | int | SessionTerm | LabelLiteral, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a numbered literal, or a text that is always the same."""

    index: int = -1
    negative: bool = False
    text: bytes = b""

    def literal(self, literals: Sequence[bytes]) -> bytes:
        if self.index < 0:
            return self.text
        literal = literals[self.index]
        if not self.negative:
            return literal
        return literal[1:] if literal[:1] == b"-" else b"-" + literal


@dataclass(frozen=True, slots=True)
class AnyShard:
    """Whichever shard: the statement reads no table, or one that is the same everywhere."""

    keyspace: str
    reads_rows: bool = True  # of a table of the keyspace, not of the server's own


@dataclass(frozen=True, slots=True)
class OnlyShard:
    """The one shard of an unsharded keyspace."""

    keyspace: str


@dataclass(frozen=True, slots=True)
class AllShards:
    keyspace: str


@dataclass(frozen=True, slots=True)
class ByVindex:
    """The shards of some values of a computing vindex; all shards if a value cannot be told."""

    keyspace: str
    vindex: FunctionalVindex
    sources: tuple[Source, ...]
    column: ColumnShape | None = None


@dataclass(frozen=True, slots=True)
class ByLookup:
    """The shards that a lookup vindex names for some values."""

    keyspace: str
    vindex: LookupVindex
    sources: tuple[Source, ...]
    column: ColumnShape | None = None


@dataclass(frozen=True, slots=True)
class ByKeyspaceId:
    keyspace: str
    keyspace_id: bytes


@dataclass(frozen=True, slots=True)
class SameShard:
    """Several routes that must all lead to one and the same shard."""

    keyspace: str
    routes: tuple["Route", ...]


Route = AnyShard | OnlyShard | AllShards | ByVindex | ByLookup | ByKeyspaceId | SameShard


# How the answers of several shards become one


@dataclass(frozen=True, slots=True)
class Splice:
    """Replace `[start, end)` of the key by these pieces."""

    start: int
    end: int
    pieces: SqlTemplate


@dataclass(frozen=True, slots=True)
class SortKey:
    """One term of ORDER BY (or a GROUP BY or DISTINCT key).

    `column` is a column of the shards' answers, counted from the front among the columns that the
    client asked for; -1 when the expression must be added as a column. `is_computed`: it is a
    key of GROUP BY, and more than a column.
    """

    expr: SqlTemplate
    column: int = -1
    descending: bool = False
    is_computed: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What to do with one column of grouped answers: COUNT, SUM, MIN, MAX, AVG, KEY or ANY."""

    function: str
    argument: SqlTemplate = ()
    call: SqlTemplate = ()  # as ORDER BY may repeat it


@dataclass(frozen=True, slots=True, kw_only=True)
class ScatterDraft:
    """A SELECT over several shards, before the types of its columns are known."""

    key: str
    splices: tuple[Splice, ...]  # do not touch `columns_at`
    columns_at: int  # where more columns may be added
    limit: Source | None = None
    offset: Source | None = None
    distinct: bool = False
    sort: tuple[SortKey, ...] = ()
    group: tuple[SortKey, ...] | None = None  # None: no aggregation here
    aggregates: tuple[Aggregate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectPlan:
    route: Route
    template: SqlTemplate | None  # None: the client's own bytes
    scatter: "ScatterDraft | RefusedError"
    locking: bool = False
    counts_found: bool = False  # SQL_CALC_FOUND_ROWS: FOUND_ROWS() is to be asked for
    fixed: tuple[tuple[int, bytes], ...] = ()  # literals that the plan depends on
    is_system: bool = False  # of tables of the server itself
    schema_literals: tuple[int, ...] = ()  # literals that name a database
    one_answer: RefusedError | None = None  # why shards that look alike may answer otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertPlan:
    table: TableSchema
    template_head: SqlTemplate  # up to the first row
    rows: tuple[SqlTemplate, ...]  # each with its brackets
    template_tail: SqlTemplate
    columns: tuple[str, ...]
    sources: tuple[tuple[Source | None, ...], ...]  # by row, by column; None: an expression
    increment: int | None  # the column that a sequence fills
    assumed: tuple[str, ...] = ()  # the table's columns as last seen, if the client names none
    ignore: bool = False
    replace: bool = False
    upsert: bool = False
    whole: SqlTemplate | None = None  # the statement when one shard takes all rows; None: as it is
    single_only: RefusedError | None = None  # why several shards cannot take it


@dataclass(frozen=True, slots=True)
class OwnedChange:
    """What an UPDATE does to the columns of one owned lookup vindex."""

    vindex: ColumnVindex
    values: tuple[tuple[str, Source], ...]  # changed column -> its new value


@dataclass(frozen=True, slots=True, kw_only=True)
class DmlPlan:
    """UPDATE or DELETE."""

    route: Route
    template: SqlTemplate | None
    verb: str
    table: TableSchema | None = None
    owned: tuple[ColumnVindex, ...] = ()  # lookups whose rows go
    changes: tuple[OwnedChange, ...] = ()
    select_owned: SqlTemplate | None = None  # reads the old values, with FOR UPDATE
    reads_clock: bool = False  # so that a later second may choose other rows
    single_only: RefusedError | None = None  # why several shards cannot take it


Plan = SelectPlan | InsertPlan | DmlPlan
