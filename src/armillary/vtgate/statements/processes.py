"""SHOW PROCESSLIST: the gateway's own clients, whose ids KILL takes.

A server's list would name connections that many sessions share, by ids that mean others here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from armillary.sql.tokens import Token
from armillary.wire.columns import ColumnDefinition, integer_column, text_column

_INFO_CHARACTERS = 100  # without FULL, as on a server
_TEXTS = ("User", "Host", "db", "Command")


@dataclass(frozen=True, slots=True)
class Process:
    """One client of this gateway, and what it is at."""

    id: int
    user: str
    host: str
    db: str
    command: str  # Sleep, Query, Execute, ...
    time_s: int
    info: str  # the statement that runs


class ListProcesses(Protocol):
    """Finds the clients of one user, in all processes of the gateway."""

    async def __call__(self, user: str) -> Sequence[Process]: ...


def asks_for_processes(tokens: Sequence[Token]) -> bool:
    words = [token.upper for token in tokens[1:3]]
    return words[:1] == ["PROCESSLIST"] or words == ["FULL", "PROCESSLIST"]


def process_rows(
    processes: Sequence[Process], *, full: bool
) -> tuple[list[ColumnDefinition], list[list[bytes | None]]]:
    columns = [integer_column("Id"), *map(text_column, _TEXTS), integer_column("Time")]
    columns += [text_column("State"), text_column("Info")]
    rows: list[list[bytes | None]] = []
    for one in sorted(processes, key=lambda process: process.id):
        info = one.info if full else one.info[:_INFO_CHARACTERS]
        texts = [one.user.encode(), one.host.encode(), one.db.encode() or None]
        rows.append(
            [
                b"%d" % one.id, *texts, one.command.encode(), b"%d" % one.time_s, b"",
                info.encode() if one.info else None,
            ]
        )  # fmt: skip
    return columns, rows
