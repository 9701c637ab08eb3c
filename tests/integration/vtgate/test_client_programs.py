"""The command line programs that come with the servers: they log in, dump, and load again."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.mysqld.mysql_tree import mysql_root, program
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.gate import PASSWORD, USER, Gate

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]


@pytest.mark.on_mysql_too
def test_a_dump_is_made_and_read_back(gate: Gate, tmp_path: Path, server_kind: str) -> None:
    """MySQL's client has no plugin but caching_sha2_password, and sends comments alone."""
    is_mysql = server_kind == "MySQL"
    login = tmp_path / "my.cnf"
    login.write_text(f"[client]\nhost={gate.address}\nuser={USER}\npassword={PASSWORD}\n")
    given = f"--defaults-file={login}"
    client = program(mysql_root(), "bin/mysql") if is_mysql else ("mariadb",)
    dump = program(mysql_root(), "bin/mysqldump") if is_mysql else ("mariadb-dump",)
    gtids = ["--no-tablespaces", "--set-gtid-purged=OFF"] if is_mysql else []
    connection = connect_gate(gate, "plain")
    ask(connection, "insert into notes values (70001, 'kept')")
    for more in ([], ["--single-transaction"]):
        made = run(*dump, given, *gtids, *more, "plain", "notes")
        ask(connection, "delete from notes")
        run(*client, given, "plain", text=made)
        told = run(*client, given, "plain", "-N", "-B", "-e", "select * from notes; -- all")
        assert told == "70001\tkept\n"
    connection.close()


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command[-3:], done.stderr)
    return done.stdout
