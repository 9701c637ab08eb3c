"""Names of backups in storage: `YYYY-MM-DD.HHMMSS.<cell>-<uid>`, UTC. Pure.

Source: Vitess backup layout. Lexical order is time order.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from armillary.base.errors import InputError
from armillary.model.tablet import TabletAlias

# The time in a name is by the clock of the machine that took the backup. One that lies ahead by
# more than this comes from a clock that was wrong: it would stay the newest for as long.
CLOCKS_APART_MAX = timedelta(minutes=10)

_TIME_FORMAT = "%Y-%m-%d.%H%M%S"
# Any directory may have any name; times near the ends of the calendar break sums with them.
_YEARS = range(1970, 9000)
_ALIAS = re.compile(r"[A-Za-z0-9_-]+-[0-9]+")


@dataclass(frozen=True, slots=True, order=True)
class BackupName:
    started_at: datetime  # whole seconds, UTC
    alias: TabletAlias

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a storage name.

        Raises:
            InputError: not a time, a dot and a tablet alias.
        """
        time_text, dot, alias_text = text.rpartition(".")
        if not dot:
            raise InputError(f"invalid backup name {text!r}: wanted TIME.ALIAS")
        try:
            started_at = datetime.strptime(time_text, _TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            raise InputError(
                f"invalid backup name {text!r}: wanted YYYY-MM-DD.HHMMSS before the last dot"
            ) from None
        if started_at.year not in _YEARS:
            raise InputError(f"invalid backup name {text!r}: nobody made a backup in that year")
        if not _ALIAS.fullmatch(alias_text):
            raise InputError(f"invalid backup name {text!r}: wanted a tablet alias at its end")
        return cls(started_at, TabletAlias.parse(alias_text))

    def __str__(self) -> str:
        return f"{self.started_at.astimezone(UTC).strftime(_TIME_FORMAT)}.{self.alias}"
