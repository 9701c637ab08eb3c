"""Read a file of the machine that vtctld runs on, as Vitess's flags have it. I/O."""

import stat
from pathlib import Path

from armillary.base.errors import InputError

_BYTES_MAX = 16 * 2**20


def read_server_file(path: str, *, flag: str) -> str:
    """Return the text of `path`.

    Args:
        flag: the one that sends a text itself, for the hint.

    Raises:
        InputError: it cannot be read, is no plain file (a device has no end), or is too large.
    """
    try:
        # Before it is opened: that would wait for a writer where the path is a pipe's.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise InputError(f"{path!r} where vtctld runs is no plain file")
        with Path(path).open("rb") as file:
            data = file.read(_BYTES_MAX + 1)
        if len(data) > _BYTES_MAX:
            raise InputError(f"{path!r} where vtctld runs has more than {_BYTES_MAX} bytes")
        return data.decode()
    except (OSError, ValueError) as error:
        raise InputError(
            f'cannot read {path!r} where vtctld runs: {error}; -{flag}="$(cat FILE)" sends it'
        ) from None
