"""vttablet: the agent beside one mysqld. I/O."""

import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import anyio
from anyio.abc import TaskStatus

from armillary.backup.engines.choose import engine_named
from armillary.backup.storage import BackupStorage, open_storage
from armillary.base.errors import ArmillaryError, UnsupportedError
from armillary.model.keyrange import parse_shard_name
from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.pb import queryservice_pb2, tabletmanagerservice_pb2, topodata_pb2
from armillary.rpc.auth import StaticAuth
from armillary.rpc.mysqlctl_client import MysqlctlClient
from armillary.rpc.server import serve_grpc
from armillary.rpc.service import service_handler
from armillary.rpc.static_users import load_client_credentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.rpc.web import serve_pages
from armillary.settings.backup import with_environment
from armillary.settings.program import read_flags, run_program
from armillary.settings.vttablet import VTTABLET_REFUSED, VTTABLET_WITHOUT_EFFECT, VttabletSettings
from armillary.topo import convert
from armillary.topo.server import TopoServer
from armillary.vttablet.agent import Agent, Identity
from armillary.vttablet.backup_rpcs import BackupRpcs
from armillary.vttablet.health import HealthLoop
from armillary.vttablet.health_stream import HealthStream
from armillary.vttablet.mysqlctl_control import MysqlctlControl
from armillary.vttablet.pages import tablet_pages
from armillary.vttablet.plan import parse_base_type
from armillary.vttablet.query_service import QueryService
from armillary.vttablet.register import ensure_serving_graph
from armillary.vttablet.start import start

logger = logging.getLogger(__name__)


def main() -> None:
    """Run until SIGTERM (exit code 0); 1 is an error, 2 wrong flags."""
    settings = read_flags(
        VttabletSettings,
        program="vttablet",
        accepted_without_effect=VTTABLET_WITHOUT_EFFECT,
        refused=VTTABLET_REFUSED,
    )
    settings = fill_from_environment(settings, os.environ)
    run_program("vttablet", lambda: run(settings, os.environ))


def fill_from_environment(
    settings: VttabletSettings, environ: Mapping[str, str]
) -> VttabletSettings:
    """Return `settings` with gaps filled from the pod's environment."""
    pod_ip = environ.get("POD_IP", "") or "127.0.0.1"
    return replace(
        with_environment(settings, environ),
        tablet_hostname=settings.tablet_hostname or pod_ip,
        bind_address=settings.bind_address or pod_ip,
        grpc_bind_address=settings.grpc_bind_address or pod_ip,
        vtdataroot=settings.vtdataroot or environ.get("VTDATAROOT", "") or "/vt/vtdataroot",
    )


async def run(
    settings: VttabletSettings,
    environ: Mapping[str, str],
    *,
    task_status: TaskStatus[Agent] = anyio.TASK_STATUS_IGNORED,
) -> int:
    """Serve until SIGTERM, or until this tablet is deleted; return the process's exit code."""
    identity = build_identity(settings)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        credentials = (
            load_client_credentials(settings.grpc_auth_static_client_creds)
            if settings.grpc_auth_static_client_creds
            else None
        )
        agent = Agent(
            settings=settings,
            identity=identity,
            topo=await enter(TopoServer.open(settings)),
            tablets=await enter(TabletManagerClient(credentials)),
            flavor=await detect_flavor(
                mysql_root=environ.get("VT_MYSQL_ROOT", ""), wanted=environ.get("MYSQL_FLAVOR", "")
            ),
            control=MysqlctlControl(await enter(MysqlctlClient(settings.mysqlctl_socket))),
            storage=await enter(_storage(settings)),
            health=HealthStream(),
        )
        _tell_missing_tools(agent)
        return await _serve(agent, task_status)


async def _serve(agent: Agent, task_status: TaskStatus[Agent]) -> int:
    settings = agent.settings
    health = HealthLoop(agent)
    async with anyio.create_task_group() as tasks:
        await tasks.start(_end_on_signal, agent, health, tasks.cancel_scope)
        auth = StaticAuth.of_mode(settings.grpc_auth_mode, settings.grpc_auth_static_password_file)
        await tasks.start(
            serve_pages,
            settings.bind_address,
            settings.port,
            tablet_pages(agent, health.health),
            auth.users if auth and not settings.web_open else None,
        )
        async with serve_grpc(
            f"{settings.grpc_bind_address}:{settings.grpc_port}",
            [
                service_handler(
                    tabletmanagerservice_pb2.DESCRIPTOR.services_by_name["TabletManager"],
                    BackupRpcs(agent),
                ),
                service_handler(
                    queryservice_pb2.DESCRIPTOR.services_by_name["Query"],
                    QueryService(agent.health),
                ),
            ],
            auth,
        ):
            tasks.start_soon(health.run)
            tasks.start_soon(agent.tables.run, lambda: _has_live_tables(agent))
            tasks.start_soon(_come_up, agent)
            tasks.start_soon(_keep_visible, agent)
            tasks.start_soon(_follow_records, agent)
            task_status.started(agent)
            await agent.fatal.wait()
            if agent.flags.is_ending:
                await anyio.sleep_forever()  # it ends in order already; clean-ups are waited for
            logger.error("ending; whoever supervises this process starts it anew")
            tasks.cancel_scope.cancel()
            return 1
    return 0


async def _come_up(agent: Agent) -> None:
    try:
        await start(agent)
    except ArmillaryError as error:
        if not agent.flags.is_ending:
            raise
        # As when its record is deleted meanwhile: an end in order stays one.
        logger.info("it did not come up before it was to end", extra={"reason": str(error)})


def _tell_missing_tools(agent: Agent) -> None:
    """Say at the start, not at the first backup, that this tablet can take none."""
    if agent.storage is None:
        return
    settings = agent.settings
    try:
        engine = engine_named(settings.backup_engine_implementation, settings)
        engine.require_tools(agent.flavor.version.line)
    except UnsupportedError as error:
        logger.error("no backups can be taken here", extra={"reason": str(error)})


def _has_live_tables(agent: Agent) -> bool:
    """Whether gateways route by this tablet's tables; a replica's follow its primary's."""
    return agent.role.tablet_type == TabletType.PRIMARY and not agent.flags.held_off


async def _keep_visible(agent: Agent) -> None:
    await agent.registered.wait()
    await ensure_serving_graph(agent)


async def _follow_records(agent: Agent) -> None:
    """Watch what the health loop would else ask for at each look."""
    identity = agent.identity
    await agent.registered.wait()
    await agent.watched.follow(agent.topo, identity.alias, identity.keyspace, identity.shard)


async def _end_on_signal(
    agent: Agent,
    health: HealthLoop,
    scope: anyio.CancelScope,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """On SIGTERM say that the tablet serves no more, leave time to hear it, then end.

    mysqld stays as it is: a primary goes on taking writes until somebody demotes it, and a vttablet
    that comes back finds it so.
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            logger.info("asked to end", extra={"signal": signal.Signals(number).name})
            agent.flags.is_ending = True
            health.tell()
            if await agent.long_work.break_off():
                health.tell()
            with anyio.move_on_after(agent.settings.shutdown_grace_period.total_seconds()):
                await agent.fatal.wait()  # the record was deleted: nobody is left to hear it
            scope.cancel()


def build_identity(settings: VttabletSettings) -> Identity:
    """Return who this tablet is.

    Raises:
        InputError: an alias, shard or type that cannot be.
    """
    alias = TabletAlias.parse(settings.tablet_path)
    shard, key_range = parse_shard_name(settings.init_shard)
    tablet = topodata_pb2.Tablet(
        alias=convert.alias_to_pb(alias),
        hostname=settings.tablet_hostname,
        port_map={"vt": settings.port, "grpc": settings.grpc_port},
        keyspace=settings.init_keyspace,
        shard=shard,
        key_range=convert.key_range_to_pb(key_range),
        db_name_override=settings.init_db_name_override,
        mysql_hostname=settings.tablet_hostname,
        mysql_port=settings.mysql_port,
    )
    return Identity(
        alias=alias,
        keyspace=settings.init_keyspace,
        shard=shard,
        database=convert.database_name(tablet),
        base_type=parse_base_type(settings.init_tablet_type),
        tablet=tablet,
    )


@asynccontextmanager
async def _storage(settings: VttabletSettings) -> AsyncIterator[BackupStorage | None]:
    if not settings.backup_storage_implementation:
        yield None
        return
    async with open_storage(settings) as storage:
        yield storage


if __name__ == "__main__":
    main()
