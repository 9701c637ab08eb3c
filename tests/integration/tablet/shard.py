"""A small shard of real processes for tests: etcd, and for each tablet mysqlctld and vttablet."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld.driver import with_rsa
from armillary.pb import topodata_pb2
from armillary.rpc.static_users import load_client_credentials
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.topo import TopoSettings
from armillary.topo.server import TopoServer
from armillary.vttablet.plan import NO_SOURCE
from tests.addresses import block
from tests.fakes.etcd_process import EtcdProcess

CELL = "zone1"
PASSWORDS = {
    user: f"secret-of-{user}"
    for user in (
        "vt_dba",
        "vt_app",
        "vt_appdebug",
        "vt_allprivs",
        "vt_repl",
        "vt_filtered",
        "vt_monitor",
    )
}
TEMPLATE_CACHE = Path(tempfile.gettempdir()) / f"armillary-test-templates-{os.getuid()}"
GRPC_USER, GRPC_PASSWORD = "armillary", "grpc-secret"
BASIC = "Authorization: Basic " + b64encode(f"{GRPC_USER}:{GRPC_PASSWORD}".encode()).decode()
_GRPC_PORT, _WEB_PORT, _MYSQL_PORT = 15999, 15000, 3306


def program(module: str) -> list[str]:
    return [sys.executable, "-m", f"armillary.{module}"]


@dataclass
class Process:
    """One child; its output goes to a file that a failing test can show."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def signal(self, number: int) -> None:
        assert self.child is not None
        self.child.send_signal(number)

    async def wait(self, timeout_s: float = 20.0) -> int:
        assert self.child is not None
        with anyio.fail_after(timeout_s):
            while (code := self.child.poll()) is None:  # noqa: ASYNC110  # not our loop's child
                await anyio.sleep(0.02)
        return code

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.wait()

    def end(self) -> None:
        if self.child is not None and self.is_running:
            self.child.terminate()
            try:
                self.child.wait(15)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


@dataclass
class TestTablet:
    """The two processes of one tablet."""

    __test__ = False

    alias: TabletAlias
    address: str
    dir: Path
    mysqlctld: Process
    vttablet: Process

    @property
    def data_dir(self) -> Path:
        return self.dir / f"vt_{self.alias.uid:010d}"

    @property
    def socket(self) -> Path:
        return self.dir / "mysql.sock"

    def mysqld_pid(self) -> int:
        return int((self.data_dir / "mysql.pid").read_text())

    @contextmanager
    def sql(self, user: str = "vt_dba", **options: Any) -> Iterator[Any]:
        """Yield a cursor, as the account on the tablet's socket (vt_app: over TCP)."""
        where: dict[str, Any] = (
            {"host": self.address, "port": _MYSQL_PORT}
            if user in ("vt_app", "vt_repl")
            else {"unix_socket": str(self.socket)}
        )
        given = {"password": PASSWORDS[user], **options}
        # MySQL asks for RSA at the first login over TCP.
        connection = with_rsa().connect(
            user=user, autocommit=True, ssl_disabled=True, **where, **given
        )
        with connection, connection.cursor() as cursor:
            yield cursor

    def scalar(self, statement: str) -> Any:
        with self.sql() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
            return row[0] if row else None

    async def healthz(self) -> tuple[int, str]:
        return await self.page("/healthz")

    async def page(self, path: str) -> tuple[int, str]:
        try:
            stream = await anyio.connect_tcp(self.address, _WEB_PORT)
        except OSError:
            return 0, "no answer"
        async with stream:
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\n{BASIC}\r\n\r\n"
            await stream.send(request.encode())
            data = b""
            try:
                while True:
                    data += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
        if not data:
            return 0, "no answer"
        head, _, body = data.decode().partition("\r\n\r\n")
        return int(head.split()[1]), body.strip()


@dataclass
class Shard:
    dir: Path
    topo: TopoServer
    client: TabletManagerClient
    topo_flags: list[str]
    network: str
    keyspace: str = "commerce"
    shard: str = "-80"
    extra_flags: tuple[str, ...] = ()
    extra_env: dict[str, str] = field(default_factory=dict)
    tablets: list[TestTablet] = field(default_factory=list)

    def add_tablet(self, uid: int, *flags: str) -> TestTablet:
        """Prepare a tablet; start its processes yourself or with `start`."""
        folder = self.dir / str(uid)
        folder.mkdir()
        address = f"{self.network}.{uid}"
        env = {
            **os.environ,
            "VTDATAROOT": str(folder),
            "POD_IP": address,
            "ARMILLARY_TEMPLATE_CACHE": str(TEMPLATE_CACHE),
            "GRPC_DNS_RESOLVER": "native",
            **self.extra_env,
        }
        alias = TabletAlias(CELL, uid)
        sockets = [f"--mysqlctl_socket={folder}/mysqlctl.sock"]
        credentials = f"--db-credentials-file={self.dir}/db-credentials.json"
        mysqlctld = Process(
            f"mysqlctld-{uid}",
            [
                *program("mysqlctld.main"),
                f"--tablet_uid={uid}",
                f"--socket_file={folder}/mysqlctl.sock",
                f"--mysql_socket={folder}/mysql.sock",
                credentials,
                "--logtostderr=true",
            ],
            env,
            self.dir / f"mysqlctld-{uid}.log",
        )
        vttablet = Process(
            f"vttablet-{uid}",
            [
                *program("vttablet.main"),
                *self.topo_flags,
                *sockets,
                credentials,
                f"--mycnf_socket_file={folder}/mysql.sock",
                f"--tablet-path={alias}",
                f"--init_keyspace={self.keyspace}",
                f"--init_shard={self.shard}",
                "--init_tablet_type=replica",
                "--health_check_interval=1s",
                "--shutdown_grace_period=200ms",
                "--grpc_auth_mode=static",
                f"--grpc_auth_static_password_file={self.dir}/grpc-server.json",
                f"--grpc_auth_static_client_creds={self.dir}/grpc-client.json",
                *self.extra_flags,
                *flags,
            ],
            env,
            self.dir / f"vttablet-{uid}.log",
        )
        tablet = TestTablet(alias, address, folder, mysqlctld, vttablet)
        self.tablets.append(tablet)
        return tablet

    def start(self, *tablets: TestTablet) -> None:
        for tablet in tablets:
            tablet.mysqlctld.start()
            tablet.vttablet.start()

    async def record(self, tablet: TestTablet) -> topodata_pb2.Tablet:
        return (await self.topo.get_tablet(tablet.alias)).value

    async def type_of(self, tablet: TestTablet) -> TabletType:
        return TabletType((await self.record(tablet)).type)

    async def wait_healthy(self, *tablets: TestTablet, timeout_s: float = 90.0) -> None:
        for tablet in tablets:
            await self.wait_healthz(tablet, 200, timeout_s=timeout_s)

    async def wait_started(self, *tablets: TestTablet, timeout_s: float = 90.0) -> None:
        """Return once the tablets have come up, in a shard that has no primary yet."""
        for tablet in tablets:
            await self.wait_healthz(tablet, 500, NO_SOURCE, timeout_s=timeout_s)

    async def wait_healthz(
        self, tablet: TestTablet, status: int, text: str = "", *, timeout_s: float = 90.0
    ) -> str:
        found = (0, "")
        with anyio.move_on_after(timeout_s):
            while found[0] != status or text not in found[1]:
                await anyio.sleep(0.05)
                found = await tablet.healthz()
            return found[1]
        raise AssertionError(
            f"{tablet.alias}: wanted {status} {text!r}, found {found}\n{self.logs(tablet)}"
        )

    async def promote(self, tablet: TestTablet, *, semi_sync: bool = False) -> str:
        record = await self.record(tablet)
        return await self.client.promote_replica(record, semi_sync=semi_sync)

    def logs(self, tablet: TestTablet) -> str:
        return "\n".join(
            f"--- {process.name}\n{process.log.read_text()[-6000:]}"
            for process in (tablet.mysqlctld, tablet.vttablet)
            if process.log.exists()
        )


async def wait_gone(path: Path, timeout_s: float = 30.0) -> None:
    with anyio.fail_after(timeout_s):
        while await anyio.Path(path).exists():  # noqa: ASYNC110  # a file tells nobody
            await anyio.sleep(0.05)


@asynccontextmanager
async def running_shard(**options: Any) -> AsyncIterator[Shard]:
    """Yield an empty shard at addresses `network`.<uid>, with its etcd at `network`.250."""
    network = block()
    folder = Path(tempfile.mkdtemp(prefix="armh4-"))
    _write_secrets(folder)
    etcd = EtcdProcess(f"{network}.250", folder / "etcd")
    etcd.start()
    shard: Shard | None = None
    try:
        settings = TopoSettings(
            topo_global_server_address=etcd.address, topo_global_root="/vitess/global"
        )
        async with (
            TopoServer.open(settings) as topo,
            TabletManagerClient(load_client_credentials(folder / "grpc-client.json")) as client,
        ):
            await _create_cell(topo, etcd.address)
            shard = Shard(
                folder,
                topo,
                client,
                [
                    "--topo_implementation=etcd2",
                    f"--topo_global_server_address={etcd.address}",
                    "--topo_global_root=/vitess/global",
                ],
                network,
                **options,
            )
            yield shard
    finally:
        for process in [
            p for t in (shard.tablets if shard else []) for p in (t.vttablet, t.mysqlctld)
        ]:
            process.end()
        etcd.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _create_cell(topo: TopoServer, endpoint: str) -> None:
    with anyio.fail_after(40):
        while True:
            try:
                await topo.create_cell_info(
                    CELL, topodata_pb2.CellInfo(server_address=endpoint, root=f"/vitess/{CELL}")
                )
                return
            except Exception:  # noqa: BLE001  # etcd is starting
                await anyio.sleep(0.1)


def _write_secrets(folder: Path) -> None:
    account = {"Username": GRPC_USER, "Password": GRPC_PASSWORD}
    contents: Sequence[tuple[str, object]] = (
        ("db-credentials.json", {user: [password] for user, password in PASSWORDS.items()}),
        ("grpc-server.json", [account]),
        ("grpc-client.json", account),
    )
    for name, value in contents:
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(value))
