"""A gateway in front of real servers, its picture of the cluster written by the test."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.from_thread

from armillary.model.tablet import TabletAlias, TabletType
from armillary.routing.partition import Partition
from armillary.routing.vschema import VSchema, parse_keyspace_json
from armillary.settings.vtgate import VtgateSettings
from armillary.vtgate.client.listener import Listener
from armillary.vtgate.main import serving
from armillary.vtgate.tablets.cluster import Cluster, KeyspaceLayout, TabletHealth
from tests.integration.vtgate.servers import APP_PASSWORD, APP_USER, Server

USER, PASSWORD = "user", "password"
CELL = "zone1"


class Gate:
    def __init__(self, cluster: Cluster, address: str, port: int, listener: Listener) -> None:
        self.cluster = cluster
        self.address = address
        self.port = port
        self.listener = listener
        self.call: object = None


def tablet(
    server: Server,
    keyspace: str,
    shard: str,
    *,
    database: str,
    uid: int,
    tablet_type: TabletType = TabletType.PRIMARY,
    serving: bool = True,
    term_start_s: int = 1,
    lag_s: float = 0.0,
) -> TabletHealth:
    return TabletHealth(
        alias=TabletAlias(CELL, uid),
        keyspace=keyspace,
        shard=shard,
        type=tablet_type,
        serving=serving,
        host=server.address,
        port=server.port,
        database=database,
        hostname=server.address,
        term_start_s=term_start_s,
        lag_s=lag_s,
    )


def fill_cluster(
    cluster: Cluster,
    vschemas: dict[str, str],
    layouts: dict[str, tuple[str, ...]],
    tablets: list[TabletHealth],
) -> None:
    keyspaces = {name: parse_keyspace_json(name, text) for name, text in vschemas.items()}
    cluster.set_vschema(VSchema(keyspaces))
    for name, shards in layouts.items():
        partition = Partition.of(shards)
        types = (TabletType.PRIMARY, TabletType.REPLICA, TabletType.RDONLY)
        cluster.set_layout(name, KeyspaceLayout(dict.fromkeys(types, partition)))
    for health in tablets:
        cluster.set_tablet(health)


def settings_for(address: str, directory: Path, **more: object) -> VtgateSettings:
    credentials = directory / "db.json"
    credentials.write_text(json.dumps({APP_USER: [APP_PASSWORD]}))
    users = directory / "users.json"
    users.write_text(json.dumps({USER: [{"Password": PASSWORD}]}))
    return VtgateSettings(
        cell=CELL,
        topo_global_server_address="unused:1",
        topo_global_root="/unused",
        bind_address=address,
        db_credentials_file=str(credentials),
        mysql_auth_server_static_file=str(users),
        **more,  # type: ignore[arg-type]
    )


@contextmanager
def running_gate(cluster: Cluster, settings: VtgateSettings) -> Iterator[Gate]:
    """Run the gateway on its own event loop in a thread, for clients that block."""
    started: list[Listener] = []
    ready = threading.Event()
    stop: list[object] = []
    failure: list[BaseException] = []

    async def serve() -> None:
        finished = anyio.Event()
        async with anyio.from_thread.BlockingPortal() as portal:
            stop.extend((portal, finished))
            async with serving(cluster, settings) as listener:
                started.append(listener)
                ready.set()
                await finished.wait()

    def run() -> None:
        try:
            anyio.run(serve, backend_options={"use_uvloop": True})
        except BaseException as error:  # noqa: BLE001  carried to the test's thread
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    if failure:
        raise failure[0]
    gate = Gate(cluster, settings.bind_address, settings.mysql_server_port, started[0])
    portal, finished = stop
    gate.call = portal.call  # type: ignore[attr-defined]
    try:
        yield gate
    finally:
        portal.call(finished.set)  # type: ignore[attr-defined]
        thread.join(15)
        assert not thread.is_alive(), "the gateway did not stop"
        if failure:
            raise failure[0]
