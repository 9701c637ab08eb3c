"""More options for mysqld from files that EXTRA_MY_CNF names, as Vitess has it. I/O."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from armillary.base.errors import InputError

EXTRA_MY_CNF = "EXTRA_MY_CNF"
_GROUPS = ("[mysqld]", "[mariadb]", "[mariadbd]", "[server]")


def extra_options(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of every file in the colon-separated list, in its order.

    Raises:
        InputError: a file cannot be read.
    """
    paths = [Path(text) for text in environ.get(EXTRA_MY_CNF, "").split(":") if text]
    return tuple(line for path in paths for line in option_lines(_read(path)))


def option_lines(text: str) -> Iterator[str]:
    """Yield the options of a my.cnf fragment, but not those of other programs."""
    mine = True
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            mine = line.lower() in _GROUPS
        elif mine and line and not line.startswith(("#", ";")):
            yield line


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise InputError(f"cannot read {path} of {EXTRA_MY_CNF}: {error.strerror}") from None
