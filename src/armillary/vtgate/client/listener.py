"""What all clients of the gateway share: limits, users, who may kill whom. I/O."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from armillary.vtgate.client.connection import ClientConnection
from armillary.vtgate.client.users import Users
from armillary.vtgate.errors import SqlError
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.session import Session
from armillary.vtgate.statements.processes import Process
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


class OtherWorkers(Protocol):
    """The other processes of the same gateway, when it has several."""

    def connection_id(self, count: int) -> int:
        """Return the id of this process's client number `count`."""
        ...

    def clients_of_all(self) -> int: ...

    def note_clients(self, count: int) -> None:
        """Tell the others how many clients this process has."""
        ...

    def owns(self, connection_id: int) -> bool:
        """Whether this process gave that id."""
        ...

    async def kill(self, connection_id: int, user: str, *, query_only: bool) -> None:
        """Raises: SqlError: as `Listener.kill`."""
        ...

    async def processes(self, user: str) -> Sequence[Process]:
        """Raises: UnavailableError: the others cannot be asked."""
        ...


@dataclass(slots=True)
class Listener:
    """What the connections of one listener share."""

    gateway: Gateway
    users: Users
    tasks: TaskGroup
    settings: ListenerSettings
    tls: ssl.SSLContext | None = None
    others: OtherWorkers | None = None
    connections: dict[int, ClientConnection] = field(default_factory=dict)
    accepted_count: int = 0
    query_count: int = 0
    running_count: int = 0
    _idle: anyio.Event | None = None  # while somebody waits for all commands to end
    _next_id: int = 0
    _rsa: RsaKey | None = None

    def next_id(self) -> int:
        """Return an id that no client here has: ids come round again, and old clients stay."""
        while (given := self._id_in_turn()) in self.connections:
            pass
        return given

    def _id_in_turn(self) -> int:
        self._next_id = self._next_id % 0xFFFFFFFE + 1
        if self.others is not None:
            return self.others.connection_id(self._next_id)
        return self._next_id

    def is_full(self) -> bool:
        """Several processes may pass the limit by one client each, when all come at once."""
        here = len(self.connections)
        known = here if self.others is None else self.others.clients_of_all()
        return known >= self.settings.connections_max

    def add(self, connection: ClientConnection) -> None:
        self.connections[connection.session.id] = connection
        self.accepted_count += 1
        if self.others is not None:
            self.others.note_clients(len(self.connections))

    def remove(self, connection: ClientConnection) -> None:
        gone = self.connections.pop(connection.session.id, None)
        if gone is not None and self.others is not None:
            self.others.note_clients(len(self.connections))

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

    async def kill(self, connection_id: int, asking: Session, *, query_only: bool) -> None:
        """Raises: SqlError: no such connection, or one of another user."""
        if connection_id == asking.id:
            raise SqlError(1317, "Query execution was interrupted")
        if self.others is None or self.others.owns(connection_id):
            self.kill_own(connection_id, asking.user, query_only=query_only)
        else:
            await self.others.kill(connection_id, asking.user, query_only=query_only)

    def kill_own(self, connection_id: int, user: str, *, query_only: bool) -> None:
        """As `kill`, of a connection to this process."""
        found = self.connections.get(connection_id)
        if found is None:
            raise SqlError(1094, f"Unknown thread id: {connection_id}")
        if found.session.user != user:
            raise SqlError(1095, f"You are not owner of thread {connection_id}")
        if query_only:
            found.kill_command()
        else:
            found.abort()

    async def processes(self, user: str) -> Sequence[Process]:
        """Return this user's clients, in all processes."""
        return (
            self.own_processes(user) if self.others is None else await self.others.processes(user)
        )

    def own_processes(self, user: str) -> list[Process]:
        return [one.describe() for one in self.connections.values() if one.session.user == user]

    def make_connection(self) -> ClientConnection:
        return ClientConnection(self)
