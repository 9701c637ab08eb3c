"""Which names keyspaces and cells may have. Pure. Shard names: model/keyrange.py."""

import re

from armillary.base.errors import InputError

_KEYSPACE = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_CELL = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


def require_keyspace_name(name: str) -> str:
    if not _KEYSPACE.match(name):
        raise InputError(f"invalid keyspace name {name!r}: wanted 1 to 64 of A-Z a-z 0-9 _ -")
    return name


def require_cell_name(name: str) -> str:
    """A cell's name has no dot: backup names are split at dots."""
    if not _CELL.match(name) or name == "global":
        raise InputError(
            f"invalid cell name {name!r}: wanted 1 to 64 of A-Z a-z 0-9 _ -, and not 'global'"
        )
    return name
