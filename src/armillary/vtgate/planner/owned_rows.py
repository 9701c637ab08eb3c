"""The query that reads the rows whose lookup rows an UPDATE or DELETE moves. Pure.

It must find the very rows that the statement then changes, or lookup rows would point at nothing,
and rows be found by no lookup. Whatever could come out otherwise the second time is refused; what
reads the clock is marked, for the clock can be stopped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from armillary.routing.lookup import quote_name
from armillary.routing.vschema import ColumnVindex
from armillary.sql.ast import Delete, Update
from armillary.sql.tokens import Kind, Token
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.plan import Splice, SqlTemplate
from armillary.vtgate.planner.routes import Blocks, TableUse
from armillary.vtgate.planner.select_terms import UNSTABLE
from armillary.vtgate.planner.stored_functions import find_stored_call
from armillary.vtgate.planner.text import build_template, tokens_of

UTF8_LABEL = "armillary utf8"  # of a column that is text, sent as the bytes of its UTF-8
_CLOCK = frozenset(
    """NOW CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP CURDATE CURRENT_DATE CURTIME CURRENT_TIME
    UTC_DATE UTC_TIME UTC_TIMESTAMP UNIX_TIMESTAMP""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class OwnedRows:
    template: SqlTemplate
    reads_clock: bool


def read_owned_rows(
    key: str,
    splices: tuple[Splice, ...],
    blocks: Blocks,
    use: TableUse,
    owned: Sequence[ColumnVindex],
    statement: Update | Delete,
) -> OwnedRows:
    """Build the query: the primary vindex's columns, then those of each lookup vindex.

    Raises:
        RefusedError: its WHERE might find other rows the second time.
    """
    primary = use.schema.primary
    assert primary is not None
    names = [*primary.columns, *(column for item in owned for column in item.columns)]
    tables = build_template(key, splices, start=statement.tables.start, end=statement.tables.end)
    where: SqlTemplate = ()
    reads_clock = False
    if statement.where is not None:
        start, end = statement.where_start, statement.where_end
        tokens = [token for token in tokens_of(key) if start <= token.start < end]
        _refuse_unstable(tokens)
        reads_clock = any(map(_is_clock, tokens))
        locks = _locks(blocks, start, end)
        where = build_template(key, (*splices, *locks), start=start, end=end)
    columns = ", ".join(_column(use, name) for name in names)
    return OwnedRows((f"select {columns} from ", *tables, " ", *where, " for update"), reads_clock)


def _column(use: TableUse, name: str) -> str:
    """Return a column; text as bytes, for a session's results may be written in any charset."""
    column = f"{quote_name(use.ref.visible_name)}.{quote_name(name)}"
    shape = use.column_shape(name)
    if shape is None or not (shape.is_text or shape.is_enum_or_set):
        return column
    return f"cast(convert({column} using utf8mb4) as binary) as `{UTF8_LABEL}`"


def _is_clock(token: Token) -> bool:
    if token.kind == Kind.VARIABLE:
        return "timestamp" in token.text.lower()
    return token.upper in _CLOCK


def _refuse_unstable(tokens: Sequence[Token]) -> None:
    called = {
        token.upper
        for token, following in pairwise(tokens)
        if token.kind == Kind.WORD and following.text == "("
    }
    unstable = sorted(called & (UNSTABLE | {"SYSDATE"}))
    name = unstable[0] if unstable else find_stored_call(tokens)
    if name is not None:
        raise RefusedError(
            f"{name}() in WHERE of a statement that moves lookup rows: it may choose other rows "
            "each time; select the rows first"
        )


def _locks(blocks: Blocks, start: int, end: int) -> Iterable[Splice]:
    """Let subqueries read what they will read in the statement: the newest rows, and lock them."""
    if blocks.union:
        raise RefusedError("UNION in a statement that moves lookup rows")
    return [
        Splice(query.end, query.end, (" lock in share mode",))
        for query in blocks.subqueries
        if start <= query.start < end and not query.locking
    ]
