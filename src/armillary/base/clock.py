"""The one place that reads the clock. I/O.

Pure code takes `now` as an argument; a shell passes `utc_now()`.
"""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the wall clock as an aware UTC datetime."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds on a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def uptime_s() -> float:
    """Return seconds since the machine started, those it slept through included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
