"""What long work tells whoever waits for it."""

from collections.abc import Callable
from dataclasses import dataclass

from armillary.base.clock import monotonic_s

REPORT_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    phase: str  # "copy", "unpack", "prepare", ...: constant words
    raw_bytes: int = 0
    raw_bytes_total: int | None = None  # None: not known beforehand
    stored_bytes: int = 0
    elapsed_s: float = 0.0

    def __str__(self) -> str:
        if not self.raw_bytes:
            return self.phase
        rate = self.raw_bytes / 1e6 / max(self.elapsed_s, 0.001)
        of_total = f" of {self.raw_bytes_total / 1e6:.1f}" if self.raw_bytes_total else ""
        stored = f", {self.stored_bytes / 1e6:.1f} MB stored" if self.stored_bytes else ""
        return f"{self.phase}: {self.raw_bytes / 1e6:.1f}{of_total} MB{stored}, {rate:.0f} MB/s"


OnProgress = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    return None


class Meter:
    """Counts bytes of one phase after the other and reports at most once a second, and at ends."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._phase = ""
        self._raw_bytes = 0
        self._stored_bytes = 0
        self._total: int | None = None
        self._started_s = self._reported_s = monotonic_s()

    def start(self, phase: str, *, raw_bytes_total: int | None = None) -> None:
        """Begin a phase; what was counted before is reported and forgotten."""
        self.finish()
        self._phase, self._total = phase, raw_bytes_total
        self._raw_bytes = self._stored_bytes = 0
        self._started_s = monotonic_s()
        self._report()

    def add(self, raw_bytes: int, stored_bytes: int = 0) -> None:
        self._raw_bytes += raw_bytes
        self._stored_bytes += stored_bytes
        if monotonic_s() - self._reported_s >= REPORT_EVERY_S:
            self._report()

    def finish(self) -> None:
        if self._phase and self._raw_bytes:
            self._report()
        self._phase = ""

    def _report(self) -> None:
        self._reported_s = monotonic_s()
        self._on_progress(
            Progress(
                phase=self._phase,
                raw_bytes=self._raw_bytes,
                raw_bytes_total=self._total,
                stored_bytes=self._stored_bytes,
                elapsed_s=self._reported_s - self._started_s,
            )
        )
