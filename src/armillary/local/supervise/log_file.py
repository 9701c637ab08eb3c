"""A log file that is rotated by size while it is written. I/O."""

import os
from contextlib import suppress
from pathlib import Path


class RotatingLog:
    """Appends bytes to `path`; above `bytes_max` it becomes `path.1`, and so on up to `kept`."""

    def __init__(self, path: Path, *, bytes_max: int, kept: int) -> None:
        assert bytes_max > 0 and kept >= 1
        self._path = path
        self._bytes_max = bytes_max
        self._kept = kept
        self._open()

    def write(self, data: bytes) -> None:
        """Append; what a full disk does not take is lost, for whose log it is must go on."""
        with suppress(OSError):
            if self._size + len(data) > self._bytes_max and self._size > 0:
                self._rotate()
            self._size += os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        """Raises: OSError: the old file stays in use, and the next call goes on from there."""
        if self._path.exists():
            for number in range(self._kept - 1, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number}")
                if older.exists():
                    older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        before = self._fd
        self._open()
        os.close(before)
