"""What a client is at, for SHOW PROCESSLIST. No I/O but the clock."""

import time

from armillary.vtgate.session import Session
from armillary.vtgate.statements.processes import Process
from armillary.wire.protocol import Command

_QUERY = int(Command.QUERY)
_NAMES = {_QUERY: "Query", int(Command.STMT_EXECUTE): "Execute"}


class Activity:
    def __init__(self) -> None:
        self.command = b""  # the payload that runs; empty: none does
        self._since_s = time.monotonic()  # when that began, or the last one ended

    def begin(self, command: bytes) -> None:
        self.command = command
        self._since_s = time.monotonic()

    def end(self) -> None:
        self.begin(b"")

    def describe(self, session: Session, peer: str) -> Process:
        command, target = self.command, session.target
        text = command[1:] if command[:1] == bytes((_QUERY,)) else b""
        return Process(
            id=session.id,
            user=session.user,
            host=peer,
            db=str(target).removesuffix("@primary") if target.keyspace else "",
            command=_NAMES.get(command[0], "Busy") if command else "Sleep",
            time_s=int(time.monotonic() - self._since_s),
            info=text.decode(session.codec or "utf-8", "replace"),
        )
