"""Connections to the global topology and to each cell's. I/O."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio

from armillary.base.clock import monotonic_s
from armillary.base.errors import NotFoundError, UnsupportedError
from armillary.etcd.client import EtcdClient
from armillary.etcd.records import EtcdTls
from armillary.pb import topodata_pb2
from armillary.settings.topo import TopoSettings
from armillary.topo import paths, records
from armillary.topo.connection import TopoConnection
from armillary.topo.etcd_connection import EtcdConnection
from armillary.topo.memory import MemoryConnection, MemoryStore

logger = logging.getLogger(__name__)

_CELL_INFO_FRESH_S = 30.0

# Gives the addresses that stand behind a server address which does not resolve here.
ResolveAddress = Callable[[str], Awaitable[Sequence[str]]]
# Gives what to show to the server of an address, and to demand of it; None for no TLS.
FindTls = Callable[[str], Awaitable[EtcdTls | None]]


class Connector(Protocol):
    """Makes connections; the same address and root may be asked for again and again."""

    async def connect(self, address: str, root: str) -> TopoConnection: ...


class CellConnections:
    """The global connection, and one for each cell as its CellInfo says."""

    def __init__(self, global_connection: TopoConnection, connector: Connector) -> None:
        self.global_ = global_connection
        self._connector = connector
        self._cells: dict[str, _Cell] = {}

    async def of(self, cell: str) -> TopoConnection:
        """Return the connection to a cell's topology.

        Raises:
            NotFoundError: no such cell.
        """
        known = self._cells.get(cell)
        now_s = monotonic_s()
        if known is not None and now_s - known.read_s < _CELL_INFO_FRESH_S:
            return known.connection
        path = paths.cell_info(cell)
        try:
            info = (await records.read(self.global_, path, topodata_pb2.CellInfo)).value
        except NotFoundError:
            self._cells.pop(cell, None)
            raise
        if known is None or known.info != info:
            connection = await self._connector.connect(info.server_address, info.root)
            known = _Cell(info, connection, now_s)
        known.read_s = now_s
        self._cells[cell] = known
        return known.connection

    def forget(self, cell: str) -> None:
        self._cells.pop(cell, None)


@dataclass(slots=True)
class _Cell:
    info: topodata_pb2.CellInfo
    connection: TopoConnection
    read_s: float


class EtcdConnector:
    """One etcd client for each server address, however many roots lie in it."""

    def __init__(
        self,
        settings: TopoSettings,
        stack: AsyncExitStack,
        resolve: ResolveAddress | None,
        find_tls: FindTls | None,
    ) -> None:
        self._settings = settings
        self._find_tls = find_tls
        self._stack = stack
        self._resolve = resolve
        self._clients: dict[str, EtcdClient] = {}
        self._opening = anyio.Lock()

    async def connect(self, address: str, root: str) -> TopoConnection:
        async with self._opening:
            client = self._clients.get(address)
            if client is None:
                endpoints = await self._resolve(address) if self._resolve else address.split(",")
                timeout_s = min(5.0, self._settings.remote_operation_timeout.total_seconds())
                client = EtcdClient(endpoints, await self._tls(address), timeout_s=timeout_s)
                await self._stack.enter_async_context(client)
                self._clients[address] = client
        return EtcdConnection(client, root, lease_ttl_s=self._settings.topo_etcd_lease_ttl)

    async def _tls(self, address: str) -> EtcdTls | None:
        if self._find_tls is not None:
            return await self._find_tls(address)
        # The flags hold for all servers, except for those that are said to speak no TLS.
        return None if address.startswith("http://") else _tls_of_flags(self._settings)


def _tls_of_flags(settings: TopoSettings) -> EtcdTls | None:
    if not settings.topo_etcd_tls_ca:
        return None
    return EtcdTls(
        ca=Path(settings.topo_etcd_tls_ca),
        cert=Path(settings.topo_etcd_tls_cert) if settings.topo_etcd_tls_cert else None,
        key=Path(settings.topo_etcd_tls_key) if settings.topo_etcd_tls_key else None,
        server_name=settings.topo_etcd_tls_server_name or None,
    )


class MemoryConnector:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def connect(self, address: str, root: str) -> TopoConnection:
        return MemoryConnection(self._store, f"{address}{root}")


@asynccontextmanager
async def open_etcd_cells(
    settings: TopoSettings, resolve: ResolveAddress | None, find_tls: FindTls | None = None
) -> AsyncIterator[CellConnections]:
    if settings.topo_implementation not in ("etcd2", "etcd"):
        raise UnsupportedError(
            f"topo_implementation {settings.topo_implementation!r}: only etcd2 is supported"
        )
    async with AsyncExitStack() as stack:
        connector = EtcdConnector(settings, stack, resolve, find_tls)
        connection = await connector.connect(
            settings.topo_global_server_address, settings.topo_global_root
        )
        yield CellConnections(connection, connector)
