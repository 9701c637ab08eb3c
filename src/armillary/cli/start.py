"""Where each program is entered: what must be settled before anything else is imported.

Until it is loaded, Ctrl-C ends a program at once and without a word: Python raises
KeyboardInterrupt wherever it happens to be, and nobody catches it amid the imports.
"""

import os
import signal
from importlib import import_module
from types import FrameType

INTERRUPTED = 130  # what a shell says of a command that SIGINT has ended


def armillary() -> None:
    _enter("armillary.cli.armillary")


def vtctlclient() -> None:
    _enter("armillary.cli.vtctlclient")


def vtctld() -> None:
    _enter("armillary.vtctld.main")


def vtgate() -> None:
    _enter("armillary.vtgate.main")


def vttablet() -> None:
    _enter("armillary.vttablet.main")


def vtbackup() -> None:
    _enter("armillary.vtbackup.main")


def mysqlctld() -> None:
    _enter("armillary.mysqlctld.main")


def mysqld_exporter() -> None:
    _enter("armillary.mysqlctld.exporter")


def raise_interrupts() -> None:
    """Make Ctrl-C a KeyboardInterrupt again, for a program that is ready to catch it."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _enter(module: str) -> None:
    # gRPC would write a line for each handshake that fails, several a second: we tell why, once.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else: `nohup` ignores it
        signal.signal(signal.SIGINT, _end)
    import_module(module).main()


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
