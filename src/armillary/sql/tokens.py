"""Split MySQL text into tokens that know their places. Pure.

Text is a `str` of one character a byte (decoded as latin-1), so that a position in it is a position
in the client's bytes, whatever its character set. Character sets whose multi-byte characters may
hold ASCII bytes (gbk, sjis, big5) must be refused before they come here.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from armillary.base.errors import InputError, UnsupportedError


class SqlSyntaxError(InputError):
    """The text is no SQL that any server would take."""

    errno = 1064
    sqlstate = "42000"


class UncertainCommentError(UnsupportedError):
    """An executable comment of which one server runs what another passes over."""

    def __init__(self, comment: str, why: str) -> None:
        super().__init__(
            f"VT12001: unsupported: the comment '{comment[:40]}': {why}; write the SQL without it"
        )


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


_TOKEN = re.compile(
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
_EXECUTABLE = re.compile(r"/\*M?!(\d{5,6})?")
_VERSION_MAX = 50699  # what every server we know executes; MariaDB stops at 50700 of MySQL's
_MARIADB_FIRST = 100000  # from here on MariaDB counts as its own
_VERSION_NEVER = 200000  # what no server executes: MariaDB's dumps begin with /*M!999999
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
    match = _TOKEN.match
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
            elif _EXECUTABLE.match(body):
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


@dataclass(frozen=True, slots=True)
class ServerKind:
    """Whose server runs the statements, and its version as comments name it: 101114, 80036."""

    is_mariadb: bool
    version: int

    @classmethod
    def parse(cls, text: str) -> "ServerKind | None":
        """Read what a server tells in its greeting, as `10.11.14-MariaDB-1`."""
        found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", text)
        if found is None:
            return None
        major, minor, patch = (int(part) for part in found.groups())
        return cls("MariaDB" in text, major * 10000 + minor * 100 + patch)


def unwrap_executable_comments(text: str, server: ServerKind | None = None) -> str:
    """Return `text` with `/*!NNNNN x */` replaced by x, or by a blank where it is not run.

    What we analyse must be what the server executes; so we decide, and send the decided text.

    Args:
        server: decides as this one does; None: only what all servers that we know agree on.

    Raises:
        UncertainCommentError: servers differ in whether they run it, or in where it ends.
    """
    scan = tokenize(text)
    if not scan.executable_comments:
        return text
    out = []
    at = 0
    for start, end in scan.executable_comments:
        out.append(text[at:start])
        inside = _executed(text[start:end], server)
        # Blanks only where tokens would grow together: a server names a column by this text.
        before = "" if inside[:1].isspace() or text[start - 1 : start].isspace() else " "
        after = "" if inside[-1:].isspace() or text[end : end + 1].isspace() else " "
        out.append(f"{before}{inside}{after}" if inside else " ")
        at = end
    out.append(text[at:])
    return "".join(out)


def _executed(comment: str, server: ServerKind | None) -> str:
    """Return what is executed of an executable comment; nothing where it is not."""
    head = _EXECUTABLE.match(comment)
    assert head is not None
    version = int(head.group(1) or 0)
    inside = comment[head.end() : -2]
    mariadb_only = comment.startswith("/*M!")
    if server is None and version < _VERSION_NEVER:
        if mariadb_only:
            raise UncertainCommentError(comment, "MariaDB runs what is in it, MySQL passes it over")
        if version > _VERSION_MAX:
            raise UncertainCommentError(
                comment, f"whether a server runs what is in it depends on its version ({version})"
            )
    if not _is_run(version, server, mariadb_only=mariadb_only):
        if "/*" in inside:
            raise UncertainCommentError(comment, "servers differ in where it ends")
        return ""
    if not _ends_by_itself(inside):
        raise UncertainCommentError(
            comment, "it holds another comment, a semicolon or a quote without an end"
        )
    return inside


def _is_run(version: int, server: ServerKind | None, *, mariadb_only: bool) -> bool:
    """Whether a server runs a comment of this version; one that no two servers differ in: any."""
    if version >= _VERSION_NEVER:
        return False
    if server is None:
        return True
    if mariadb_only:
        return server.is_mariadb and version <= server.version
    if server.is_mariadb and _VERSION_MAX < version < _MARIADB_FIRST:
        return False  # of MySQL's versions
    return version <= server.version


def _ends_by_itself(inside: str) -> bool:
    """Whether text is whole tokens and nothing else that a `*/` could be a part of."""
    at = 0
    while at < len(inside):
        found = _TOKEN.match(inside, at)
        if found is None or found.lastgroup == "comment" or found.group() == ";":
            return False
        if found.lastgroup == "blank" and not found.group().isspace():
            return False
        at = found.end()
    return True


def unquote_name(token: Token) -> str:
    """Return the identifier that a WORD or QUOTED token names, as UTF-8 where it is."""
    text = token.text
    if token.kind == Kind.QUOTED:
        text = text[1:-1].replace("``", "`")
    if text.isascii():
        return text
    return text.encode("latin-1").decode("utf-8", "replace")


def split_statements(text: str) -> list[str]:
    """Split at semicolons outside strings and comments; empty statements are dropped."""
    if ";" not in text:
        return [text] if text.strip() else []
    parts = []
    start = 0
    tokens_seen = False
    for token in tokenize(text).tokens:
        if token.kind == Kind.OP and token.text == ";":
            if tokens_seen:
                parts.append(text[start : token.start])
            start = token.end
            tokens_seen = False
        else:
            tokens_seen = True
    if tokens_seen:
        parts.append(text[start:])
    return parts
