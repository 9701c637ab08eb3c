"""Split MySQL text into tokens that know their places. Pure.

Text is a `str` of one character a byte (decoded as latin-1), so that a position in it is a position
in the client's bytes, whatever its character set. Character sets whose multi-byte characters may
hold ASCII bytes (gbk, sjis, big5) must be refused before they come here.
"""

import re
from enum import IntEnum
from typing import NamedTuple

from armillary.base.errors import InputError


class SqlSyntaxError(InputError):
    """The text is no SQL that any server would take."""

    errno = 1064
    sqlstate = "42000"


class Kind(IntEnum):
    WORD = 1  # identifier or keyword, unquoted
    QUOTED = 2  # identifier in backticks
    STRING = 3
    NUMBER = 4
    HEX = 5
    BIT = 6
    PARAM = 7  # ?
    VARIABLE = 8  # @name, @@name
    OP = 9
    HINT = 10  # /*+ ... */
    END = 11


LITERAL_KINDS = frozenset({Kind.STRING, Kind.NUMBER, Kind.HEX, Kind.BIT})


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == Kind.WORD else self.text


TOKEN = re.compile(
    r"""
      (?P<blank>\s+|--(?=[\s\x00-\x1f]|$)[^\n]*|\#[^\n]*)
    | (?P<comment>/\*)
    | (?P<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*")
    | (?P<hex>(?<![\w$.@\x80-\xff])0x[0-9a-fA-F]+(?![\w$\x80-\xff])|[xX]'[0-9a-fA-F]*')
    | (?P<bit>0b[01]+(?![\w$\x80-\xff])|[bB]'[01]*')
    | (?P<number>(?<![\w$.@\x80-\xff])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$\x80-\xff]))
    | (?P<word>[\w$\x80-\xff]+)
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<variable>@@?(?:`(?:[^`]|``)*`|'[^']*'|"[^"]*"|[\w.$\x80-\xff]+)?)
    | (?P<param>\?)
    | (?P<op><=>|<<|>>|<=|>=|<>|!=|:=|\|\||&&|->>|->|[-+*/%^&|~!=<>(),.;:{}\[\]])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
EXECUTABLE = re.compile(r"/\*M?!(\d{5,6})?")
_KINDS = {
    "string": Kind.STRING,
    "hex": Kind.HEX,
    "bit": Kind.BIT,
    "number": Kind.NUMBER,
    "word": Kind.WORD,
    "quoted": Kind.QUOTED,
    "variable": Kind.VARIABLE,
    "param": Kind.PARAM,
    "op": Kind.OP,
}


class Scan(NamedTuple):
    tokens: list[Token]
    directives: list[str]  # the insides of /*vt+ ... */
    executable_comments: list[tuple[int, int]]


def tokenize(text: str) -> Scan:
    """Return the tokens of `text`; comments and blanks are left out.

    What stands in an executable comment (`/*! ... */`) must have been unwrapped before.

    Raises:
        SqlSyntaxError: a string or comment has no end, or a character starts no token.
    """
    tokens: list[Token] = []
    directives: list[str] = []
    executable: list[tuple[int, int]] = []
    at = 0
    size = len(text)
    match = TOKEN.match
    while at < size:
        found = match(text, at)
        if found is None:
            raise _no_token(text, at)
        group = found.lastgroup
        end = found.end()
        if group == "comment":
            close = text.find("*/", at + 2)
            if close < 0:
                raise SqlSyntaxError(f"comment without an end near {text[at : at + 40]!r}")
            end = close + 2
            body = text[at:end]
            if body.startswith("/*vt+"):
                directives.append(body[5:-2].strip())
            elif body.startswith("/*+"):
                tokens.append(Token(Kind.HINT, body, at, end))
            elif EXECUTABLE.match(body):
                executable.append((at, end))
        elif group != "blank":
            assert group is not None
            tokens.append(Token(_KINDS[group], found.group(), at, end))
        at = end
    return Scan(tokens, directives, executable)


def _no_token(text: str, at: int) -> SqlSyntaxError:
    what = "a quote without an end" if text[at] in "'\"`" else "an unexpected character"
    return SqlSyntaxError(
        f"You have an error in your SQL syntax: {what} near '{text[at : at + 40]}'"
    )


def lower_ascii(text: str) -> str:
    """Return a name in lower case; what is not ASCII there stands for bytes, and stays."""
    return text.encode("latin-1").lower().decode("latin-1")


def unquote_name(token: Token) -> str:
    """Return the identifier that a WORD or QUOTED token names, as UTF-8 where it is."""
    text = token.text
    if token.kind == Kind.QUOTED:
        text = text[1:-1].replace("``", "`")
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "replace")
