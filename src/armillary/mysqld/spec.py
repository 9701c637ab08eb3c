"""What is wanted of one mysqld: where it lives, where it listens, who may log in. Pure."""

from dataclasses import dataclass, field
from pathlib import Path

from armillary.mysqld.connection import MysqlParams
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.layout import TabletDir


@dataclass(frozen=True, slots=True)
class AccountNames:
    """The users of Vitess's `db-config-*-uname` flags."""

    dba: str = "vt_dba"
    app: str = "vt_app"
    appdebug: str = "vt_appdebug"
    allprivs: str = "vt_allprivs"
    repl: str = "vt_repl"
    filtered: str = "vt_filtered"
    monitor: str = "vt_monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """One server."""

    tablet: TabletDir
    socket: Path
    bind_address: str = "127.0.0.1"
    port: int = 3306
    charset: str = "utf8mb4"
    accounts: AccountNames = AccountNames()
    credentials: Credentials = field(default_factory=Credentials)
    init_db_sql: str = ""  # run once, when the data directory is made
    extra_cnf: tuple[str, ...] = ()  # lines of the [mysqld] group; later ones win
    template_cache: Path | None = None  # where templates of data directories are kept
    start_timeout_s: float = 120.0

    @property
    def default_server_id(self) -> int:
        """Return the id of a server whose data directory has none of its own."""
        return self.tablet.uid or 1  # a server with id 0 cannot replicate

    def dba_params(self) -> MysqlParams:
        return MysqlParams(
            user=self.accounts.dba,
            password=self.credentials.password(self.accounts.dba),
            socket=self.socket,
        )
