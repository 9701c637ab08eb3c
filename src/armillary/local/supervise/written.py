"""Keep the file that says which processes run as true as the disk lets it. I/O."""

import logging
from collections.abc import Sequence
from pathlib import Path

import anyio

from armillary.local.supervise.child import Child
from armillary.local.supervise.state import write_processes

logger = logging.getLogger(__name__)

RETRY_S = 5.0


class WrittenProcesses:
    """Writes `processes.json`; a full disk ends nothing, the file is written when there is room."""

    def __init__(self, path: Path, children: Sequence[Child], *, retry_s: float = RETRY_S) -> None:
        self._path = path
        self._children = children
        self._retry_s = retry_s
        self._is_owed = anyio.Event()

    def write(self) -> None:
        running = {child.component.name: child.record for child in self._children}
        try:
            write_processes(self._path, {n: r for n, r in running.items() if r is not None})
        except OSError as error:
            if not self._is_owed.is_set():
                logger.warning("cannot write down what runs", extra={"reason": str(error)})
            self._is_owed.set()

    async def make_up(self) -> None:
        """Write what could not be written, for ever."""
        while True:
            await self._is_owed.wait()
            await anyio.sleep(self._retry_s)
            self._is_owed = anyio.Event()
            self.write()
