"""The file at `terminationMessagePath`, in which a container may say why it ends. I/O."""

import os
import stat
from contextlib import suppress
from pathlib import Path

MESSAGE_BYTES_MAX = 4096


def begin_last_words(path: Path) -> None:
    """Make the file empty, as each start finds it."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(descriptor, 0o666)  # whoever the container runs as; its directory is closed
    finally:
        os.close(descriptor)


def read_last_words(path: Path) -> str:
    """Return the end of what was written; "" for nothing, or for something else than a file.

    Without mounts the container can put anything there, as a link to what it may not show.
    """
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode):
                file.seek(max(0, found.st_size - MESSAGE_BYTES_MAX))
                return file.read(MESSAGE_BYTES_MAX).decode(errors="replace")
    return ""
