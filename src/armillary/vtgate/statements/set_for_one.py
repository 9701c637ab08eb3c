"""`SET STATEMENT name = value, ... FOR statement`: settings of one statement alone. I/O.

MariaDB's drivers put timeouts and the most rows of an answer before a statement this way.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio

from armillary.base.errors import ArmillaryError
from armillary.sql.commands import Setting, parse_set
from armillary.sql.tokens import Kind, SqlSyntaxError, Token, tokenize
from armillary.vtgate.errors import RefusedError
from armillary.vtgate.statements.set_statement import run_set
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.transactions.pins import CLEANUP_S_MAX

if TYPE_CHECKING:
    from armillary.vtgate.execution.executor import Executor
    from armillary.vtgate.session import Session

# Of the whole session, or more than a value that a connection keeps.
_NOT_FOR_ONE = frozenset({"autocommit", "transaction_mode", "sql_mode"})


def split_set_statement(text: str) -> tuple[str, str] | None:
    """Return the SET of a `SET STATEMENT ... FOR`, and the statement; None for any other SET.

    Raises:
        SqlSyntaxError: there is no FOR, or nothing behind it.
        RefusedError: the statement is a SET itself, which is to last.
    """
    tokens = tokenize(text).tokens
    if len(tokens) < 3 or tokens[1].upper != "STATEMENT" or tokens[2].text in ("=", ":="):
        return None
    at = _find_for(tokens)
    if at is None or at == len(tokens) - 1:
        raise SqlSyntaxError("You have an error in your SQL syntax: SET STATEMENT ... FOR wanted")
    if tokens[at + 1].upper == "SET":
        raise RefusedError("SET STATEMENT ... FOR SET")
    return f"SET {text[tokens[2].start : tokens[at].start]}", text[tokens[at + 1].start :]


def _find_for(tokens: Sequence[Token]) -> int | None:
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.kind == Kind.WORD and token.upper == "FOR":
            return index
    return None


class SettingsOfOne:
    """Settings that a session has while one statement runs.

    Connections that the session keeps get their old values back; others say by their keys what
    they have.
    """

    def __init__(self, executor: "Executor", set_text: str) -> None:
        self._executor = executor
        self._text = set_text
        self._settings = parse_set(set_text)
        for setting in self._settings:
            _refuse_wide(setting)

    async def __aenter__(self) -> None:
        session = self._executor.session
        self._before = (session.settings, session.select_limit)
        await run_set(self._executor, self._text)

    async def __aexit__(self, *_: object) -> None:
        session = self._executor.session
        session.settings, session.select_limit = self._before
        known = dict(session.settings)
        texts = [
            known.get(one.name, f"SET SESSION `{one.name}` = DEFAULT")
            for one in self._settings
            if one.name != "sql_select_limit"
        ]
        with anyio.CancelScope(shield=True):
            await _give_back(session, texts)


def _refuse_wide(setting: Setting) -> None:
    """Raises: RefusedError: not a value that a connection may have for a while."""
    if setting.scope != "SESSION" or setting.name.startswith("character_set"):
        raise RefusedError(f"SET STATEMENT {setting.scope} {setting.name}")
    if setting.name in _NOT_FOR_ONE:
        raise RefusedError(f"SET STATEMENT {setting.name}")


async def _give_back(session: "Session", texts: Sequence[str]) -> None:
    key = session.pool_key
    for pin in session.pins.values():
        if pin.reserved is None and pin.key is not key:
            await _set_all(pin.connection, texts)
            pin.key = key
    for reserved in session.reserved.values():
        if reserved.key is not key:
            await _set_all(reserved.connection, texts)
            reserved.key = key


async def _set_all(connection: BackendConnection, texts: Sequence[str]) -> None:
    """Set them, or close the connection: nobody may go on with what it has."""
    if connection.busy or connection.broken:
        connection.abort()
        return
    try:
        with anyio.fail_after(CLEANUP_S_MAX):
            for text in texts:
                await connection.query(text.encode("latin-1"))
    except (ArmillaryError, TimeoutError):
        connection.abort()
