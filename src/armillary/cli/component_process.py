"""`armillary run COMPONENT --dir DIR`: one long-lived process of the control plane. I/O.

Imports only what the named component needs; everything else stays out of its memory.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from armillary.base.errors import ArmillaryError, leaves_of
from armillary.base.logs import configure_logs
from armillary.cli.components import COMPONENTS, Runner, component_runner
from armillary.local.supervise.notify import NOTIFY_ENV, send_notice
from armillary.local.supervise.state import read_state
from armillary.settings.local import LocalPaths

USAGE = f"usage: armillary run {{{','.join(COMPONENTS)}}} --dir DIR"

logger = logging.getLogger(__name__)


def run_component(argv: Sequence[str]) -> int:
    """Run the named component until SIGTERM; return the exit code."""
    match list(argv):
        case [name, "--dir", directory] if name in COMPONENTS:
            pass
        case _:
            print(USAGE, file=sys.stderr)
            return 0 if "--help" in argv or "-h" in argv else 2
    configure_logs()
    notify_address = os.environ.pop(NOTIFY_ENV, None)  # pods must not inherit it
    paths = LocalPaths(Path(directory).absolute())
    code = 0
    try:
        runner = component_runner(
            name,
            paths,
            read_state(paths.state),
            tell=lambda status: send_notice(notify_address, f"STATUS={status}"),
        )
        anyio.run(_serve, runner, notify_address)
    except* ArmillaryError as errors:
        for error in leaves_of(errors):
            logger.error("component failed", extra={"component": name, "error": str(error)})
            send_notice(notify_address, f"ERROR={error}")
        code = 1
    return code


async def _serve(runner: Runner, notify_address: str | None) -> None:
    async with anyio.create_task_group() as tg:
        tg.start_soon(_cancel_on_signal, tg.cancel_scope)
        await tg.start(_run_then_cancel, runner, tg.cancel_scope)
        send_notice(notify_address, "READY=1")


async def _run_then_cancel(
    runner: Runner, scope: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None]
) -> None:
    await runner(task_status=task_status)
    scope.cancel()


async def _cancel_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return
