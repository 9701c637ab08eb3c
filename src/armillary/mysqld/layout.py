"""Where one tablet's files are, below VTDATAROOT. Pure.

Source: Vitess `mysqlctl` layout: a directory `vt_<uid, 10 digits>` a tablet.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TabletDir:
    """Paths of one tablet. Nothing here touches the disk."""

    root: Path  # VTDATAROOT
    uid: int

    @property
    def path(self) -> Path:
        return self.root / f"vt_{self.uid:010d}"

    @property
    def my_cnf(self) -> Path:
        return self.path / "my.cnf"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def innodb_data(self) -> Path:
        return self.path / "innodb" / "data"

    @property
    def innodb_logs(self) -> Path:
        return self.path / "innodb" / "logs"

    @property
    def bin_logs(self) -> Path:
        return self.path / "bin-logs"

    @property
    def bin_log_prefix(self) -> Path:
        return self.bin_logs / f"vt-{self.uid:010d}-bin"

    @property
    def relay_logs(self) -> Path:
        return self.path / "relay-logs"

    @property
    def relay_log_prefix(self) -> Path:
        return self.relay_logs / f"vt-{self.uid:010d}-relay-bin"

    @property
    def tmp(self) -> Path:
        return self.path / "tmp"

    @property
    def pid_file(self) -> Path:
        return self.path / "mysql.pid"

    @property
    def init_file(self) -> Path:
        """SQL with passwords; exists only while a mysqld starts."""
        return self.path / "init-accounts.sql"

    @property
    def initializing(self) -> Path:
        """Exists while the data directory is being filled: what is there is not to be trusted."""
        return self.path / "initializing"

    @property
    def restore_in_progress(self) -> Path:
        """Exists from before a restore deletes data until it has set the position."""
        return self.path / "restore_in_progress"

    @property
    def origin(self) -> Path:
        """Says what a restore brought the data from; as old as the data."""
        return self.path / "restored-from"

    @property
    def registered(self) -> Path:
        """Exists once this tablet has registered its keyspace in the topology."""
        return self.path / "registered"

    @property
    def server_id(self) -> Path:
        """The number by which the server knows its own transactions; as old as the data."""
        return self.path / "server-id"

    @property
    def lock(self) -> Path:
        """Held with flock by whoever may start a mysqld on this directory."""
        return self.path / "mysqlctl.lock"

    def server_dirs(self) -> tuple[Path, ...]:
        """The directories that hold a server's data; a restore empties all of them."""
        return (self.data, self.innodb_data, self.innodb_logs, self.bin_logs, self.relay_logs)
