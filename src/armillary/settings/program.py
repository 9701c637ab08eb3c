"""How every process begins and ends: flags in, logs on, signals, exit codes. I/O.

    def main() -> None:
        settings = read_flags(VtctldSettings, program="vtctld")
        run_program("vtctld", lambda: until_signal(lambda: run(settings)))

Exit codes: 0 done, or asked to end; 1 failed, and the log says why; 2 wrong flags, told on stderr.
"""

import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import NoReturn, TypeVar

import anyio
from anyio.abc import TaskStatus

from armillary.base.errors import ArmillaryError, InputError, leaves_of
from armillary.base.logs import configure_logs
from armillary.settings.flags import HelpRequested, parse_flags

logger = logging.getLogger(__name__)

FAILED = 1
WRONG_FLAGS = 2
_T = TypeVar("_T")


def read_flags(
    settings_class: type[_T],
    *,
    program: str,
    accepted_without_effect: frozenset[str] = frozenset(),
    refused: Mapping[str, str] = MappingProxyType({}),
    check: Callable[[_T], object] = lambda settings: None,
) -> _T:
    """Return the flags of this process; ends it when they are wrong, or ask for help.

    `check` raises InputError for flags that are well formed and cannot be used.
    """
    try:
        settings = parse_flags(
            settings_class,
            sys.argv[1:],
            program=program,
            accepted_without_effect=accepted_without_effect,
            refused=refused,
        )
    except HelpRequested as text:
        sys.stdout.write(f"{text}\n")
        sys.exit(0)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_FLAGS)
    try:
        check(settings)
    except InputError as error:
        sys.stderr.write(f"{program}: {error}\n")
        sys.exit(WRONG_FLAGS)
    return settings


def run_program(
    program: str, body: Callable[[], Awaitable[int | None]], *, use_uvloop: bool = False
) -> NoReturn:
    """Run `body` and end with the exit code that it returns (None is 0); 1 for an error of ours."""
    configure_logs()
    code: int | None = FAILED
    try:
        code = anyio.run(body, backend_options={"use_uvloop": use_uvloop})
    except* ArmillaryError as group:
        for error in leaves_of(group):
            logger.error("%s failed", program, extra={"reason": str(error)})
    sys.exit(code or 0)


async def until_signal(
    work: Callable[[], Awaitable[int | None]], *, code_when_asked: int = 0
) -> int:
    """Do `work` until it is done, or until SIGTERM or SIGINT cancels it; return the exit code."""
    code = 0

    async def cancel(
        scope: anyio.CancelScope, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        nonlocal code
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                logger.info("asked to end", extra={"signal": signal.Signals(number).name})
                code = code_when_asked
                scope.cancel()

    async with anyio.create_task_group() as tasks:
        await tasks.start(cancel, tasks.cancel_scope)
        code = await work() or 0
        tasks.cancel_scope.cancel()
    return code
