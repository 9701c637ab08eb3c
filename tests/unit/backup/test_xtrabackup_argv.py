"""What the online engine asks of its tools, for either flavor; XtraBackup itself is not here."""

from pathlib import Path

import pytest

from armillary.backup.engines.builtin import BuiltinEngine
from armillary.backup.engines.contract import Server
from armillary.backup.engines.xtrabackup import (
    MARIADB_TOOLS,
    MYSQL_TOOLS,
    ToolNames,
    XtrabackupEngine,
    parse_position,
    tools_for,
)
from armillary.base.errors import UnsupportedError
from armillary.model.gtid import MysqlGtidSet
from armillary.mysqld.connection import MysqlParams
from armillary.mysqld.layout import TabletDir
from armillary.settings.backup import BackupFlags

MYSQL = "mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))"
MARIADB = "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64"
UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def programs(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


class NoControl:
    async def start(self, extra_args: object = ()) -> None: ...
    async def shutdown(self, *, wait: bool = True, timeout_s: float = 1.0) -> None: ...
    async def version(self) -> str:
        return MYSQL

    async def reinit_config(self) -> None: ...
    async def upgrade(self) -> None: ...


@pytest.mark.parametrize(
    ("tools", "program", "own"),
    [
        (MYSQL_TOOLS, "xtrabackup", []),
        (MARIADB_TOOLS, "mariadb-backup", ["--log-copy-interval=10"]),
    ],
)
def test_a_backup_is_one_stream_and_the_password_is_no_argument(
    tmp_path: Path, tools: ToolNames, program: str, own: list[str]
) -> None:
    programs(tmp_path / "bin", "xtrabackup", "mariadb-backup")
    flags = BackupFlags(
        xtrabackup_root_path=str(tmp_path / "bin"), xtrabackup_backup_flags="--throttle=1 --x='a b'"
    )
    params = MysqlParams(user="vt_dba", password='pass"word', socket=Path("/run/m.sock"))
    server = Server(dirs=TabletDir(tmp_path, 7), params=params, control=NoControl())
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    argv = XtrabackupEngine(flags)._take_argv(tools, server, scratch)
    assert argv == [
        f"{tmp_path}/bin/{program}",
        f"--defaults-file={scratch}/client.cnf",  # it must come first
        "--backup",
        "--stream=xbstream",
        f"--target-dir={scratch}",
        f"--extra-lsndir={scratch}",
        "--parallel=2",
        *own,
        "--throttle=1",
        "--x=a b",
    ]
    written = scratch / "client.cnf"
    assert written.stat().st_mode & 0o777 == 0o600
    assert 'password="pass\\"word"' in written.read_text()


def test_the_flavor_decides_the_programs() -> None:
    assert tools_for(MYSQL) is MYSQL_TOOLS
    assert tools_for(MARIADB) is MARIADB_TOOLS


def test_a_missing_program_is_named_before_anything_is_done(tmp_path: Path) -> None:
    flags = BackupFlags(xtrabackup_root_path=str(tmp_path / "bin"))
    programs(tmp_path / "bin", "xtrabackup", "mariadb-backup", "mbstream")
    engine = XtrabackupEngine(flags)
    engine.require_tools(MARIADB)
    with pytest.raises(UnsupportedError, match=r"the program xbstream is not installed in .*/bin"):
        engine.require_tools(MYSQL)
    BuiltinEngine(flags).require_tools(MYSQL)


def test_the_position_of_mysqls_tool_may_take_several_lines() -> None:
    other = f"{UUID[:-1]}3"
    info = f"binlog_pos = filename 'b.1', GTID of the last change '{UUID}:1-7,\n{other}:1'\n"
    gtids = parse_position(info, MysqlGtidSet).gtids
    assert gtids == MysqlGtidSet.parse(f"{UUID}:1-7,{other}:1")
