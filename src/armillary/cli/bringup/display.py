"""Show progress to a person: a live table on a terminal, plain lines elsewhere. I/O."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from armillary.base.clock import monotonic_s
from armillary.cli.bringup.progress import Progress

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

_TROUBLES_SHOWN = 5


class Display(Protocol):
    def say(self, line: str) -> None:
        """Show a line that stays."""

    def show(self, progress: Progress) -> None:
        """Show where the cluster stands now."""


@contextmanager
def open_display(*, is_terminal: bool | None = None) -> Iterator[Display]:
    """Yield the display that fits stderr: progress is not a result."""
    if sys.stderr.isatty() if is_terminal is None else is_terminal:
        # rich takes 0.1 s to import; a pipe never pays for it.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        with Live(console=Console(stderr=True), refresh_per_second=4, transient=False) as live:
            yield _LiveDisplay(live)
    else:
        yield PlainDisplay()


class PlainDisplay:
    """One line for each phase that moved, with seconds since the start."""

    def __init__(self) -> None:
        self._started_s = monotonic_s()
        self._shown: dict[str, str] = {}

    def say(self, line: str) -> None:
        print(f"{monotonic_s() - self._started_s:6.1f} s  {line}", file=sys.stderr, flush=True)

    def show(self, progress: Progress) -> None:
        for phase in progress.phases:
            self._once(phase.name, f"{phase.name}: {phase.done} of {phase.wanted}")
        for trouble in progress.troubles[:_TROUBLES_SHOWN]:
            if trouble.subject not in self._shown:  # said once; the end tells how it stands then
                self._once(trouble.subject, f"trouble: {trouble}")

    def _once(self, key: str, line: str) -> None:
        if self._shown.get(key) != line:
            self._shown[key] = line
            self.say(line)


class _LiveDisplay:
    def __init__(self, live: "Live") -> None:
        self._live = live
        self._started_s = monotonic_s()

    def say(self, line: str) -> None:
        self._live.console.print(f"[dim]{monotonic_s() - self._started_s:6.1f} s[/]  {line}")

    def show(self, progress: Progress) -> None:
        self._live.update(self._table(progress))

    def _table(self, progress: Progress) -> "Group":
        from rich.console import Group  # noqa: PLC0415
        from rich.markup import escape  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 2))
        for phase in progress.phases:
            mark = "[green]✔[/]" if phase.is_done else "[yellow]…[/]"
            bar = ProgressBar(total=max(phase.wanted, 1), completed=phase.done, width=24)
            count = f"{phase.done} of {phase.wanted}"
            table.add_row(mark, phase.name, bar, count, f"[dim]{phase.detail}[/]")
        troubles = [
            Text.from_markup(f"[red]![/] {escape(str(trouble))}")
            for trouble in progress.troubles[:_TROUBLES_SHOWN]
        ]
        elapsed = Text(f"{monotonic_s() - self._started_s:.0f} s", style="dim")
        return Group(table, *troubles, elapsed)
