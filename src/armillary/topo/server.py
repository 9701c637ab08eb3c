"""The topology as one object: every record, the locks, the rebuilds and the watches. I/O.

    async with TopoServer.open(settings) as topo:
        keyspace = (await topo.get_keyspace("main")).value
        async with topo.lock_shard("main", "-80", "PlannedReparentShard") as lock:
            await lock.check()

Records are protobuf messages; `Stored` adds the version. Absent records raise NotFoundError,
existing ones AlreadyExistsError, lost races ConflictError, a server that is away UnavailableError.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from armillary.base.errors import NotFoundError, PreconditionError
from armillary.pb import topodata_pb2, vschema_pb2
from armillary.settings.topo import TopoSettings
from armillary.topo import paths, records
from armillary.topo.cells import (
    CellConnections,
    FindTls,
    MemoryConnector,
    ResolveAddress,
    open_etcd_cells,
)
from armillary.topo.memory import MemoryConnection, MemoryStore
from armillary.topo.records import Stored
from armillary.topo.serving_graph import build_srv_keyspace, build_srv_vschema
from armillary.topo.tablet_records import TabletRecords

logger = logging.getLogger(__name__)


class TopoServer(TabletRecords):
    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: TopoSettings,
        *,
        resolve: ResolveAddress | None = None,
        find_tls: FindTls | None = None,
    ) -> AsyncIterator["TopoServer"]:
        """Yield the topology that the flags name; nothing is dialled before the first call.

        `resolve` turns a server address as the records hold it (`example-etcd-client:2379`) into
        addresses that can be dialled from here, for a process that lives outside the pods.
        `find_tls` takes the place of the files that the flags name.
        """
        async with open_etcd_cells(settings, resolve, find_tls) as cells:
            yield cls(cells, lock_timeout_s=settings.lock_timeout.total_seconds())

    @classmethod
    async def in_memory(
        cls, *cells: str, store: MemoryStore | None = None, lock_timeout_s: float = 45.0
    ) -> "TopoServer":
        """Return a topology in memory with these cells, for tests."""
        shared = store or MemoryStore()
        connections = CellConnections(MemoryConnection(shared, "/global"), MemoryConnector(shared))
        topo = cls(connections, lock_timeout_s=lock_timeout_s)
        for cell in cells:
            info = topodata_pb2.CellInfo(server_address="memory", root=f"/{cell}")
            await topo.create_cell_info(cell, info)
        return topo

    # The serving graph, cell by cell

    async def get_srv_keyspace(self, cell: str, keyspace: str) -> Stored[topodata_pb2.SrvKeyspace]:
        connection = await self._cells.of(cell)
        path = paths.srv_keyspace(keyspace)
        return await records.read(connection, path, topodata_pb2.SrvKeyspace)

    async def list_srv_keyspaces(self, cell: str) -> list[str]:
        connection = await self._cells.of(cell)
        files = await connection.list_files(paths.KEYSPACES, data=False)
        return paths.names_with_record(list(files), paths.KEYSPACES, "SrvKeyspace")

    async def delete_srv_keyspace(self, cell: str, keyspace: str) -> None:
        connection = await self._cells.of(cell)
        await records.delete_if_there(connection, paths.srv_keyspace(keyspace))

    async def rebuild_keyspace_graph(
        self, keyspace: str, cells: Sequence[str] | None = None, *, allow_partial: bool = False
    ) -> None:
        """Write the keyspace's serving graph into these cells (all for None) from its shards.

        Raises:
            NotFoundError: no such keyspace.
            PreconditionError: the serving shards leave a gap or overlap; or a cell's graph has
                query service disabled for a shard, and writing it anew would forget that.
        Again: writes the same.
        """
        async with self.lock_keyspace(keyspace, "RebuildKeyspaceGraph") as lock:
            record = (await self.get_keyspace(keyspace)).value
            shards = await self.shards_of_keyspace(keyspace)
            names = await self.list_cells() if cells is None else cells
            for cell in names:
                await self._refuse_disabled(cell, keyspace)
            graph = build_srv_keyspace(
                keyspace,
                record,
                {name: stored.value for name, stored in shards.items()},
                allow_partial=allow_partial,
            )
            await lock.check()
            for cell in names:
                connection = await self._cells.of(cell)
                await records.write(connection, paths.srv_keyspace(keyspace), graph)

    async def _refuse_disabled(self, cell: str, keyspace: str) -> None:
        try:
            graph = (await self.get_srv_keyspace(cell, keyspace)).value
        except NotFoundError:
            return
        for partition in graph.partitions:
            for control in partition.shard_tablet_controls:
                if control.query_service_disabled:
                    raise PreconditionError(
                        f"can't rebuild serving keyspace {keyspace} while a migration is on "
                        f"going: shard {control.name} is disabled in cell {cell}"
                    )

    async def get_srv_vschema(self, cell: str) -> Stored[vschema_pb2.SrvVSchema]:
        connection = await self._cells.of(cell)
        return await records.read(connection, paths.SRV_VSCHEMA, vschema_pb2.SrvVSchema)

    async def delete_srv_vschema(self, cell: str) -> None:
        await records.delete_if_there(await self._cells.of(cell), paths.SRV_VSCHEMA)

    async def rebuild_srv_vschema(self, cells: Sequence[str] | None = None) -> None:
        """Write all keyspaces' vschemas into these cells (all for None), where vtgate reads them.

        Again: writes the same.
        """
        vschemas: dict[str, vschema_pb2.Keyspace] = {}
        for keyspace in await self.list_keyspaces():
            try:
                vschemas[keyspace] = (await self.get_vschema(keyspace)).value
            except NotFoundError:
                vschemas[keyspace] = vschema_pb2.Keyspace()
        srv_vschema = build_srv_vschema(
            vschemas,
            await self.get_routing_rules(),
            await self.get_shard_routing_rules(),
            await self.get_keyspace_routing_rules(),
            await self.get_mirror_rules(),
        )
        for cell in await self.list_cells() if cells is None else cells:
            connection = await self._cells.of(cell)
            await records.write(connection, paths.SRV_VSCHEMA, srv_vschema)

    # Watches: the value now, then each change, for ever; None while there is no record

    async def watch_srv_vschema(
        self, cell: str
    ) -> AsyncGenerator[vschema_pb2.SrvVSchema | None, None]:
        connection = await self._cells.of(cell)
        async with aclosing(connection.watch(paths.SRV_VSCHEMA)) as states:
            async for file in states:
                yield records.decode_or_none(vschema_pb2.SrvVSchema, paths.SRV_VSCHEMA, file)

    async def watch_srv_keyspace(
        self, cell: str, keyspace: str
    ) -> AsyncGenerator[topodata_pb2.SrvKeyspace | None, None]:
        connection = await self._cells.of(cell)
        path = paths.srv_keyspace(keyspace)
        async with aclosing(connection.watch(path)) as states:
            async for file in states:
                yield records.decode_or_none(topodata_pb2.SrvKeyspace, path, file)
