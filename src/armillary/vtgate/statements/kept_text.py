"""SQL that a server keeps and runs later: stored programs, views, defaults of columns. Pure.

Elsewhere the gateway puts the session's values into a text. Here they would be those of whoever
made the object, for ever; left as they are, some are the server's, which knows neither the
gateway's users nor their variables. Those are refused.
"""

from collections.abc import Sequence

from armillary.sql.commands import Ddl
from armillary.sql.tokens import Kind, Token
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.planner.text import SessionUse, variable_name

_OF_THE_GATEWAY = frozenset({"USER", "SESSION_USER", "SYSTEM_USER", "CONNECTION_ID"})


def is_kept(ddl: Ddl) -> bool:
    """Whether expressions of a schema change are computed later than now."""
    copies = ddl.what == "TABLE" and ddl.selects
    return ddl.verb in ("CREATE", "ALTER") and not copies


def check_kept(tokens: Sequence[Token], use: SessionUse) -> None:
    """Raises: RefusedError: it would know another user, or other variables, than it is to know."""
    named = sorted(use.calls & _OF_THE_GATEWAY)
    if named:
        raise RefusedError(
            f"{named[0]}() in what a server keeps: to it, all sessions are the gateway's account"
        )
    if use.named_locks:
        raise RefusedError(
            f"{min(use.named_locks)}() in what a server keeps: the lock would stay on a connection "
            "that sessions share"
        )
    assigned = _assigned(tokens)
    for token in tokens:
        is_variable = token.kind == Kind.VARIABLE and not token.text.startswith("@@")
        if (
            is_variable
            and not _is_host(tokens, token)
            and variable_name(token.text) not in assigned
        ):
            raise RefusedError(
                f"{token.text} in what a server keeps: user variables live in the gateway; "
                "pass the value as a parameter or in a column"
            )


def _is_host(tokens: Sequence[Token], token: Token) -> bool:
    """Whether it is the second half of DEFINER = `a`@`b`."""
    return any(
        one.end == token.start and one.kind in (Kind.QUOTED, Kind.STRING, Kind.WORD)
        for one in tokens
    )


def _assigned(tokens: Sequence[Token]) -> set[str]:
    """Return the variables that a body sets itself."""
    found = set()
    for index, token in enumerate(tokens):
        if token.kind != Kind.VARIABLE or token.text.startswith("@@"):
            continue
        before = tokens[index - 1].upper if index else ""
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        sets = after == ":=" or (after == "=" and before in ("SET", ","))
        if sets or before == "INTO" or (before == "," and _is_into(tokens, index)):
            found.add(variable_name(token.text))
    return found


def _is_into(tokens: Sequence[Token], index: int) -> bool:
    """Whether a variable is in a list behind INTO."""
    while index > 1 and tokens[index - 1].text == ",":
        index -= 2
    return tokens[index - 1].upper == "INTO"
