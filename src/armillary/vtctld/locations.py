"""Look for a shard's backups in every location of the cluster. I/O.

Pools of tablets may have different locations, and a shard may have moved from one to another, so
its backups may be in any of them. A location that cannot be read hides no other.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from armillary.backup.storage.contract import BackupStorage
from armillary.base.errors import ArmillaryError, InputError
from armillary.settings.backup import NamedStorage

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Looked(Generic[_T]):
    found: tuple[tuple[NamedStorage, _T], ...]  # of each location that could be read
    problems: tuple[str, ...]  # of each other one


async def look_everywhere(
    locations: Sequence[NamedStorage], read: Callable[[BackupStorage], Awaitable[_T]]
) -> Looked[_T]:
    """Open one location after the other and return what `read` returns of each.

    Raises:
        InputError: there is no location at all.
        ArmillaryError: whatever the only location there is says.
    """
    if not locations:
        raise InputError(
            "no registered implementation of BackupStorage: vtctld runs without "
            "--backup_storage_implementation (spec.backup.locations of the cluster sets it)"
        )
    from armillary.backup.storage import open_storage  # noqa: PLC0415  # heavy, seldom used

    found: list[tuple[NamedStorage, _T]] = []
    problems: list[str] = []
    for location in locations:
        try:
            async with open_storage(location.settings) as storage:
                found.append((location, await read(storage)))
        except ArmillaryError as error:
            if len(locations) == 1:
                raise
            problems.append(f"{location}: {error}")
    return Looked(tuple(found), tuple(problems))
