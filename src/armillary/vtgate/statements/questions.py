"""SHOW, DESCRIBE and EXPLAIN: answered here, or by any shard of the keyspace they name. I/O."""

from collections.abc import Mapping

from armillary.base.errors import MysqlError
from armillary.sql.literals import unescape
from armillary.sql.tokens import Kind, Token, tokenize, unquote_name
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_rows
from armillary.vtgate.errors import RefusedError, SqlError, no_database
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.system_rows import ask_system
from armillary.vtgate.statements.as_they_are import named_shards
from armillary.vtgate.statements.local_answers import LocalAnswers
from armillary.vtgate.statements.processes import (
    ListProcesses,
    asks_for_processes,
    process_rows,
)
from armillary.vtgate.tablets.backend import Result
from armillary.wire.columns import encode_column
from armillary.wire.scanner import ResponseSummary
from armillary.wire.statements import quote


class Questions:
    def __init__(self, executor: Executor, local: LocalAnswers, processes: ListProcesses) -> None:
        self._executor = executor
        self._processes = processes
        self._local = local
        self._session = executor.session

    async def show(self, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        tokens = [token for token in tokenize(text).tokens if token.text != ";"]
        if asks_for_processes(tokens):
            found = await self._processes(self._session.user)
            full = tokens[1].upper == "FULL"
            return await answer_rows(self._session, out, *process_rows(found, full=full))
        local = self._local.show(tokens)
        if local is None:
            return await self._ask_any(text, tokens, out)
        if {"WARNINGS", "ERRORS"} & {token.upper for token in tokens[1:]}:
            self._session.new_warnings = self._session.warnings  # asking does not clear them
        return await answer_rows(self._session, out, *local)

    async def describe(self, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        tokens = [token for token in tokenize(text).tokens if token.text != ";"]
        if len(tokens) > 1 and tokens[1].upper in ("ANALYZE",):
            raise RefusedError("EXPLAIN ANALYZE")
        return await self._ask_any(text, tokens, out)

    async def _ask_any(self, text: str, tokens: list[Token], out: Output) -> ResponseSummary:
        """Ask any shard of the keyspace that is named, or selected, or is there."""
        executor = self._executor
        vschema = executor.gateway.cluster.vschema
        databases = {name: executor.gateway.cluster.database_of(name) for name in vschema.keyspaces}
        keyspace, stripped = _take_keyspace(text, tokens, databases)
        target = self._session.target
        keyspace = keyspace or target.keyspace
        needs_one = tokens[0].upper != "SHOW" or _needs_database(tokens)
        if keyspace not in vschema.keyspaces:
            if needs_one and not keyspace:
                raise no_database()
            keyspace = next(iter(executor.gateway.cluster.layouts), "")
        if not keyspace:
            raise no_database()
        partition = executor.resolver().partition(keyspace)
        shards = partition.shards[:1]
        if target.is_direct and target.keyspace == keyspace:
            shards = named_shards(target, partition)[:1]
        question = stripped.encode("latin-1")
        group = "normal"
        place = (keyspace, shards[0], target.tablet_type, group)
        if self._session.has_snapshot and place not in self._session.pins:
            group = "outside"  # the server is none that the snapshot is of
        if _tells_databases(tokens):
            return await ask_system(executor, keyspace, shards[0], question, out, group)
        return await executor.on_shard(keyspace, shards[0], question, out, group=group, again=True)

    async def field_list(self, table: str) -> list[bytes]:
        """Return the column definitions of a table, for COM_FIELD_LIST."""
        keyspace = self._session.target.keyspace
        if not keyspace:
            raise no_database()
        name = table.replace("`", "``").encode()
        question = b"select * from `" + name + b"` limit 0"
        try:
            result = await self._ask_of(keyspace, question)
        except MysqlError:
            raise SqlError(1146, f"Table '{keyspace}.{table}' doesn't exist") from None
        return [encode_column(column) for column in result.columns]

    async def _ask_of(self, keyspace: str, question: bytes) -> Result:
        """Ask any shard; another connection would wait for table locks of this session."""
        executor = self._executor
        if not self._session.reserved:
            return await executor.gateway.ask(keyspace, question)
        shards = executor.resolver().partition(keyspace).shards
        async with executor.transactions.describing(keyspace, shards) as connection:
            return await connection.query(question)


def _needs_database(tokens: list[Token]) -> bool:
    words = {token.upper for token in tokens[1:4]}
    return bool(words & {"TABLES", "TABLE", "COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS"})


def _tells_databases(tokens: list[Token]) -> bool:
    """Whether a SHOW has a column of databases: SHOW PROCEDURE STATUS, SHOW CREATE DATABASE, ..."""
    words = tuple(token.upper for token in tokens[1:3])
    if words[:1] == ("EVENTS",) or words == ("OPEN", "TABLES"):
        return True
    of_programs = words[1:] == ("STATUS",) and words[0] != "TABLE"
    return of_programs or _creates_database(tokens)


def _creates_database(tokens: list[Token]) -> bool:
    words = [token.upper for token in tokens[:3]]
    return words[:2] == ["SHOW", "CREATE"] and words[2:] in (["DATABASE"], ["SCHEMA"])


def _take_keyspace(text: str, tokens: list[Token], databases: Mapping[str, str]) -> tuple[str, str]:
    """Find and take out `FROM keyspace` or `keyspace.`: names that the server does not know.

    Where it wants to hear of a database, it gets its own name of it: `WHERE Db = 'keyspace'`.
    """
    found = ""
    out = text
    for index in range(len(tokens) - 1, 0, -1):
        name = _name_of(tokens[index])
        if name not in databases:
            continue
        start, end, instead = _place_of(tokens, index, databases[name])
        if end:
            found = found or name
            out = out[:start] + instead + out[end:]
    return found, out


def _name_of(token: Token) -> str:
    if token.kind == Kind.STRING:
        return unescape(token.text.encode("latin-1")).decode("utf-8", "replace")
    return unquote_name(token) if token.kind in (Kind.WORD, Kind.QUOTED) else ""


def _place_of(tokens: list[Token], index: int, database: str) -> tuple[int, int, str]:
    """Return what to replace by what where a token names a keyspace, or all nothing."""
    token, before = tokens[index], tokens[index - 1]
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if token.kind == Kind.STRING:
        compared = before.text == "=" and _name_of(tokens[index - 2]).upper() == "DB"
        compared = compared and tokens[0].upper == "SHOW"
        text = quote(database.encode()).decode("latin-1")
        return (token.start, token.end, text) if compared else (0, 0, "")
    if following == "." and before.text != ".":
        return token.start, tokens[index + 2].start, ""
    if before.upper in ("FROM", "IN") and _names_database(tokens, index):
        return before.start, token.end, ""
    if not following and _creates_database(tokens):
        return token.start, token.end, "`" + database.replace("`", "``") + "`"
    return 0, 0, ""


def _names_database(tokens: list[Token], index: int) -> bool:
    """Whether FROM at `index` - 1 of a SHOW names a database: the only one, or the second."""
    words = [token.upper for token in tokens[:index]]
    if words[0] != "SHOW":
        return False
    if "COLUMNS" in words or "FIELDS" in words or {"INDEX", "INDEXES", "KEYS"} & set(words):
        return sum(word in ("FROM", "IN") for word in words) == 2
    return True
