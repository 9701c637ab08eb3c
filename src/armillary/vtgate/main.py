"""The vtgate process: MySQL clients in, tablets' mysqlds behind. I/O."""

import asyncio
import gc
import json
import logging
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import InputError
from armillary.model.tablet import TabletType
from armillary.rpc.static_users import StaticUsers
from armillary.rpc.web import serve_pages
from armillary.settings.program import read_flags, run_program, until_signal
from armillary.settings.vtgate import ACCEPTED_WITHOUT_EFFECT, VtgateSettings
from armillary.vtgate.client.listener import Listener, ListenerSettings
from armillary.vtgate.client.users import Users
from armillary.vtgate.gateway import Gateway, ReloadSchemas
from armillary.vtgate.pages import Readiness, gateway_pages
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.tablets.pool import Pools
from armillary.vtgate.tablets.selection import BufferSettings, Tablets
from armillary.vtgate.workers.place import Place
from armillary.vtgate.workers.supervisor import WORKER_COMMAND, Supervisor
from armillary.vtgate.workers.worker import Worker, name_in_logs

logger = logging.getLogger(__name__)

_DRAIN_S_MAX = 5.0
# From 3.13 on, a server that closes unlinks its path, which other workers serve, too.
_SHARED_PATH: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
WORKERS_MAX = 64
WORKERS_VARIABLE = "VTGATE_WORKERS"  # the operator sets it, and Vitess's own vtgate ignores it
VERSION_UNKNOWN = "8.0.30-Armillary"  # told until a tablet was heard


def main() -> None:
    settings = read_flags(
        VtgateSettings,
        program="vtgate",
        accepted_without_effect=ACCEPTED_WITHOUT_EFFECT,
        check=check,
    )
    run_program("vtgate", lambda: until_signal(lambda: _serve(settings)), use_uvloop=True)


async def _serve(settings: VtgateSettings) -> None:
    """Be the only process, the one above several, or one of these."""
    place = Place.of_environment()
    if place is not None:
        name_in_logs(place)
        await run(settings, worker=Worker(place))
    elif worker_count(settings) > 1:
        await supervise(settings)
    else:
        await run(settings)


def check(settings: VtgateSettings) -> None:
    """Raises: InputError: a file that a flag names cannot be used."""
    make_users(settings)
    page_users(settings)
    app_password(settings)
    make_tls(settings)
    worker_count(settings)
    for name in settings.tablet_types_to_wait:
        TabletType.parse(name)


def worker_count(settings: VtgateSettings) -> int:
    """Raises: InputError: neither 0 nor a number of processes that makes sense."""
    count = settings.mysql_server_workers
    if not 0 <= count <= WORKERS_MAX:
        raise InputError(f"--mysql_server_workers: 0 to {WORKERS_MAX} wanted, found {count}")
    if count == 0:
        wanted = os.environ.get(WORKERS_VARIABLE, "1")
        count = min(int(wanted), WORKERS_MAX) if wanted.isdigit() else 1
    return max(count, 1)


async def supervise(
    settings: VtgateSettings,
    command: Sequence[str] = (*WORKER_COMMAND, *sys.argv[1:]),
    *,
    task_status: TaskStatus[Supervisor] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve with several processes until cancelled."""
    supervisor = Supervisor(
        worker_count(settings), command, socket_path=settings.mysql_server_socket_path
    )
    host = _web_host(settings)
    async with anyio.create_task_group() as tasks:
        await tasks.start(
            serve_pages, host, settings.port, supervisor.pages(), page_users(settings)
        )
        async with supervisor.running():
            task_status.started(supervisor)
            await anyio.sleep_forever()


async def run(
    settings: VtgateSettings,
    *,
    worker: Worker | None = None,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled."""
    from armillary.vtgate.tablets.wiring import discovering  # noqa: PLC0415  brings gRPC along

    cluster = Cluster(cell=settings.cell)
    async with AsyncExitStack() as stack:
        discovery = await stack.enter_async_context(discovering(cluster, settings))
        await stack.enter_async_context(
            serving(cluster, settings, worker, reload_schemas=discovery.reload_schemas)
        )
        logger.info("serving", extra={"cell": settings.cell, "port": settings.mysql_server_port})
        gc.collect()
        gc.freeze()
        task_status.started()
        await anyio.sleep_forever()


@asynccontextmanager
async def serving(
    cluster: Cluster,
    settings: VtgateSettings,
    worker: Worker | None = None,
    *,
    reload_schemas: ReloadSchemas | None = None,
) -> AsyncIterator[Listener]:
    """Listen for MySQL clients and for probes until the block ends.

    Args:
        worker: this process is one of several, and the one above them has the web pages.
        reload_schemas: has other gateways told of a schema change in a keyspace.
    """
    tablets = _make_tablets(cluster, settings, worker)
    users = make_users(settings)
    readiness = Readiness(
        cluster,
        tuple(TabletType.parse(name) for name in settings.tablet_types_to_wait),
        settings.gateway_initial_tablet_timeout.total_seconds(),
    )
    async with anyio.create_task_group() as tasks:
        listener = Listener(
            gateway=Gateway(cluster, tablets, reload_schemas),
            users=users,
            tasks=tasks,
            settings=ListenerSettings(
                server_version=settings.mysql_server_version or VERSION_UNKNOWN,
                connections_max=settings.max_connections,
                require_tls=settings.mysql_server_require_secure_transport,
                query_timeout_s=settings.mysql_server_query_timeout.total_seconds(),
                transaction_mode=settings.transaction_mode,
            ),
            tls=make_tls(settings),
            others=worker,
        )
        pages = gateway_pages(listener, readiness)
        if worker is None:
            host = _web_host(settings)
            await tasks.start(serve_pages, host, settings.port, pages, page_users(settings))
        servers = await _listen(listener, settings, worker)
        if worker is not None:
            tasks.start_soon(worker.serve, listener, pages)
        tasks.start_soon(_reload_users, users, settings)
        tasks.start_soon(_learn_version, listener, settings.mysql_server_version)
        try:
            yield listener
        finally:
            for server in servers:
                server.close()
            await _drain(listener)
            tasks.cancel_scope.cancel()
            tablets.pools.close()


def _make_tablets(cluster: Cluster, settings: VtgateSettings, worker: Worker | None) -> Tablets:
    """Workers share the connections that a tablet has for the gateway."""
    processes = worker.place.count if worker is not None else 1
    pools = Pools(
        user=settings.db_app_user,
        password=app_password(settings),
        connections_max=max(1, settings.tablet_connections_max // processes),
        connect_timeout_s=settings.tablet_connect_timeout.total_seconds(),
    )
    return Tablets(
        cluster,
        pools,
        BufferSettings(
            enabled=settings.enable_buffer,
            window_s=settings.buffer_window.total_seconds(),
            size=settings.buffer_size,
        ),
    )


def _web_host(settings: VtgateSettings) -> str:
    return settings.bind_address or os.environ.get("POD_IP") or "127.0.0.1"


async def _listen(
    listener: Listener, settings: VtgateSettings, worker: Worker | None
) -> list[asyncio.Server]:
    """Listen; several workers share the port, and the unix socket that was made before them."""
    loop = asyncio.get_running_loop()
    make = listener.make_connection
    servers: list[asyncio.Server] = []
    if settings.mysql_server_port >= 0:
        address = settings.mysql_server_bind_address or _web_host(settings)
        shared = worker is not None
        servers.append(
            await loop.create_server(
                make, address, settings.mysql_server_port, backlog=1024, reuse_port=shared
            )
        )
    if worker is not None and worker.place.socket_fd >= 0:
        queue = socket.socket(fileno=worker.place.socket_fd)
        servers.append(await loop.create_unix_server(make, sock=queue, **_SHARED_PATH))
    elif worker is None and settings.mysql_server_socket_path:
        servers.append(await loop.create_unix_server(make, settings.mysql_server_socket_path))
    return servers


async def _drain(listener: Listener) -> None:
    """Let the commands that run come to an end, then close every client."""
    with anyio.move_on_after(_DRAIN_S_MAX, shield=True):
        await listener.wait_until_idle()
    for connection in list(listener.connections.values()):
        connection.close()


async def _learn_version(listener: Listener, told: str) -> None:
    version = await listener.gateway.server_version()
    listener.settings.server_version = told or version
    logger.info("version", extra={"version": listener.settings.server_version})


async def _reload_users(users: Users, settings: VtgateSettings) -> None:
    interval_s = settings.mysql_auth_static_reload_interval.total_seconds()
    if not settings.mysql_auth_server_static_file or interval_s <= 0:
        return
    while True:
        await anyio.sleep(interval_s)
        users.reload()


def make_users(settings: VtgateSettings) -> Users:
    """Raises: InputError: no file of users, or one that cannot be read."""
    if settings.mysql_auth_server_impl == "none":
        return Users(None, open_to_all=True)
    if settings.mysql_auth_server_impl != "static":
        raise InputError(
            f"--mysql_auth_server_impl: static or none wanted, "
            f"found {settings.mysql_auth_server_impl!r}"
        )
    if settings.mysql_auth_server_static_string:
        return Users.of_text(settings.mysql_auth_server_static_string)
    if not settings.mysql_auth_server_static_file:
        logger.warning("no file of MySQL users: nobody can log in")
        return Users(None)
    return Users(Path(settings.mysql_auth_server_static_file))


def page_users(settings: VtgateSettings) -> StaticUsers | None:
    """Return who may see the web pages; None is everybody. A vtgate has a client's file only.

    Raises:
        InputError: the file cannot be read.
    """
    if settings.web_open or not settings.grpc_auth_static_client_creds:
        return None
    return StaticUsers(settings.grpc_auth_static_client_creds)


def app_password(settings: VtgateSettings) -> str:
    """Raises: InputError: the credentials cannot be read."""
    if not settings.db_credentials_file:
        return ""
    try:
        document = json.loads(Path(settings.db_credentials_file).read_text())
        return str(document[settings.db_app_user][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"--db_credentials_file {settings.db_credentials_file}: a password of "
            f"{settings.db_app_user} wanted: {type(error).__name__}"
        ) from None


def make_tls(settings: VtgateSettings) -> ssl.SSLContext | None:
    """Raises: InputError: a certificate or key cannot be read."""
    if settings.mysql_server_ssl_crl and not settings.mysql_server_ssl_ca:
        raise InputError("--mysql_server_ssl_crl wants --mysql_server_ssl_ca: no client shows one")
    if not settings.mysql_server_ssl_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.mysql_server_ssl_cert, settings.mysql_server_ssl_key)
        if settings.mysql_server_ssl_ca:
            context.load_verify_locations(settings.mysql_server_ssl_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if settings.mysql_server_ssl_crl:
            context.load_verify_locations(settings.mysql_server_ssl_crl)
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"TLS for MySQL clients: {error}") from None
    return context
