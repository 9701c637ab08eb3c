"""Where one statement of a text ends and the next begins. Pure.

A semicolon ends a statement, but not within the body of a stored program: there it ends a statement
of the body, and blocks (BEGIN ... END, IF ... END IF) say where the body itself ends.
"""

from collections.abc import Sequence

from armillary.sql.tokens import Kind, Token, tokenize

_PROGRAMS = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
_BEFORE_PROGRAM = frozenset({"OR", "REPLACE", "DEFINER", "AGGREGATE", "BODY", "SQL", "SECURITY"})
_BLOCKS = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})
# Behind these a statement of a body begins, and so may a block; they are functions or clauses else.
_STATEMENT_BEFORE = frozenset(
    """; BEGIN THEN ELSE DO LOOP REPEAT : ROW ) DETERMINISTIC DATA SQL DEFINER INVOKER""".split()  # noqa: SIM905
)
_ENDED = frozenset({*_BLOCKS, "CASE"})
_HEADER_TOKENS_MAX = 16


def split_statements(text: str) -> list[str]:
    """Split at the semicolons that end statements; empty statements are dropped.

    What is left of an executable comment is no empty statement, though it has no tokens.
    """
    if ";" not in text:
        return [text] if text.strip() else []
    scan = tokenize(text)
    tokens = scan.tokens
    parts = []
    at = start = 0
    while start < len(text):
        end = _end_of(tokens, at)
        stop = tokens[end].start if end < len(tokens) else len(text)
        if end > at or any(start <= first < stop for first, _ in scan.executable_comments):
            parts.append(text[start:stop])
        start = tokens[end].end if end < len(tokens) else len(text)
        at = end + 1
    return parts


def _end_of(tokens: Sequence[Token], start: int) -> int:
    """Return the index of the semicolon that ends the statement at `start`, or the tokens' end."""
    depth = 0
    has_body = _has_body(tokens, start)
    at = start
    while at < len(tokens):
        token = tokens[at]
        if token.text == ";" and depth == 0:
            return at
        if has_body and token.kind == Kind.WORD:
            if token.upper == "END" and depth:
                depth -= 1
                at += _word(tokens, at + 1) in _ENDED
            elif _opens(tokens, at, start):
                depth += 1
        at += 1
    return at


def _has_body(tokens: Sequence[Token], start: int) -> bool:
    """Whether it is CREATE (or ALTER) of a stored program, or a block by itself."""
    first, second = _word(tokens, start), _word(tokens, start + 1)
    if first == "BEGIN":
        return second == "NOT"  # BEGIN NOT ATOMIC; others begin a transaction
    if first not in ("CREATE", "ALTER"):
        return False
    for at in range(start + 1, min(len(tokens), start + _HEADER_TOKENS_MAX)):
        word = _word(tokens, at)
        if word in _PROGRAMS:
            return True
        is_account = tokens[at].text in ("=", "@", "(", ")") or tokens[at].kind != Kind.WORD
        if word not in _BEFORE_PROGRAM and not is_account and _before(tokens, at) not in "=@":
            return False
    return False


def _opens(tokens: Sequence[Token], at: int, start: int) -> bool:
    word = tokens[at].upper
    if word in ("BEGIN", "CASE"):
        return True
    if word not in _BLOCKS or at == start:
        return False
    before = _before(tokens, at)
    is_string = tokens[at - 1].kind == Kind.STRING  # COMMENT 'of the program' IF ...
    if word == "FOR" and _word(tokens, at + 1) == "EACH":
        return False
    return before in _STATEMENT_BEFORE or is_string


def _before(tokens: Sequence[Token], at: int) -> str:
    return tokens[at - 1].upper


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].upper if at < len(tokens) and tokens[at].kind == Kind.WORD else ""
