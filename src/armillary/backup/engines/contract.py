"""What an engine must do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from armillary.backup.content import BackupReader, BackupWriter
from armillary.backup.manifest import Content
from armillary.model.gtid import Position
from armillary.mysqld.connection import MysqlParams
from armillary.mysqld.control import MysqldControl
from armillary.mysqld.layout import TabletDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server that is backed up or restored into."""

    dirs: TabletDir
    params: MysqlParams  # an account that may do everything
    control: MysqldControl


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an engine knows once the data is stored."""

    method: str  # BackupMethod in the MANIFEST
    content: Content
    position: Position
    purged_position: Position
    upgrade_safe: bool


class Engine(Protocol):
    """Take and restore in steps; `restore` decides when the server's own files go.

    Errors: BackupToolError when a program fails, DamagedBackupError when the stored bytes are
    wrong, UnsupportedError when this machine cannot do it.
    """

    method: str  # BackupMethod in the MANIFEST

    def require_tools(self, version_line: str) -> None:
        """Raise UnsupportedError, naming it, when a program that the engine needs is missing."""
        ...

    async def take(self, server: Server, writer: BackupWriter) -> Taken:
        """Store the server's data. Whatever it stopped runs again afterwards, also on failure."""
        ...

    async def unpack(self, reader: BackupReader, staging: Path) -> None:
        """Fetch, check and prepare the backup in `staging`, an empty directory.

        When this returns, every stored byte has been checked and `install` needs no storage.
        """
        ...

    def databases(self, staging: Path) -> frozenset[str]:
        """Return the databases that an unpacked backup holds."""
        ...

    async def install(self, staging: Path, dirs: TabletDir) -> None:
        """Move the files into the tablet's directories, which are empty; mysqld is stopped."""
        ...
