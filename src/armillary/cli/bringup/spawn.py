"""Start the supervisor in the background and wait until the API server serves. I/O."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from armillary.base.errors import DeadlineError, UnavailableError
from armillary.local.supervise.lock import is_stopping, lock_owner
from armillary.local.supervise.notify import NOTIFY_ENV, open_notices
from armillary.settings.local import LocalPaths

LOG_TAIL_LINES = 12
STOP_TIMEOUT_S = 180.0  # as long as `armillary down` waits


async def ensure_supervisor(
    paths: LocalPaths, *, on_status: Callable[[str], None], timeout_s: float
) -> bool:
    """Return once the API server of this directory serves; whether it had to be started.

    The other components go on starting: what they do shows in the objects. The operator, for one,
    cannot serve before somebody has applied its definitions.

    Args:
        on_status: called with one line for each component that came up.

    Raises:
        UnavailableError: the supervisor ended; says why.
        DeadlineError: it did not serve in time.
    """
    if await _runs(paths, on_status):
        return False
    address = paths.run / f"n-up{os.getpid()}"  # two may be at it at once
    async with open_notices(address) as notices:
        process = _start_supervisor(paths, address)
        pidfd = os.pidfd_open(process.pid)
        errors: list[str] = []
        with anyio.move_on_after(timeout_s) as waiting:
            async with anyio.create_task_group() as tg:

                async def notice_the_end() -> None:
                    await anyio.wait_readable(pidfd)
                    tg.cancel_scope.cancel()

                tg.start_soon(notice_the_end)
                async for notice in notices:
                    if "ERROR" in notice:
                        errors.append(notice["ERROR"])
                    if "STATUS" in notice:
                        on_status(notice["STATUS"])
                    if notice.get("STATUS") == "apiserver serves":
                        process.returncode = 0  # no child of ours any more: let it be
                        tg.cancel_scope.cancel()
                        return True
        if waiting.cancelled_caught:
            raise DeadlineError(f"the API server did not serve within {timeout_s:.0f} s")
        process.wait()
    if lock_owner(paths.supervisor_lock) is not None:
        return False  # another one was a moment earlier
    if errors:
        raise UnavailableError(f"the supervisor ended: {'; '.join(errors)}")
    raise _ended(paths)


async def _runs(paths: LocalPaths, on_status: Callable[[str], None]) -> bool:
    """Whether a supervisor is there and stays; the end of one that stops is waited for.

    Raises:
        DeadlineError: it does not come to its end.
    """
    pid = lock_owner(paths.supervisor_lock)
    if pid is None or not is_stopping(paths.supervisor_lock):
        return pid is not None
    on_status("waiting for the end of `armillary down`")
    with anyio.move_on_after(STOP_TIMEOUT_S) as waiting:
        await _wait_end(pid)
    if waiting.cancelled_caught:
        raise DeadlineError(f"supervisor {pid} stops, and has not after {STOP_TIMEOUT_S:.0f} s")
    return lock_owner(paths.supervisor_lock) is not None


async def _wait_end(pid: int) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(pidfd)
    finally:
        os.close(pidfd)


async def while_supervised(paths: LocalPaths, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, which needs the control plane, and give it up when the supervisor ends.

    Raises:
        UnavailableError: it ended, or ends; in place of what `work` makes of that.
    """
    pid = lock_owner(paths.supervisor_lock)
    if pid is None:
        raise _ended(paths)
    failure: Exception | None = None
    has_ended = False
    async with anyio.create_task_group() as tasks:

        async def notice_the_end() -> None:
            nonlocal has_ended
            await _wait_end(pid)
            has_ended = True
            tasks.cancel_scope.cancel()

        tasks.start_soon(notice_the_end)
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # raised below, not in a group
            failure = error
        tasks.cancel_scope.cancel()
    if has_ended or (failure and not _stays(paths, pid)):
        raise _ended(paths)
    if failure is not None:
        raise failure


def _stays(paths: LocalPaths, pid: int) -> bool:
    return lock_owner(paths.supervisor_lock) == pid and not is_stopping(paths.supervisor_lock)


def _ended(paths: LocalPaths) -> UnavailableError:
    log = paths.logs / "supervisor.log"
    if not paths.state.exists():
        return UnavailableError(
            f"the cluster in {paths.dir} was removed while it came up: `armillary down --purge`"
        )
    return UnavailableError(
        f"the control plane of {paths.dir} ended while the cluster came up: if nobody asked for"
        f" `armillary down`, the reason is in {log}, which ends:\n{tail_of(log)}"
    )


def _start_supervisor(paths: LocalPaths, notices: Path) -> "subprocess.Popen[bytes]":
    log_path = paths.logs / "supervisor.log"
    with open(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
        return subprocess.Popen(
            [
                str(Path(sys.executable).parent / "armillary"),
                *("run", "supervisor", "--dir", str(paths.dir)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, NOTIFY_ENV: str(notices)},
            start_new_session=True,
        )


def tail_of(path: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Return the last lines of a log; empty when there is none."""
    if not path.exists():
        return ""
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 200 * lines))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
