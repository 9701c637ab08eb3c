"""vtctld: flags in, servers up, until SIGTERM. I/O."""

import logging
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack

import anyio
import anyio.abc

from armillary.base.errors import ArmillaryError
from armillary.pb import vtctlservice_pb2
from armillary.rpc.auth import StaticAuth
from armillary.rpc.server import serve_grpc
from armillary.rpc.service import service_handler
from armillary.rpc.static_users import load_client_credentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.rpc.web import Page, serve_pages
from armillary.settings.backup import NamedStorage, named_storages, with_environment
from armillary.settings.program import read_flags, run_program, until_signal
from armillary.settings.vtctld import ACCEPTED_WITHOUT_EFFECT, VtctldSettings
from armillary.topo.server import TopoServer
from armillary.vtctld.commands import all_commands
from armillary.vtctld.context import Context
from armillary.vtctld.registry import Registry
from armillary.vtctld.service import VtctlService

logger = logging.getLogger(__name__)


def main() -> None:
    settings = read_flags(
        VtctldSettings, program="vtctld", accepted_without_effect=ACCEPTED_WITHOUT_EFFECT
    )
    settings = with_environment(settings, os.environ)
    default_host = os.environ.get("POD_IP", "127.0.0.1")

    async def serve() -> None:
        locations = named_storages(settings, os.environ)
        await run(settings, default_host=default_host, locations=locations)

    run_program("vtctld", lambda: until_signal(serve))


async def run(
    settings: VtctldSettings,
    *,
    default_host: str = "127.0.0.1",
    locations: Sequence[NamedStorage] | None = None,
    task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; reports the gRPC port once it listens.

    Args:
        locations: where backups live; None: where the flags say.
    """
    storages = named_storages(settings, {}) if locations is None else locations
    host = settings.bind_address or default_host
    grpc_host = settings.grpc_bind_address or host
    registry = Registry(all_commands())
    auth = StaticAuth.of_mode(settings.grpc_auth_mode, settings.grpc_auth_static_password_file)
    async with AsyncExitStack() as stack:
        topo = await stack.enter_async_context(TopoServer.open(settings))
        tablets = await stack.enter_async_context(
            TabletManagerClient(
                load_client_credentials(settings.grpc_auth_static_client_creds)
                if settings.grpc_auth_static_client_creds
                else None
            )
        )
        service = VtctlService(
            registry, lambda console: Context(topo, tablets, settings, storages, console)
        )
        handler = service_handler(vtctlservice_pb2.DESCRIPTOR.services_by_name["Vtctl"], service)
        port = await stack.enter_async_context(
            serve_grpc(f"{grpc_host}:{settings.grpc_port}", [handler], auth)
        )
        pages = _Pages(topo, settings)
        task_status.started(port)
        await serve_pages(
            host,
            settings.port,
            {"/debug/health": pages.health, "/debug/status": pages.status},
            auth.users if auth and not settings.web_open else None,
        )


class _Pages:
    def __init__(self, topo: TopoServer, settings: VtctldSettings) -> None:
        self._topo = topo
        self._settings = settings

    async def health(self) -> Page:
        """vtctld itself is fine whenever it answers: a topology that is away heals without it."""
        return Page("ok\n")

    async def status(self) -> Page:
        lines = [
            f"vtctld in cell {self._settings.cell or '-'}",
            f"topology {self._settings.topo_global_server_address} "
            f"{self._settings.topo_global_root}",
        ]
        try:
            lines.append(f"cells: {', '.join(await self._topo.list_cells())}")
            lines.append(f"keyspaces: {', '.join(await self._topo.list_keyspaces())}")
        except ArmillaryError as error:
            lines.append(f"topology is not available: {error}")
        return Page("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
