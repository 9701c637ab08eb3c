"""What SQL literals mean, and how a statement's literals are taken out of it. Pure.

A statement's key is its text with every literal replaced by `?`; statements that differ only in
literals share a plan. A literal stays its SQL text (bytes) until somebody asks for its value.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.sql.tokens import LITERAL_KINDS, Kind, SqlSyntaxError, tokenize

_QUOTE = ord("'")
_ODD = re.compile(rb"[`\"\\?#]|/\*|--|@'")
_LITERAL = re.compile(
    rb"('[^']*(?:''[^']*)*'"
    rb"|(?<![\w$.@\x80-\xff])(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    rb"(?![\w$\x80-\xff]))"
)
_PREFIXED = re.compile(rb"(?<![\w$\x80-\xff])[xXbBnN]'|(?<![\w$\x80-\xff])_\w+\s*'")


class NormalisedStatement(NamedTuple):
    text: bytes  # what may be sent to a server as it stands
    key: str
    literals: tuple[bytes, ...]
    directives: tuple[str, ...]


def normalise(sql: bytes) -> NormalisedStatement:
    """Take the literals out of one statement.

    Plain text goes through one regular expression; text with quotes, comments or backslashes that
    could mislead it goes through the tokenizer. Both give the same key for the same statement.

    Raises:
        SqlSyntaxError: not SQL, or a bare `?`.
    """
    if _ODD.search(sql):
        return _normalise_with_care(sql)
    parts = _LITERAL.split(sql)  # text and literals by turns
    if b"'" in sql and (
        sql.count(b"'") % 2 or (_has_word_before_quote(parts) and _PREFIXED.search(sql))
    ):
        return _normalise_with_care(sql)
    return NormalisedStatement(sql, b"?".join(parts[::2]).decode("latin-1"), tuple(parts[1::2]), ())


def _has_word_before_quote(parts: list[bytes]) -> bool:
    """Whether a string follows a word, as in `_latin1 'a'`: then a second look is due."""
    for number in range(1, len(parts), 2):
        if parts[number][0] == _QUOTE:
            last = parts[number - 1].rstrip()[-1:]
            if last.isalnum() or last == b"_":
                return True
    return False


def _normalise_with_care(sql: bytes) -> NormalisedStatement:
    text = sql.decode("latin-1")
    if "/*!" in text or "/*M!" in text:
        text = unwrap_executable_comments(text)
    scan = tokenize(text)
    parts = []
    literals = []
    at = 0
    for token in scan.tokens:
        if token.kind == Kind.PARAM:
            raise SqlSyntaxError("You have an error in your SQL syntax near '?'")
        gap = text[at : token.start]
        parts.append(gap if gap.isspace() or not gap else " ")
        if token.kind in LITERAL_KINDS:
            literals.append(token.text.encode("latin-1"))
            parts.append("?")
        else:
            parts.append(token.text)
        at = token.end
    return NormalisedStatement(
        text.encode("latin-1"), "".join(parts), tuple(literals), tuple(scan.directives)
    )


_SIMPLE_ESCAPES = {
    "0": "\x00",
    "b": "\b",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "Z": "\x1a",
    "%": "\\%",
    "_": "\\_",
}
_ESCAPE = re.compile(r"\\(.)|''|\"\"", re.DOTALL)


def unescape(literal: bytes) -> bytes:
    """Return the bytes that a quoted string literal stands for."""
    text = literal.decode("latin-1")
    quote, inner = text[0], text[1:-1]
    if "\\" not in inner and quote not in inner:
        return literal[1:-1]

    def replace(match: "re.Match[str]") -> str:
        escaped = match.group(1)
        if escaped is not None:
            return _SIMPLE_ESCAPES.get(escaped, escaped)
        pair = match.group()
        return quote if pair[0] == quote else pair

    return _ESCAPE.sub(replace, inner).encode("latin-1")


class NotAValue(Exception):
    """The literal's value cannot be told without a server (decimals, fractions, hex numbers)."""


DIGITS_MAX = 80  # of a whole number; no column holds more, and Python reads few thousand
_INTEGER = re.compile(rb"(-?)0*(\d{1,%d})" % DIGITS_MAX)
_WHOLE_DOUBLE = re.compile(rb"(-?\d{1,16})\.0e0")
EXACT_DOUBLES = 1 << 53  # below it, no two whole numbers are the same double


def whole_double(literal: bytes) -> int | None:
    """Return the whole number that a double is, exactly and alone; None if it is not one.

    JavaScript has no other numbers: its drivers send 1 as the double 1.0.
    """
    match = _WHOLE_DOUBLE.fullmatch(literal)
    if match is None or abs(int(match.group(1))) >= EXACT_DOUBLES:
        return None
    return int(match.group(1))


def literal_value(literal: bytes, *, codec: str = "utf-8") -> int | bytes | None:
    """Return the value of a literal: int, text as UTF-8 bytes, or None for NULL.

    Args:
        codec: Python's name of the connection's character set; "" for binary.

    Raises:
        NotAValue: anything else.
    """
    if literal[:1] in (b"'", b'"'):
        raw = unescape(literal)
        if codec in ("utf-8", "") or raw.isascii():
            return raw
        try:
            return raw.decode(codec).encode()
        except UnicodeDecodeError:
            raise NotAValue from None
    if (integer := _INTEGER.fullmatch(literal)) is not None:
        return int(integer[1] + integer[2])
    if (number := whole_double(literal)) is not None:
        return number
    if literal.upper() == b"NULL":
        return None
    if literal.lower().startswith((b"_binary'", b"_utf8mb4'")):
        return unescape(literal[literal.index(b"'") :])
    if literal[:2] in (b"x'", b"X'"):
        try:
            return bytes.fromhex(literal[2:-1].decode("ascii"))
        except ValueError:
            raise NotAValue from None
    raise NotAValue


def literal_kinds(literals: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return what a server needs to know of each literal to tell the types of expressions."""
    return tuple(map(_kind_of, literals))


def _kind_of(literal: bytes) -> bytes:
    quoted = min((literal.find(mark) for mark in (b"'", b'"') if mark in literal), default=-1)
    if quoted >= 0:
        prefix = literal[: quoted + 1].upper()  # with its introducer, or the x of x'41'
        return prefix if literal.isascii() else prefix + b" beyond ASCII"
    digits = literal.removeprefix(b"-")
    if digits.isdigit():
        return b"integer" if len(digits) < _SHORT_DIGITS else b"integer %d" % len(digits)
    if digits[:2].lower() in (b"0x", b"0b"):
        return digits[:2]
    if digits[:1] in b".0123456789":
        fraction = digits.partition(b".")[2]
        return b"double" if b"e" in digits.lower() else b"decimal %d" % len(fraction)
    return literal.upper()


_SHORT_DIGITS = 10  # beyond, an integer may be a BIGINT, an unsigned one or a decimal
