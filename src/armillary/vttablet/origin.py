"""Whose backup a tablet's data came from: a note beside the data, written by each restore.

A snapshot keyspace that is deleted and made anew for another time finds the data of the old time in
its tablets. Only this note tells that it is not what is asked for.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import anyio

from armillary.mysqld.layout import TabletDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the keyspace's record asked for when the data was restored."""

    keyspace: str  # whose backups
    at: datetime | None  # the newest that began at or before; None: the newest

    def encode(self) -> str:
        at = self.at.astimezone(UTC).isoformat() if self.at else None
        return json.dumps({"keyspace": self.keyspace, "at": at}) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return what `encode` wrote; None for anything else."""
        try:
            fields = json.loads(text)
            at = fields["at"]
            return cls(
                keyspace=str(fields["keyspace"]), at=datetime.fromisoformat(at) if at else None
            )
        except (ValueError, TypeError, KeyError):
            return None

    def __str__(self) -> str:
        when = f"at {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.at else "at its newest"
        return f"{self.keyspace} {when}"


async def read_origin(dirs: TabletDir) -> Origin | None:
    """Return where the tablet's data came from; None if no restore brought it."""
    try:
        return Origin.parse(await anyio.Path(dirs.origin).read_text(errors="replace"))
    except FileNotFoundError:
        return None
