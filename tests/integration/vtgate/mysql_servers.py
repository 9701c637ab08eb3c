"""Oracle's MySQL for the gateway's tests, configured as a tablet configures it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import anyio

from armillary.mysqld.bootstrap import ensure_template
from armillary.mysqld.config import render_my_cnf
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.spec import ServerSpec
from tests.integration.mysqld.mysql_tree import config_lines, mysql_root
from tests.integration.tablet.shard import TEMPLATE_CACHE
from tests.integration.vtgate.servers import Template, as_root

_UID = 1
_FOR_TESTS = (
    "read_only = 0",
    "super_read_only = 0",
    "sync_binlog = 0",
    "innodb_flush_log_at_trx_commit = 0",
    "innodb_lock_wait_timeout = 10",
)


@dataclass
class MysqlTemplate:
    flavor: Flavor
    files: Path
    lines: tuple[str, ...]  # of my.cnf
    kind: str = "MySQL"

    def fill(self, directory: Path) -> None:
        tablet = TabletDir(directory, _UID)
        shutil.copytree(self.files, tablet.path)
        for folder in (*tablet.server_dirs(), tablet.tmp):
            folder.mkdir(parents=True, exist_ok=True)

    def command(self, directory: Path, address: str, port: int) -> list[str]:
        tablet = TabletDir(directory, _UID)
        spec = ServerSpec(
            tablet=tablet,
            socket=directory / "s",
            bind_address=address,
            port=port,
            extra_cnf=(*self.lines, *_FOR_TESTS, f"pid_file = {directory / 'pid'}"),
        )
        tablet.my_cnf.write_text(render_my_cnf(self.flavor, spec))
        return [str(self.flavor.mysqld), f"--defaults-file={tablet.my_cnf}", *as_root()]


def make_mysql_template() -> Template:
    """Raises: CannotGetMysql: with the reason."""
    root = mysql_root()
    return anyio.run(_make, root)


async def _make(root: Path) -> Template:
    flavor = await detect_flavor(mysql_root=str(root), wanted="MySQL80")
    lines = config_lines(root)
    spec = ServerSpec(tablet=TabletDir(Path("/unused"), _UID), socket=Path("/"), extra_cnf=lines)
    return MysqlTemplate(flavor, await ensure_template(flavor, spec, TEMPLATE_CACHE), lines)
