"""Tablet aliases, UIDs and types. Pure."""

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from armillary.base.errors import InputError

_ALIAS = re.compile(r"^(?P<cell>.+)-(?P<uid>\d+)$")
_UID_MAX = 2**32 - 1

# So begins what a tablet of type RESTORE says when it is stuck, and does not just take its time.
CANNOT_RESTORE = "cannot restore: "
# Tags of a tablet's record: it restored an older backup, because newer ones were damaged.
RESTORE_USED_TAG = "restored_backup"
RESTORE_DAMAGED_TAG = "damaged_backups"


class TabletType(IntEnum):
    """Numbers as in Vitess's topodata.TabletType."""

    UNKNOWN = 0
    PRIMARY = 1
    REPLICA = 2
    RDONLY = 3
    SPARE = 4
    EXPERIMENTAL = 5
    BACKUP = 6
    RESTORE = 7
    DRAINED = 8

    @classmethod
    def parse(cls, text: str) -> "TabletType":
        """Parse a type in any case; `master` means PRIMARY and `batch` means RDONLY."""
        name = {"MASTER": "PRIMARY", "BATCH": "RDONLY"}.get(text.upper(), text.upper())
        try:
            return cls[name]
        except KeyError:
            raise InputError(f"unknown TabletType {text}") from None

    @property
    def is_serving(self) -> bool:
        """Whether vtgate may send queries to a tablet of this type."""
        return self in (TabletType.PRIMARY, TabletType.REPLICA, TabletType.RDONLY)

    @property
    def replicates(self) -> bool:
        """Whether a tablet of this type follows its shard's primary."""
        return self not in (
            TabletType.PRIMARY,
            TabletType.BACKUP,
            TabletType.RESTORE,
            TabletType.DRAINED,
        )


@dataclass(frozen=True, slots=True, order=True)
class TabletAlias:
    cell: str
    uid: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `<cell>-<uid>`, split at the last dash; any number of digits is fine.

        Raises:
            InputError: another form, or a uid that does not fit 32 bits.
        """
        match = _ALIAS.match(text)
        if match is None or int(match["uid"]) > _UID_MAX:
            raise InputError(f"invalid tablet alias: {text!r}, expecting format: '<cell>-<uid>'")
        return cls(match["cell"], int(match["uid"]))

    def __str__(self) -> str:
        return f"{self.cell}-{self.uid:010d}"


def tablet_uid(*, cell: str, keyspace: str, shard: str, pool_type: str, index: int) -> int:
    """Return the UID of the `index`-th (from 1) tablet of a pool; the same inputs, the same UID.

    Source: PlanetScale operator: first 4 bytes, big-endian, of the md5 of the five words.
    """
    text = f"{cell} {keyspace} {shard} {pool_type} {index}\n"
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:4], "big")
