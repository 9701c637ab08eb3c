"""Statements that are not routed by their rows: what kind they are, and what they name. Pure."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from armillary.sql.tokens import Kind, SqlSyntaxError, Token, lower_ascii, tokenize, unquote_name

# What stands before a statement. Nothing is tried in two ways, or many comments took for ever.
_COMMENT = rb"(?>/\*(?!M?!).*?\*/)|--(?:[^\S\n][^\n]*)?(?:\n|\Z)|#[^\n]*(?:\n|\Z)"
_FIRST_WORD = re.compile(rb"(?:\s|" + _COMMENT + rb"|\()*+([A-Za-z]+)", re.DOTALL)
_NOTHING = re.compile(rb"(?:\s|" + _COMMENT + rb")*+\Z", re.DOTALL)


class Verb(Enum):
    ROUTED = auto()  # SELECT, INSERT, REPLACE, UPDATE, DELETE
    USE = auto()
    SET = auto()
    SHOW = auto()
    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SAVEPOINT = auto()
    RELEASE = auto()
    DDL = auto()
    DESCRIBE = auto()
    KILL = auto()
    PREPARE = auto()  # PREPARE, EXECUTE, DEALLOCATE PREPARE
    EMPTY = auto()  # at most comments
    OTHER = auto()


_VERBS = {
    "SELECT": Verb.ROUTED,
    "INSERT": Verb.ROUTED,
    "REPLACE": Verb.ROUTED,
    "UPDATE": Verb.ROUTED,
    "DELETE": Verb.ROUTED,
    "WITH": Verb.ROUTED,
    "USE": Verb.USE,
    "SET": Verb.SET,
    "SHOW": Verb.SHOW,
    "BEGIN": Verb.BEGIN,
    "START": Verb.BEGIN,
    "COMMIT": Verb.COMMIT,
    "ROLLBACK": Verb.ROLLBACK,
    "SAVEPOINT": Verb.SAVEPOINT,
    "RELEASE": Verb.RELEASE,
    "CREATE": Verb.DDL,
    "ALTER": Verb.DDL,
    "DROP": Verb.DDL,
    "TRUNCATE": Verb.DDL,
    "RENAME": Verb.DDL,
    "DESCRIBE": Verb.DESCRIBE,
    "DESC": Verb.DESCRIBE,
    "EXPLAIN": Verb.DESCRIBE,
    "KILL": Verb.KILL,
    "PREPARE": Verb.PREPARE,
    "EXECUTE": Verb.PREPARE,
    "DEALLOCATE": Verb.PREPARE,
}


def split_first_word(sql: bytes) -> tuple[str, bytes]:
    """Return a statement's first word in upper case, and what stands behind it.

    Comments and brackets may stand before it. There may be none.
    """
    match = _FIRST_WORD.match(sql)
    if match is None:
        return "", sql
    return match.group(1).decode("ascii").upper(), sql[match.end() :]


def verb_of(sql: bytes) -> Verb:
    """Return what a statement begins with, behind blanks and comments."""
    word, _ = split_first_word(sql)
    if not word and _NOTHING.match(sql):
        return Verb.EMPTY
    return _VERBS.get(word, Verb.OTHER)


def words_of(tokens: list[Token], count: int) -> tuple[str, ...]:
    return tuple(token.upper for token in tokens[:count])


@dataclass(frozen=True, slots=True)
class Ddl:
    """A change of schema: on which tables, and where their keyspaces are written."""

    verb: str
    what: str  # TABLE, INDEX, VIEW, DATABASE, ...
    keyspaces: tuple[str, ...]
    temporary: bool = False
    selects: bool = False  # its rows come from a query


_OBJECTS = ("TABLE", "INDEX", "VIEW", "DATABASE", "SCHEMA", "PROCEDURE", "FUNCTION", "TRIGGER")
_OBJECTS_MORE = ("EVENT", "USER", "ROLE", "SERVER", "TABLESPACE", "SEQUENCE", "VSCHEMA", "INSTANCE")


def parse_ddl(text: str) -> Ddl:
    """Find what a schema change is about.

    Raises:
        SqlSyntaxError: the text is no SQL.
    """
    tokens = tokenize(text).tokens
    verb = tokens[0].upper
    what = "TABLE" if verb == "TRUNCATE" else ""
    temporary = False
    at = 0
    for index, token in enumerate(tokens[1:8], start=1):
        temporary |= token.upper == "TEMPORARY"
        if not what and token.kind == Kind.WORD and token.upper in (*_OBJECTS, *_OBJECTS_MORE):
            what = token.upper
            at = index
            break
        if what:
            break
    keyspaces = []
    for index in range(at + 1, len(tokens) - 2):
        named = tokens[index]
        if tokens[index + 1].text == "." and tokens[index - 1].text != "." and _is_name(named):
            keyspaces.append(unquote_name(named))
    selects = any(_begins_query(*pair) for pair in pairwise(tokens[at + 1 :]))
    return Ddl(verb, what, tuple(keyspaces), temporary, selects)


def _begins_query(token: Token, following: Token) -> bool:
    if token.upper == "VALUES":  # not of PARTITION p VALUES LESS THAN (5), nor VALUES IN (5)
        return following.text == "(" or following.upper == "ROW"
    return token.upper in ("SELECT", "TABLE")


def _is_name(token: Token) -> bool:
    return token.kind in (Kind.WORD, Kind.QUOTED)


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment of SET."""

    scope: str  # SESSION, GLOBAL, PERSIST, USER (a user variable), NAMES, CHARSET, TRANSACTION
    name: str  # lower case
    value: str  # SQL text
    sql: str  # a SET statement for this assignment alone


def parse_set(text: str) -> list[Setting]:
    """Take a SET statement apart.

    Raises:
        SqlSyntaxError: not a SET statement as we know it.
    """
    tokens = tokenize(text).tokens
    if tokens and tokens[-1].text == ";":
        tokens.pop()
    words = words_of(tokens, 4)
    if "TRANSACTION" in words[1:3]:
        scope = words[1] if words[1] in ("SESSION", "GLOBAL", "LOCAL") else "NEXT"
        return [Setting("TRANSACTION", scope.lower(), text[tokens[2].start :], text)]
    settings = []
    start = 1
    depth = 0
    for index in range(1, len(tokens) + 1):
        end = index == len(tokens)
        token = tokens[min(index, len(tokens) - 1)]
        if not end:
            depth += (token.text == "(") - (token.text == ")")
        if end or (token.text == "," and depth == 0):
            settings.append(_one_setting(text, tokens[start:index]))
            start = index + 1
    return settings


def _one_setting(text: str, tokens: list[Token]) -> Setting:
    if not tokens:
        raise SqlSyntaxError("You have an error in your SQL syntax near SET")
    first = tokens[0].upper
    body = text[tokens[0].start : tokens[-1].end]
    if first == "NAMES" and len(tokens) > 1 and tokens[1].text != "=":
        return Setting("NAMES", "names", _plain(tokens[1]), "SET " + body)
    if words_of(tokens, 2) == ("CHARACTER", "SET") and len(tokens) > 2:
        return Setting("CHARSET", "charset", _plain(tokens[2]), "SET " + body)
    if first == "CHARSET" and len(tokens) > 1 and tokens[1].text != "=":
        return Setting("CHARSET", "charset", _plain(tokens[1]), "SET " + body)
    scope = "SESSION"
    if first in ("SESSION", "LOCAL", "GLOBAL", "PERSIST", "PERSIST_ONLY"):
        scope = "SESSION" if first == "LOCAL" else first
        tokens = tokens[1:]
    if len(tokens) < 3 or tokens[1].text not in ("=", ":="):
        raise SqlSyntaxError(f"You have an error in your SQL syntax near '{body[:60]}'")
    name = tokens[0].text
    if tokens[0].kind == Kind.VARIABLE and not name.startswith("@@"):
        scope = "USER"
        name = name[1:].strip("`'\"")
    elif tokens[0].kind == Kind.VARIABLE:
        name = name[2:]
        prefix, dot, rest = name.partition(".")
        if dot:
            name = rest
            scope = "SESSION" if prefix.upper() in ("SESSION", "LOCAL") else prefix.upper()
    else:
        name = unquote_name(tokens[0])
    value = text[tokens[2].start : tokens[-1].end]
    return Setting(scope, lower_ascii(name.strip("`")), value, f"SET {scope} `{name}` = {value}")


def _plain(token: Token) -> str:
    return token.text.strip("'\"`").lower()
