"""One statement on the short way, from a tablet's connection to the client. I/O, by callbacks."""

from typing import Protocol

from armillary.base.errors import ArmillaryError
from armillary.vtgate.tablets.backend import BackendConnection
from armillary.vtgate.tablets.pool import PoolKey, TabletPool
from armillary.vtgate.tablets.preparing import PrepareReceiver, note_prepared
from armillary.wire.errnos import READ_ONLY_ERRNOS
from armillary.wire.protocol import Command
from armillary.wire.responses import parse_err
from armillary.wire.scanner import ResponseScanner, ResponseSummary
from armillary.wire.statements import ExecuteRequest, encode_execute


class RelayOwner(Protocol):
    """Whose statement it is."""

    def write(self, data: bytes) -> None: ...

    def fast_done(
        self, relay: "FastRelay", summary: ResponseSummary | None, error: Exception | None
    ) -> None: ...


class FastRelay:
    """One statement on its way; tells its owner of its end."""

    __slots__ = ("_key", "_owner", "_pool", "_scanner", "connection", "passed", "reading", "sent")

    def __init__(
        self,
        connection: BackendConnection,
        pool: TabletPool,
        key: PoolKey,
        scanner: ResponseScanner,
        owner: RelayOwner,
        *,
        reading: bool,
    ) -> None:
        self.connection = connection
        self.reading = reading
        self.passed = False
        self.sent = True  # whether the statement itself has been sent
        self._pool = pool
        self._key = key
        self._scanner = scanner
        self._owner: RelayOwner | None = owner

    def send(self, payload: bytes) -> bool:
        """Send a command; False when the connection was closed, and nothing was sent."""
        try:
            self.connection.send(payload, self)
        except ArmillaryError:
            self._pool.discard(self.connection)
            return False
        return True

    def receive(self, data: bytes) -> bool:
        scanner = self._scanner
        out = scanner.feed(data)
        finished = scanner.done
        if finished and not self.passed and scanner.summary.error is not None:
            out = b""  # the owner decides what becomes of it
        if out:
            self.passed = True
            if self._owner is not None:
                self._owner.write(out)
        if finished:
            # After this call the connection is free; give it back when it knows that itself.
            self.connection.after_response(self._finish)
        return finished

    def _finish(self) -> None:
        if not self._scanner.summary.warnings:
            self.release()
        self._end(self._scanner.summary, None)

    def _end(self, summary: ResponseSummary | None, error: Exception | None) -> None:
        if self._owner is not None:
            self._owner.fast_done(self, summary, error)

    def release(self) -> None:
        """Give the connection back; after a warning the owner does, when it has read them."""
        self._pool.release(self._key, self.connection)

    def lost(self, error: Exception) -> None:
        self._pool.discard(self.connection)
        self._end(None, error)

    def give_up(self) -> None:
        """Nobody waits for the answer any more: close the connection, which ends the statement."""
        self._owner = None
        self.connection.abort()

    def may_try_again(self, summary: ResponseSummary | None) -> bool:
        """Whether the statement surely did nothing, or may be repeated."""
        if self.passed:
            return False
        if summary is None:
            return self.reading or not self.sent
        return summary.error is not None and summary.error.errno in READ_ONLY_ERRNOS


class FastExecute(FastRelay):
    """A prepared statement; where the connection does not know it yet, it is prepared first."""

    __slots__ = ("_request", "_sql")

    def send_execute(self, sql: bytes, request: ExecuteRequest) -> bool:
        """As `send`: prepare if need be, and execute."""
        known = self.connection.statements.get(sql)
        if known is not None:
            return self._send_to(known[0], request)
        self._sql = sql
        self._request = request
        self.sent = False
        preparing = PrepareReceiver(self._prepared, self.lost)
        try:
            self.connection.send(bytes((Command.STMT_PREPARE,)) + sql, preparing)
        except ArmillaryError:
            self._pool.discard(self.connection)
            return False
        return True

    def _send_to(self, statement_id: int, request: ExecuteRequest) -> bool:
        return self.send(encode_execute(statement_id, request.types, request.values))

    def _prepared(self, payloads: list[bytes]) -> None:
        self.connection.after_response(lambda: self._go_on(payloads))

    def _go_on(self, payloads: list[bytes]) -> None:
        if payloads[0][:1] == b"\xff":
            self.release()
            self._end(None, parse_err(payloads[0]))
            return
        statement_id, parameters = note_prepared(self.connection, self._sql, payloads[0])
        if 2 * parameters != len(self._request.types):
            self.release()
            self._end(None, None)
            return
        self.sent = True
        if not self._send_to(statement_id, self._request):
            self.sent = False
            self._end(None, None)
