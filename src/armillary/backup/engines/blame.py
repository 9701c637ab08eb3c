"""Whose fault it is that a tool could not unpack or prepare a backup: the data's? Pure.

An older backup may take the place of one whose data is damaged, so it must be certain: the tool
itself says what is wrong with the data, and nothing else that could be the reason. Whatever is in
doubt (a full disk, a killed tool, a wrong option) stays the tool's failure, which is tried again.
"""

import re
import signal
from collections.abc import Sequence

LINES_MAX = 40

# What mariadb-backup, XtraBackup, mbstream and xbstream say of data that is not what it should be.
_DATA = re.compile(
    r"xb_stream_read_chunk\(\): (?!failed to increase)"
    r"|out-of-order chunk"
    r"|Data structure corruption|[Dd]atabase page corruption|[Pp]age is corrupted|is corrupted\b"
    r"|[Cc]hecksum mismatch|[Ii]nvalid log header|[Ii]nvalid checksum|wrong space ID"
    r"|Inconsistent tablespace ID|Missing FILE_CHECKPOINT|Missing MLOG_CHECKPOINT"
    r"|Log scan aborted|log file .* is of (?:different|a different) size|is of a different size"
    r"|ib_logfile\d+ was not found|[Rr]edo log .* (?:is missing|was not found)"
    r"|failed to read metadata from|InnoDB files do not exist|Can't open backup-my\.cnf"
    r"|InnoDB: Assertion failure"
)
# What they say of the machine they run on, of its limits, and of how they were called.
_MACHINE = re.compile(
    r"No space left|[Dd]isk is full|Disk full|[Qq]uota|Cannot allocate|[Oo]ut of memory"
    r"|Too many open files|Permission denied|Operation not permitted|Read-only file system"
    r"|Input/output error|Operating system error number|Err[Cc]ode: (?!2\b)\d+"
    r"|unknown (?:option|variable)|unrecognized option|cannot open shared object"
)
# Ends that come from outside; the tool's own crashes are SIGABRT and the like.
_KILLED = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU, signal.SIGXFSZ}
)


def is_telling(line: str) -> bool:
    """Whether a line of a tool says something of the data or of the machine."""
    return bool(_DATA.search(line) or _MACHINE.search(line))


def blame_data(lines: Sequence[str], exit_code: int) -> str:
    """Return what is wrong with the data, in the tool's words; "" when that is not certain.

    Args:
        lines: what the tool said, at least those that are telling.
        exit_code: negative for a signal.
    """
    if -exit_code in _KILLED or any(_MACHINE.search(line) for line in lines):
        return ""
    found = (line.strip() for line in lines if _DATA.search(line))
    return next(found, "")
