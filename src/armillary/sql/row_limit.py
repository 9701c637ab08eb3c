"""`sql_select_limit`: how many rows a query gives that does not say it itself. Pure."""

from itertools import pairwise

from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.tokens import Token, tokenize

_LIMITS = frozenset({"LIMIT", "FETCH"})
_SETS = frozenset({"UNION", "EXCEPT", "INTERSECT"})
_BEHIND = frozenset({"INTO", "PROCEDURE", ";"})
_BEHIND_PAIRS = frozenset({("FOR", "UPDATE"), ("FOR", "SHARE"), ("LOCK", "IN")})


def with_row_limit(text: str, limit: int) -> str:
    """Return a SELECT with LIMIT where it belongs; as it is if it has one, or is none.

    Raises:
        SqlSyntaxError: the text is no SQL.
        NotUnderstoodError: servers differ in what of it the setting limits.
    """
    outer = _outer(tokenize(text).tokens)
    words = {token.upper for token in outer}
    if words & _LIMITS:
        return text
    if outer[0].text == "(" or words & _SETS:
        raise NotUnderstoodError("sql_select_limit with a query in brackets or a UNION")
    if "SELECT" not in words:  # WITH may begin an UPDATE, too
        return text
    for token, following in pairwise([*outer, outer[-1]]):
        if token.upper in _BEHIND or (token.upper, following.upper) in _BEHIND_PAIRS:
            return f"{text[: token.start]}LIMIT {limit} {text[token.start :]}"
    return f"{text[: outer[-1].end]} LIMIT {limit}"


def _outer(tokens: list[Token]) -> list[Token]:
    """Return the tokens outside of all brackets, and these; but no names behind a dot."""
    found = []
    depth = 0
    before = ""
    for token in tokens:
        depth -= token.text == ")"
        if depth == 0 and before != ".":
            found.append(token)
        depth += token.text == "("
        before = token.text
    return found
