"""Delays between attempts. Pure: the caller sleeps."""

from collections.abc import Iterator


def backoff_delays_s(*, first_s: float, max_s: float, factor: float = 2.0) -> Iterator[float]:
    """Yield delays in seconds without end: `first_s`, then `factor` times more, up to `max_s`."""
    assert 0 < first_s <= max_s
    delay_s = first_s
    while True:
        yield delay_s
        delay_s = min(delay_s * factor, max_s)
