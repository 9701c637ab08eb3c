"""Fill an empty data directory from a template. I/O.

Making a data directory costs over a second of CPU; copying one costs a tenth. A template depends
only on the server's version, the layout options and the user's init_db.sql, so it is made once a
machine and kept in a cache directory (when one is given) that processes share: a lock file lets
one of them build while the others wait, and a rename makes the result appear whole.
"""

import fcntl
import hashlib
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread

from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.mysqld.config import LAYOUT_OPTIONS, render_my_cnf
from armillary.mysqld.connection import MysqlParams, connect
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.server_id import renew_server_id
from armillary.mysqld.spec import ServerSpec

logger = logging.getLogger(__name__)

_FORMAT = 1  # raise it when what a template holds changes
_KEPT = ("data", "innodb")
_INIT_USER = "armillary_init"
_LOCK_POLL_S = 0.05


async def ensure_data_dir(flavor: Flavor, spec: ServerSpec) -> bool:
    """Make the tablet's data directory if there is none; return whether it was made now.

    Again: does nothing on a filled directory; starts over after a crash half-way.
    """
    tablet = spec.tablet
    for folder in (*tablet.server_dirs(), tablet.tmp):
        folder.mkdir(parents=True, exist_ok=True)
    if (tablet.data / "mysql").is_dir() and not tablet.initializing.exists():
        return False
    tablet.initializing.touch()
    await anyio.to_thread.run_sync(empty_server_dirs, tablet)
    if spec.template_cache is None:
        with tempfile.TemporaryDirectory(prefix="template-", dir=tablet.path) as scratch:
            built = await _build_template(flavor, spec, Path(scratch))
            await _copy_template(built, tablet)
    else:
        await _copy_template(await ensure_template(flavor, spec, spec.template_cache), tablet)
    renew_server_id(tablet)
    tablet.initializing.unlink()
    return True


def empty_server_dirs(tablet: TabletDir) -> None:
    """Delete everything that a server wrote, and the word of where it came from.

    The empty directories stay.
    """
    tablet.origin.unlink(missing_ok=True)
    for folder in tablet.server_dirs():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)


def template_key(flavor: Flavor, spec: ServerSpec) -> str:
    """Return the name of the template that fits this server and this script."""
    digest = hashlib.sha256()
    for part in (_FORMAT, flavor.name, flavor.version.line, LAYOUT_OPTIONS, spec.init_db_sql):
        digest.update(repr(part).encode() + b"\0")
    return f"{flavor.name.lower()}-{flavor.version}-{digest.hexdigest()[:12]}"


async def ensure_template(flavor: Flavor, spec: ServerSpec, cache: Path) -> Path:
    """Return the template's directory below `cache`, building it if nobody has."""
    ready = cache / template_key(flavor, spec)
    if ready.is_dir():
        return ready
    await anyio.to_thread.run_sync(_make_dir, cache)
    async with _locked(cache / f"{ready.name}.lock"):
        if ready.is_dir():
            return ready
        prefix = f"building-{ready.name}-"
        # A builder that was killed leaves its directory; we hold the lock, so nobody is in it.
        await anyio.to_thread.run_sync(_remove_all, cache, f"{prefix}*")
        with tempfile.TemporaryDirectory(prefix=prefix, dir=cache) as scratch:
            built = await _build_template(flavor, spec, Path(scratch))
            await anyio.to_thread.run_sync(_sync_tree, built)
            built.rename(ready)
    logger.info("made a template data directory", extra={"template": ready.name})
    return ready


def _remove_all(folder: Path, pattern: str) -> None:
    for path in folder.glob(pattern):
        shutil.rmtree(path, ignore_errors=True)


def _sync_tree(path: Path) -> None:
    """Have the disk hold every file, lest a power cut leave a template of empty ones."""
    for folder, _, names in os.walk(path):
        for name in (".", *names):
            fd = os.open(Path(folder, name), os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _make_dir(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await anyio.sleep(_LOCK_POLL_S)
        yield


async def _build_template(flavor: Flavor, spec: ServerSpec, scratch: Path) -> Path:
    """Make a data directory below `scratch`, run the user's script in it, return its path."""
    tablet = TabletDir(scratch, 0)
    for folder in (*tablet.server_dirs(), tablet.tmp):
        folder.mkdir(parents=True)
    # A socket path has 107 bytes; `scratch` may be deep, so the socket lives apart.
    with tempfile.TemporaryDirectory(prefix="mysqld-") as run_dir:
        own = replace(
            spec,
            tablet=tablet,
            socket=Path(run_dir) / "init.sock",
            credentials=Credentials(),
            bind_address="127.0.0.1",
            port=0,
            extra_cnf=tuple(line for line in spec.extra_cnf if _matters_to_template(line)),
        )
        tablet.my_cnf.write_text(render_my_cnf(flavor, own))
        await _initialize(flavor, own)
        if spec.init_db_sql.strip():
            await _run_user_script(flavor, own)
    (tablet.data / "auto.cnf").unlink(missing_ok=True)  # MySQL: the server's own UUID
    for path in tablet.path.iterdir():
        if path.name not in _KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return tablet.path


def _matters_to_template(line: str) -> bool:
    """Whether a user's my.cnf line says where the server's own files are, not how it runs."""
    return line.split("=", maxsplit=1)[0].strip().replace("-", "_") in {
        "lc_messages_dir",
        "character_sets_dir",
        "plugin_dir",
        "basedir",
    }


async def _initialize(flavor: Flavor, spec: ServerSpec) -> None:
    command = [*flavor.initialize_command(spec.tablet, spec.tablet.my_cnf)]
    if os.geteuid() == 0:
        command.append("--user=root")
    done = await anyio.run_process(command, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        tail = done.stdout.decode(errors="replace")[-2000:]
        raise UnavailableError(f"cannot make a data directory ({done.returncode}): {tail}")


async def _run_user_script(flavor: Flavor, spec: ServerSpec) -> None:
    """Run init_db.sql as a user of our own, on a server that no network reaches."""
    password = secrets.token_hex(16)
    init_file = spec.tablet.init_file
    init_file.touch(mode=0o600)
    init_file.write_text(
        "SET sql_log_bin = 0;\n"
        + ("SET GLOBAL super_read_only = OFF;\n" if flavor.super_read_only else "")
        + f"CREATE USER '{_INIT_USER}'@'localhost' IDENTIFIED BY '{password}';\n"
        + f"GRANT ALL PRIVILEGES ON *.* TO '{_INIT_USER}'@'localhost' WITH GRANT OPTION;\n"
    )
    command = [str(flavor.mysqld), f"--defaults-file={spec.tablet.my_cnf}"]
    command += ["--user=root"] if os.geteuid() == 0 else []
    command += [f"--init-file={init_file}", "--skip-networking"]
    params = MysqlParams(
        user=_INIT_USER, password=password, socket=spec.socket, multi_statements=True
    )
    async with await anyio.open_process(command, stdout=None, stderr=None) as server:
        try:
            with anyio.fail_after(spec.start_timeout_s):
                while not await _answers(params):
                    if server.returncode is not None:
                        raise UnavailableError(f"mysqld ended with {server.returncode}")
                    await anyio.sleep(_LOCK_POLL_S)
            await _run_script(params, spec.init_db_sql)
            server.terminate()
            with anyio.fail_after(spec.start_timeout_s):
                await server.wait()
        finally:
            if server.returncode is None:
                server.kill()


async def _answers(params: MysqlParams) -> bool:
    if params.socket is None or not params.socket.exists():
        return False
    try:
        async with await connect(params):
            return True
    except ArmillaryError:
        return False


async def _run_script(params: MysqlParams, script: str) -> None:
    async with await connect(params) as connection:
        await connection.execute("SET sql_log_bin = 0")
        await connection.query_all(script)
    async with await connect(params) as connection:
        await connection.execute("SET sql_log_bin = 0")
        await connection.execute(f"DROP USER '{_INIT_USER}'@'localhost'")


async def _copy_template(template: Path, tablet: TabletDir) -> None:
    """Copy the template's files; `cp` keeps holes, and the redo log is mostly a hole."""
    sources = [str(template / name) for name in _KEPT]
    done = await anyio.run_process(
        ["cp", "-a", "--sparse=always", "--reflink=auto", *sources, str(tablet.path)],
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        message = done.stdout.decode(errors="replace").strip()
        raise UnavailableError(f"cannot copy the template data directory: {message}")
