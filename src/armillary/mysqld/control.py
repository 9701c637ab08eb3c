"""Start and stop one mysqld, whoever its parent is. Pure: a port, and nothing else."""

from collections.abc import Sequence
from typing import Protocol


class MysqldControl(Protocol):
    """Implemented by `mysqld.process` (we are the parent) and by a client of mysqlctld.

    Every method may be called again: starting what runs and stopping what is stopped do nothing.
    """

    async def start(self, extra_args: Sequence[str] = ()) -> None:
        """Return once the server takes connections on its socket.

        Raises:
            UnavailableError: it did not come up in time, or died while starting.
        """

    async def shutdown(self, *, wait: bool = True, timeout_s: float = 300.0) -> None:
        """Stop the server; with `wait`, return once its data directory is free."""

    async def version(self) -> str:
        """Return the server binary's full version line."""

    async def reinit_config(self) -> None:
        """Write my.cnf anew, as for a new data directory."""

    async def upgrade(self) -> None:
        """Bring system tables that an older server wrote to this server's version; it must run."""
