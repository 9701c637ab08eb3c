"""Locks of keyspaces and shards. I/O."""

from contextlib import AbstractAsyncContextManager

from armillary.topo import paths
from armillary.topo.cell_records import CellRecords
from armillary.topo.cells import CellConnections
from armillary.topo.connection import TopoLock
from armillary.topo.lock_action import lock_contents


class Locking(CellRecords):
    def __init__(self, cells: CellConnections, *, lock_timeout_s: float = 45.0) -> None:
        super().__init__(cells)
        self._lock_timeout_s = lock_timeout_s

    def lock_keyspace(self, keyspace: str, action: str) -> AbstractAsyncContextManager[TopoLock]:
        """Hold a keyspace's lock within the block. Not re-entrant: a second one waits for ever.

        Raises:
            NotFoundError: no such keyspace.
            DeadlineError: somebody else held it for the whole `lock_timeout`.
        """
        return self._lock(paths.keyspace_dir(keyspace), action)

    def lock_shard(
        self, keyspace: str, shard: str, action: str
    ) -> AbstractAsyncContextManager[TopoLock]:
        """Hold a shard's lock within the block: whoever reparents or deletes needs it."""
        return self._lock(paths.shard_dir(keyspace, shard), action)

    def _lock(self, directory: str, action: str) -> AbstractAsyncContextManager[TopoLock]:
        contents = lock_contents(action)
        return self._cells.global_.lock(directory, contents, timeout_s=self._lock_timeout_s)
