"""Statements that are not planned: what an unsharded keyspace takes, or a target with a shard. I/O.

They go to their server as they are, but for the names of keyspaces and what the session puts in.
What leaves something on its connection makes the connection the session's own; what nobody could
tell apart from other sessions' is refused.
"""

import re

from armillary.base.errors import ArmillaryError
from armillary.model.tablet import TabletType
from armillary.routing.partition import Partition, parse_destination_range
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.commands import Ddl
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.tokens import Kind, SqlSyntaxError, tokenize
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_ok
from armillary.vtgate.errors import (
    AssignedError,
    RefusedError,
    SqlError,
    no_database,
)
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.planning import check_syntax, explain_refusal
from armillary.vtgate.planner.text import (
    build_template,
    find_qualifiers,
    find_session_terms,
    refuse_connection_state,
    tokens_of,
)
from armillary.vtgate.statements.kept_text import check_kept, is_kept
from armillary.vtgate.targets import Target
from armillary.vtgate.transactions.reserving import TABLE_LOCKS
from armillary.wire.scanner import ResponseSummary

_WRITES = re.compile(rb"\s*(insert|update|delete|replace)\b", re.IGNORECASE)
SETS_INSERT_ID = frozenset({"INSERT", "UPDATE", "REPLACE"})
_STAYS = frozenset(
    """BACKUP FLUSH HANDLER LOCK RESET XA""".split()  # noqa: SIM905
)
_TABLE_LOCKS = frozenset({("LOCK", "TABLE"), ("LOCK", "TABLES")})
_UNLOCKS = frozenset({("UNLOCK", "TABLE"), ("UNLOCK", "TABLES")})
# Besides what is routed, these leave nothing on a connection (CALL may: its connection is closed).
_HARMLESS = frozenset({"CALL", "DO", "CHECKSUM", "CHECK", "OPTIMIZE", "REPAIR", "HELP", "VALUES"})
_HARMLESS_PAIRS = frozenset({("ANALYZE", "TABLE"), ("ANALYZE", "LOCAL")})


class AsTheyAre:
    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._cluster = executor.gateway.cluster
        self._session = executor.session

    async def not_understood(
        self, error: NotUnderstoodError, sql: bytes, out: Output
    ) -> ResponseSummary:
        """An unsharded keyspace takes any query; a sharded one only what we understand."""
        keyspace = self._session.target.keyspace
        if not keyspace:
            raise no_database()
        schema = self._cluster.vschema.keyspaces.get(keyspace)
        if schema is None:
            raise UnknownKeyspaceError(keyspace)
        if schema.sharded:
            raise await explain_refusal(self._executor.gateway, error, sql, keyspace)
        return await self._on_only_shard(keyspace, sql, out)

    async def other(self, sql: bytes, out: Output) -> ResponseSummary:
        """A statement of a kind that is neither routed nor answered here.

        Raises:
            AssignedError: CALL that may set user variables.
            NamedLockError: DO of named locks, which any session may do.
            RefusedError: it would leave something on its connection, or reach only one shard.
        """
        words = _first_words(sql)
        if words in _UNLOCKS:
            return await self._unlock(out)
        _refuse_session_terms(words[0], sql)
        left = _left_by(words)
        target = self._session.target
        schema = self._cluster.vschema.keyspaces.get(target.keyspace)
        if not target.keyspace or schema is None:
            for keyspace in list(self._cluster.layouts)[:1]:
                await check_syntax(self._executor.gateway, sql, keyspace)
            raise no_database()
        if schema.sharded and not target.is_direct:
            raise await self._refusal(f"{words[0]} in a sharded keyspace", sql)
        if left:
            return await self._leave(left, sql, out)
        if words[0] not in _HARMLESS and words not in _HARMLESS_PAIRS:
            raise await self._refusal(f"{' '.join(words)[:60]}", sql)
        if target.is_direct:
            return await self.direct(sql, out)
        return await self._on_only_shard(target.keyspace, sql, out)

    def only_server(self) -> tuple[str, str] | None:
        """Return the keyspace and shard of all statements as they are, if it is only one."""
        target = self._session.target
        schema = self._cluster.vschema.keyspaces.get(target.keyspace)
        if schema is None or (schema.sharded and not target.is_direct):
            return None
        resolver = self._executor.resolver()
        if not target.is_direct:
            return target.keyspace, resolver.only_shard(target.keyspace)[0]
        shards = named_shards(target, resolver.partition(target.keyspace))
        return (target.keyspace, shards[0]) if len(shards) == 1 else None

    async def _unlock(self, out: Output) -> ResponseSummary:
        """UNLOCK TABLES: on whichever server there are locks; it commits only if there are any."""
        transactions = self._executor.transactions
        if transactions.reserving.locks_tables:
            await transactions.commit()
            await transactions.reserving.unlock()
        return answer_ok(self._session, out)

    async def _leave(self, left: str, sql: bytes, out: Output) -> ResponseSummary:
        """LOCK TABLES, HANDLER: on the session's own connection to one server."""
        executor = self._executor
        server = self.only_server()
        if server is None:
            raise RefusedError(f"{left} on several shards; use keyspace:shard")
        text = self.without_keyspace(sql, server[0])
        reserving = executor.transactions.reserving
        if left == TABLE_LOCKS:  # as a server does
            await executor.transactions.commit()
            await reserving.unlock()
        return await reserving.leave(*server, left, lambda: executor.on_shard(*server, text, out))

    async def _refusal(self, what: str, sql: bytes) -> ArmillaryError:
        refusal = NotUnderstoodError(what)
        keyspace = self._session.target.keyspace
        return await explain_refusal(self._executor.gateway, refusal, sql, keyspace)

    async def _on_only_shard(self, keyspace: str, sql: bytes, out: Output) -> ResponseSummary:
        shards = self._executor.resolver().only_shard(keyspace)
        text = self.without_keyspace(sql, keyspace)
        return await self._executor.on_shard(keyspace, shards[0], text, out)

    async def direct(self, sql: bytes, out: Output) -> ResponseSummary:
        """The target names a shard: statements go there as they are."""
        target = self._session.target
        executor = self._executor
        if target.tablet_type != TabletType.PRIMARY and _WRITES.match(sql):
            raise SqlError(1105, f"VT09002: DML statement with a replica target: {target}")
        partition = executor.resolver().partition(target.keyspace)
        shards = named_shards(target, partition)
        text = self.without_keyspace(sql, target.keyspace)
        if len(shards) == 1:
            return await executor.on_shard(target.keyspace, shards[0], text, out)
        if re.match(rb"\s*(update|delete)\b", sql, re.I):
            summaries = await executor.whole(lambda: executor.on_all(target.keyspace, shards, text))
            affected = sum(one.affected_rows for one in summaries)
            return answer_ok(self._session, out, affected_rows=affected)
        raise RefusedError("VT03023: this statement on a target of several shards")

    def kept(self, ddl: Ddl, sql: bytes, keyspace: str) -> bytes:
        """As `without_keyspace`, of a schema change: what runs later gets no value of now.

        Raises:
            RefusedError: it would know another user, or other variables, than it is to know.
        """
        if not is_kept(ddl):
            return self.without_keyspace(sql, keyspace)
        tokens = tokenize(sql.decode("latin-1")).tokens
        check_kept(tokens, find_session_terms(tokens))
        return self.without_keyspace(sql, keyspace, session_values=False)

    def without_keyspace(self, sql: bytes, keyspace: str, *, session_values: bool = True) -> bytes:
        """Take `keyspace.` out of a text, and put the session's values in.

        Args:
            session_values: False leaves all that the text asks of a session to the server.
        Raises:
            RefusedError: it would leave something on its connection.
        """
        text = sql.decode("latin-1")
        tokens = tokenize(text).tokens
        splices = find_qualifiers(tokens, frozenset({keyspace}))
        if session_values:
            use = find_session_terms(tokens)
            refuse_connection_state(use, writing=_first_words(sql)[0] in SETS_INSERT_ID)
            splices = (*splices, *use.splices)
        if not splices:
            return sql
        marks = [b"?"] * text.count("?")
        return self._executor.texts.render(build_template(text, splices), marks)


def _refuse_session_terms(verb: str, sql: bytes) -> None:
    """Raises: AssignedError: CALL may set user variables. NamedLockError: DO of named locks."""
    if verb not in ("CALL", "DO"):
        return
    tokens = tokens_of(sql.decode("latin-1"))
    if verb == "DO":
        refuse_connection_state(find_session_terms(tokens))
    elif any(t.kind == Kind.VARIABLE and not t.text.startswith("@@") for t in tokens):
        raise AssignedError("CALL with user variables, which it may set")


def _left_by(words: tuple[str, ...]) -> str:
    """Return what a statement leaves on its connection; mostly nothing.

    Raises:
        RefusedError: something that nobody could tell apart from other sessions', or rows.
    """
    if words in _TABLE_LOCKS:
        return TABLE_LOCKS
    if words[0] == "HANDLER":
        return "open handlers"
    if words[0] == "LOAD":
        raise RefusedError(f"{' '.join(words)}: send the rows with INSERT")
    if words[0] in _STAYS:
        raise RefusedError(f"{' '.join(words)[:60]}: it would stay on a shared connection")
    return ""


def _first_words(sql: bytes) -> tuple[str, ...]:
    try:
        tokens = tokenize(sql.decode("latin-1")).tokens
    except SqlSyntaxError:
        tokens = []
    words = tuple(token.upper for token in tokens if token.text != "(")[:2]
    return words or ("",)


def named_shards(target: Target, partition: Partition) -> tuple[str, ...]:
    """Return the shards that a target names.

    Raises:
        SqlError: no such shard serves, or the destination is no keyspace id.
    """
    if target.shard:
        if target.shard not in partition.shards:
            raise SqlError(1105, f"shard {target.keyspace}/{target.shard} does not serve {target}")
        return (target.shard,)
    key_range = parse_destination_range(target.destination)
    if key_range is not None:
        return partition.shards_in(key_range)
    try:
        return (partition.shard_of(bytes.fromhex(target.destination)),)
    except ValueError:
        raise SqlError(1105, f"invalid target {target}: a keyspace id in hex wanted") from None
