"""One client statement of any kind: what kind it is decides who carries it out. I/O."""

import re
from typing import Protocol

from armillary.routing.vschema import UnknownKeyspaceError
from armillary.sql.commands import Verb, split_first_word, verb_of
from armillary.sql.cursor import NotUnderstoodError
from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.sql.literals import normalise
from armillary.sql.row_limit import with_row_limit
from armillary.sql.tokens import Kind, tokenize, unquote_name
from armillary.vtgate.answers.output import Output
from armillary.vtgate.answers.replies import answer_ok, answer_rows, answer_use
from armillary.vtgate.errors import AssignedError, NamedLockError, RefusedError, SqlError
from armillary.vtgate.execution.confirming import confirmed_plan_for
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.planner.plan import Source
from armillary.vtgate.planner.select import SYSTEM_SCHEMAS
from armillary.vtgate.rendering import Statement
from armillary.vtgate.session import PreparedStatement, Session
from armillary.vtgate.statements.as_they_are import AsTheyAre
from armillary.vtgate.statements.assigning import Assigning
from armillary.vtgate.statements.local_answers import LocalAnswers
from armillary.vtgate.statements.named_locks import NamedLocks
from armillary.vtgate.statements.named_statements import NamedStatements
from armillary.vtgate.statements.prepared import as_count, fill_in
from armillary.vtgate.statements.processes import ListProcesses
from armillary.vtgate.statements.questions import Questions
from armillary.vtgate.statements.schema_changes import run_schema_change
from armillary.vtgate.statements.set_for_one import SettingsOfOne, split_set_statement
from armillary.vtgate.statements.set_statement import run_set
from armillary.vtgate.statements.transaction_commands import run_transaction_command
from armillary.vtgate.targets import parse_target
from armillary.vtgate.writes.sequences import next_values
from armillary.wire.columns import integer_column
from armillary.wire.scanner import ResponseSummary

_SEQUENCE = re.compile(
    r"^\s*select\s+next\s+(?:value|(\?|\d+)\s+values)\s+from\s+(.+?)\s*;?\s*$", re.I
)
_NEXT_VALUE = re.compile(rb"\s*select\s+next\s", re.I)
_KILL = re.compile(rb"\s*kill\s+(?:hard\s+|soft\s+)?(connection\s+|query\s+)?(\d+)\s*;?\s*$", re.I)
_DROP_PREPARE = re.compile(rb"\s*drop\s+prepare\b", re.I)


class Killer(Protocol):
    """Ends a connection of this gateway, or the statement that runs on it."""

    async def __call__(self, connection_id: int, asking: Session, *, query_only: bool) -> None: ...


class StatementRunner:
    def __init__(
        self,
        gateway: Gateway,
        session: Session,
        version_comment: str,
        killer: Killer,
        processes: ListProcesses,
    ) -> None:
        self._killer = killer
        self._gateway = gateway
        self._session = session
        self.executor = Executor(gateway, session)
        self._local = LocalAnswers(gateway.cluster, session, version_comment)
        self._as_they_are = AsTheyAre(self.executor)
        self._named_locks = NamedLocks(self.executor)
        self._assigning = Assigning(self.executor, self._as_they_are)
        self._named_statements = NamedStatements(self.executor, self)
        self.questions = Questions(self.executor, self._local, processes)

    async def run(self, sql: bytes, out: Output) -> ResponseSummary:
        """Run one statement and answer it.

        Raises:
            ArmillaryError: what the client is to be told.
        """
        is_comment = bool(sql.strip())  # if nothing else comes of it
        if b"/*!" in sql or b"/*M!" in sql:
            kind = self._gateway.server_kind
            sql = unwrap_executable_comments(sql.decode("latin-1"), kind).encode("latin-1")
        self._named_locks.tell_loss()
        if verb_of(sql) == Verb.EMPTY:
            return self._nothing(out, is_comment=is_comment)
        try:
            return await self._run(sql, out)
        except NamedLockError:
            return await self._named_locks.run(sql, out)
        except AssignedError:
            return await self._assigning.run(sql, out)

    async def _run(self, sql: bytes, out: Output) -> ResponseSummary:
        verb = Verb.PREPARE if _DROP_PREPARE.match(sql) else verb_of(sql)
        match verb:
            case Verb.ROUTED:
                return await self._routed(sql, out)
            case Verb.USE | Verb.SET:
                return await self._change_session(verb, sql, out)
            case Verb.SHOW:
                return await self.questions.show(sql, out)
            case Verb.DDL:
                return await run_schema_change(self.executor, self._as_they_are, sql, out)
            case Verb.DESCRIBE:
                return await self.questions.describe(sql, out)
            case Verb.KILL:
                return await self._kill(sql, out)
            case Verb.PREPARE:
                return await self._named_statements.run(sql, out)
            case Verb.OTHER:
                return await self._as_they_are.other(sql, out)
        await run_transaction_command(self.executor, verb, sql)
        return answer_ok(self._session, out)

    def _nothing(self, out: Output, *, is_comment: bool) -> ResponseSummary:
        """Raises: SqlError: there is no statement. A comment is one."""
        if not is_comment:
            raise SqlError(1065, "Query was empty")
        return answer_ok(self._session, out)

    async def _change_session(self, verb: Verb, sql: bytes, out: Output) -> ResponseSummary:
        if verb == Verb.USE:
            self.use(_use_name(sql))
            return answer_use(self._session, out)
        text = sql.decode("latin-1")
        of_one = split_set_statement(text)
        if of_one is not None:
            async with SettingsOfOne(self.executor, of_one[0]):
                return await self.run(of_one[1].encode("latin-1"), out)
        await run_set(self.executor, text)
        return answer_ok(self._session, out)

    async def _kill(self, sql: bytes, out: Output) -> ResponseSummary:
        """`KILL [CONNECTION|QUERY] id`, of a connection to this gateway by the same user."""
        match = _KILL.match(sql)
        if match is None:
            raise SqlError(1064, "You have an error in your SQL syntax near KILL")
        query_only = (match.group(1) or b"").strip().upper() == b"QUERY"
        await self._killer(int(match.group(2)), self._session, query_only=query_only)
        return answer_ok(self._session, out)

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
        local = self._local.select(sql)
        if local is not None:
            return await answer_rows(self._session, out, *local)
        if self._session.select_limit is not None:
            sql = _limited(sql, self._session.select_limit)
        if self._session.target.is_direct:
            return await self._as_they_are.direct(sql, out)
        normalised = normalise(sql)
        statement = Statement(normalised.text, normalised.key, normalised.literals)
        return await self.routed(statement, out)

    async def routed(self, statement: Statement, out: Output) -> ResponseSummary:
        """Run a statement whose literals are known."""
        self._named_locks.tell_loss()
        keyspace = self._session.target.keyspace
        sequence = _SEQUENCE.match(statement.key)  # to a parser, `value` is an alias of `next`
        if sequence is not None:
            return await self._sequence(sequence, statement, out)
        try:
            cached = await confirmed_plan_for(self.executor, statement, keyspace=keyspace)
        except NotUnderstoodError as error:
            sql = statement.text or self.executor.texts.text_of(None, statement)
            return await self._as_they_are.not_understood(error, sql, out)
        except NamedLockError:
            sql = statement.text or self.executor.texts.text_of(None, statement)
            return await self._named_locks.run(sql, out)
        except AssignedError:
            sql = statement.text or self.executor.texts.text_of(None, statement)
            return await self._assigning.run(sql, out)
        return await self.executor.run_plan(cached, statement, out)

    async def run_prepared(
        self, statement: PreparedStatement, parameters: list[bytes], out: Output
    ) -> ResponseSummary:
        """Run a statement with these literals in the place of its `?`s."""
        for index in statement.counts:
            parameters[index] = as_count(parameters[index])
        if verb_of(statement.sql) != Verb.ROUTED:
            return await self.run(fill_in(statement.sql, parameters), out)
        now = self._session.target
        self._session.target = target = statement.target_in(now)
        try:
            if target.is_direct or not parameters or self._session.select_limit is not None:
                return await self.run(fill_in(statement.sql, parameters), out)
            slots = statement.slots
            literals = [parameters[slot] if isinstance(slot, int) else slot for slot in slots]
            return await self.routed(Statement(b"", statement.key, literals), out)
        finally:
            self._session.target = now

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
        return await answer_rows(self._session, out, [integer_column("nextval")], [[b"%d" % first]])


def _limited(sql: bytes, limit: int) -> bytes:
    """Raises: RefusedError: a query of which servers differ in what the setting limits."""
    if split_first_word(sql)[0] not in ("SELECT", "WITH") or _NEXT_VALUE.match(sql):
        return sql
    try:
        return with_row_limit(sql.decode("latin-1"), limit).encode("latin-1")
    except NotUnderstoodError as error:
        raise RefusedError(str(error)) from None


def _is_system(name: str) -> bool:
    return name.lower() in SYSTEM_SCHEMAS


def _use_name(sql: bytes) -> str:
    _, behind = split_first_word(sql)
    name = behind.decode("utf-8", "replace").strip().rstrip(";").strip()
    if len(name) > 1 and name[0] == name[-1] == "`":
        name = name[1:-1].replace("``", "`")
    return name
