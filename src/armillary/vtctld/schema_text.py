"""The text of a schema change: what may be in it, and what of it stands when it fails. Pure."""

import re
from collections.abc import Sequence

from armillary.base.errors import ArmillaryError, InputError, MysqlError, UnavailableError
from armillary.sql import commands
from armillary.sql.splitting import split_statements
from armillary.sql.tokens import Kind, Token, tokenize

_VERBS = ("CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE")
# What a keyspace's database holds, and so what a schema change may be about.
_INSIDE = {
    *("TABLE", "TABLES", "INDEX", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"),
    *("SEQUENCE", "PACKAGE"),
}
_OUTSIDE = {
    *("DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "TABLESPACE", "INSTANCE", "LOGFILE"),
    *("UNDO", "RESOURCE", "CATALOG", "VSCHEMA", "TEMPORARY"),
}
_WORDS_BEFORE_OBJECT_MAX = 20  # OR REPLACE ALGORITHM = ... DEFINER = ... SQL SECURITY ...
# Where a server runs a comment's inside, it counts; where not, it does no harm to look at it.
_EXECUTABLE = re.compile(r"/\*M?!\d*|\*/")
# A table, column or key that is there already or not there any more; a routine or trigger likewise.
_DONE_ALREADY_ERRNOS = frozenset({1050, 1051, 1060, 1061, 1068, 1091, 1146, 1304, 1305, 1359, 1360})
_OF_THE_SERVER = frozenset({"mysql", "sys", "performance_schema", "information_schema", "_vt"})


def parse_ddl(sql: str) -> list[str]:
    """Return the statements of a text that changes what is in a keyspace's database, and no more.

    Raises:
        InputError: nothing there, text that cannot be read, or a statement of another kind.
    """
    # The scanner wants one character a byte.
    statements = split_statements(sql.encode().decode("latin-1"))
    if not statements:
        raise InputError("no SQL statement was given")
    for number, statement in enumerate(statements, start=1):
        _require_verb(number, tokens_of(statement))
        executed = _EXECUTABLE.sub(" ", statement)
        _require_inside(number, tokens_of(executed))
        _refuse_databases_of_the_server(number, executed)
    return [statement.strip().encode("latin-1").decode() for statement in statements]


def tokens_of(statement: str) -> list[Token]:
    return [token for token in tokenize(statement).tokens if token.kind is not Kind.END]


def _require_verb(number: int, tokens: Sequence[Token]) -> None:
    first = tokens[0].upper if tokens else ""
    if first not in _VERBS:
        raise InputError(
            f"statement {number} starts with {first or 'nothing'!r}: wanted one of "
            f"{', '.join(_VERBS)} (rows are changed through vtgate)"
        )


def _require_inside(number: int, tokens: Sequence[Token]) -> None:
    """A database that is dropped takes its shard along, and an account may be a door.

    What names no object that we know is left to the server, which knows whether that is SQL.
    """
    words = [t.upper for t in tokens[: _WORDS_BEFORE_OBJECT_MAX + 1] if t.kind is Kind.WORD]
    what = next((word for word in words[1:] if word in _INSIDE | _OUTSIDE), "")
    if what in _OUTSIDE and words[0] != "TRUNCATE":
        raise InputError(
            f"statement {number} is {words[0]} {what}: wanted a change of tables, indexes, views "
            "or programs in the keyspace's database; databases and accounts are the operator's"
        )


def _refuse_databases_of_the_server(number: int, statement: str) -> None:
    words = {token.upper for token in tokens_of(statement)}
    if {"CREATE", "SELECT"} <= words:
        return  # a view or program may read them
    named = {name.lower() for name in commands.parse_ddl(statement).keyspaces} & _OF_THE_SERVER
    if named:
        raise InputError(
            f"statement {number} names database {min(named)}, which is the server's own: wanted a "
            "change in the keyspace's database"
        )


def may_be_applied(statement: str, error: ArmillaryError) -> bool:
    """Whether a statement that failed may have changed something all the same. Pure.

    MariaDB drops those that it can of several, then says that it failed.
    """
    if isinstance(error, UnavailableError):
        return True
    tokens = tokenize(statement.encode().decode("latin-1")).tokens
    is_drop = bool(tokens) and tokens[0].upper == "DROP"
    return is_drop and isinstance(error, MysqlError) and any(t.text == "," for t in tokens)


def may_be_done_already(error: ArmillaryError) -> bool:
    """Whether a statement failed because what it makes is there, or what it drops is not. Pure."""
    return isinstance(error, MysqlError) and error.errno in _DONE_ALREADY_ERRNOS


def where_it_stands(
    shard: str,
    number: int,
    count: int,
    *,
    done: Sequence[str],
    rest: Sequence[str],
    is_unknown: bool,
) -> str:
    """Say what of a schema change has been applied when statement `number` failed on `shard`.

    Args:
        is_unknown: the tablet did not answer, or some of the statement may have been done: it may
            be applied, in whole or in part, or be yet.
    """
    if not done and number == 1 and not is_unknown:
        return "this run has applied nothing on any shard"
    parts = [f"all of it is applied on {', '.join(done)}"] if done else []
    if number > 1:
        before = (
            f"statement 1 of {count} is" if number == 2 else f"statements 1 to {number - 1} are"
        )
        parts.append(f"on {shard} {before} applied")
    if is_unknown:
        parts.append(
            f"whether statement {number} is applied on {shard}, or a part of it, is not known"
        )
    if rest:
        parts.append(f"nothing on {', '.join(rest)}")
    return f"HALF APPLIED: {', '.join(parts)}; mend the cause and apply what is missing"


def how_to_repeat(keyspace: str) -> str:
    """Say how a schema change that some shards have already gets to the others."""
    return (
        f"ValidateSchemaKeyspace {keyspace} tells where shards differ, and with IF [NOT] EXISTS in "
        "its statements a change can be repeated"
    )
