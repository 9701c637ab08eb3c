"""Connect the gateway's picture of the cluster with the topology and the tablets. I/O."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.rpc.static_users import load_client_credentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.vtgate import VtgateSettings
from armillary.topo.server import TopoServer
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.tablets.discovery import Discovery


@asynccontextmanager
async def discovering(cluster: Cluster, settings: VtgateSettings) -> AsyncIterator[Discovery]:
    """Keep `cluster` up to date until the block ends."""
    path = settings.grpc_auth_static_client_creds
    credentials = load_client_credentials(path) if path else None
    async with TopoServer.open(settings) as topo, TabletManagerClient(credentials) as tablets:
        discovery = Discovery(
            cluster, topo, tablets, cell=settings.cell, cells=settings.cells_to_watch
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(discovery.run)
            try:
                yield discovery
            finally:
                tasks.cancel_scope.cancel()
