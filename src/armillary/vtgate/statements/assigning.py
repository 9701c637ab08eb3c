"""Statements that assign user variables: `@a := value`, `SELECT ... INTO @a`. I/O.

A session's variables live in the gateway, as literals. Where one server runs the whole statement,
it is given those that the statement names, and asked for them afterwards on the same connection.
"""

from collections.abc import Sequence

from armillary.base.errors import MysqlError
from armillary.model.tablet import TabletType
from armillary.sql.commands import Verb, verb_of
from armillary.vtgate.answers.output import Output
from armillary.vtgate.errors import RefusedError, SqlError
from armillary.vtgate.execution.executor import Executor
from armillary.vtgate.execution.relaying import is_call
from armillary.vtgate.planner.plan import SessionTerm
from armillary.vtgate.planner.text import (
    SessionUse,
    build_template,
    find_qualifiers,
    find_session_terms,
    refuse_connection_state,
    tokens_of,
)
from armillary.vtgate.statements.as_they_are import SETS_INSERT_ID, AsTheyAre
from armillary.vtgate.statements.variable_values import literal_of_variable
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.wire.rows import split_text_row
from armillary.wire.scanner import ResponseSummary


class Assigning:
    def __init__(self, executor: Executor, as_they_are: AsTheyAre) -> None:
        self._executor = executor
        self._as_they_are = as_they_are
        self._session = executor.session

    async def run(self, sql: bytes, out: Output) -> ResponseSummary:
        """Run a SELECT, INSERT, UPDATE, DELETE or CALL that assigns variables, on its only server.

        Raises:
            RefusedError: another statement, or several shards would each assign.
            ArmillaryError: as `Executor.on_shard`.
        """
        text = sql.decode("latin-1")
        tokens = tokens_of(text)
        use = find_session_terms(tokens)
        if use.named_locks:
            call = min(use.named_locks)
            raise RefusedError(f"{call}() assigned to a variable; ask for it alone: SELECT {call}")
        writing = tokens[0].upper in SETS_INSERT_ID
        refuse_connection_state(use, writing=writing, assigning=True)
        keyspace, shard = self._server(sql)
        rendered = self._render(text, keyspace, use)

        async def relay(
            connection: BackendConnection, keyspace: str, sql: bytes, out: Output
        ) -> ResponseSummary:
            return await self._relay(connection, keyspace, sql, out, _names(use))

        return await self._executor.on_shard(keyspace, shard, rendered, out, relay=relay)

    async def _relay(
        self,
        connection: BackendConnection,
        keyspace: str,
        sql: bytes,
        out: Output,
        names: Sequence[str],
    ) -> ResponseSummary:
        """As `Executor.relay`; what the variables hold comes from the session and goes back to it.

        Also of a statement that fails on its way: what it has assigned till then, stays.
        """
        was_tainted, connection.tainted = connection.tainted, True
        await self._give(connection, names)
        failed: MysqlError | None = None
        summary = ResponseSummary()
        try:
            summary = await self._executor.relay(connection, keyspace, sql, out)
        except MysqlError as error:
            failed = error
        await self._take(connection, names)
        connection.tainted = was_tainted or is_call(sql)
        if failed is not None:
            raise failed
        return summary

    def _server(self, sql: bytes) -> tuple[str, str]:
        target = self._session.target
        server = self._as_they_are.only_server()
        if server is None or (verb_of(sql) != Verb.ROUTED and not is_call(sql)):
            raise RefusedError(
                "assigning user variables inside a statement that is not one server's alone"
            )
        is_reading = sql.lstrip()[:6].lower() == b"select"
        if target.tablet_type != TabletType.PRIMARY and not is_reading:
            raise SqlError(1105, f"VT09002: DML statement with a replica target: {target}")
        return server

    def _render(self, text: str, keyspace: str, use: SessionUse) -> bytes:
        kept = [
            splice
            for splice in use.splices
            if not (isinstance(term := splice.pieces[0], SessionTerm) and _is_variable(term.name))
        ]
        qualifiers = find_qualifiers(tokens_of(text), frozenset({keyspace}))
        template = build_template(text, (*qualifiers, *kept))
        return self._executor.texts.render(template, [b"?"] * text.count("?"))

    async def _give(self, connection: BackendConnection, names: Sequence[str]) -> None:
        known = self._session.variables
        values = [b"@`%s` = %s" % (_quoted(name), known.get(name, b"NULL")) for name in names]
        await connection.query(b"SET " + b", ".join(values))

    async def _take(self, connection: BackendConnection, names: Sequence[str]) -> None:
        """Read the variables, and leave none: a trigger could read them for another session."""
        asked = b", ".join(
            b"@`%s`, cast(@`%s` as binary), collation(@`%s`)" % ((_quoted(name),) * 3)
            for name in names
        )
        answer = await connection.query(b"SELECT " + asked + b", @@collation_connection")
        cells = split_text_row(answer.rows[0], 3 * len(names) + 1)
        for number, name in enumerate(names):
            self._session.variables[name] = literal_of_variable(
                cells[3 * number + 1],
                answer.columns[3 * number],
                collation=cells[3 * number + 2] or b"",
                connection_collation=cells[-1] or b"",
                codec=self._session.codec,
            )
        nothing = b", ".join(b"@`%s` = NULL" % _quoted(name) for name in names)
        await connection.query(b"SET " + nothing)


def _names(use: SessionUse) -> list[str]:
    """Return the variables that a statement names, without their @."""
    terms = [splice.pieces[0] for splice in use.splices]
    names = [term.name for term in terms if isinstance(term, SessionTerm)]
    return sorted({name[1:] for name in names if _is_variable(name)})


def _is_variable(term: str) -> bool:
    return term.startswith("@") and not term.startswith("@@")


def _quoted(name: str) -> bytes:
    return name.replace("`", "``").encode("latin-1")
