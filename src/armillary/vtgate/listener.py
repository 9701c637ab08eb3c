"""MySQL clients: connections, login, commands in order. I/O, by asyncio's protocol callbacks."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from typing import cast

import anyio
from anyio.abc import TaskGroup

from armillary.base.errors import ArmillaryError, MysqlError, WireError
from armillary.vtgate.backend import BackendConnection
from armillary.vtgate.commands import Commands
from armillary.vtgate.errors import SqlError, err_payload
from armillary.vtgate.executor import read_warnings
from armillary.vtgate.fast_path import FastPath, FastRelay, may_try_again
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.login import Login
from armillary.vtgate.output import ClientOutput
from armillary.vtgate.session import Session
from armillary.vtgate.users import Users
from armillary.wire.authentication import (
    RsaKey,
)
from armillary.wire.handshake import (
    is_ssl_request,
)
from armillary.wire.packets import PacketReader, frame
from armillary.wire.protocol import Command
from armillary.wire.responses import OkPacket, encode_ok
from armillary.wire.scanner import ResponseSummary
from armillary.wire.tls import TlsServerFilter

logger = logging.getLogger(__name__)

_UNREAD_BYTES_MAX = 1 << 20
_LOGIN_PAYLOAD_MAX = 1 << 16


@dataclass(slots=True)
class ListenerSettings:
    server_version: str = "8.0.30-Armillary"
    version_comment: str = "Armillary"
    connections_max: int = 5000
    login_timeout_s: float = 10.0
    payload_bytes_max: int = 64 << 20
    require_tls: bool = False
    query_timeout_s: float = 0.0
    transaction_mode: str = "MULTI"


@dataclass(slots=True)
class Listener:
    """What the connections of one listener share."""

    gateway: Gateway
    users: Users
    tasks: TaskGroup
    settings: ListenerSettings
    tls: ssl.SSLContext | None = None
    connections: dict[int, "ClientConnection"] = field(default_factory=dict)
    accepted_count: int = 0
    query_count: int = 0
    running_count: int = 0
    _idle: anyio.Event = field(default_factory=anyio.Event)
    _next_id: int = 0
    _rsa: RsaKey | None = None

    def next_id(self) -> int:
        self._next_id = self._next_id % 0xFFFFFFFE + 1
        return self._next_id

    def command_began(self) -> None:
        self.running_count += 1
        self.query_count += 1

    def command_ended(self) -> None:
        self.running_count -= 1
        if self.running_count == 0:
            self._idle.set()
            self._idle = anyio.Event()

    async def wait_until_idle(self) -> None:
        while self.running_count:
            await self._idle.wait()

    def rsa(self) -> RsaKey:
        if self._rsa is None:
            self._rsa = RsaKey()
        return self._rsa

    def kill(self, connection_id: int, asking: Session, *, query_only: bool) -> None:
        """Raises: SqlError: no such connection, or one of another user."""
        found = self.connections.get(connection_id)
        if found is None:
            raise SqlError(1094, f"Unknown thread id: {connection_id}")
        if found.session.user != asking.user:
            raise SqlError(1095, f"You are not owner of thread {connection_id}")
        if found.session is asking:
            raise SqlError(1317, "Query execution was interrupted")
        if query_only:
            found.kill_command()
        else:
            found.abort()

    def make_connection(self) -> "ClientConnection":
        return ClientConnection(self)


class ClientConnection(asyncio.Protocol):
    """One client. Commands run one after another, each in a task of the listener's group."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.session = Session(
            listener.next_id(), transaction_mode=listener.settings.transaction_mode
        )
        self.peer = ""
        self._transport: asyncio.Transport | None = None
        self._reader = PacketReader(payload_bytes_max=_LOGIN_PAYLOAD_MAX)
        self._tls: TlsServerFilter | None = None
        self._login = Login(listener.users, self.session, self._say, listener.rsa)
        self._logged_in = False
        self._closed = False
        self._busy: anyio.CancelScope | None = None
        self._running = False
        self._writable = True
        self._drained: asyncio.Future[None] | None = None
        self._relaying: BackendConnection | None = None
        self._fast: FastRelay | None = None
        self._fast_payload = b""
        self._fast_path = FastPath(listener.gateway, self.session)
        self._login_timer: asyncio.TimerHandle | None = None
        self._commands = Commands(
            listener.gateway,
            self.session,
            self,
            version_comment=listener.settings.version_comment,
            killer=listener.kill,
        )

    # Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "socket"
        listener = self._listener
        if len(listener.connections) >= listener.settings.connections_max:
            self._transport.write(frame(err_payload(SqlError(1040, "Too many connections")), 0))
            self._transport.close()
            self._closed = True
            return
        listener.connections[self.session.id] = self
        listener.accepted_count += 1
        loop = asyncio.get_running_loop()
        self._login_timer = loop.call_later(listener.settings.login_timeout_s, self._too_slow)
        greeting = self._login.greeting(
            server_version=listener.settings.server_version, tls=listener.tls is not None
        )
        self._transport.write(frame(greeting, 0))
        self._reader.sequence_next = 1

    def _too_slow(self) -> None:
        if not self._logged_in:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._listener.connections.pop(self.session.id, None)
        if self._login_timer is not None:
            self._login_timer.cancel()
        self.resume_writing()
        if self._fast is not None:
            fast, self._fast = self._fast, None
            fast.give_up()
            self._command_over()
        elif self._busy is not None:
            self._busy.cancel()
        elif not self._running:
            self._commands.abandon()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def kill_command(self) -> None:
        """Stop the command that runs, as KILL QUERY does."""
        self.session.killed = True
        if self._fast is not None:
            fast, self._fast = self._fast, None
            self.relaying(None)
            fast.give_up()
            self._command_over()
            if fast.passed:
                self.abort()
                return
            self.write(frame(err_payload(SqlError(1317, "Query execution was interrupted")), 1))
            self._after()
        elif self._busy is not None:
            self._busy.cancel()

    def data_received(self, data: bytes) -> None:
        if self._closed:
            return
        try:
            if self._tls is not None:
                data, answer = self._tls.receive(data)
                if answer and self._transport is not None:
                    self._transport.write(answer)
            if data:
                self._reader.feed(data)
                self._pump()
        except (WireError, ssl.SSLError) as error:
            self._fail(error)
        except (IndexError, ValueError) as error:  # a packet cut where no length said so
            self._fail(WireError(f"malformed packet: {error}"))

    def _fail(self, error: Exception) -> None:
        logger.info("client dropped", extra={"peer": self.peer, "reason": str(error)})
        if isinstance(error, ArmillaryError):
            self.write(frame(err_payload(error), self._reader.sequence_next))
        self.close()

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    def _pump(self) -> None:
        """Take the payloads that are there, as long as no command runs."""
        while not self._running and not self._closed:
            if self._logged_in:
                self._reader.start_command()
            payload = self._reader.next_payload()
            if payload is None:
                return
            if self._logged_in:
                self._start(payload)
            else:
                self._log_in(payload)
        full = self._reader.buffered_bytes > _UNREAD_BYTES_MAX
        if self._running and full and self._transport is not None:
            self._transport.pause_reading()

    # What outputs need

    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._tls is not None:
            data = self._tls.send(data)
        self._transport.write(data)

    def pause_writing(self) -> None:
        self._writable = False
        if self._relaying is not None:
            self._relaying.pause()

    def resume_writing(self) -> None:
        self._writable = True
        if self._relaying is not None:
            self._relaying.resume()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def drain(self) -> None:
        if self._writable or self._closed:
            return
        self._drained = asyncio.get_running_loop().create_future()
        await self._drained

    def relaying(self, backend: BackendConnection | None) -> None:
        if backend is None and self._relaying is not None and not self._writable:
            self._relaying.resume()
        self._relaying = backend
        if backend is not None and not self._writable:
            backend.pause()

    # Login

    @property
    def _is_secure(self) -> bool:
        return self._tls is not None or self.peer == "socket"

    def _log_in(self, payload: bytes) -> None:
        offered = self._listener.tls is not None and self._tls is None
        if offered and not self._login.has_begun and is_ssl_request(payload):
            assert self._listener.tls is not None
            self._tls = TlsServerFilter(self._listener.tls)
            encrypted = self._reader.take_unread()
            if encrypted:
                self.data_received(encrypted)
            return
        wanted = self._listener.settings.require_tls
        try:
            if not self._login.receive(payload, secure=self._is_secure, tls_wanted=wanted):
                return
            if self._login.database:
                self._commands.runner.use(self._login.database)
        except ArmillaryError as error:
            self._say(err_payload(error))
            self.close()
            return
        if self._login_timer is not None:
            self._login_timer.cancel()
        self._logged_in = True
        self._say(encode_ok(OkPacket(status=self.session.status)))
        unread = self._reader.take_unread()
        self._reader = PacketReader(payload_bytes_max=self._listener.settings.payload_bytes_max)
        self._reader.feed(unread)

    def _say(self, payload: bytes) -> None:
        sequence = self._reader.sequence_next
        self.write(frame(payload, sequence))
        self._reader.sequence_next = (sequence + 1) & 0xFF

    # Commands

    def _start(self, payload: bytes) -> None:
        if payload[:1] == bytes((Command.QUIT,)):
            self.close()
            return
        if payload[:1] == bytes((Command.CHANGE_USER,)):
            self._commands.abandon()
            self._logged_in = False
            self._login.change_user(payload, secure=self._is_secure)
            return
        self._running = True
        self._listener.command_began()
        if payload[:1] == b"\x03" and not self._listener.settings.query_timeout_s:
            self._fast = self._fast_path.start(payload, self.write, self._fast_done)
            if self._fast is not None:
                self._fast_payload = payload
                self.relaying(self._fast.connection)
                return
        self._listener.tasks.start_soon(self._run, payload)

    def _fast_done(
        self, relay: FastRelay, summary: ResponseSummary | None, error: Exception | None
    ) -> None:
        """A statement on the short way has ended, well or not."""
        self._fast = None
        self.relaying(None)
        if summary is not None and summary.warnings:
            self._listener.tasks.start_soon(self._read_warnings, relay, summary)
            return
        if self._closed:
            self._command_over()
            return
        if may_try_again(relay, summary):
            self._listener.tasks.start_soon(self._run, self._fast_payload)
            return
        if summary is not None:
            self._commands.remember(summary)
            error = summary.error
        if error is not None and not relay.passed:
            self.session.note_error(error)
            self.write(frame(err_payload(error), 1))
        elif summary is None:
            self.abort()  # half an answer has gone out
        self._command_over()
        self._after()

    async def _read_warnings(self, relay: FastRelay, summary: ResponseSummary) -> None:
        """The answer is out; before the next command, keep its warnings for SHOW WARNINGS."""
        try:
            self.session.new_warnings = await read_warnings(relay.connection)
        except ArmillaryError as error:
            logger.info("warnings not read", extra={"reason": str(error)})
        finally:
            relay.release()
            self._commands.remember(summary)
            self._command_over()
        if not self._closed:
            self._after()

    def _command_over(self) -> None:
        self._running = False
        self._listener.command_ended()
        self.session.killed = False
        if self._closed:
            self._commands.abandon()

    async def _run(self, payload: bytes) -> None:
        output = ClientOutput(self, binary=payload[:1] == bytes((Command.STMT_EXECUTE,)))
        timed_out = False
        try:
            with anyio.CancelScope() as scope:
                self._busy = scope
                timeout_s = self._listener.settings.query_timeout_s
                if timeout_s:
                    scope.deadline = anyio.current_time() + timeout_s
                await self._answer(payload, output)
            timed_out = scope.cancelled_caught and not self.session.killed
            if scope.cancelled_caught and not self._closed:
                what = "query timed out" if timed_out else "Query execution was interrupted"
                output.error(err_payload(SqlError(1317, what)))
        finally:
            self._busy = None
            self._command_over()
        if not self._closed:
            self._after()

    def _after(self) -> None:
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()
        try:
            self._pump()
        except WireError as error:
            self._fail(error)

    async def _answer(self, payload: bytes, output: ClientOutput) -> None:
        """Run one command; whatever goes wrong becomes an ERR packet, here and nowhere else."""
        try:
            await self._commands.run(payload, output)
        except ArmillaryError as error:
            self._note(error, output)
        except Exception as error:  # noqa: BLE001  the edge: a bug must not end the gateway
            self._note(error, output)

    def _note(self, error: Exception, output: ClientOutput) -> None:
        self.session.note_error(error)
        if self._closed:
            return
        if isinstance(error, MysqlError) or output.untouched or output.renumbered:
            output.error(err_payload(error))
        else:
            # Raw packets went out under the server's sequence ids; we cannot go on from there.
            self.abort()
