"""Real mariadbd servers for the gateway's tests: one per shard, and one unsharded to compare."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.addresses import block

_BLOCK = block()


def address_of(number: int) -> str:
    return f"{_BLOCK}.{number}"


APP_USER, APP_PASSWORD = "vt_app", "app-secret"
_START_S_MAX = 30.0


@dataclass(frozen=True)
class Server:
    address: str
    port: int
    socket: Path

    def query(self, sql: str, database: str | None = None) -> list[tuple[object, ...]]:
        with self._session(database) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def empty(self, database: str) -> None:
        """Delete every row of a database."""
        with self._session(database) as cursor:
            cursor.execute("show tables")
            for (name,) in cursor.fetchall():
                cursor.execute(f"delete from `{name}`")

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Let the server answer nobody meanwhile."""
        pid = int((self.socket.parent / "pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def _session(self, database: str | None) -> Iterator[Any]:
        connection = pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )
        with connection, connection.cursor() as cursor:
            yield cursor


def _die_with_parent() -> None:
    """A killed run of the tests must leave no server behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def make_template(root: Path) -> Path:
    template = root / "template"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={template}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *user,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return template


@contextlib.contextmanager
def running_server(
    template: Path, address: str, *, port: int = 3306, databases: tuple[str, ...] = ()
) -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="arm-vtg-", dir="/tmp"))
    data = directory / "data"
    shutil.copytree(template, data)
    socket = directory / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    log = (directory / "log").open("wb")
    process = subprocess.Popen(
        [
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            f"--socket={socket}",
            f"--bind-address={address}",
            f"--port={port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-lock-wait-timeout=10",
            "--max-allowed-packet=64M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=8M",
            "--lc-messages-dir=/usr/share/mysql",
            "--pid-file=" + str(directory / "pid"),
            *user,
        ],
        stdout=log,
        stderr=log,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  no threads have been started yet
    )
    log.close()
    server = Server(address, port, socket)
    try:
        _wait(directory / "log", process)
        server.query(f"create user {APP_USER}@'%' identified by '{APP_PASSWORD}'")
        server.query(f"grant all on *.* to {APP_USER}@'%'")
        for database in databases:
            server.query(f"create database {database}")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _wait(log: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_S_MAX
    while b"ready for connections" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"mariadbd did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)  # noqa: TID251  a test waits for a real server
