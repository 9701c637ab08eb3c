"""The mysqld of one vtbackup run: made, used and thrown away. I/O."""

import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from armillary.backup.engines.contract import Server
from armillary.base.errors import InputError
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.extra_cnf import extra_options
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.spec import AccountNames, ServerSpec
from armillary.settings.vtbackup import VtbackupSettings

logger = logging.getLogger(__name__)

# Marks a directory as ours to delete: a run that was killed leaves one behind.
MARKER = "made-by-vtbackup"


@asynccontextmanager
async def temporary_mysqld(
    settings: VtbackupSettings, environ: Mapping[str, str]
) -> AsyncIterator[MysqldProcess]:
    """Yield the control of a mysqld in a fresh directory; both are gone afterwards.

    The uid is random: it is the server id too, and two runs for a shard must not share it.
    """
    flavor = await detect_flavor(
        mysql_root=environ.get("VT_MYSQL_ROOT", ""), wanted=environ.get("MYSQL_FLAVOR", "")
    )
    root = Path(settings.vtdataroot or environ.get("VTDATAROOT", "") or "/vt/vtdataroot")
    for leftover in await to_thread.run_sync(_leftovers, root):
        logger.info("removing what an earlier run left", extra={"directory": str(leftover.path)})
        earlier = MysqldProcess(flavor, _spec(settings, environ, leftover))
        await _remove(earlier, settings)
    tablet = TabletDir(root, secrets.randbelow(2**32 - 1) + 1)
    await to_thread.run_sync(_make, tablet)
    process = MysqldProcess(flavor, _spec(settings, environ, tablet))
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _remove(process, settings)


def server_of(process: MysqldProcess) -> Server:
    return Server(dirs=process.spec.tablet, params=process.spec.dba_params(), control=process)


def _leftovers(root: Path) -> list[TabletDir]:
    return [
        TabletDir(root, int(path.parent.name.removeprefix("vt_")))
        for path in sorted(root.glob(f"vt_*/{MARKER}"))
    ]


def _make(tablet: TabletDir) -> None:
    tablet.path.mkdir(parents=True)
    (tablet.path / MARKER).touch()


async def _remove(process: MysqldProcess, settings: VtbackupSettings) -> None:
    await process.shutdown(timeout_s=settings.mysql_timeout.total_seconds())
    process.release()
    await to_thread.run_sync(shutil.rmtree, process.spec.tablet.path)


def _spec(settings: VtbackupSettings, environ: Mapping[str, str], tablet: TabletDir) -> ServerSpec:
    cache = settings.template_cache_dir or environ.get("ARMILLARY_TEMPLATE_CACHE", "")
    return ServerSpec(
        tablet=tablet,
        socket=Path(settings.mysql_socket),
        bind_address=settings.bind_address or environ.get("POD_IP", "") or "127.0.0.1",
        port=settings.mysql_port,
        charset=settings.db_charset,
        accounts=AccountNames(
            dba=settings.db_config_dba_uname,
            app=settings.db_config_app_uname,
            repl=settings.db_config_repl_uname,
            filtered=settings.db_config_filtered_uname,
        ),
        credentials=Credentials.load(settings.db_credentials_file),
        init_db_sql=_read(settings.init_db_sql_file),
        extra_cnf=extra_options(environ),
        template_cache=Path(cache) if cache else None,
        start_timeout_s=settings.mysql_timeout.total_seconds(),
    )


def _read(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
