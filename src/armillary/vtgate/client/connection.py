"""One client of the gateway: login, then commands one after another. I/O."""

import asyncio
import logging
from typing import TYPE_CHECKING

import anyio

from armillary.base.errors import ArmillaryError, MysqlError
from armillary.vtgate.answers.output import ClientOutput
from armillary.vtgate.client.activity import Activity
from armillary.vtgate.client.commands import Commands
from armillary.vtgate.client.login import Login
from armillary.vtgate.client.transport import ClientTransport
from armillary.vtgate.errors import SqlError, err_payload
from armillary.vtgate.execution.fast_path import FastPath
from armillary.vtgate.execution.fast_relay import FastRelay
from armillary.vtgate.execution.server_warnings import read_warnings
from armillary.vtgate.session import Session
from armillary.vtgate.statements.processes import Process
from armillary.wire.handshake import (
    is_ssl_request,
)
from armillary.wire.packets import PacketReader, frame
from armillary.wire.protocol import Command
from armillary.wire.responses import OkPacket, encode_ok
from armillary.wire.scanner import ResponseSummary

if TYPE_CHECKING:
    from armillary.vtgate.client.listener import Listener

logger = logging.getLogger(__name__)

_UNREAD_BYTES_MAX = 1 << 20
# As plain numbers: looking up a member of an enum costs more than the comparison.
_QUIT, _CHANGE_USER = int(Command.QUIT), int(Command.CHANGE_USER)
_LOGIN_PAYLOAD_MAX = 1 << 16


class ClientConnection(ClientTransport):
    """One client. Commands run one after another, each in a task of the listener's group."""

    def __init__(self, listener: "Listener") -> None:
        super().__init__(payload_bytes_max=_LOGIN_PAYLOAD_MAX)
        self._listener = listener
        self.session = Session(
            listener.next_id(), transaction_mode=listener.settings.transaction_mode
        )
        self._login = Login(listener.users, self.session, self._say, listener.rsa)
        self._logged_in = False
        self._login_timer: asyncio.TimerHandle | None = None
        self._busy: anyio.CancelScope | None = None
        self._running = False
        self._held_back = False  # too much has come that waits for the running command
        self._query_timeout_s = listener.settings.query_timeout_s
        self._fast: FastRelay | None = None
        self._activity = Activity()
        self._fast_path = FastPath(listener.gateway, self.session)
        self._commands = Commands(
            listener.gateway,
            self.session,
            self,
            version_comment=listener.settings.version_comment,
            killer=listener.kill,
            processes=listener.processes,
            payload_bytes_max=listener.settings.payload_bytes_max,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        listener = self._listener
        if listener.is_full():
            self.write(frame(err_payload(SqlError(1040, "Too many connections")), 0))
            self.close()
            return
        listener.add(self)
        loop = asyncio.get_running_loop()
        self._login_timer = loop.call_later(listener.settings.login_timeout_s, self._too_slow)
        greeting = self._login.greeting(
            server_version=listener.settings.server_version, tls=listener.tls is not None
        )
        self.write(frame(greeting, 0))
        self._reader.sequence_next = 1

    def _too_slow(self) -> None:
        if not self._logged_in:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._listener.remove(self)
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
            self.write(frame(_interrupted(written=not fast.reading), 1))
            self._after()
        elif self._busy is not None:
            self._busy.cancel()

    def describe(self) -> Process:
        return self._activity.describe(self.session, self.peer)

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
        if self._running and full and self._transport is not None and not self._held_back:
            self._held_back = True
            self._transport.pause_reading()

    # Login

    def _log_in(self, payload: bytes) -> None:
        offered = self._listener.tls is not None and self._tls is None
        if offered and not self._login.has_begun and is_ssl_request(payload):
            assert self._listener.tls is not None
            self._begin_tls(self._listener.tls)
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

    # Commands

    def _start(self, payload: bytes) -> None:
        command = payload[0] if payload else -1
        if command == _QUIT:
            self.close()
            return
        if command == _CHANGE_USER:
            self._commands.abandon()
            self._logged_in = False
            self._login.change_user(payload, secure=self._is_secure)
            return
        self._running = True
        self._activity.begin(payload)
        if self.session.new_warnings:
            self.session.new_warnings = []
        self._listener.command_began()
        in_one_packet = self._reader.sequence_next == 1
        if in_one_packet and not self._query_timeout_s:
            fast = self._fast_path.take(payload, self)
            if fast is not None:
                self._fast = fast
                self.relaying(fast.connection)
                return
        self._listener.tasks.start_soon(self._run, payload)

    def fast_done(
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
        if relay.may_try_again(summary):
            self._listener.tasks.start_soon(self._run, self._activity.command)
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
        except Exception as error:  # noqa: BLE001  else it ends the task group of all clients
            logger.info("warnings not read", extra={"reason": str(error)})
        finally:
            relay.release()
            self._commands.remember(summary)
            self._command_over()
        if not self._closed:
            self._after()

    def _command_over(self) -> None:
        self._running = False
        self._activity.end()
        self._listener.command_ended()
        self.session.killed = False
        self.session.write_left = False
        if self._closed:
            self._commands.abandon()

    async def _run(self, payload: bytes) -> None:
        binary = payload[0] == Command.STMT_EXECUTE if payload else False
        output = ClientOutput(self, binary=binary, sequence=self._reader.sequence_next)
        try:
            with anyio.CancelScope() as scope:
                self._busy = scope
                if self._query_timeout_s:
                    scope.deadline = anyio.current_time() + self._query_timeout_s
                await self._answer(payload, output)
            timed_out = scope.cancelled_caught and not self.session.killed
            if scope.cancelled_caught and not self._closed:
                output.error(_interrupted(timed_out=timed_out, written=self.session.write_left))
        finally:
            self._busy = None
            self._command_over()
        if not self._closed:
            self._after()

    def _after(self) -> None:
        if self._held_back and self._transport is not None:
            self._held_back = False
            self._transport.resume_reading()
        if not self._reader.buffered_bytes:
            return
        try:
            self._pump()
        except Exception as error:  # noqa: BLE001  else it ends the task group of all clients
            self._fail(error)

    async def _answer(self, payload: bytes, output: ClientOutput) -> None:
        """Run one command; whatever goes wrong becomes an ERR packet, here and nowhere else."""
        try:
            await self._commands.run(payload, output)
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


def _interrupted(*, timed_out: bool = False, written: bool = False) -> bytes:
    """Return the ERR packet; a server goes on with a write that commits by itself."""
    what = "query timed out" if timed_out else "Query execution was interrupted"
    unknown = ": whether its write was done is unknown" if written else ""
    return err_payload(SqlError(1317, what + unknown))
