"""Find the server binary of this machine and say which flavor it is. I/O."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import anyio

from armillary.base.errors import PreconditionError
from armillary.mysqld.flavors.flavor import Flavor, ServerVersion
from armillary.mysqld.flavors.mariadb import MariadbFlavor
from armillary.mysqld.flavors.mysql import MysqlFlavor

_FOLDERS = ("sbin", "bin", "libexec", "scripts")
_SYSTEM_ROOTS = (Path("/usr"), Path("/usr/local"), Path("/usr/local/mysql"))


async def detect_flavor(*, mysql_root: str = "", wanted: str = "") -> Flavor:
    """Return the flavor of the server below `mysql_root`, else of the system's.

    Args:
        mysql_root: what VT_MYSQL_ROOT says; empty to look in the usual places and on PATH.
        wanted: what MYSQL_FLAVOR says (`MariaDB`, `MySQL80`, ...); empty when both are fine.

    Raises:
        PreconditionError: no such binary is installed; names what was looked for.
    """
    roots = (Path(mysql_root),) if mysql_root else _SYSTEM_ROOTS
    names = ("mysqld", "mariadbd") if wanted.lower().startswith("mysql") else ("mariadbd", "mysqld")
    for name in names:
        mysqld = find_program(name, roots)
        if mysqld is not None:
            line = await _version_line(mysqld)
            return _flavor_of(mysqld, ServerVersion.parse(line), roots)
    raise PreconditionError(f"no mysqld found: wanted {' or '.join(names)} below {_show(roots)}")


def find_program(name: str, roots: Sequence[Path] = _SYSTEM_ROOTS) -> Path | None:
    """Return the path of program `name` below one of `roots`, else on PATH, else None."""
    for root in roots:
        for folder in _FOLDERS:
            path = root / folder / name
            if path.is_file():
                return path
    found = shutil.which(name)
    return Path(found) if found else None


def _flavor_of(mysqld: Path, version: ServerVersion, roots: Sequence[Path]) -> Flavor:
    if "mariadb" not in version.line.lower():
        return MysqlFlavor(mysqld, version)
    install_db = find_program("mariadb-install-db", roots) or find_program(
        "mysql_install_db", roots
    )
    if install_db is None:
        raise PreconditionError(f"no mariadb-install-db found below {_show(roots)}")
    return MariadbFlavor(mysqld, version, install_db)


async def _version_line(mysqld: Path) -> str:
    done = await anyio.run_process(
        [str(mysqld), "--no-defaults", "--version"], stderr=subprocess.DEVNULL, check=False
    )
    return done.stdout.decode(errors="replace")


def _show(roots: Sequence[Path]) -> str:
    return ", ".join(str(root) for root in roots)
