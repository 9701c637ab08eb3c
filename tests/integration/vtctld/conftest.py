"""vtctld as it runs, on a real etcd, with two shards of fake tablets behind real gRPC."""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import pytest

from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import tabletmanagerservice_pb2, topodata_pb2
from armillary.rpc.auth import StaticAuth
from armillary.rpc.server import serve_grpc
from armillary.rpc.service import service_handler
from armillary.settings.backup import BackupStorageSettings, NamedStorage, named_storages
from armillary.settings.topo import TopoSettings
from armillary.settings.vtctld import VtctldSettings
from armillary.topo.server import TopoServer
from armillary.vtctld.main import run
from tests.addresses import host
from tests.fakes.etcd_process import EtcdProcess, etcd_process
from tests.fakes.shard_of_tablets import KEYSPACE, ShardOfTablets
from tests.fakes.tablet_service import TabletService
from tests.forked_program import Answer, ForkedProgram, forked_program

HOST = host()
CLOSED = NamedStorage(
    "closed",
    BackupStorageSettings(
        backup_storage_implementation="s3",
        s3_backup_aws_endpoint="http://127.0.0.1:1",
        s3_backup_storage_bucket="b",
        s3_backup_aws_retries=0,
    ),
)
SHARDS = ("-80", "80-")


@pytest.fixture(scope="session")
def etcd() -> Iterator[EtcdProcess]:
    with etcd_process() as server:
        yield server


@pytest.fixture(scope="session")
def vtctlclient() -> Iterator[ForkedProgram]:
    with forked_program("armillary.cli.vtctlclient") as program:
        yield program


@dataclass
class Control:
    """A running vtctld, and what it controls."""

    topo: TopoServer
    shards: dict[str, ShardOfTablets]
    tablets: dict[TabletAlias, TabletService]
    server: str
    credentials: Path
    locations: list[NamedStorage]  # vtctld sees what is added
    client: ForkedProgram

    async def vtctl(self, *words: str) -> Answer:
        """Run the real vtctlclient."""
        return await anyio.to_thread.run_sync(self.client.run, *self.flags, *words)

    @property
    def flags(self) -> tuple[str, str]:
        return (f"-server={self.server}", f"-grpc_auth_static_client_creds={self.credentials}")

    def client_words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "armillary.cli.vtctlclient", *self.flags, *words]

    async def ok(self, *words: str) -> str:
        answer = await self.vtctl(*words)
        assert answer.code == 0, answer
        return answer.out

    async def refused(self, *words: str) -> str:
        """Run a command that must fail; returns what it says. Nothing may have changed."""
        before = await self.state()
        answer = await self.vtctl(*words)
        assert answer.code == 1, answer
        assert answer.out.startswith(f"{words[0]} Error: "), answer
        assert await self.state() == before
        return answer.out

    async def state(self) -> object:
        """Everything in the topology, versions included."""
        files = [dict(await self.topo._cells.global_.list_files("keyspaces"))]
        for cell in await self.topo.list_cells():
            connection = await self.topo._cells.of(cell)
            for directory in ("keyspaces", "tablets"):
                files.append(dict(await connection.list_files(directory)))
        return [
            {path: file for path, file in group.items() if "/locks/" not in path} for group in files
        ]


@pytest.fixture
async def control(
    etcd: EtcdProcess, vtctlclient: ForkedProgram, tmp_path: Path
) -> AsyncIterator[Control]:
    async with running_control(etcd, vtctlclient, tmp_path) as control:
        yield control


@pytest.fixture(scope="module")
async def steady(
    etcd: EtcdProcess, vtctlclient: ForkedProgram, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Control]:
    """For commands that are refused: they see that they change nothing."""
    folder = tmp_path_factory.mktemp("steady")
    async with running_control(etcd, vtctlclient, folder) as control:
        yield control


@asynccontextmanager
async def running_control(
    etcd: EtcdProcess, client: ForkedProgram, folder: Path
) -> AsyncIterator[Control]:
    password = {"Username": "armillary", "Password": "pw"}
    (folder / "client.json").write_text(json.dumps(password))
    (folder / "server.json").write_text(json.dumps([password]))
    address, root = etcd.address, f"{folder}/global"
    settings = VtctldSettings(
        topo_global_server_address=address,
        topo_global_root=root,
        port=0,
        grpc_port=0,
        bind_address=HOST,
        grpc_auth_mode="static",
        grpc_auth_static_password_file=str(folder / "server.json"),
        grpc_auth_static_client_creds=str(folder / "client.json"),
        backup_storage_implementation="file",
        file_backup_storage_root=str(folder / "backups"),
    )
    (folder / "backups").mkdir()
    async with AsyncExitStack() as stack:
        flags = TopoSettings(topo_global_server_address=address, topo_global_root=root)
        topo = await stack.enter_async_context(TopoServer.open(flags))
        for cell in ("zone1", "zone2"):
            info = topodata_pb2.CellInfo(server_address=address, root=f"{folder}/{cell}")
            await topo.create_cell_info(cell, info)
        shards, tablets = await _start_tablets(stack, topo, StaticAuth(folder / "server.json"))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        locations = list(named_storages(settings, {}))
        port = await tasks.start(_serve, settings, locations)
        credentials = folder / "client.json"
        yield Control(topo, shards, tablets, f"{HOST}:{port}", credentials, locations, client)
        tasks.cancel_scope.cancel()


async def _serve(
    settings: VtctldSettings,
    locations: list[NamedStorage],
    *,
    task_status: anyio.abc.TaskStatus[int],
) -> None:
    await run(settings, locations=locations, task_status=task_status)


async def _start_tablets(
    stack: AsyncExitStack, topo: TopoServer, auth: StaticAuth
) -> tuple[dict[str, ShardOfTablets], dict[TabletAlias, TabletService]]:
    descriptor = tabletmanagerservice_pb2.DESCRIPTOR.services_by_name["TabletManager"]
    shards: dict[str, ShardOfTablets] = {}
    tablets: dict[TabletAlias, TabletService] = {}
    for number, name in enumerate(SHARDS):
        await topo.get_or_create_shard(KEYSPACE, name)
        shard = shards[name] = ShardOfTablets(topo, name)
        aliases = [TabletAlias(cell, number * 10 + uid) for uid, cell in _CELLS]
        for alias in aliases:
            service = tablets[alias] = TabletService(topo, shard, alias)
            handler = service_handler(descriptor, service)
            port = await stack.enter_async_context(serve_grpc(f"{HOST}:0", [handler], auth))
            ports = {"grpc": port, "vt": 15000}
            await shard.add(alias, TabletType.REPLICA, host=HOST, ports=ports)
        await shard.lead(aliases[0])
    await topo.rebuild_keyspace_graph(KEYSPACE)
    await topo.rebuild_srv_vschema()
    return shards, tablets


_CELLS = ((1, "zone1"), (2, "zone1"), (3, "zone2"))
