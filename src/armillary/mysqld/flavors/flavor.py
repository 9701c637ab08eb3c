"""The port that both flavors implement. Pure: it makes text and reads text, and runs nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol, Self

from armillary.base.errors import InputError
from armillary.model.gtid import GtidSet, Position
from armillary.mysqld.layout import TabletDir

_VERSION = re.compile(r"Ver (\d+)\.(\d+)\.(\d+)(\S*)")

# Semi-sync must never fall back to asynchronous by itself: an acknowledged commit would be lost.
SEMI_SYNC_TIMEOUT_MS = 1_000_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """`line` is the full text that `mysqld --version` printed."""

    major: int
    minor: int
    patch: int
    line: str

    @classmethod
    def parse(cls, line: str) -> Self:
        match = _VERSION.search(line)
        if match is None:
            raise InputError(f"cannot read a server version from {line!r}")
        major, minor, patch = (int(match[group]) for group in (1, 2, 3))
        return cls(major, minor, patch, line.strip())

    def at_least(self, major: int, minor: int, patch: int = 0) -> bool:
        return (self.major, self.minor, self.patch) >= (major, minor, patch)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class ThreadState(IntEnum):
    """State of a replication thread; numbers as in Vitess's replicationdata.Status."""

    UNKNOWN = 0
    STOPPED = 1
    CONNECTING = 2
    RUNNING = 3

    @classmethod
    def parse(cls, text: str) -> "ThreadState":
        return {"yes": cls.RUNNING, "no": cls.STOPPED, "connecting": cls.CONNECTING}.get(
            text.lower(), cls.UNKNOWN
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationStatus:
    """What a replica says of its replication; absent when no source is configured."""

    position: Position  # executed
    relay_position: Position  # received, executed or not
    source_host: str
    source_port: int
    source_user: str = ""
    source_server_id: int = 0
    source_uuid: str = ""
    io_state: ThreadState
    sql_state: ThreadState
    lag_s: int | None  # None: unknown, because a thread does not run
    last_io_error: str = ""
    last_sql_error: str = ""
    connect_retry_s: int = 0
    sql_delay_s: int = 0
    file_position: str = ""
    relay_source_file_position: str = ""
    auto_position: bool = False
    using_gtid: bool = False
    ssl_allowed: bool = False
    has_filters: bool = False

    @property
    def is_healthy(self) -> bool:
        return self.io_state == self.sql_state == ThreadState.RUNNING

    @property
    def is_stopped(self) -> bool:
        return self.io_state == self.sql_state == ThreadState.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSource:
    """The server to replicate from."""

    host: str
    port: int
    user: str
    password: str
    connect_retry: timedelta = timedelta(seconds=2)
    heartbeat: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One mysqld account with what it may do everywhere; rights on one database come later."""

    user: str
    host: str
    password: str
    privileges: tuple[str, ...]  # on *.*
    with_grant: bool = False


@dataclass(frozen=True, slots=True)
class SemiSyncNames:
    """The variables of semi-synchronous replication."""

    primary_enabled: str
    replica_enabled: str
    primary_status: str
    replica_status: str
    primary_clients: str
    primary_timeout: str
    wait_count: str | None  # None: the flavor always waits for one replica


class Flavor(Protocol):
    """Everything that depends on whose server it is. `statements_*` are run in order."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> ServerVersion: ...

    @property
    def mysqld(self) -> Path: ...

    @property
    def semi_sync(self) -> SemiSyncNames: ...

    @property
    def super_read_only(self) -> bool:
        """Whether the server can refuse writes of privileged users too."""

    def config_options(self, tablet: TabletDir) -> Mapping[str, str]: ...
    def initialize_command(self, tablet: TabletDir, my_cnf: Path) -> Sequence[str]: ...

    def account_statements(self, account: Account) -> Sequence[str]: ...
    def monitor_privileges(self) -> tuple[str, ...]: ...
    def replication_privileges(self) -> tuple[str, ...]: ...

    def parse_gtids(self, text: str) -> GtidSet: ...
    def executed_queries(self) -> Sequence[str]:
        """Queries of one text each; the union of their GTID sets is what was executed."""

    def purged_query(self) -> str: ...

    def status_query(self) -> str: ...
    def parse_status(self, row: Mapping[str, Any]) -> ReplicationStatus: ...
    def set_source_statements(
        self, source: ReplicationSource, executed: Position, quote: "Quote"
    ) -> Sequence[str]: ...
    def start_replication(self) -> str: ...
    def start_replication_until(self, position: Position) -> Sequence[str]: ...
    def stop_replication(self) -> str: ...
    def stop_io_thread(self) -> str: ...
    def start_io_thread(self) -> str: ...
    def reset_replication(self) -> str: ...
    def reset_binlogs(self) -> str: ...
    def set_position_statements(self, position: Position) -> Sequence[str]: ...
    def wait_query(self, position: Position, timeout_s: float) -> str:
        """A query whose value is 0 once the position is applied, else the time is over."""

    def primary_status_query(self) -> str: ...


class Quote(Protocol):
    def __call__(self, text: str, /) -> str: ...


__all__ = [
    "SEMI_SYNC_TIMEOUT_MS",
    "Account",
    "Flavor",
    "Quote",
    "ReplicationSource",
    "ReplicationStatus",
    "SemiSyncNames",
    "ServerVersion",
    "ThreadState",
]
