"""mysqlctld: the parent of one tablet's mysqld. I/O.

It starts mysqld, serves MysqlCtl on a unix socket to the vttablet beside it, and ends when mysqld
ends by itself: whoever supervises it then starts both anew. SIGTERM stops mysqld gracefully.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import InputError
from armillary.mysqlctld.service import MysqlCtl
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.extra_cnf import extra_options
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.spec import AccountNames, ServerSpec
from armillary.pb import mysqlctl_pb2
from armillary.rpc.server import serve_grpc
from armillary.rpc.service import service_handler
from armillary.settings.mysqlctld import MYSQLCTLD_WITHOUT_EFFECT, MysqlctldSettings
from armillary.settings.program import read_flags, run_program, until_signal

logger = logging.getLogger(__name__)

_MYSQLD_DIED = 3


def main() -> None:
    """Run until SIGTERM (exit code 0) or until mysqld dies (3); 1 is an error, 2 wrong flags."""
    settings = read_flags(
        MysqlctldSettings, program="mysqlctld", accepted_without_effect=MYSQLCTLD_WITHOUT_EFFECT
    )
    settings = with_environment(settings, os.environ)
    run_program("mysqlctld", lambda: until_signal(lambda: run(settings, os.environ)))


def with_environment(settings: MysqlctldSettings, environ: Mapping[str, str]) -> MysqlctldSettings:
    """Return `settings` with gaps filled from the pod's environment."""
    return replace(
        settings,
        mysql_bind_address=settings.mysql_bind_address or environ.get("POD_IP", "") or "127.0.0.1",
        vtdataroot=settings.vtdataroot or environ.get("VTDATAROOT", "") or "/vt/vtdataroot",
        template_cache_dir=settings.template_cache_dir
        or environ.get("ARMILLARY_TEMPLATE_CACHE", ""),
    )


async def run(
    settings: MysqlctldSettings,
    environ: Mapping[str, str],
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> int:
    """Serve until cancelled, or until mysqld ends by itself; return the process's exit code."""
    flavor = await detect_flavor(
        mysql_root=environ.get("VT_MYSQL_ROOT", ""), wanted=environ.get("MYSQL_FLAVOR", "")
    )
    mysqld = MysqldProcess(flavor, build_spec(settings, environ))
    try:
        await _start_unless_restoring(mysqld)
        handler = service_handler(
            mysqlctl_pb2.DESCRIPTOR.services_by_name["MysqlCtl"],
            MysqlCtl(mysqld, shutdown_wait=settings.shutdown_wait_time),
        )
        async with serve_grpc(f"unix:{_free_socket(settings.socket_file)}", [handler]):
            os.chmod(settings.socket_file, 0o600)
            task_status.started()
            code = await mysqld.wait_crash()
            logger.error("mysqld ended by itself", extra={"exit_code": code})
    finally:
        if mysqld.is_running:
            with anyio.CancelScope(shield=True):
                await mysqld.shutdown(timeout_s=settings.shutdown_wait_time.total_seconds())
    return _MYSQLD_DIED


def build_spec(settings: MysqlctldSettings, environ: Mapping[str, str]) -> ServerSpec:
    """Return the server that the flags ask for.

    Raises:
        InputError: a file that they name cannot be read.
    """
    return ServerSpec(
        tablet=TabletDir(Path(settings.vtdataroot), settings.tablet_uid),
        socket=Path(settings.mysql_socket),
        bind_address=settings.mysql_bind_address,
        port=settings.mysql_port,
        charset=settings.db_charset,
        accounts=AccountNames(
            dba=settings.db_config_dba_uname,
            app=settings.db_config_app_uname,
            repl=settings.db_config_repl_uname,
            filtered=settings.db_config_filtered_uname,
        ),
        credentials=Credentials.load(settings.db_credentials_file),
        init_db_sql=_read(settings.init_db_sql_file) if settings.init_db_sql_file else "",
        extra_cnf=extra_options(environ),
        template_cache=Path(settings.template_cache_dir) if settings.template_cache_dir else None,
        start_timeout_s=settings.wait_time.total_seconds(),
    )


def _free_socket(path: str) -> str:
    """Remove what an earlier process left at `path`, and return it."""
    Path(path).unlink(missing_ok=True)
    return path


async def _start_unless_restoring(mysqld: MysqldProcess) -> None:
    if mysqld.spec.tablet.restore_in_progress.exists():
        # The data directory is half a backup, or being filled right now: only the vttablet that
        # restores it knows when it may be opened.
        logger.warning("a restore is under way: waiting to be asked to start mysqld")
        return
    await mysqld.start()


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


if __name__ == "__main__":
    main()
