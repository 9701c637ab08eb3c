"""Rewrite a statement by splicing pieces into its key. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from armillary.sql.tokens import Kind, Token, lower_ascii, tokenize, unquote_name
from armillary.vtgate.errors import AssignedError, NamedLockError, RefusedError
from armillary.vtgate.planner.plan import LabelLiteral, SessionTerm, Splice, SqlTemplate

LIMIT_TERM = SessionTerm("#LIMIT")
_LABEL_LITERAL_MAX = 100  # a name may have 256 characters
_SESSION_CALLS = frozenset(
    """DATABASE SCHEMA LAST_INSERT_ID FOUND_ROWS ROW_COUNT CONNECTION_ID USER SESSION_USER
    SYSTEM_USER CURRENT_USER""".split()  # noqa: SIM905  a list of words reads best as words
)


def pieces_of(key: str, start: int = 0, end: int | None = None) -> SqlTemplate:
    """Return a part of the key as pieces, its literals by their numbers in the whole key."""
    stop = len(key) if end is None else end
    number = key.count("?", 0, start)
    pieces: list[str | int] = []
    for index, text in enumerate(key[start:stop].split("?")):
        if index:
            pieces.append(number)
            number += 1
        if text:
            pieces.append(text)
    return tuple(pieces)


def build_template(
    key: str, splices: Iterable[Splice], *, start: int = 0, end: int | None = None
) -> SqlTemplate:
    """Return `[start, end)` of the key with the splices made that lie in it; none may overlap."""
    stop = len(key) if end is None else end
    pieces: list[str | int | SessionTerm | LabelLiteral] = []
    at = start
    for splice in sorted(splices, key=lambda item: (item.start, item.end)):
        if splice.start < start or splice.end > stop:
            continue
        assert splice.start >= at, "splices overlap"
        pieces.extend(pieces_of(key, at, splice.start))
        pieces.extend(splice.pieces)
        at = splice.end
    pieces.extend(pieces_of(key, at, stop))
    return tuple(pieces)


def label_pieces(key: str, start: int, end: int) -> SqlTemplate:
    """Return ` as` and a part of the key as a name: what a server calls that expression."""
    pieces: list[str | LabelLiteral] = [" as `"]
    for piece in pieces_of(key, start, end):
        if isinstance(piece, int):
            pieces.append(LabelLiteral(piece))
        elif isinstance(piece, str):
            pieces.append(piece.replace("`", "``"))
    return (*pieces, "`")


def render_sql(
    template: SqlTemplate, literals: Sequence[bytes], terms: Mapping[str, bytes]
) -> bytes:
    """Fill a template in; `terms` gives the text of each SessionTerm by its name."""
    out = []
    for piece in template:
        if isinstance(piece, str):
            out.append(piece.encode("latin-1"))
        elif isinstance(piece, int):
            out.append(literals[piece])
        elif isinstance(piece, LabelLiteral):
            out.append(literals[piece.index][:_LABEL_LITERAL_MAX].replace(b"`", b"``"))
        else:
            out.append(terms[piece.name])
    return b"".join(out)


# System variables that a server keeps for each connection by itself; ours is another connection.
_SESSION_VARIABLES = {
    "identity": "LAST_INSERT_ID",
    "last_insert_id": "LAST_INSERT_ID",
    "pseudo_thread_id": "CONNECTION_ID",
    "warning_count": "@@WARNING_COUNT",
    "error_count": "@@ERROR_COUNT",
    "sql_select_limit": "@@SQL_SELECT_LIMIT",
}


@dataclass(frozen=True, slots=True)
class SessionUse:
    """What a statement's text takes from the session."""

    splices: tuple[Splice, ...]
    assigns_variable: bool
    calls: frozenset[str]
    sets_insert_id: bool = False  # LAST_INSERT_ID(value)

    @property
    def named_locks(self) -> frozenset[str]:
        """The calls that take, ask for or give back named locks."""
        return self.calls & _LOCK_CALLS


def find_session_terms(tokens: Sequence[Token]) -> SessionUse:
    """Find `DATABASE()` and its like, `@variables`, and the `@@variables` of a connection."""
    splices: list[Splice] = []
    calls: set[str] = set()
    assigns = sets_insert_id = False
    for index, token in enumerate(tokens):
        following = tokens[index + 1 : index + 3]
        texts = [item.text for item in following]
        before = tokens[index - 1].text if index else ""
        if token.kind == Kind.QUOTED and texts[:1] == ["("]:
            calls.add(unquote_name(token).upper())
        elif token.kind == Kind.WORD and texts[:1] == ["("]:
            calls.add(token.upper)
            sets_insert_id |= token.upper == "LAST_INSERT_ID" and texts != ["(", ")"]
            if token.upper in _SESSION_CALLS and texts == ["(", ")"] and before != ".":
                term = SessionTerm(token.upper)
                splices.append(Splice(token.start, following[1].end, (term,)))
        elif token.kind == Kind.WORD and token.upper == "CURRENT_USER" and before != ".":
            splices.append(Splice(token.start, token.end, (SessionTerm("CURRENT_USER"),)))
        elif token.kind == Kind.VARIABLE and not token.text.startswith("@@"):
            assigns |= texts[:1] == [":="] or before.upper() == "INTO"
            term = SessionTerm("@" + variable_name(token.text))
            splices.append(Splice(token.start, token.end, (term,)))
        elif token.kind == Kind.VARIABLE:
            name = _SESSION_VARIABLES.get(_system_variable(token.text))
            if name is not None:
                splices.append(Splice(token.start, token.end, (SessionTerm(name),)))
        elif token.kind == Kind.OP and token.text == ":=":
            assigns = True
    return SessionUse(tuple(splices), assigns, frozenset(calls), sets_insert_id)


def _system_variable(text: str) -> str:
    """Return the bare name of `@@x`, `@@session.x` or `@@local.x`, in lower case."""
    name = text.lstrip("@").replace("`", "").lower()
    scope, dot, rest = name.partition(".")
    return rest if dot and scope in ("session", "local") else name


_LOCK_CALLS = frozenset(
    """GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK""".split()  # noqa: SIM905
)


def refuse_connection_state(
    use: SessionUse, *, writing: bool = False, locking: bool = False, assigning: bool = False
) -> None:
    """Refuse what would stay on the connection that a statement happens to run on.

    Connections serve many sessions in turn: what one leaves there, another would find.

    Args:
        writing: INSERT or UPDATE, whose answer tells what LAST_INSERT_ID(value) has set.
        locking: it runs where the session's named locks are.
        assigning: what it assigns is read back.
    Raises:
        AssignedError: a user variable, which only one server can be asked for afterwards.
        NamedLockError: it is about named locks, and to be run where they are.
        RefusedError: another value of the connection's own.
    """
    if use.assigns_variable and not assigning:
        raise AssignedError("assigning user variables inside a statement")
    if use.named_locks and not locking:
        raise NamedLockError(f"{min(use.named_locks)}() in a statement of this kind")
    if "LASTVAL" in use.calls:
        raise RefusedError("LASTVAL(): what one connection drew from a sequence")
    if use.sets_insert_id and not writing:
        raise RefusedError("LAST_INSERT_ID(value) outside of INSERT and UPDATE")


def without_database(use: SessionUse) -> SessionUse:
    """Leave `DATABASE()` to the server."""
    kept = tuple(
        splice
        for splice in use.splices
        if splice.pieces not in ((SessionTerm("DATABASE"),), (SessionTerm("SCHEMA"),))
    )
    return SessionUse(kept, use.assigns_variable, use.calls, use.sets_insert_id)


_SCHEMA_COMPARED = re.compile(
    r"\b\w*schema\w*`?\s*(?:=|<=>|like)\s*\?|\b\w*schema\w*`?\s+in\s*\([?,\s]*\)",
    re.IGNORECASE,
)


def find_schema_literals(key: str) -> tuple[int, ...]:
    """Return the literals that a system table's schema columns are compared with."""
    found: list[int] = []
    for match in _SCHEMA_COMPARED.finditer(key):
        first = key.count("?", 0, match.start())
        found.extend(range(first, first + match.group().count("?")))
    return tuple(found)


def variable_name(text: str) -> str:
    """Return the name of `@x`, `@'x'` or `` @`x` ``, in lower case."""
    name = text.lstrip("@")
    if name[:1] in ("`", "'", '"'):
        name = name[1:-1]
    return lower_ascii(name)


def find_qualifiers(tokens: Sequence[Token], keyspaces: frozenset[str]) -> tuple[Splice, ...]:
    """Find `keyspace.` before a table (or `keyspace.table.column`), to be taken out.

    Only where a name follows a word that begins a table, or where two more names follow.
    """
    splices = []
    for index, token in enumerate(tokens):
        if token.kind not in (Kind.WORD, Kind.QUOTED) or unquote_name(token) not in keyspaces:
            continue
        texts = [item.text for item in tokens[index + 1 : index + 4]]
        if texts[:1] != ["."] or (index and tokens[index - 1].text == "."):
            continue
        if texts[2:3] == ["."] or _begins_table(tokens, index):
            splices.append(Splice(token.start, tokens[index + 2].start, ()))
    return tuple(splices)


_TABLE_WORDS = frozenset(
    """FROM JOIN INTO UPDATE TABLE STRAIGHT_JOIN IGNORE DELETE REFERENCES PROCEDURE TRIGGER
    CALL""".split()  # noqa: SIM905
)
# Elsewhere these are names or mean something else: `ORDER BY a DESC`, a column `event`.
_FIRST_WORDS = frozenset({"HANDLER", "DESCRIBE", "DESC"})
_OBJECT_WORDS = frozenset({"TABLES", "VIEW", "FUNCTION", "EVENT", "SEQUENCE"})
_OBJECT_VERBS = frozenset({"LOCK", "CREATE", "ALTER", "DROP", "RENAME", "SHOW"})
_OTHER_WORDS = frozenset({"SELECT", "WHERE", "SET", "BY"})
_TRIGGERING = frozenset({"INSERT", "UPDATE", "DELETE"})


def _begins_table(tokens: Sequence[Token], index: int) -> bool:
    """Whether the token stands where the name of a table, or of what is named alike, does."""
    depth = 0
    for at in range(index - 1, -1, -1):
        token = tokens[at]
        if token.text == ")":
            depth += 1
        elif token.text == "(" and depth:
            depth -= 1
        elif token.text == "(" or depth or token.kind != Kind.WORD:
            continue
        elif token.upper == "ON":
            return tokens[at - 1].upper in _TRIGGERING or _is_index(tokens)
        elif _is_table_word(tokens, at):
            return True
        elif token.upper in _OTHER_WORDS:
            return False
    return False


def _is_table_word(tokens: Sequence[Token], at: int) -> bool:
    word = tokens[at].upper
    if word in ("INSERT", "REPLACE"):
        return tokens[at + 1].text != "("  # else it is a function
    if word in _OBJECT_WORDS and tokens[0].upper in _OBJECT_VERBS:
        return not any(token.upper in _OTHER_WORDS for token in tokens[:at])
    return word in _TABLE_WORDS or (at == 0 and word in _FIRST_WORDS)


def _is_index(tokens: Sequence[Token]) -> bool:
    """Whether it is CREATE or DROP INDEX, which names its table behind ON."""
    words = [token.upper for token in tokens[:5]]
    return words[0] in ("CREATE", "DROP") and "INDEX" in words


def tokens_of(key: str) -> list[Token]:
    return tokenize(key).tokens
