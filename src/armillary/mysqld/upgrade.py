"""Bring the system tables of a restored data directory to this server's version. I/O."""

import logging
import os
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.base.errors import UnavailableError
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.detect import find_program
from armillary.mysqld.flavors.flavor import Account, Flavor
from armillary.mysqld.spec import ServerSpec

logger = logging.getLogger(__name__)

_USER = "armillary_upgrade"
_STAMP_FILES = ("mariadb_upgrade_info", "mysql_upgrade_info")


async def run_upgrade(flavor: Flavor, spec: ServerSpec) -> bool:
    """Upgrade the system tables if another version wrote them; return whether that was needed.

    MySQL does it by itself at start. The server must run.

    Raises:
        UnavailableError: the upgrade program failed; its last words are in the message.
    """
    if flavor.name != "MariaDB" or _written_by(spec) == _major_version(str(flavor.version)):
        return False
    program = find_program("mariadb-upgrade")
    if program is None:
        logger.warning("no mariadb-upgrade installed; system tables stay as they are")
        return False
    async with _account(flavor, spec) as password:
        await _run(str(program), spec, password)
    logger.info("system tables are of this version now", extra={"version": str(flavor.version)})
    return True


@asynccontextmanager
async def _account(flavor: Flavor, spec: ServerSpec) -> AsyncIterator[str]:
    """Have an account for the program, and yield its password.

    The program hands its password on to others in a way that not every password survives.
    """
    password = secrets.token_hex(16)
    account = Account(
        user=_USER,
        host="localhost",
        password=password,
        privileges=("ALL PRIVILEGES",),
        with_grant=True,
    )
    async with await connect(spec.dba_params()) as connection:
        await connection.execute("SET sql_log_bin = 0")
        for statement in flavor.account_statements(account):
            await connection.execute(statement)
        try:
            yield password
        finally:
            with anyio.CancelScope(shield=True):
                await connection.execute(f"DROP USER IF EXISTS '{_USER}'@'localhost'")


async def _run(program: str, spec: ServerSpec, password: str) -> None:
    # The password goes by a file: an argument could be seen by anyone on the machine.
    options = spec.tablet.path / "upgrade.cnf"
    options.unlink(missing_ok=True)
    handle = os.open(options, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"[client]\nuser={_USER}\npassword={password}\nsocket={spec.socket}\n")
    try:
        done = await anyio.run_process(
            [program, f"--defaults-file={options}", "--skip-write-binlog"],
            stderr=subprocess.STDOUT,
            check=False,
        )
    finally:
        options.unlink(missing_ok=True)
    if done.returncode != 0:
        tail = done.stdout.decode(errors="replace")[-1000:]
        raise UnavailableError(f"mariadb-upgrade ended with {done.returncode}: {tail}")


def _written_by(spec: ServerSpec) -> str:
    """Return the `major.minor` that wrote the data directory; empty when it does not say."""
    for name in _STAMP_FILES:
        stamp = spec.tablet.data / name
        if stamp.is_file():
            return _major_version(stamp.read_text(errors="replace").strip())
    return ""


def _major_version(version: str) -> str:
    return ".".join(version.split(".")[:2])
