"""The number by which a server knows its own transactions in a replication stream. I/O.

A replica skips what carries its own number: it must have done that itself. A tablet that was the
primary, lost its data and starts over from a backup has *not* done it any more, so with the number
of before it would pass over its own former writes without a word. Hence each filling of a data
directory gets a number of its own, drawn at random and kept beside the data.
"""

import os
import secrets

from armillary.base.errors import IntegrityError
from armillary.mysqld.layout import TabletDir

_SERVER_ID_MAX = 2**32 - 1


def renew_server_id(tablet: TabletDir) -> int:
    """Draw a number for a data directory that is being filled anew, and keep it."""
    number = 1 + secrets.randbelow(_SERVER_ID_MAX)
    part = tablet.server_id.with_suffix(".part")
    with part.open("w") as file:
        file.write(f"{number}\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(tablet.server_id)
    return number


def read_server_id(tablet: TabletDir) -> int | None:
    """Return the number; None for a data directory from before numbers were kept.

    Raises:
        IntegrityError: the file is damaged.
    """
    try:
        text = tablet.server_id.read_text()
    except FileNotFoundError:
        return None
    if not text.strip().isdigit():
        raise IntegrityError(f"{tablet.server_id}: wanted a server id, found {text[:40]!r}")
    return int(text)
