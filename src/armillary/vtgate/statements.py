"""One client statement of any kind: route it, answer it here, or change the session. I/O."""

import re
from typing import Protocol

from armillary.base.errors import MysqlError
from armillary.model.tablet import TabletType
from armillary.routing.partition import Partition, parse_destination_range
from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.commands import Verb, parse_ddl, verb_of
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.literals import normalise
from armillary.sql.tokens import (
    Kind,
    SqlSyntaxError,
    Token,
    tokenize,
    unquote_name,
    unwrap_executable_comments,
)
from armillary.vtgate.errors import RefusedError, SqlError, no_database
from armillary.vtgate.executor import Executor, Statement
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.local_answers import LocalAnswers
from armillary.vtgate.output import Output, send_local_rows
from armillary.vtgate.planner.plan import Source
from armillary.vtgate.planner.select import SYSTEM_SCHEMAS
from armillary.vtgate.planner.text import build_template, find_qualifiers, find_session_terms
from armillary.vtgate.sequences import next_values
from armillary.vtgate.session import Session
from armillary.vtgate.set_statement import run_set
from armillary.vtgate.targets import Target, parse_target
from armillary.wire.columns import (
    ColumnDefinition,
    encode_column,
    integer_column,
    text_column,
)
from armillary.wire.responses import OkPacket
from armillary.wire.scanner import ResponseSummary

_SEQUENCE = re.compile(
    r"^\s*select\s+next\s+(?:value|(\?|\d+)\s+values)\s+from\s+(.+?)\s*;?\s*$", re.I
)
_LOCAL_SELECT = re.compile(
    rb"^\s*select\s+(@@version_comment|@@(?:session\.)?autocommit|(?:database|schema)\s*\(\s*\)"
    rb"|connection_id\s*\(\s*\)|user\s*\(\s*\)|current_user(?:\s*\(\s*\))?|\$\$)"
    rb"(?:\s+limit\s+1)?\s*;?\s*$",
    re.I,
)
_ANYWHERE = frozenset(
    ["CALL", "DO", "HANDLER", "LOAD", "LOCK", "UNLOCK", "XA", "PREPARE", "EXECUTE"]
)


_WRITES = re.compile(rb"\s*(insert|update|delete|replace)\b", re.IGNORECASE)
_KILL = re.compile(rb"\s*kill\s+(?:hard\s+|soft\s+)?(connection\s+|query\s+)?(\d+)\s*;?\s*$", re.I)


class Killer(Protocol):
    """Ends a connection of this gateway, or the statement that runs on it."""

    def __call__(self, connection_id: int, asking: Session, *, query_only: bool) -> None: ...


class StatementRunner:
    def __init__(
        self, gateway: Gateway, session: Session, version_comment: str, killer: Killer
    ) -> None:
        self._killer = killer
        self._gateway = gateway
        self._session = session
        self._version_comment = version_comment
        self.executor = Executor(gateway, session)
        self._local = LocalAnswers(gateway.cluster, session)

    async def run(self, sql: bytes, out: Output) -> ResponseSummary:
        """Run one statement and answer it.

        Raises:
            ArmillaryError: what the client is to be told.
        """
        if b"/*!" in sql or b"/*M!" in sql:
            sql = unwrap_executable_comments(sql.decode("latin-1")).encode("latin-1")
        verb = verb_of(sql)
        match verb:
            case Verb.ROUTED:
                return await self._routed(sql, out)
            case Verb.USE | Verb.SET | Verb.EMPTY:
                return await self._change_session(verb, sql, out)
            case Verb.SHOW:
                return await self._show(sql, out)
            case Verb.DDL:
                return await self._ddl(sql, out)
            case Verb.DESCRIBE:
                return await self._describe(sql, out)
            case Verb.KILL:
                return self._kill(sql, out)
            case Verb.OTHER:
                return await self._other(sql, out)
        return await self._transaction(verb, sql, out)

    async def _change_session(self, verb: Verb, sql: bytes, out: Output) -> ResponseSummary:
        if verb == Verb.EMPTY:
            raise SqlError(1065, "Query was empty")
        if verb == Verb.USE:
            self.use(_use_name(sql))
        else:
            await run_set(self.executor, sql.decode("latin-1"))
        return self._ok(out)

    def _kill(self, sql: bytes, out: Output) -> ResponseSummary:
        """`KILL [CONNECTION|QUERY] id`, of a connection to this gateway by the same user."""
        match = _KILL.match(sql)
        if match is None:
            raise SqlError(1064, "You have an error in your SQL syntax near KILL")
        query_only = (match.group(1) or b"").strip().upper() == b"QUERY"
        self._killer(int(match.group(2)), self._session, query_only=query_only)
        return self._ok(out)

    def _ok(self, out: Output, *, affected_rows: int = 0) -> ResponseSummary:
        out.ok(OkPacket(status=self._session.status, affected_rows=affected_rows))
        return ResponseSummary(status=self._session.status)

    async def _rows(
        self, out: Output, columns: list[ColumnDefinition], rows: list[list[bytes | None]]
    ) -> ResponseSummary:
        await send_local_rows(out, columns, rows, status=self._session.status)
        return ResponseSummary(has_rows=True, row_count=len(rows))

    def use(self, name: str) -> None:
        """Change the target. Raises: SqlError: no such keyspace, or a transaction is under way."""
        target = parse_target(name)
        session = self._session
        known = self._gateway.cluster.vschema.keyspaces
        if target.keyspace and target.keyspace not in known and not _is_system(target.keyspace):
            raise UnknownKeyspaceError(target.keyspace)
        if session.pins and target.tablet_type != session.target.tablet_type:
            raise SqlError(1192, "cannot change the target's tablet type inside a transaction")
        session.target = target

    # Routed statements

    async def _routed(self, sql: bytes, out: Output) -> ResponseSummary:
        local = await self._local_select(sql, out)
        if local is not None:
            return local
        if self._session.target.is_direct:
            return await self._direct(sql, out)
        normalised = normalise(sql)
        statement = Statement(normalised.text, normalised.key, normalised.literals)
        return await self.routed(statement, out)

    async def routed(self, statement: Statement, out: Output) -> ResponseSummary:
        """Run a statement whose literals are known."""
        keyspace = self._session.target.keyspace
        try:
            cached = await self.executor.plan(statement, keyspace=keyspace)
        except NotUnderstoodError as error:
            sequence = _SEQUENCE.match(statement.key)
            if sequence is not None:
                return await self._sequence(sequence, statement, out)
            sql = statement.text or self.executor.text_of(None, statement)
            return await self._not_understood(error, sql, out)
        return await self.executor.run_plan(cached, statement, out)

    async def _not_understood(
        self, error: NotUnderstoodError, sql: bytes, out: Output
    ) -> ResponseSummary:
        """An unsharded keyspace takes any SQL; a sharded one only what we understand."""
        keyspace = self._session.target.keyspace
        if not keyspace:
            raise no_database()
        schema = self._gateway.cluster.vschema.keyspaces.get(keyspace)
        if schema is None:
            raise UnknownKeyspaceError(keyspace)
        if schema.sharded:
            raise await self.executor.explain_refusal(error, sql, keyspace)
        return await self._pass_through(keyspace, sql, out)

    async def _pass_through(self, keyspace: str, sql: bytes, out: Output) -> ResponseSummary:
        shards = self.executor.resolver().partition(keyspace).shards
        if len(shards) != 1:
            raise RefusedError(f"this statement on keyspace {keyspace} of {len(shards)} shards")
        text = self._without_keyspace(sql, keyspace)
        return await self.executor.on_shard(keyspace, shards[0], text, out)

    def _without_keyspace(self, sql: bytes, keyspace: str) -> bytes:
        """Take `keyspace.` out of a text, and put the session's values in."""
        text = sql.decode("latin-1")
        tokens = tokenize(text).tokens
        use = find_session_terms(tokens)
        if use.assigns_variable:
            raise RefusedError("assigning user variables inside a statement")
        splices = (*find_qualifiers(tokens, frozenset({keyspace})), *use.splices)
        if not splices:
            return sql
        marks = [b"?"] * text.count("?")
        return self.executor.render(build_template(text, splices), marks)

    async def _direct(self, sql: bytes, out: Output) -> ResponseSummary:
        """The target names a shard: statements go there as they are."""
        target = self._session.target
        if target.tablet_type != TabletType.PRIMARY and _WRITES.match(sql):
            raise SqlError(1105, f"VT09002: DML statement with a replica target: {target}")
        partition = self.executor.resolver().partition(target.keyspace)
        shards = _named_shards(target, partition)
        text = self._without_keyspace(sql, target.keyspace)
        if len(shards) == 1:
            return await self.executor.on_shard(target.keyspace, shards[0], text, out)
        if re.match(rb"\s*(update|delete)\b", sql, re.I):
            summaries = await self.executor.whole(
                lambda: self.executor.on_all(target.keyspace, shards, text)
            )
            return self._ok(out, affected_rows=sum(one.affected_rows for one in summaries))
        raise RefusedError("VT03023: this statement on a target of several shards")

    async def _sequence(
        self, match: "re.Match[str]", statement: Statement, out: Output
    ) -> ResponseSummary:
        """`select next value from seq`, `select next 5 values from seq`."""
        count = b"1"
        if match.group(1) == "?":
            count = Source(0).literal(statement.literals)
        elif match.group(1):
            count = match.group(1).encode()
        name = ".".join(
            unquote_name(token)
            for token in tokenize(match.group(2)).tokens
            if token.kind in (Kind.WORD, Kind.QUOTED)
        )
        if "." not in name and self._session.target.keyspace:
            name = f"{self._session.target.keyspace}.{name}"
        first = await next_values(self.executor, name, int(count))
        return await self._rows(out, [integer_column("nextval")], [[b"%d" % first]])

    async def _local_select(self, sql: bytes, out: Output) -> ResponseSummary | None:
        """Answer what clients ask when they connect, even while no tablet serves."""
        match = _LOCAL_SELECT.match(sql)
        if match is None:
            return None
        label = match.group(1).decode("ascii")
        asked = re.sub(r"\s", "", label.lower())
        session = self._session
        name = session.target.keyspace or None
        if asked.endswith("autocommit"):
            return await self._rows(
                out, [integer_column(label)], [[b"1" if session.autocommit else b"0"]]
            )
        if asked.startswith("connection_id"):
            return await self._rows(out, [integer_column(label)], [[b"%d" % session.id]])
        if asked == "$$":
            raise SqlError(1054, "Unknown column '$$' in 'field list'")
        text = f"{session.user}@%"
        value = {"@@version_comment": self._version_comment}.get(asked, text)
        if asked.startswith(("database", "schema")):
            return await self._rows(out, [text_column(label)], [[name.encode() if name else None]])
        return await self._rows(out, [text_column(label)], [[value.encode()]])

    # Transactions

    async def _transaction(self, verb: Verb, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        tokens = tokenize(text).tokens
        words = [token.upper for token in tokens]
        transactions = self.executor.transactions
        match verb:
            case Verb.BEGIN:
                if words[0] == "START" and words[1:2] != ["TRANSACTION"]:
                    raise RefusedError(text[:60])
                if "CONSISTENT" in words and not self._is_one_shard():
                    raise RefusedError("WITH CONSISTENT SNAPSHOT over several shards")
                await transactions.begin(sql.rstrip().rstrip(b";"))
            case Verb.COMMIT:
                await transactions.commit()
            case Verb.ROLLBACK if "TO" in words:
                await transactions.rollback_to(sql, unquote_name(_last_name(tokens)))
            case Verb.ROLLBACK:
                await transactions.rollback()
            case Verb.SAVEPOINT:
                await transactions.savepoint(sql, unquote_name(_last_name(tokens)))
            case _:
                await transactions.release_savepoint(sql, unquote_name(_last_name(tokens)))
        return self._ok(out)

    def _is_one_shard(self) -> bool:
        target = self._session.target
        layout = self._gateway.cluster.layouts.get(target.keyspace)
        partition = layout.partition(target.tablet_type) if layout is not None else None
        return partition is not None and len(partition.shards) == 1

    # Statements about schema and server

    async def _ddl(self, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        ddl = parse_ddl(text)
        if ddl.what in ("DATABASE", "SCHEMA"):
            raise RefusedError(f"{ddl.verb} DATABASE is not allowed here")
        keyspaces = self._gateway.cluster.vschema.keyspaces
        named = {name for name in ddl.keyspaces if name in keyspaces}
        if len(named) > 1:
            raise RefusedError("a schema change over several keyspaces")
        keyspace = named.pop() if named else self._session.target.keyspace
        if not keyspace:
            raise no_database()
        if keyspace not in keyspaces:
            raise UnknownKeyspaceError(keyspace)
        if self._session.target.tablet_type != TabletType.PRIMARY:
            raise SqlError(1105, "VT09002: schema change with a replica target")
        if keyspaces[keyspace].sharded and (
            ddl.temporary or ddl.what not in ("TABLE", "INDEX", "VIEW", "")
        ):
            raise RefusedError(f"{ddl.verb} {ddl.what} in a sharded keyspace")
        if ddl.temporary:
            raise RefusedError("temporary tables")
        await self.executor.transactions.commit()
        partition = self.executor.resolver().partition(keyspace)
        shards = partition.shards
        if self._session.target.is_direct and not named:
            shards = _named_shards(self._session.target, partition)
        body = self._without_keyspace(sql, keyspace)
        try:
            await self.executor.on_all(keyspace, shards, body)
        finally:
            self._gateway.forget_schema()
        return self._ok(out)

    async def _show(self, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        tokens = [token for token in tokenize(text).tokens if token.text != ";"]
        local = self._local.show(tokens)
        if local is not None:
            if {"WARNINGS", "ERRORS"} & {token.upper for token in tokens[1:]}:
                self._session.new_warnings = self._session.warnings  # asking does not clear them
            return await self._rows(out, *local)
        return await self._ask_any(text, tokens, out)

    async def _ask_any(self, text: str, tokens: list[Token], out: Output) -> ResponseSummary:
        """Ask any shard of the keyspace that is named, or selected, or is there."""
        vschema = self._gateway.cluster.vschema
        keyspace, stripped = _take_keyspace(text, tokens, frozenset(vschema.keyspaces))
        keyspace = keyspace or self._session.target.keyspace
        needs_one = tokens[0].upper != "SHOW" or _needs_database(tokens)
        if keyspace not in vschema.keyspaces:
            if needs_one and not keyspace:
                raise no_database()
            keyspace = next(iter(self._gateway.cluster.layouts), "")
        if not keyspace:
            raise no_database()
        partition = self.executor.resolver().partition(keyspace)
        shards = partition.shards[:1]
        target = self._session.target
        if target.is_direct and target.keyspace == keyspace:
            shards = _named_shards(target, partition)[:1]
        return await self.executor.on_shard(
            keyspace, shards[0], stripped.encode("latin-1"), out, again=True
        )

    async def _describe(self, sql: bytes, out: Output) -> ResponseSummary:
        text = sql.decode("latin-1")
        tokens = [token for token in tokenize(text).tokens if token.text != ";"]
        if len(tokens) > 1 and tokens[1].upper in ("ANALYZE",):
            raise RefusedError("EXPLAIN ANALYZE")
        return await self._ask_any(text, tokens, out)

    async def _other(self, sql: bytes, out: Output) -> ResponseSummary:
        target = self._session.target
        if target.is_direct:
            return await self._direct(sql, out)
        schema = self._gateway.cluster.vschema.keyspaces.get(target.keyspace)
        if not target.keyspace or schema is None:
            raise no_database()
        if schema.sharded:
            try:
                tokens = tokenize(sql.decode("latin-1")).tokens
            except SqlSyntaxError:
                tokens = []
            name = tokens[0].upper if tokens else ""
            error = NotUnderstoodError(f"{name} in a sharded keyspace")
            raise await self.executor.explain_refusal(error, sql, target.keyspace)
        first = re.match(rb"\s*([A-Za-z]+)", sql)
        if first is not None and first.group(1).decode("ascii").upper() in _ANYWHERE - {
            "CALL",
            "DO",
        }:
            raise RefusedError(f"{first.group(1).decode('ascii').upper()}")
        return await self._pass_through(target.keyspace, sql, out)

    async def field_list(self, table: str) -> list[bytes]:
        """Return the column definitions of a table, for COM_FIELD_LIST."""
        keyspace = self._session.target.keyspace
        if not keyspace:
            raise no_database()
        name = table.replace("`", "``").encode()
        try:
            result = await self._gateway.ask(keyspace, b"select * from `" + name + b"` limit 0")
        except MysqlError:
            raise SqlError(1146, f"Table '{keyspace}.{table}' doesn't exist") from None
        return [encode_column(column) for column in result.columns]


def _is_system(name: str) -> bool:
    return name.lower() in SYSTEM_SCHEMAS


def _use_name(sql: bytes) -> str:
    text = sql.decode("utf-8", "replace").strip().rstrip(";").strip()
    name = re.sub(r"^(?:/\*.*?\*/|\s)*use\s*", "", text, flags=re.I | re.S).strip()
    if len(name) > 1 and name[0] == name[-1] == "`":
        name = name[1:-1].replace("``", "`")
    return name


def _last_name(tokens: list[Token]) -> Token:
    names = [token for token in tokens if token.kind in (Kind.WORD, Kind.QUOTED)]
    return names[-1]


def _named_shards(target: Target, partition: Partition) -> tuple[str, ...]:
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


def _needs_database(tokens: list[Token]) -> bool:
    words = {token.upper for token in tokens[1:4]}
    return bool(words & {"TABLES", "TABLE", "COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS"})


def _take_keyspace(text: str, tokens: list[Token], keyspaces: frozenset[str]) -> tuple[str, str]:
    """Find and take out `FROM keyspace` or `keyspace.`: names that the server does not know."""
    found = ""
    cuts: list[tuple[int, int]] = []
    for index, token in enumerate(tokens):
        if token.kind not in (Kind.WORD, Kind.QUOTED) or unquote_name(token) not in keyspaces:
            continue
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        before = tokens[index - 1]
        if following == "." and before.text != ".":
            found = unquote_name(token)
            cuts.append((token.start, tokens[index + 2].start))
        elif before.upper in ("FROM", "IN") and _names_database(tokens, index):
            found = unquote_name(token)
            cuts.append((before.start, token.end))
    out = text
    for start, end in reversed(cuts):
        out = out[:start] + out[end:]
    return found, out


def _names_database(tokens: list[Token], index: int) -> bool:
    """Whether FROM at `index` - 1 of a SHOW names a database: the only one, or the second."""
    words = [token.upper for token in tokens[:index]]
    if words[0] != "SHOW":
        return False
    if "COLUMNS" in words or "FIELDS" in words or {"INDEX", "INDEXES", "KEYS"} & set(words):
        return sum(word in ("FROM", "IN") for word in words) == 2
    return True
