"""Real servers for the tests of backups: one mysqld a `Box`, all of it below a short directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armillary.backup.engines.contract import Server
from armillary.mysqld import admin
from armillary.mysqld.connection import connect
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.spec import ServerSpec
from tests.addresses import host

PASSWORD = "a secret ' \" \\ # word"


@dataclass(frozen=True, slots=True)
class Box:
    process: MysqldProcess
    spec: ServerSpec
    flavor: Flavor

    @property
    def server(self) -> Server:
        return Server(dirs=self.spec.tablet, params=self.spec.dba_params(), control=self.process)

    async def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        async with await connect(self.spec.dba_params()) as connection:
            rows = None
            for statement in statements:
                rows = await connection.query(statement)
            return list(rows.values) if rows else []


@asynccontextmanager
async def running_box(
    root: Path,
    uid: int,
    *,
    start: bool = True,
    cache: Path | None = None,
) -> AsyncIterator[Box]:
    """A server with accounts; stopped when the block ends."""
    flavor = await detect_flavor()
    users = ("vt_dba", "vt_app", "vt_repl", "vt_filtered", "vt_monitor", "vt_allprivs")
    spec = ServerSpec(
        tablet=TabletDir(root, uid),
        socket=root / f"{uid}.sock",
        bind_address=host(),
        credentials=Credentials(dict.fromkeys(users, PASSWORD)),
        extra_cnf=("innodb_buffer_pool_size=32M", "innodb_log_file_size=8M"),
        template_cache=cache,
    )
    process = MysqldProcess(flavor, spec)
    try:
        if start:
            await process.start()
            await let_write(Box(process, spec, flavor))
        yield Box(process, spec, flavor)
    finally:
        await process.shutdown()
        process.release()


async def let_write(box: Box) -> None:
    """End what a server starts with: MySQL's holds for administrators too."""
    async with await connect(box.spec.dba_params()) as connection:
        await admin.set_read_only(connection, box.flavor, read_only=False)


async def fill(box: Box, rows: int = 2000) -> None:
    values = ", ".join(f"(repeat(md5({row}), 5))" for row in range(1, rows + 1))
    await box.sql(
        "CREATE DATABASE vt_main",
        "USE vt_main",
        "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200))",
        f"INSERT INTO users (name) VALUES {values}",
    )
