"""Real servers for the gateway's tests: one per shard, and one unsharded to compare."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pymysql

from tests.addresses import block

_BLOCK = block()


def address_of(number: int) -> str:
    return f"{_BLOCK}.{number}"


APP_USER, APP_PASSWORD = "vt_app", "app-secret"
_START_S_MAX = 30.0
_ON_MYSQL = {
    r"\buuid\b": "char(36)",
    r"\binet6\b": "varchar(45)",
    r"\butf8mb4_unicode_nopad_ci\b": "utf8mb4_0900_ai_ci",
    # Else DISTINCT beside a TEXT takes 'a' and 'ä' apart, which are equal, by the blanks behind.
    r"\bfx char\(6\)": "fx char(6) collate utf8mb4_unicode_ci",
}


@dataclass(frozen=True)
class Server:
    address: str
    port: int
    socket: Path
    kind: str = "MariaDB"

    @property
    def is_mysql(self) -> bool:
        return self.kind == "MySQL"

    def create(self, table: str, database: str) -> None:
        """Run a CREATE TABLE; what only MariaDB has becomes what comes nearest to it."""
        if self.is_mysql:
            for words, other in _ON_MYSQL.items():
                table = re.sub(words, other, table)
        self.query(table, database)

    def new_database(self, name: str) -> None:
        self.query(f"drop database if exists {name}")
        self.query(f"create database {name}")

    def log_in_once(self) -> None:
        """Let the server know the password: not all drivers can tell it to MySQL without TLS."""
        pymysql.connect(
            unix_socket=str(self.socket), user=APP_USER, password=APP_PASSWORD, ssl_disabled=True
        ).close()

    def query(self, sql: str, database: str | None = None) -> list[tuple[object, ...]]:
        with self._session(database) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def row_waits(self) -> int:
        """Return how many statements wait for a row now.

        The tables about transactions do not tell those who ask again and again: InnoDB fills them
        anew only when nobody has looked for 0.1 s.
        """
        return int(str(self.query("show global status like 'Innodb_row_lock_current_waits'")[0][1]))

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
            while not _all_stopped(pid):  # each thread gets there in its own time
                pass
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


def _all_stopped(pid: int) -> bool:
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


def _die_with_parent() -> None:
    """A killed run of the tests must leave no server behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Template(Protocol):
    """What servers are started from."""

    kind: str

    def fill(self, directory: Path) -> None:
        """Put an empty server's files below `directory`."""
        ...

    def command(self, directory: Path, address: str, port: int) -> list[str]:
        """Return what starts that server; its socket is `s` in the directory, its pid in `pid`."""
        ...


@dataclass
class MariadbTemplate:
    data: Path
    kind: str = "MariaDB"

    def fill(self, directory: Path) -> None:
        shutil.copytree(self.data, directory / "data")
        (directory / "tmp").mkdir()

    def command(self, directory: Path, address: str, port: int) -> list[str]:
        return [
            "mariadbd",
            "--no-defaults",
            f"--datadir={directory / 'data'}",
            f"--tmpdir={directory / 'tmp'}",
            f"--socket={directory / 's'}",
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
            f"--pid-file={directory / 'pid'}",
            *as_root(),
        ]


def as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def make_template(root: Path) -> Template:
    """Make what servers are started from.

    Each server has its own `tmpdir`: one that starts removes all temporary tables that it finds.
    """
    template, tmp = root / "template", root / "tmp"
    tmp.mkdir()
    command = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={template}",
        f"--tmpdir={tmp}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        *as_root(),
    ]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return MariadbTemplate(template)


@contextlib.contextmanager
def running_server(
    template: Template, address: str, *, port: int = 3306, databases: tuple[str, ...] = ()
) -> Iterator[Server]:
    directory = Path(tempfile.mkdtemp(prefix="arm-vtg-", dir="/tmp"))
    template.fill(directory)
    log = (directory / "log").open("wb")
    process = subprocess.Popen(
        template.command(directory, address, port),
        stdout=log,
        stderr=log,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  no threads have been started yet
    )
    log.close()
    server = Server(address, port, directory / "s", template.kind)
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
            raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)  # noqa: TID251  a test waits for a real server
