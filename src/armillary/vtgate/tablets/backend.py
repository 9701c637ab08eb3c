"""One connection to a tablet's mysqld. I/O, by asyncio's protocol callbacks.

A statement costs no task here: the bytes that arrive go straight to the receiver of the moment.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from armillary.base.errors import MysqlError, WireError
from armillary.vtgate.errors import ConnectionLostError
from armillary.wire.authentication import ClientAuthentication
from armillary.wire.columns import ColumnDefinition, parse_column
from armillary.wire.handshake import (
    HandshakeResponse,
    encode_handshake_response,
    parse_greeting,
)
from armillary.wire.lenenc import read_int
from armillary.wire.packets import PacketReader, frame
from armillary.wire.protocol import Capability, Command, Status
from armillary.wire.responses import is_eof, parse_err, parse_ok
from armillary.wire.scanner import ResponseScanner, ResponseSummary

logger = logging.getLogger(__name__)

_CAPABILITIES = (
    Capability.LONG_PASSWORD
    | Capability.LONG_FLAG
    | Capability.CONNECT_WITH_DB
    | Capability.PROTOCOL_41
    | Capability.TRANSACTIONS
    | Capability.SECURE_CONNECTION
    | Capability.MULTI_RESULTS
    | Capability.PS_MULTI_RESULTS
    | Capability.PLUGIN_AUTH
)
_RESULT_BYTES_MAX = 1 << 30
_QUEUE_BYTES_MAX = 1 << 20


class KeptStatements:
    """How many prepared statements the connections to one tablet keep, all together."""

    __slots__ = ("count", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0


class Receiver(Protocol):
    """Takes what the server sends while one command runs."""

    def receive(self, data: bytes) -> bool:
        """Take a chunk; True when the response is over."""
        ...

    def lost(self, error: Exception) -> None: ...


class BackendConnection(asyncio.Protocol):
    """Use `open_backend` to make one; then one command at a time."""

    def __init__(self, kept: KeptStatements) -> None:
        self.kept = kept
        self.server_version = ""
        self.broken = False
        self.in_use = False
        self.tainted = False  # a statement may have left something here for the next session
        self.in_transaction = False
        self.statements: dict[bytes, tuple[int, int]] = {}  # text -> id, parameters
        self.on_idle_loss: Callable[[BackendConnection], None] | None = None
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._after: Callable[[], None] | None = None

    def after_response(self, call: Callable[[], None]) -> None:
        """Make this call once the response that is being received is over."""
        self._after = call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:
            self.abort()
            return
        try:
            if receiver.receive(data) and self._receiver is receiver:
                self._receiver = None
        except WireError as error:
            self._receiver = None
            self.abort()
            receiver.lost(error)
        if self._after is not None:
            after, self._after = self._after, None
            after()

    def connection_lost(self, exc: Exception | None) -> None:
        self.broken = True
        self.kept.count -= len(self.statements)
        self.statements.clear()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost(
                ConnectionLostError(
                    "lost the connection to the tablet during a statement: "
                    "whether it was done is unknown"
                )
            )
        elif self.on_idle_loss is not None:
            self.on_idle_loss(self)

    def abort(self) -> None:
        """Close at once; the server rolls back what is open there once it sees that.

        It does not look while a statement runs: one that commits by itself may still be done.
        """
        self.broken = True
        if self._transport is not None:
            self._transport.abort()

    @property
    def busy(self) -> bool:
        return self._receiver is not None

    def pause(self) -> None:
        if self._transport is not None and not self.broken:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self.broken:
            self._transport.resume_reading()

    def send(self, payload: bytes, receiver: Receiver) -> None:
        """Send one command, whose response goes to `receiver`.

        Raises:
            ConnectionLostError: the connection was closed; nothing was sent.
        """
        assert self._receiver is None, "a connection runs one command at a time"
        if self.broken or self._transport is None or self._transport.is_closing():
            raise ConnectionLostError("the connection to the tablet is closed", sent=False)
        self._receiver = receiver
        self._transport.write(frame(payload, 0))

    def send_raw(self, data: bytes) -> None:
        """Send packets without waiting for an answer (handshake, COM_STMT_CLOSE)."""
        if self._transport is not None and not self.broken:
            self._transport.write(data)

    def expect(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def run(self, payload: bytes) -> "Result":
        """Run one command and keep its whole answer in memory.

        Raises:
            MysqlError: the server's error.
            ConnectionLostError: the connection broke.
        """
        stream = RowStream(self)
        self.send(payload, stream)
        return await stream.collect()

    async def query(self, sql: bytes) -> "Result":
        return await self.run(bytes((Command.QUERY,)) + sql)

    async def relay(self, payload: bytes, receiver: "RelayReceiver") -> ResponseSummary:
        self.send(payload, receiver)
        return await receiver.done

    def close_nicely(self) -> None:
        if self._transport is not None and not self.broken:
            self.broken = True
            self._transport.write(frame(bytes((Command.QUIT,)), 0))
            self._transport.close()


class _Login:
    """The client's side of the connection phase."""

    def __init__(
        self,
        connection: BackendConnection,
        response: HandshakeResponse,
        authentication: ClientAuthentication,
    ) -> None:
        self._connection = connection
        self._response = response
        self._authentication = authentication
        self._reader = PacketReader(payload_bytes_max=1 << 16)
        self._greeted = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, data: bytes) -> bool:
        self._reader.feed(data)
        while (payload := self._reader.next_payload()) is not None:
            if payload[:1] == b"\xff":
                self._fail(parse_err(payload))
                return True
            if not self._greeted:
                self._greet(payload)
            elif payload[:1] == b"\x00":
                self._connection.in_transaction = False
                if not self.done.done():
                    self.done.set_result(None)
                return True
            else:
                answer = self._authentication.receive(payload)
                if answer is not None:
                    self._say(answer)
        return False

    def _greet(self, payload: bytes) -> None:
        self._greeted = True
        greeting = parse_greeting(payload)
        self._connection.server_version = greeting.server_version
        plugin, answer = self._authentication.first_response(greeting.plugin, greeting.nonce)
        response = self._response
        self._say(
            encode_handshake_response(
                HandshakeResponse(
                    capabilities=response.capabilities & greeting.capabilities
                    | Capability.PROTOCOL_41,
                    collation_id=response.collation_id,
                    user=response.user,
                    auth_response=answer,
                    database=response.database,
                    plugin=plugin,
                )
            )
        )

    def _say(self, payload: bytes) -> None:
        sequence = self._reader.sequence_next
        self._connection.send_raw(frame(payload, sequence))
        self._reader.sequence_next = (sequence + 1) & 0xFF

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def lost(self, error: Exception) -> None:
        self._fail(error)


async def open_backend(
    *,
    host: str,
    port: int,
    user: str,
    password: str,
    database: str,
    collation_id: int,
    found_rows: bool,
    kept: KeptStatements,
) -> BackendConnection:
    """Connect and log in; `host` beginning with `/` is a unix socket.

    Raises:
        OSError: nobody listens there.
        MysqlError: the server refuses.
        ConnectionLostError: it hung up.
    """
    loop = asyncio.get_running_loop()
    connection = BackendConnection(kept)
    capabilities = _CAPABILITIES | (Capability.FOUND_ROWS if found_rows else 0)
    login = _Login(
        connection,
        HandshakeResponse(
            capabilities=capabilities,
            collation_id=collation_id,
            user=user,
            auth_response=b"",
            database=database,
        ),
        ClientAuthentication(user=user, password=password, secure=host.startswith("/")),
    )
    connection.expect(login)
    try:
        if host.startswith("/"):
            await loop.create_unix_connection(lambda: connection, host)
        else:
            await loop.create_connection(lambda: connection, host, port)
        await login.done
    except BaseException:
        connection.abort()
        raise
    return connection


class RelayReceiver:
    """Passes a response on as it comes; knows its end and its summary."""

    def __init__(self, scanner: ResponseScanner, write: Callable[[bytes], None]) -> None:
        self.scanner = scanner
        self.done: asyncio.Future[ResponseSummary] = asyncio.get_running_loop().create_future()
        self._write = write

    def receive(self, data: bytes) -> bool:
        out = self.scanner.feed(data)
        if out:
            self._write(out)
        if not self.scanner.done:
            return False
        if not self.done.done():
            self.done.set_result(self.scanner.summary)
        return True

    def lost(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Result:
    """A whole answer in memory; rows as the payloads that came."""

    __slots__ = ("columns", "rows", "summary")

    def __init__(
        self,
        columns: list[ColumnDefinition],
        rows: list[bytes],
        summary: ResponseSummary,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.summary = summary


class RowStream:
    """Rows of one answer as they come, held back when the reader is slow."""

    def __init__(self, connection: BackendConnection) -> None:
        self.columns: list[ColumnDefinition] = []
        self.column_payloads: list[bytes] = []
        self.summary = ResponseSummary()
        self.connection = connection
        self._reader = PacketReader(payload_bytes_max=_RESULT_BYTES_MAX, of_answer=True)
        self._columns_left: int | None = None
        self._rows_begun = False
        self._rows: deque[bytes] = deque()
        self._queued_bytes = 0
        self._paused = False
        self._over = False
        self._error: Exception | None = None
        self._wake: asyncio.Future[None] | None = None

    def receive(self, data: bytes) -> bool:
        self._reader.feed(data)
        while not self._over and (payload := self._reader.next_payload()) is not None:
            self._take(payload)
        if self._queued_bytes > _QUEUE_BYTES_MAX and not self._paused and not self._over:
            self._paused = True
            self.connection.pause()
        self._notify()
        return self._over

    def _take(self, payload: bytes) -> None:
        first = payload[0] if payload else 0
        if first == 0xFF:
            self._finish(parse_err(payload))
        elif self._rows_begun:
            if first == 0xFE and is_eof(payload):
                self._take_eof(payload)
            else:
                self._rows.append(payload)
                self._queued_bytes += len(payload)
        elif self._columns_left is None:
            self._take_first(payload, first)
        elif self._columns_left == 0:
            self._rows_begun = True
        else:
            self._columns_left -= 1
            self.column_payloads.append(payload)
            self.columns.append(parse_column(payload))

    def _take_first(self, payload: bytes, first: int) -> None:
        if first == 0xFB:
            raise WireError("LOAD DATA LOCAL is not supported")
        if first != 0x00:
            self._columns_left, _ = read_int(payload, 0)
            self.summary.has_rows = True
            return
        ok = parse_ok(payload)
        self.summary.affected_rows = ok.affected_rows
        self.summary.last_insert_id = ok.last_insert_id
        self.summary.status = ok.status
        self.summary.warnings = ok.warnings
        self.summary.info = ok.info
        if ok.status & Status.MORE_RESULTS_EXISTS:
            raise WireError("one result wanted, several found")
        self._finish(None)

    def _take_eof(self, payload: bytes) -> None:
        self.summary.warnings = int.from_bytes(payload[1:3], "little")
        self.summary.status = int.from_bytes(payload[3:5], "little")
        if self.summary.status & Status.MORE_RESULTS_EXISTS:
            raise WireError("one result wanted, several found")
        self._finish(None)

    def _finish(self, error: Exception | None) -> None:
        self._over = True
        self._error = error
        if isinstance(error, MysqlError):
            self.summary.error = error

    def lost(self, error: Exception) -> None:
        if not self._over:
            self._finish(error)
        self._notify()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _wait(self) -> None:
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    @property
    def is_over(self) -> bool:
        """Whether the answer has ended and all its rows were taken."""
        return self._over and not self._rows

    async def started(self) -> None:
        """Wait until the columns are known, or the answer is over.

        Raises:
            MysqlError: the server's error, before any row.
            ConnectionLostError: the connection broke.
        """
        while not self._rows_begun and not self._over:
            await self._wait()
        if self._error is not None and not self._rows:
            raise self._error

    async def next_rows(self) -> list[bytes]:
        """Return the rows that are there, waiting for the first; empty at the end.

        Raises:
            MysqlError: the server's error.
            ConnectionLostError: the connection broke.
        """
        while not self._rows and not self._over:
            await self._wait()
        if self._error is not None:
            raise self._error
        rows = list(self._rows)
        self._rows.clear()
        self._queued_bytes = 0
        if self._paused and not self._over:
            self._paused = False
            self.connection.resume()
        return rows

    async def collect(self) -> Result:
        rows: list[bytes] = []
        await self.started()
        while batch := await self.next_rows():
            rows += batch
        return Result(self.columns, rows, self.summary)
