"""Run one mysqld as our child. I/O.

Never two servers on one data directory: a lock file says who may start one, and a server that
outlived its parent (`kill -9` of mysqlctld) is stopped before a new one starts. The child asks the
kernel to end it gracefully should we die first.
"""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread

from armillary.base.clock import monotonic_s
from armillary.base.errors import InputError, MysqlError, UnavailableError
from armillary.mysqld import bootstrap
from armillary.mysqld.accounts import init_file_text
from armillary.mysqld.config import SOCKET_PATH_BYTES_MAX, render_my_cnf
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.server_id import read_server_id, renew_server_id
from armillary.mysqld.spec import ServerSpec
from armillary.mysqld.upgrade import run_upgrade

logger = logging.getLogger(__name__)

_POLL_FIRST_S = 0.01
_POLL_MAX_S = 0.1
_ORPHAN_STOP_S = 60.0
# Both flavors read these; without them files are for the group as well, such as master.info, in
# which MariaDB keeps the password of replication.
_FILES_OF_OWNER = {"UMASK": "0600", "UMASK_DIR": "0700"}
_NO_ACCOUNTS_ARGS = frozenset({"--skip-grant-tables", "--bootstrap"})


class MysqldProcess:
    """A `MysqldControl` whose server is a child of this process."""

    def __init__(self, flavor: Flavor, spec: ServerSpec) -> None:
        if len(os.fsencode(spec.socket)) > SOCKET_PATH_BYTES_MAX:
            raise InputError(f"socket path over {SOCKET_PATH_BYTES_MAX} bytes: {spec.socket}")
        self.flavor = flavor
        self.spec = spec
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self._lock_file: IO[bytes] | None = None
        self._change = anyio.Lock()  # one start or stop at a time

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    async def start(self, extra_args: Sequence[str] = ()) -> None:
        """Fill the data directory if it is empty, then start the server and wait until it answers.

        Raises:
            UnavailableError: it died or did not answer in time, and the reason is in its log; or
                its files cannot be written, as on a full disk.
        Again: does nothing while the server runs.
        """
        async with self._change:
            if self.is_running:
                return
            tablet = self.spec.tablet
            with_accounts = not _NO_ACCOUNTS_ARGS & set(extra_args)
            made = await self._prepare(with_accounts=with_accounts)
            started_s = monotonic_s()
            try:
                self._child = self._spawn(extra_args, with_accounts=with_accounts)
                self._stopping = False
                await self._wait_ready(with_accounts=with_accounts)
            except BaseException:
                self._kill()
                raise
            finally:
                tablet.init_file.unlink(missing_ok=True)
            logger.info(
                "mysqld is up",
                extra={
                    "pid": self._child.pid,
                    "new_data_dir": made,
                    "took_s": round(monotonic_s() - started_s, 3),
                },
            )

    async def _prepare(self, *, with_accounts: bool) -> bool:
        """Have everything on disk that a start needs; return whether the data is new."""
        tablet = self.spec.tablet
        try:
            self._take_lock()
            await self._stop_orphan()
            made = await bootstrap.ensure_data_dir(self.flavor, self.spec)
            self._write_config()
            if with_accounts:
                self._write_init_file()
        except OSError as error:
            where = error.filename or tablet.path
            raise UnavailableError(
                f"cannot prepare a start of mysqld: {where}: {error.strerror}"
            ) from None
        return made

    async def shutdown(self, *, wait: bool = True, timeout_s: float = 300.0) -> None:
        """Stop the server gracefully.

        Raises:
            UnavailableError: it still runs after `timeout_s`; it goes on stopping.
        Again: does nothing once the server is stopped.
        """
        async with self._change:
            child = self._child
            if child is None:
                # Whoever takes over a directory must be able to free it without starting first.
                self._take_lock()
                await self._stop_orphan()
                return
            if child.poll() is not None:
                return
            self._stopping = True
            child.send_signal(signal.SIGTERM)
            if not wait:
                return
            with anyio.move_on_after(timeout_s):
                await _wait_pid(child.pid)
                child.wait()
                logger.info("mysqld stopped", extra={"exit_code": child.returncode})
                return
            raise UnavailableError(f"mysqld (pid {child.pid}) did not stop within {timeout_s} s")

    async def version(self) -> str:
        return self.flavor.version.line

    async def reinit_config(self) -> None:
        renew_server_id(self.spec.tablet)
        self._write_config()

    async def upgrade(self) -> None:
        await run_upgrade(self.flavor, self.spec)

    async def wait_crash(self) -> int:
        """Return the exit code once the server ends without having been asked to.

        Waits for ever while nobody starts one, and through requested stops.
        """
        while True:
            child = self._child
            if child is None or (child.poll() is not None and self._stopping):
                await anyio.sleep(0.2)
                continue
            if child.poll() is None:
                await _wait_pid(child.pid)
            child.wait()
            if not self._stopping and child is self._child and not self._change.locked():
                return child.returncode
            await anyio.sleep(0.05)

    def release(self) -> None:
        """Let somebody else start a server on this directory."""
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def _take_lock(self) -> None:
        if self._lock_file is not None:
            return
        self.spec.tablet.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.spec.tablet.lock.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UnavailableError(
                f"another process may start mysqld here: {self.spec.tablet.lock} is locked"
            ) from None
        self._lock_file = file

    async def _stop_orphan(self) -> None:
        """Stop a server that an earlier parent left running on this directory."""
        tablet = self.spec.tablet
        pid = _running_server_pid(tablet.pid_file, tablet.my_cnf)
        if pid is not None:
            logger.warning("stopping a mysqld whose parent is gone", extra={"pid": pid})
            os.kill(pid, signal.SIGTERM)
            with anyio.move_on_after(_ORPHAN_STOP_S) as scope:
                await _wait_pid(pid)
            if scope.cancelled_caught:
                os.kill(pid, signal.SIGKILL)
                await _wait_pid(pid)
        with anyio.move_on_after(_ORPHAN_STOP_S):
            while _is_locked(tablet.innodb_data / "ibdata1"):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(_POLL_MAX_S)
            return
        raise UnavailableError(f"another mysqld still uses the data directory {tablet.data}")

    def _write_config(self) -> None:
        tablet = self.spec.tablet
        tablet.tmp.mkdir(parents=True, exist_ok=True)
        text = render_my_cnf(self.flavor, self.spec, server_id=read_server_id(tablet))
        _write_private(tablet.my_cnf, text)

    def _write_init_file(self) -> None:
        _write_private(self.spec.tablet.init_file, init_file_text(self.flavor, self.spec))

    def _spawn(
        self, extra_args: Sequence[str], *, with_accounts: bool
    ) -> "subprocess.Popen[bytes]":
        tablet = self.spec.tablet
        self.spec.socket.unlink(missing_ok=True)
        tablet.pid_file.unlink(missing_ok=True)
        command = [
            *die_with_parent_prefix(),
            str(self.flavor.mysqld),
            f"--defaults-file={tablet.my_cnf}",
            *(["--user=root"] if os.geteuid() == 0 else []),
            *([f"--init-file={tablet.init_file}"] if with_accounts else []),
            *extra_args,
        ]
        environment = os.environ | _FILES_OF_OWNER
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=tablet.path, env=environment)

    async def _wait_ready(self, *, with_accounts: bool) -> None:
        assert self._child is not None
        params = self.spec.dba_params()
        deadline_s = monotonic_s() + self.spec.start_timeout_s
        delay_s = _POLL_FIRST_S
        while monotonic_s() < deadline_s:
            if self._child.poll() is not None:
                raise UnavailableError(f"mysqld ended with {self._child.returncode} while starting")
            if self.spec.socket.exists():
                try:
                    async with await connect(params):
                        return
                except UnavailableError:
                    pass
                except MysqlError as error:
                    if not with_accounts:
                        return  # it answers; logging in is for later
                    raise UnavailableError(
                        f"mysqld is up but refuses {params.user}: {error.message}"
                    ) from error
            await anyio.sleep(delay_s)
            delay_s = min(delay_s * 1.5, _POLL_MAX_S)
        raise UnavailableError(f"mysqld did not answer within {self.spec.start_timeout_s} s")

    def _kill(self) -> None:
        self._stopping = True  # whoever asked for the start hears of it; it is no crash
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()


def die_with_parent_prefix(signal_name: str = "TERM") -> tuple[str, ...]:
    """Return the command prefix by which the kernel sends a child this signal when we die."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", signal_name, "--") if setpriv else ()


async def _wait_pid(pid: int) -> None:
    """Return once process `pid`, our child or not, has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(handle)
    finally:
        os.close(handle)


def _running_server_pid(pid_file: Path, my_cnf: Path) -> int | None:
    """Return the pid of the server that `pid_file` names, if it runs with our `my_cnf`."""
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    # The pid may belong to another process by now: after a reboot, or in another namespace.
    return pid if f"--defaults-file={my_cnf}".encode() in command.split(b"\0") else None


def _is_locked(path: Path) -> bool:
    """Whether a server holds `path`: InnoDB keeps a POSIX lock on its system tablespace."""
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _write_private(path: Path, text: str) -> None:
    """Write `path` with mode 0600, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    draft.replace(path)
