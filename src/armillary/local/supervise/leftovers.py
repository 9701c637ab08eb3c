"""End what an earlier supervisor left behind when it was killed. I/O."""

import logging
import os
import signal
from pathlib import Path

import anyio

from armillary.local.supervise.state import ProcessRecord, read_processes

TERM_GRACE_S = 5.0

logger = logging.getLogger(__name__)


async def end_leftovers(processes_file: Path) -> None:
    """Make sure that no component recorded in `processes_file` still runs.

    A component dies with its supervisor, but not in the same instant, and two etcds on one data
    directory must never meet. Pods are left alone: the next kubelet takes them up.
    """
    records = read_processes(processes_file)
    async with anyio.create_task_group() as tg:
        for name, record in records.items():
            if record.is_alive():
                logger.info("ending a leftover process", extra={"component": name})
                tg.start_soon(_end, record)


async def _end(record: ProcessRecord) -> None:
    try:
        pidfd = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return
    try:
        # Checked again now that the pidfd pins the process: the pid cannot be reused under us.
        if not record.is_alive():
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                signal.pidfd_send_signal(pidfd, number)
            except ProcessLookupError:
                return
            with anyio.move_on_after(TERM_GRACE_S):
                await anyio.wait_readable(pidfd)
                return
    finally:
        os.close(pidfd)
