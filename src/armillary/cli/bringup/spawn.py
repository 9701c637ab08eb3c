"""Start the supervisor in the background and wait until the API server serves. I/O."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

from armillary.base.errors import DeadlineError, UnavailableError
from armillary.local.supervise.main import lock_owner
from armillary.local.supervise.notify import NOTIFY_ENV, open_notices
from armillary.settings.local import LocalPaths

LOG_TAIL_LINES = 12


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
    if lock_owner(paths.supervisor_lock) is not None:
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
    why = "; ".join(errors) or tail_of(paths.logs / "supervisor.log")
    raise UnavailableError(f"the supervisor ended: {why}")


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
