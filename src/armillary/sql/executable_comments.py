"""Executable comments (`/*!NNNNN x */`): what a server runs of them, decided here. Pure."""

import re
from dataclasses import dataclass

from armillary.base.errors import UnsupportedError
from armillary.sql.splitting import split_statements
from armillary.sql.tokens import EXECUTABLE, TOKEN, tokenize

_VERSION_MAX = 50699  # what every server we know executes; MariaDB stops at 50700 of MySQL's
_MARIADB_FIRST = 100000  # from here on MariaDB counts as its own
_SIX_DIGITS_FIRST = 80100  # MySQL's first that reads six digits; those before took five of them
_VERSION_NEVER = 801000  # what none executes, by either reading: dumps begin with /*M!999999


class UncertainCommentError(UnsupportedError):
    """An executable comment of which one server runs what another passes over."""

    def __init__(self, comment: str, why: str) -> None:
        super().__init__(
            f"VT12001: unsupported: the comment '{comment[:40]}': {why}; write the SQL without it"
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
    out: list[str] = []
    around: list[str] = []  # the same with a word for each comment
    at = 0
    divided = ""
    for start, end in scan.executable_comments:
        out.append(text[at:start])
        around += (text[at:start], " x ")
        inside = _executed(text[start:end], server)
        if ";" in inside:
            divided = text[start:end]
        # Blanks only where tokens would grow together: a server names a column by this text.
        before = "" if inside[:1].isspace() or text[start - 1 : start].isspace() else " "
        after = "" if inside[-1:].isspace() or text[end : end + 1].isspace() else " "
        out.append(f"{before}{inside}{after}" if inside else " ")
        at = end
    out.append(text[at:])
    whole = "".join(out)
    statements = len(split_statements("".join((*around, text[at:]))))
    if divided and len(split_statements(whole)) > statements:
        raise UncertainCommentError(divided, "it holds a semicolon that ends a statement")
    return whole


def _executed(comment: str, server: ServerKind | None) -> str:
    """Return what is executed of an executable comment; nothing where it is not."""
    head = EXECUTABLE.match(comment)
    assert head is not None
    mariadb_only = comment.startswith("/*M!")
    digits = head.group(1) or ""
    if server is not None and not server.is_mariadb and server.version < _SIX_DIGITS_FIRST:
        digits = digits[:5]
    version = int(digits or 0)
    inside = comment[comment.index("!") + 1 + len(digits) : -2]
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
        raise UncertainCommentError(comment, "it holds another comment or a quote without an end")
    return inside


def _is_run(version: int, server: ServerKind | None, *, mariadb_only: bool) -> bool:
    """Whether a server runs a comment of this version; one that no two servers differ in: any."""
    if server is None:
        return version < _VERSION_NEVER
    if mariadb_only:
        return server.is_mariadb and version <= server.version
    if server.is_mariadb and _VERSION_MAX < version < _MARIADB_FIRST:
        return False  # of MySQL's versions
    return version <= server.version


def _ends_by_itself(inside: str) -> bool:
    """Whether text is whole tokens and nothing else that a `*/` could be a part of."""
    at = 0
    while at < len(inside):
        found = TOKEN.match(inside, at)
        if found is None or found.lastgroup == "comment":
            return False
        if found.lastgroup == "blank" and not found.group().isspace():
            return False
        at = found.end()
    return True
