"""The vtgate process: MySQL clients in, tablets' mysqlds behind. I/O."""

import asyncio
import gc
import json
import logging
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import InputError
from armillary.model.tablet import TabletType
from armillary.rpc.static_users import StaticUsers
from armillary.rpc.web import Page, Pages, json_page, serve_pages
from armillary.settings.program import read_flags, run_program, until_signal
from armillary.settings.vtgate import ACCEPTED_WITHOUT_EFFECT, VtgateSettings
from armillary.vtgate.client.listener import Listener, ListenerSettings
from armillary.vtgate.client.users import Users
from armillary.vtgate.gateway import Gateway
from armillary.vtgate.tablets.cluster import Cluster
from armillary.vtgate.tablets.pool import Pools
from armillary.vtgate.tablets.selection import BufferSettings, Tablets

logger = logging.getLogger(__name__)

_DRAIN_S_MAX = 5.0
VERSION_UNKNOWN = "8.0.30-Armillary"  # told until a tablet was heard


def main() -> None:
    settings = read_flags(
        VtgateSettings,
        program="vtgate",
        accepted_without_effect=ACCEPTED_WITHOUT_EFFECT,
        check=check,
    )
    run_program("vtgate", lambda: until_signal(lambda: run(settings)), use_uvloop=True)


def check(settings: VtgateSettings) -> None:
    """Raises: InputError: a file that a flag names cannot be used."""
    make_users(settings)
    page_users(settings)
    app_password(settings)
    make_tls(settings)
    for name in settings.tablet_types_to_wait:
        TabletType.parse(name)


class Readiness:
    """Ready once every shard seen has its tablets, or after a while; then for good."""

    def __init__(self, cluster: Cluster, wanted: tuple[TabletType, ...], timeout_s: float) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._give_up_at = time.monotonic() + timeout_s
        self._ready = False

    def check(self) -> tuple[bool, str]:
        if self._ready:
            return True, "ok"
        missing = self._cluster.missing(self._wanted)
        if not self._cluster.layouts:
            missing = ["no keyspace is known yet"]
        if not missing or time.monotonic() >= self._give_up_at:
            self._ready = True
            return True, "ok"
        return False, "waiting for tablets: " + ", ".join(missing)


async def run(
    settings: VtgateSettings, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled."""
    from armillary.vtgate.tablets.wiring import discovering  # noqa: PLC0415  brings gRPC along

    cluster = Cluster(cell=settings.cell)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(discovering(cluster, settings))
        await stack.enter_async_context(serving(cluster, settings))
        logger.info("serving", extra={"cell": settings.cell, "port": settings.mysql_server_port})
        gc.collect()
        gc.freeze()
        task_status.started()
        await anyio.sleep_forever()


@asynccontextmanager
async def serving(cluster: Cluster, settings: VtgateSettings) -> AsyncIterator[Listener]:
    """Listen for MySQL clients and for probes until the block ends."""
    pools = Pools(
        user=settings.db_app_user,
        password=app_password(settings),
        connections_max=settings.tablet_connections_max,
        connect_timeout_s=settings.tablet_connect_timeout.total_seconds(),
    )
    tablets = Tablets(
        cluster,
        pools,
        BufferSettings(
            enabled=settings.enable_buffer,
            window_s=settings.buffer_window.total_seconds(),
            size=settings.buffer_size,
            failover_s_max=settings.buffer_max_failover_duration.total_seconds(),
        ),
    )
    users = make_users(settings)
    readiness = Readiness(
        cluster,
        tuple(TabletType.parse(name) for name in settings.tablet_types_to_wait),
        settings.gateway_initial_tablet_timeout.total_seconds(),
    )
    async with anyio.create_task_group() as tasks:
        listener = Listener(
            gateway=Gateway(cluster, tablets),
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
        )
        host = settings.bind_address or os.environ.get("POD_IP") or "127.0.0.1"
        pages = _pages(listener, readiness)
        await tasks.start(serve_pages, host, settings.port, pages, page_users(settings))
        servers = await _listen(listener, settings, host)
        tasks.start_soon(_reload_users, users, settings)
        if not settings.mysql_server_version:
            tasks.start_soon(_learn_version, listener)
        try:
            yield listener
        finally:
            for server in servers:
                server.close()
            await _drain(listener)
            tasks.cancel_scope.cancel()
            pools.close()


async def _listen(listener: Listener, settings: VtgateSettings, host: str) -> list[asyncio.Server]:
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    if settings.mysql_server_port >= 0:
        mysql_address = settings.mysql_server_bind_address or host
        servers.append(
            await loop.create_server(
                listener.make_connection, mysql_address, settings.mysql_server_port, backlog=1024
            )
        )
    if settings.mysql_server_socket_path:
        servers.append(
            await loop.create_unix_server(
                listener.make_connection, settings.mysql_server_socket_path
            )
        )
    return servers


async def _drain(listener: Listener) -> None:
    """Let the commands that run come to an end, then close every client."""
    with anyio.move_on_after(_DRAIN_S_MAX, shield=True):
        await listener.wait_until_idle()
    for connection in list(listener.connections.values()):
        connection.close()


async def _learn_version(listener: Listener) -> None:
    listener.settings.server_version = await listener.gateway.server_version()
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


def _pages(listener: Listener, readiness: Readiness) -> Pages:
    async def health() -> Page:
        ready, text = readiness.check()
        return Page(f"{text}\n", status=200 if ready else 503)

    async def status() -> Page:
        cluster = listener.gateway.cluster
        found = {
            "cell": cluster.cell,
            "keyspaces": cluster.keyspaces(),
            "tablets": [
                {
                    "alias": str(tablet.alias),
                    "keyspace": tablet.keyspace,
                    "shard": tablet.shard,
                    "type": tablet.type.name,
                    "serving": tablet.usable,
                    "lag_s": tablet.lag_s,
                    "problem": tablet.problem,
                }
                for tablet in cluster.tablets()
            ],
        }
        return json_page(found)

    async def variables() -> Page:
        tablets = listener.gateway.tablets
        found = {
            "mysql_connections": len(listener.connections),
            "mysql_connections_accepted": listener.accepted_count,
            "mysql_commands": listener.query_count,
            "plans_cached": len(listener.gateway.plans.entries),
            "plan_cache_bytes": listener.gateway.plans.bytes_used,
            "statements_buffered": tablets.buffered,
            "tablet_connections": tablets.pools.open_counts(),
        }
        return json_page(found)

    return {
        "/debug/health": health,
        "/healthz": health,
        "/debug/status": status,
        "/debug/vars": variables,
    }
