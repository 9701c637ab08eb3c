"""What all clients of the gateway share: limits, users, who may kill whom. I/O."""

import ssl
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from armillary.vtgate.client.connection import ClientConnection
from armillary.vtgate.client.users import Users
from armillary.vtgate.errors import SqlError
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.session import Session
from armillary.wire.authentication import (
    RsaKey,
)


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
    connections: dict[int, ClientConnection] = field(default_factory=dict)
    accepted_count: int = 0
    query_count: int = 0
    running_count: int = 0
    _idle: anyio.Event | None = None  # while somebody waits for all commands to end
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
        if self.running_count == 0 and self._idle is not None:
            self._idle.set()
            self._idle = None

    async def wait_until_idle(self) -> None:
        while self.running_count:
            if self._idle is None:
                self._idle = anyio.Event()
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

    def make_connection(self) -> ClientConnection:
        return ClientConnection(self)
