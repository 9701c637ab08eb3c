"""What a session puts into statements: its functions, its variables, its literals. No I/O."""

import re
from collections.abc import Mapping, Sequence

from armillary.vtgate.planner.plan import SessionTerm, SqlTemplate
from armillary.vtgate.planner.text import (
    build_template,
    find_session_terms,
    pieces_of,
    refuse_connection_state,
    render_sql,
    tokens_of,
)
from armillary.vtgate.session import ROWS_MAX, Session
from armillary.wire.statements import quote


class Statement:
    """One statement on its way: its text, the text's key, and the literals taken out of it."""

    __slots__ = ("key", "literals", "text")

    def __init__(self, text: bytes, key: str, literals: Sequence[bytes]) -> None:
        self.text = text
        self.key = key
        self.literals = literals


def big_integer(number: int, *, unsigned: bool = False) -> bytes:
    """Return a number of eight bytes: a server makes a smaller one of few digits."""
    return b"cast('%020d' as %s)" % (number, b"unsigned" if unsigned else b"signed")


_BIG_INTEGER = re.compile(rb"cast\('(-?)0*(\d+)' as (?:un)?signed\)")


def plain_integer(literal: bytes) -> bytes:
    """Return what `big_integer` made as a number alone, as parameters come; others as they are."""
    match = _BIG_INTEGER.fullmatch(literal)
    return match.group(1) + match.group(2) if match else literal


class SessionText:
    """Renders templates for one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def terms(self) -> dict[str, bytes]:
        """What the session's functions and variables stand for now, as SQL literals."""
        session = self._session
        keyspace = session.target.keyspace
        user = quote(f"{session.user}@%".encode())
        found = {
            "DATABASE": quote(keyspace.encode()) if keyspace else b"NULL",
            # Of the type that a server gives them: an unsigned number less one may be an error.
            "LAST_INSERT_ID": big_integer(session.last_insert_id, unsigned=True),
            "FOUND_ROWS": big_integer(session.found_rows),
            "ROW_COUNT": big_integer(session.row_count),
            "CONNECTION_ID": b"%d" % session.id,
            "USER": user,
            "SESSION_USER": user,
            "SYSTEM_USER": user,
            "CURRENT_USER": user,
            "@@SQL_SELECT_LIMIT": b"%d"
            % (ROWS_MAX if session.select_limit is None else session.select_limit),
            "@@WARNING_COUNT": b"%d" % len(session.warnings),
            "@@ERROR_COUNT": b"%d" % sum(one[0] == "Error" for one in session.warnings),
        }
        found["SCHEMA"] = found["DATABASE"]
        return found

    def render(
        self, template: SqlTemplate, literals: Sequence[bytes], more: Mapping[str, bytes] = {}
    ) -> bytes:
        wanted = [piece.name for piece in template if isinstance(piece, SessionTerm)]
        if not wanted:
            return render_sql(template, literals, {})
        terms = {**self.terms(), **more}
        for name in wanted:
            if name.startswith("@") and name not in terms:
                terms[name] = self._session.variables.get(name[1:], b"NULL")
        return render_sql(template, literals, terms)

    def text_of(self, template: SqlTemplate | None, statement: Statement) -> bytes:
        if template is None and statement.text:
            return statement.text
        pieces = template if template is not None else pieces_of(statement.key)
        return self.render(pieces, statement.literals)

    def with_session_values(self, text: str) -> str:
        """Put the session's variables and functions into a text that goes to a server.

        Raises:
            RefusedError: the text would leave something on the server's connection.
        """
        use = find_session_terms(tokens_of(text))
        refuse_connection_state(use)
        template = build_template(text, use.splices)
        marks = [b"?"] * text.count("?")
        return self.render(template, marks).decode("latin-1")
