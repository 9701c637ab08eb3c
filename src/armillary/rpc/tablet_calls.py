"""How one tablet is called: its address, its channel, its database. I/O."""

from types import TracebackType
from typing import Any, Self

import anyio

from armillary.pb import tabletmanagerservice_pb2, topodata_pb2
from armillary.rpc.channels import ChannelCache
from armillary.rpc.service import ServiceStub
from armillary.rpc.static_users import ClientCredentials

_TABLET_MANAGER = tabletmanagerservice_pb2.DESCRIPTOR.services_by_name["TabletManager"]

Tablet = topodata_pb2.Tablet


def grpc_address(tablet: Tablet) -> str:
    """Return `host:port` of a tablet's gRPC server."""
    host = f"[{tablet.hostname}]" if ":" in tablet.hostname else tablet.hostname
    return f"{host}:{tablet.port_map.get('grpc', 0)}"


def database_name(tablet: Tablet) -> str:
    """Return the name of the tablet's database inside mysqld."""
    return tablet.db_name_override or f"vt_{tablet.keyspace}"


class TabletCalls:
    """Channels by address, and the one way in which every method calls."""

    def __init__(
        self, credentials: ClientCredentials | None = None, *, timeout_s: float = 15.0
    ) -> None:
        """`timeout_s` bounds every call that does not take its own time limit."""
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._channels = ChannelCache()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._channels.close()

    def _stub(self, tablet: Tablet, service: Any = _TABLET_MANAGER) -> ServiceStub:
        address = grpc_address(tablet)
        alias = f"{tablet.alias.cell}-{tablet.alias.uid:010d}"
        where = f"tablet {alias} at {address}"
        return ServiceStub(self._channels.get(address), service, self._credentials, where=where)

    async def _call(
        self, tablet: Tablet, method: str, request: Any, timeout_s: float | None = None
    ) -> Any:
        call = getattr(self._stub(tablet), method)
        return await call(request, timeout_s=timeout_s or self._timeout_s)

    async def forget(self, tablet: Tablet) -> None:
        """Close the channel to a tablet that is gone."""
        await self._channels.forget(grpc_address(tablet))
