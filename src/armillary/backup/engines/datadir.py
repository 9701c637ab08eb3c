"""What a server's data directory looks like on disk. I/O."""

import re
from pathlib import Path

_ESCAPE = re.compile("@([0-9a-f]{4})")


def database_names(data: Path) -> frozenset[str]:
    """Return the databases in a data directory: its sub-directories, with escapes undone."""
    return frozenset(
        decode_database_name(path.name)
        for path in data.iterdir()
        if path.is_dir() and not path.name.startswith(("#", "."))
    )


def decode_database_name(file_name: str) -> str:
    """Undo the server's escapes: `vt_a@002db` is `vt_a-b`. Source: MySQL manual, 11.2.4."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), file_name)
