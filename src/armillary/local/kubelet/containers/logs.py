"""Reading, following and bounding one container's log file. I/O.

The container writes straight into its file: no process in between that could fall behind or die.
Two things follow. Lines carry no time of their own, so a sweep notes every few seconds how long the
file was ("marks") and a line's time is that of the first mark behind it. And the file is bounded by
giving the blocks of its head back to the file system (FALLOC_FL_PUNCH_HOLE), which loses nothing
that is being written and keeps every offset valid.
"""

import ctypes
import errno
import os
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio

from armillary.base.clock import utc_now

_CHUNK_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 16
_FOLLOW_S = 0.1
_KEEP_SIZE_AND_PUNCH_HOLE = 0x03
_MARKS_MAX = 20_000
# Kubernetes' bounds of what a log lends to a termination message.
TAIL_BYTES_MAX = 2048
TAIL_LINES_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """What `kubectl logs` asks for."""

    follow: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    bytes_max: int | None = None


class LogMarks:
    """When a log had which length; kept beside it, so that it outlives the kubelet."""

    def __init__(self, log_path: Path) -> None:
        self._path = log_path.with_suffix(".marks")
        self._times: list[float] = []
        self._sizes: list[int] = []
        try:
            for line in self._path.read_text().splitlines():
                time_text, _, size_text = line.partition(" ")
                self._times.append(float(time_text))
                self._sizes.append(int(size_text))
        except (OSError, ValueError):
            pass  # no marks yet, or a line cut short by a crash

    @property
    def last_size(self) -> int:
        return self._sizes[-1] if self._sizes else 0

    def note(self, now_s: float, size: int) -> None:
        if len(self._times) >= _MARKS_MAX:
            self._times, self._sizes = self._times[::2], self._sizes[::2]
            lines = zip(self._times, self._sizes, strict=True)
            self._path.write_text("".join(f"{at:.3f} {length}\n" for at, length in lines))
        self._times.append(now_s)
        self._sizes.append(size)
        with self._path.open("a") as file:
            file.write(f"{now_s:.3f} {size}\n")

    def offset_at(self, instant_s: float) -> int:
        """Return an offset before which everything was written before `instant_s`."""
        index = bisect_left(self._times, instant_s)
        return self._sizes[index - 1] if index else 0

    def time_at(self, offset: int) -> float | None:
        """Return when the byte at `offset` was there at the latest; None when after the marks."""
        index = bisect_left(self._sizes, offset + 1)
        return self._times[index] if index < len(self._times) else None


async def read_log(
    path: Path, request: LogRequest, *, is_over: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield the log as asked; with `follow`, until `is_over` and everything is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    marks = LogMarks(path)
    sent = 0
    try:
        offset = _first_offset(descriptor, marks, request)
        stamper = _Stamper(marks, offset) if request.timestamps else None
        while True:
            over = is_over()  # asked before reading: what came before the end is still read
            chunk = os.pread(descriptor, _CHUNK_BYTES, offset)
            if not chunk:
                if not request.follow or over:
                    return
                await anyio.sleep(_FOLLOW_S)
                continue
            offset += len(chunk)
            text = stamper.stamp(chunk) if stamper else chunk
            if request.bytes_max is not None:
                text = text[: request.bytes_max - sent]
            sent += len(text)
            yield text
            if request.bytes_max is not None and sent >= request.bytes_max:
                return
    finally:
        os.close(descriptor)


class _Stamper:
    """Puts the time before each line."""

    def __init__(self, marks: LogMarks, offset: int) -> None:
        self._marks = marks
        self._offset = offset
        self._at_line_start = True

    def stamp(self, chunk: bytes) -> bytes:
        out = []
        for line in chunk.splitlines(keepends=True):
            if self._at_line_start:
                at = self._marks.time_at(self._offset)
                instant = utc_now() if at is None else datetime.fromtimestamp(at, UTC)
                out.append(instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode())
            out.append(line)
            self._offset += len(line)
            self._at_line_start = line.endswith(b"\n")
        return b"".join(out)


def _first_offset(descriptor: int, marks: LogMarks, request: LogRequest) -> int:
    size = os.fstat(descriptor).st_size
    offset = _first_kept(descriptor)
    if request.since is not None:
        offset = max(offset, marks.offset_at(request.since.timestamp()))
    if request.tail_lines is not None:
        offset = max(offset, _tail_offset(descriptor, size, request.tail_lines, offset))
    return offset


def _first_kept(descriptor: int) -> int:
    """Return where the first whole line begins behind the blocks that were given back."""
    try:
        data = os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole
            return os.fstat(descriptor).st_size
        return 0
    if data == 0:
        return 0
    head = os.pread(descriptor, _CHUNK_BYTES, data)
    newline = head.find(b"\n")
    return data + newline + 1


def _tail_offset(descriptor: int, size: int, lines: int, floor: int) -> int:
    """Return where the last `lines` lines begin, not before `floor`."""
    if lines <= 0:
        return size
    end, found = size, 0
    while end > floor:
        start = max(floor, end - _CHUNK_BYTES)
        chunk = os.pread(descriptor, end - start, start)
        at = len(chunk)
        while (at := chunk.rfind(b"\n", 0, at)) >= 0:
            if start + at + 1 == size:
                continue  # the newline that ends the last line
            found += 1
            if found == lines:
                return start + at + 1
        end = start
    return floor


def sweep_log(path: Path, marks: LogMarks, *, now_s: float, bytes_max: int) -> None:
    """Note the log's length, and give its head back once it holds twice `bytes_max`."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return
    if status.st_size != marks.last_size:
        marks.note(now_s, status.st_size)
    if status.st_blocks * 512 > 2 * bytes_max:
        _free_head(path, status.st_size - bytes_max)


def _free_head(path: Path, length: int) -> None:
    length -= length % _BLOCK_BYTES
    if length <= 0:
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        result = libc.fallocate(
            descriptor, _KEEP_SIZE_AND_PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(length)
        )
        if result != 0:  # a file system without holes: start the file anew, losing the old lines
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def log_tail(path: Path) -> str:
    """Return the last lines of a log, as Kubernetes makes a termination message of them."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES_MAX))
            data = file.read()
    except OSError:
        return ""
    lines = data.decode(errors="replace").splitlines(keepends=True)
    return "".join(lines[-TAIL_LINES_MAX:])
