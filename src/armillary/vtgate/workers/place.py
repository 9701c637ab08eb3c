"""What a worker is told at its start: which one it is, and what it shares with the others. I/O."""

import json
import mmap
import os
from dataclasses import asdict, dataclass
from struct import Struct

VARIABLE = "ARMILLARY_VTGATE_WORKER"
_ID_MAX = 0xFFFFFFFE
_IDS_A_START = 1 << 20
_SLOT = Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One worker among several; the numbers of files are open in its process."""

    number: int
    count: int
    starts: int  # how many had this place before
    line_fd: int
    clients_fd: int
    socket_fd: int = -1  # where clients come by the unix socket, if there is one

    @classmethod
    def of_environment(cls) -> "Place | None":
        text = os.environ.get(VARIABLE)
        return cls(**json.loads(text)) if text else None

    def environment(self) -> dict[str, str]:
        return {**os.environ, VARIABLE: json.dumps(asdict(self))}

    def connection_id(self, count: int) -> int:
        """Return the id of this worker's client number `count`: no other worker gives it.

        One that takes a dead worker's place begins elsewhere, so that an old id is nobody's.
        """
        serial = (self.starts * _IDS_A_START + count) % (_ID_MAX // self.count)
        return serial * self.count + self.number + 1


def place_of(connection_id: int, count: int) -> int:
    """Return the number of the worker that gave this id."""
    return (connection_id - 1) % count


class ClientCounts:
    """How many clients each worker has, in memory that all of them see; each writes its own."""

    def __init__(self, file: int, count: int) -> None:
        self._count = count
        self._memory = mmap.mmap(file, _SLOT.size * count)

    @classmethod
    def create(cls, count: int) -> tuple["ClientCounts", int]:
        """Return them, and the file to hand on to the workers."""
        file = os.memfd_create("vtgate-clients")
        os.truncate(file, _SLOT.size * count)
        return cls(file, count), file

    def set(self, number: int, clients: int) -> None:
        _SLOT.pack_into(self._memory, _SLOT.size * number, clients)

    def total(self) -> int:
        return sum(one for (one,) in _SLOT.iter_unpack(self._memory[: _SLOT.size * self._count]))
