"""The commands of the MySQL protocol, after login. I/O."""

from armillary.base.errors import MysqlError
from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.sql.splitting import split_statements
from armillary.vtgate.answers.output import Client, ClientOutput
from armillary.vtgate.answers.replies import answer_use
from armillary.vtgate.client.prepared import PreparedStatements
from armillary.vtgate.errors import ConnectionLostError, SqlError, StateLostError
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.session import Session
from armillary.vtgate.statements.dispatch import Killer, StatementRunner
from armillary.vtgate.statements.processes import ListProcesses
from armillary.wire.errnos import TRANSACTION_OVER_ERRNOS
from armillary.wire.protocol import Capability, Command
from armillary.wire.responses import OkPacket, encode_eof
from armillary.wire.scanner import ResponseSummary


class Commands:
    def __init__(
        self,
        gateway: Gateway,
        session: Session,
        client: Client,
        *,
        version_comment: str,
        killer: Killer,
        processes: ListProcesses,
        payload_bytes_max: int,
    ) -> None:
        self._session = session
        self._gateway = gateway
        self._client = client
        self.runner = StatementRunner(gateway, session, version_comment, killer, processes)
        self._prepared = PreparedStatements(gateway, session, self.runner, payload_bytes_max)

    async def run(self, payload: bytes, out: ClientOutput) -> None:
        """Run one command and answer it.

        Raises:
            ArmillaryError: what the client is to be told.
        """
        try:
            await self._run(payload, out)
        except BaseException as error:
            await self._after_error(error)
            raise

    async def _run(self, payload: bytes, out: ClientOutput) -> None:
        body = payload[1:]
        match payload[0] if payload else 0:
            case Command.QUERY:
                await self._query(body, out)
            case Command.PING:
                out.ok(OkPacket(status=self._session.status))
            case Command.INIT_DB:
                self.runner.use(body.decode("utf-8", "replace"))
                answer_use(self._session, out)
            case Command.STMT_PREPARE:
                await self._prepared.prepare(body, out)
            case Command.STMT_EXECUTE:
                await self._ended(await self._prepared.execute(payload, out))
            case Command.STMT_CLOSE:
                self._prepared.close(payload)
            case Command.STMT_SEND_LONG_DATA:
                self._prepared.take_long_data(payload)
            case Command.STMT_RESET:
                self._prepared.reset(payload)
                out.ok(OkPacket(status=self._session.status))
            case Command.RESET_CONNECTION:
                await self._reset()
                out.ok(OkPacket(status=self._session.status))
            case _:
                await self._rare(payload, out)

    async def _rare(self, payload: bytes, out: ClientOutput) -> None:
        body = payload[1:]
        match payload[0] if payload else 0:
            case Command.FIELD_LIST:
                await self._field_list(body, out)
            case Command.SET_OPTION:
                self._set_option(body)
                out.payload(encode_eof(status=self._session.status))
            case Command.STATISTICS:
                out.payload(b"Uptime: 0  Threads: 1  Questions: 0  Slow queries: 0")
            case Command.DEBUG:
                out.payload(encode_eof(status=self._session.status))
            case other:
                raise SqlError(1047, f"Unknown command {other:#x}")

    async def _query(self, sql: bytes, out: ClientOutput) -> None:
        statements = [sql]
        if b";" in sql:
            several = self._session.capabilities & Capability.MULTI_STATEMENTS
            text = unwrap_executable_comments(sql.decode("latin-1"), self._gateway.server_kind)
            parts = split_statements(text)
            if len(parts) > 1 and not several:
                raise SqlError(1064, "You have an error in your SQL syntax: one statement wanted")
            if not parts:
                raise SqlError(1065, "Query was empty")
            statements = [part.encode("latin-1") for part in parts]
        for number, statement in enumerate(statements):
            out.next_statement(more=number < len(statements) - 1)
            try:
                summary = await self.runner.run(statement, out)
            except BaseException:
                out.more = False
                raise
            await self._ended(summary)
            if summary.error is not None:
                return

    async def _ended(self, summary: ResponseSummary) -> None:
        """An answer is out; it may have ended in an error behind its first rows."""
        self.remember(summary)
        if summary.error is not None:
            await self._after_error(summary.error)

    async def _after_error(self, error: BaseException) -> None:
        """What has ended the transaction on one shard ends it on every shard."""
        lost = isinstance(error, ConnectionLostError)
        over = isinstance(error, MysqlError) and error.errno in TRANSACTION_OVER_ERRNOS
        if (self._session.pins and (lost or over)) or isinstance(error, StateLostError):
            await self.runner.executor.transactions.rollback()

    def remember(self, summary: ResponseSummary) -> None:
        session = self._session
        if summary.error is not None:
            session.note_error(summary.error)
            return
        if summary.last_insert_id:
            session.last_insert_id = summary.last_insert_id
        if summary.has_rows:
            session.found_rows = summary.row_count
            session.row_count = -1
        else:
            session.row_count = summary.affected_rows
        if session.new_warnings or session.warnings:
            session.warnings, session.new_warnings = session.new_warnings, []

    async def _field_list(self, body: bytes, out: ClientOutput) -> None:
        table = body.partition(b"\x00")[0].decode("utf-8", "replace")
        for column in await self.runner.questions.field_list(table):
            out.payload(column + b"\xfb")
        out.payload(encode_eof(status=self._session.status))

    def _set_option(self, body: bytes) -> None:
        on = int.from_bytes(body[:2], "little") == 0
        if on:
            self._session.capabilities |= Capability.MULTI_STATEMENTS
        else:
            self._session.capabilities &= ~Capability.MULTI_STATEMENTS

    async def _reset(self) -> None:
        await self.runner.executor.transactions.rollback()
        self.runner.executor.transactions.reserving.end()
        self._session.reset()

    def abandon(self) -> None:
        """The client is gone."""
        for connection in list(self.runner.executor.running):
            connection.abort()
        self.runner.executor.transactions.abandon()
