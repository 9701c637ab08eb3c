"""What a server's data directory looks like on disk. I/O.

Source: Vitess builtin engine, `findFilesToBackup`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from armillary.base.errors import InvariantError
from armillary.mysqld.layout import TabletDir

_ESCAPE = re.compile("@([0-9a-f]{4})")
_DATABASE_SUFFIXES = frozenset({".frm", ".sst", ".ibd", ".sdi"})
_DATABASE_OPTIONS = "db.opt"
_REDO_DIRECTORY = "#innodb_redo"
# Of the data directory's own files: MySQL's dictionary, Aria's logs, undo tablespaces.
_DATA_FILES = re.compile(r"mysql\.ibd|aria_log_control|aria_log\.\d+|undo(_?\d+)(\.ibu)?")
# Made anew at each start, or not of this server.
_TEMPORARY = re.compile(r"ibtmp\d+|ib_buffer_pool|#sql.*|.*\.pid|.*\.err")


@dataclass(frozen=True, slots=True)
class DataFile:
    base: str
    name: str  # relative to the base


def data_files(dirs: TabletDir) -> list[DataFile]:
    """Return the files of a stopped server that make up its data, in Vitess's order."""
    found = [DataFile("InnoDBData", name) for name in _plain_files(dirs.innodb_data)]
    found += [DataFile("InnoDBLog", name) for name in _plain_files(dirs.innodb_logs)]
    redo = dirs.innodb_logs / _REDO_DIRECTORY
    if redo.is_dir():
        found += [DataFile("InnoDBLog", f"{_REDO_DIRECTORY}/{name}") for name in _plain_files(redo)]
    found += [
        DataFile("Data", name) for name in _plain_files(dirs.data) if _DATA_FILES.fullmatch(name)
    ]
    for folder in sorted(path for path in dirs.data.iterdir() if path.is_dir()):
        names = _plain_files(folder)
        if _is_database(names):
            found += [DataFile("Data", f"{folder.name}/{name}") for name in names]
    return found


def empty_folders(dirs: TabletDir) -> list[str]:
    """Return the folders of databases in which there is no file.

    A server that keeps its dictionary elsewhere, as MySQL, makes them so, and takes no table
    into a database whose folder is missing.
    """
    return sorted(
        path.name
        for path in dirs.data.iterdir()
        if path.is_dir() and not path.name.startswith(("#", ".")) and not any(path.iterdir())
    )


def base_path(dirs: TabletDir, base: str) -> Path:
    match base:
        case "InnoDBData":
            return dirs.innodb_data
        case "InnoDBLog":
            return dirs.innodb_logs
        case "Data":
            return dirs.data
    raise InvariantError(f"no directory is called {base!r}")


def database_names(data: Path) -> frozenset[str]:
    """Return the databases in a data directory: its sub-directories, with escapes undone."""
    if not data.is_dir():
        return frozenset()
    return frozenset(
        decode_database_name(path.name)
        for path in data.iterdir()
        if path.is_dir() and not path.name.startswith(("#", "."))
    )


def decode_database_name(file_name: str) -> str:
    """Undo the server's escapes: `vt_a@002db` is `vt_a-b`. Source: MySQL manual, 11.2.4."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), file_name)


def _plain_files(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink() and not _TEMPORARY.fullmatch(path.name)
    )


def _is_database(names: list[str]) -> bool:
    return any(
        name == _DATABASE_OPTIONS or Path(name).suffix in _DATABASE_SUFFIXES for name in names
    )
