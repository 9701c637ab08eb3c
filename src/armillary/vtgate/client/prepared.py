"""Prepared statements of clients. I/O.

A statement that goes to one shard as it is runs as a prepared statement there, and its binary rows
are relayed raw. Any other is run with its parameters written into the text.
"""

from armillary.sql.executable_comments import unwrap_executable_comments
from armillary.vtgate.answers.output import ClientOutput
from armillary.vtgate.errors import SqlError
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.session import PreparedStatement, Session
from armillary.vtgate.statements.dispatch import StatementRunner
from armillary.vtgate.statements.prepared import describe, take_apart
from armillary.wire.columns import ColumnDefinition, encode_column
from armillary.wire.packets import PacketTooLargeError
from armillary.wire.protocol import ColumnType
from armillary.wire.responses import encode_eof
from armillary.wire.scanner import ResponseSummary
from armillary.wire.statements import (
    PrepareOk,
    encode_prepare_ok,
    literal_of,
    parse_execute,
    parse_prepare_ok,
    statement_id_of,
)

_STATEMENTS_MAX = 16_382
_LAST_STATEMENT = 0xFFFFFFFF  # MariaDB's drivers do not wait for the id before they execute
_BEFORE_COUNT = frozenset({"LIMIT", "OFFSET", "FIRST", "NEXT"})  # FETCH FIRST ? ROWS ONLY
_COUNT = "LIMIT ?"
_PARAMETER_COLUMN = encode_column(ColumnDefinition(name=b"?", type=ColumnType.VAR_STRING))


class PreparedStatements:
    def __init__(
        self, gateway: Gateway, session: Session, runner: StatementRunner, payload_bytes_max: int
    ) -> None:
        self._payload_bytes_max = payload_bytes_max
        self._gateway = gateway
        self._session = session
        self._runner = runner

    async def prepare(self, sql: bytes, out: ClientOutput) -> None:
        """Raises: MysqlError: a server does not take the statement."""
        session = self._session
        session.last_statement_id = 0
        if len(session.statements) >= _STATEMENTS_MAX:
            raise SqlError(1461, "Can't create more prepared statements on this connection")
        text = sql.decode("latin-1")
        if "/*!" in text or "/*M!" in text:
            text = unwrap_executable_comments(text, self._gateway.server_kind)
            sql = text.encode("latin-1")
        statement = take_apart(session.next_statement_id, sql, session.target)
        parameters = statement.parameter_count
        payloads = await describe(self._runner.executor, statement)
        columns = parse_prepare_ok(payloads[0]).column_count if payloads else 0
        session.next_statement_id += 1
        session.statements[statement.id] = statement
        session.last_statement_id = statement.id
        out.payload(encode_prepare_ok(PrepareOk(statement.id, columns, parameters)))
        for payload in payloads[1:]:
            out.payload(payload)
        if not payloads and parameters:
            for _ in range(parameters):
                out.payload(_PARAMETER_COLUMN)
            out.payload(encode_eof(status=session.status))

    def _id_of(self, payload: bytes) -> int:
        statement_id = statement_id_of(payload)
        return self._session.last_statement_id if statement_id == _LAST_STATEMENT else statement_id

    def _find(self, payload: bytes) -> PreparedStatement:
        statement_id = self._id_of(payload)
        statement = self._session.statements.get(statement_id)
        if statement is None:
            raise SqlError(
                1243, f"Unknown prepared statement handler ({statement_id}) given to EXECUTE"
            )
        return statement

    async def execute(self, payload: bytes, out: ClientOutput) -> ResponseSummary:
        """Raises: ArmillaryError: what the client is to be told."""
        statement = self._find(payload)
        if statement.long_data_refused:
            statement.forget_long_data()
            raise PacketTooLargeError(payload_bytes_max=self._payload_bytes_max)
        request = parse_execute(
            payload,
            parameter_count=statement.parameter_count,
            last_types=statement.types,
            long_data=statement.long_data,
        )
        statement.types = request.types
        literals = []
        for index, value in enumerate(request.values):
            kind, flags = request.types[2 * index], request.types[2 * index + 1]
            if index in statement.long_data:
                literals.append(literal_of(bytes(statement.long_data[index]), kind, flags))
            elif value is None:
                literals.append(b"NULL")
            else:
                literals.append(literal_of(value, kind, flags))
        statement.forget_long_data()
        return await self._runner.run_prepared(statement, literals, out)

    def close(self, payload: bytes) -> None:
        self._session.statements.pop(self._id_of(payload), None)

    def reset(self, payload: bytes) -> None:
        self._find(payload).forget_long_data()

    def take_long_data(self, payload: bytes) -> None:
        """COM_STMT_SEND_LONG_DATA; it has no answer, so what is wrong shows at EXECUTE."""
        if len(payload) < 7:
            return
        statement = self._session.statements.get(self._id_of(payload))
        index = int.from_bytes(payload[5:7], "little")
        if statement is None or index >= statement.parameter_count:
            return
        kept = sum(one.long_bytes for one in self._session.statements.values())
        if statement.long_data_refused or kept + len(payload) - 7 > self._payload_bytes_max:
            statement.forget_long_data()
            statement.long_data_refused = True  # at EXECUTE
            return
        statement.long_bytes += len(payload) - 7
        statement.long_data.setdefault(index, bytearray()).extend(payload[7:])
