"""Keep one component running: start, wait for it to serve, restart with back-off, stop. I/O."""

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from anyio.abc import Process

from armillary.base.clock import monotonic_s
from armillary.base.retry import backoff_delays_s
from armillary.local.supervise.components import Component
from armillary.local.supervise.log_file import RotatingLog
from armillary.local.supervise.notify import NOTIFY_ENV, open_notices
from armillary.local.supervise.state import ProcessRecord

RESTART_DELAY_FIRST_S = 0.2
RESTART_DELAY_MAX_S = 10.0
STEADY_AFTER_S = 30.0  # a component that ran this long starts over with the first delay

logger = logging.getLogger(__name__)


class Child:
    """One component and the process that plays it at the moment."""

    def __init__(
        self,
        component: Component,
        *,
        notice_path: Path,
        log: RotatingLog,
        on_change: Callable[[], None],
    ) -> None:
        self.component = component
        self.ready = anyio.Event()  # set when it served for the first time
        self.stopped = anyio.Event()
        self._notice_path = notice_path
        self._log = log
        self._on_change = on_change
        self._process: Process | None = None
        self._stop_asked = anyio.Event()
        self._started = False
        self._serving = False
        self._restarts = 0

    @property
    def record(self) -> ProcessRecord | None:
        """Who plays the component now; None between two processes."""
        if self._process is None:
            return None
        return ProcessRecord.of(self._process.pid, ready=self._serving, restarts=self._restarts)

    async def keep_running(self) -> None:
        """Run the component until `stop` is called, however often it dies before.

        Cancelled: not at all; only `stop` ends it, so that components end in their order.
        """
        self._started = True
        try:
            with anyio.CancelScope(shield=True):
                async with (
                    open_notices(self._notice_path) as notices,
                    anyio.create_task_group() as tg,
                ):
                    tg.start_soon(self._hear, notices)
                    await self._restart_until_stopped()
                    tg.cancel_scope.cancel()
        finally:
            self._log.close()
            self.stopped.set()

    async def stop(self, *, grace_s: float) -> None:
        """Ask the process to end, insist after `grace_s`, and return when it has ended."""
        self._stop_asked.set()
        if not self._started:
            return
        self._signal(signal.SIGTERM)
        with anyio.move_on_after(grace_s):
            await self.stopped.wait()
            return
        logger.warning(
            "component did not stop in time; killing it", extra={"component": self.component.name}
        )
        self._signal(signal.SIGKILL)
        await self.stopped.wait()

    async def _hear(self, notices: AsyncIterator[dict[str, str]]) -> None:
        async for notice in notices:
            if notice.get("READY") == "1":
                self._serving = True
                self.ready.set()
                self._on_change()

    async def _restart_until_stopped(self) -> None:
        delays_s = backoff_delays_s(first_s=RESTART_DELAY_FIRST_S, max_s=RESTART_DELAY_MAX_S)
        while not self._stop_asked.is_set():
            started_s = monotonic_s()
            code = await self._run_once()
            if self._stop_asked.is_set():
                return
            if monotonic_s() - started_s > STEADY_AFTER_S:
                delays_s = backoff_delays_s(
                    first_s=RESTART_DELAY_FIRST_S, max_s=RESTART_DELAY_MAX_S
                )
            delay_s = next(delays_s)
            self._restarts += 1
            logger.warning(
                "component ended; restarting it",
                extra={"component": self.component.name, "exit_code": code, "delay_s": delay_s},
            )
            with anyio.move_on_after(delay_s):
                await self._stop_asked.wait()

    async def _run_once(self) -> int | None:
        """Start the process and return its exit code when it has ended."""
        component = self.component
        setpriv = shutil.which("setpriv")
        guard = (setpriv, "--pdeathsig", "TERM") if setpriv else ()  # it dies when we do
        for path in component.sockets:
            await anyio.Path(path).unlink(missing_ok=True)
        try:
            process = await anyio.open_process(
                [*guard, *component.argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=component.cwd,
                env={**os.environ, **component.env, NOTIFY_ENV: str(self._notice_path)},
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            self._log.write(f"cannot start {component.argv[0]}: {error}\n".encode())
            return None
        async with process:
            self._process, self._serving = process, False
            self._on_change()
            if self._stop_asked.is_set():  # asked while we were starting it
                process.terminate()
            assert process.stdout is not None
            async for chunk in process.stdout:
                self._log.write(chunk)
            code = await process.wait()
        self._process = None
        self._on_change()
        return code

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
