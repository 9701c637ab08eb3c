"""The structure of an xbstream, followed as its bytes go by. Sans-IO: nothing is unpacked or kept.

Source: the format as XtraBackup documents it, and what mariadb-backup writes. A stream is a row of
chunks, all numbers little-endian: `XBSTCK01`, flags (1 byte), kind (1), length of the path (4), the
path, and then by kind

    P  data: length (8), offset in the file (8), CRC-32 of the data (4), the data
    E  end of the file: nothing
    S  of MariaDB, the next data stands at another place: offset (8)
    S  of MySQL, data with holes: holes (4), length (8), offset (8), CRC-32 of holes and data (4),
       the holes (8 each), the data
    R  the file gets another name: length of the name (4), the name
    D  the file is removed: nothing
"""

import os
import struct
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import PurePosixPath

from armillary.backup.pipeline.codec import Buffer

MAGIC = b"XBSTCK01"
PATH_BYTES_MAX = 512

_HEAD = struct.Struct("<8sBcI")
_PLACE = struct.Struct("<QQI")
_SPARSE_PLACE = struct.Struct("<IQQI")
_OFFSET = struct.Struct("<Q")
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class _Piece:
    """The next bytes are wanted in one piece."""

    size: int


@dataclass(frozen=True, slots=True)
class _Run:
    """The next bytes are data: only their sum is wanted, beginning from `crc`."""

    size: int
    crc: int = 0


@dataclass(slots=True)
class _File:
    offset: int = 0  # where its next data stands
    has_holes: bool = False  # then lengths do not tell the offset


class XbstreamCheck:
    """Feed it the stream in any pieces, then close it; the first thing that is wrong raises.

    Memory: the head of a chunk, and two words for each file that has begun and not ended.
    """

    def __init__(self, *, is_mariadb: bool, sums: bool = True) -> None:
        """`sums`: whether the CRC of the data is looked at; somebody else may vouch for it."""
        self.files_ended = 0
        self._is_mariadb = is_mariadb
        self._sums = sums
        self._position = 0
        self._open: dict[bytes, _File] = {}
        self._between_chunks = True
        self._piece = bytearray()
        self._left = 0
        self._in_run = False
        self._crc = 0
        self._walk = self._chunks()
        self._want(next(self._walk))

    def feed(self, data: Buffer) -> None:
        """Raises: ValueError: this is no such stream; where, and why."""
        rest = memoryview(data)
        while rest:
            taken, rest = rest[: self._left], rest[self._left :]
            self._position += len(taken)
            self._left -= len(taken)
            if self._in_run:
                self._crc = zlib.crc32(taken, self._crc) if self._sums else 0
            else:
                self._piece += taken
            while not self._left:
                self._want(self._walk.send(bytes(self._piece)))

    def close(self) -> None:
        """Raises: ValueError: the stream ends in the middle."""
        if self._piece or not self._between_chunks:
            raise ValueError(f"the stream ends inside a chunk, at byte {self._position}")
        if self._open:
            names = ", ".join(_shown(path) for path in sorted(self._open)[:3])
            raise ValueError(f"the stream ends before the end of {names}")
        if not self.files_ended:
            raise ValueError("the stream holds no file")

    def _want(self, wanted: _Piece | _Run) -> None:
        self._piece.clear()
        self._left = wanted.size
        self._in_run = isinstance(wanted, _Run)
        self._crc = wanted.crc if isinstance(wanted, _Run) else 0

    def _chunks(self) -> Generator[_Piece | _Run, bytes, None]:
        """Ask for the bytes of one chunk after another."""
        while True:
            self._between_chunks = True
            head = yield _Piece(_HEAD.size)
            self._between_chunks = False
            magic, _, kind, path_bytes = _HEAD.unpack(head)
            if magic != MAGIC:
                raise self.wrong("does not begin with the mark of a chunk")
            path = yield _Piece(self._name_length(path_bytes))
            was_open = path in self._open
            file = self._open.setdefault(_checked(path, self), _File())
            match kind:
                case b"P":
                    yield from self._data(path, file)
                case b"S" if self._is_mariadb:
                    (file.offset,) = _OFFSET.unpack((yield _Piece(_OFFSET.size)))
                case b"S":
                    yield from self._sparse_data(path, file)
                case b"R" | b"D" if self._is_mariadb and was_open:
                    raise self.wrong(f"moves {_shown(path)} away, which has begun and not ended")
                case b"R" if self._is_mariadb:
                    (name_bytes,) = _LENGTH.unpack((yield _Piece(_LENGTH.size)))
                    _checked((yield _Piece(self._name_length(name_bytes))), self)
                    del self._open[path]
                case b"D" if self._is_mariadb:
                    del self._open[path]
                case b"E":
                    del self._open[path]
                    self.files_ended += 1
                case _:
                    raise self.wrong(f"is of the unknown kind {kind!r}")

    def _data(self, path: bytes, file: _File) -> Generator[_Piece | _Run, bytes, None]:
        length, offset, crc = _PLACE.unpack((yield _Piece(_PLACE.size)))
        if offset != file.offset and not file.has_holes:
            raise self.wrong(f"is data of {_shown(path)} at offset {offset}: wanted {file.offset}")
        yield _Run(length)
        self._expect_sum(path, crc)
        file.offset += length

    def _sparse_data(self, path: bytes, file: _File) -> Generator[_Piece | _Run, bytes, None]:
        holes, length, _, crc = _SPARSE_PLACE.unpack((yield _Piece(_SPARSE_PLACE.size)))
        yield _Run(holes * 8)
        yield _Run(length, self._crc)
        self._expect_sum(path, crc)
        file.has_holes = True

    def _expect_sum(self, path: bytes, wanted: int) -> None:
        if self._sums and self._crc != wanted:
            raise self.wrong(
                f"is data of {_shown(path)} with CRC-32 {self._crc:08x}: it says {wanted:08x}"
            )

    def _name_length(self, name_bytes: int) -> int:
        if not 0 < name_bytes <= PATH_BYTES_MAX:
            raise self.wrong(f"has a name of {name_bytes} bytes")
        return name_bytes

    def wrong(self, reason: str) -> ValueError:
        return ValueError(f"the chunk before byte {self._position} {reason}")


def _checked(path: bytes, check: XbstreamCheck) -> bytes:
    """A stream is unpacked by a program that writes where the names say."""
    name = PurePosixPath(os.fsdecode(path))
    if name.is_absolute() or ".." in name.parts or b"\0" in path:
        raise check.wrong(f"leads elsewhere: {_shown(path)}")
    return path


def _shown(path: bytes) -> str:
    return ascii(os.fsdecode(path))
