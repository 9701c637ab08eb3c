"""MariaDB 10.11 and newer. Pure.

GTIDs are `domain-server-sequence`. What was executed is the union of the binlog's position and of
`gtid_slave_pos`: the former knows what was written here, the latter what was applied while no
binlog was kept (right after a restore). A server that becomes a replica takes that union as its
`gtid_slave_pos`, because the variable is stale on a server that was primary.
Source: MariaDB Knowledge Base, "Global Transaction ID", "CHANGE MASTER TO", "Semisynchronous".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armillary.model.gtid import GtidSet, MariadbGtidSet, Position
from armillary.mysqld.flavors.flavor import (
    SEMI_SYNC_TIMEOUT_MS,
    Account,
    Quote,
    ReplicationSource,
    ReplicationStatus,
    SemiSyncNames,
    ServerVersion,
    ThreadState,
)
from armillary.mysqld.layout import TabletDir


@dataclass(frozen=True, slots=True)
class MariadbFlavor:
    mysqld: Path
    version: ServerVersion
    install_db: Path

    name = "MariaDB"
    super_read_only = False
    semi_sync = SemiSyncNames(
        primary_enabled="rpl_semi_sync_master_enabled",
        replica_enabled="rpl_semi_sync_slave_enabled",
        primary_status="Rpl_semi_sync_master_status",
        replica_status="Rpl_semi_sync_slave_status",
        primary_clients="Rpl_semi_sync_master_clients",
        primary_timeout="rpl_semi_sync_master_timeout",
        wait_count=None,
    )

    def config_options(self, tablet: TabletDir) -> Mapping[str, str]:
        return {
            "gtid_strict_mode": "1",
            "log_slave_updates": "1",
            "relay_log_recovery": "1",
            "skip_slave_start": "1",
            "slave_net_timeout": "8",
            "master_retry_count": "0",  # for ever
            "rpl_semi_sync_master_timeout": str(SEMI_SYNC_TIMEOUT_MS),
            "rpl_semi_sync_master_wait_point": "AFTER_SYNC",
            "innodb_temp_data_file_path": "ibtmp1:3M:autoextend",
            "query_cache_type": "0",
            "query_cache_size": "0",
            "key_buffer_size": "64K",
            "aria_pagecache_buffer_size": "1M",
        }

    def initialize_command(self, tablet: TabletDir, my_cnf: Path) -> Sequence[str]:
        return (
            str(self.install_db),
            f"--defaults-file={my_cnf}",
            f"--datadir={tablet.data}",
            "--auth-root-authentication-method=socket",
            "--auth-root-socket-user=root",
            "--skip-test-db",
            "--skip-name-resolve",
        )

    def account_statements(self, account: Account) -> Sequence[str]:
        name = f"'{account.user}'@'{account.host}'"
        password = _quote(account.password)
        privileges = ", ".join(account.privileges) or "USAGE"
        grant_option = " WITH GRANT OPTION" if account.with_grant else ""
        other_host = "%" if account.host == "localhost" else "localhost"
        return (
            f"CREATE USER IF NOT EXISTS {name}",
            f"ALTER USER {name} IDENTIFIED BY {password}",
            f"GRANT {privileges} ON *.* TO {name}{grant_option}",
            # A data directory from elsewhere may have the same user for other hosts.
            f"ALTER USER IF EXISTS '{account.user}'@'{other_host}' IDENTIFIED BY {password}",
        )

    def monitor_privileges(self) -> tuple[str, ...]:
        return ("PROCESS", "BINLOG MONITOR", "SLAVE MONITOR")

    def replication_privileges(self) -> tuple[str, ...]:
        return ("REPLICATION SLAVE",)

    def parse_gtids(self, text: str) -> GtidSet:
        return MariadbGtidSet.parse(text)

    def executed_queries(self) -> Sequence[str]:
        return ("SELECT @@global.gtid_binlog_pos", "SELECT @@global.gtid_slave_pos")

    def purged_query(self) -> str:
        return "SELECT ''"  # MariaDB keeps no such set

    def status_query(self) -> str:
        return "SHOW SLAVE STATUS"

    def parse_status(self, row: Mapping[str, Any]) -> ReplicationStatus:
        lag = row["Seconds_Behind_Master"]
        return ReplicationStatus(
            position=Position(),  # the caller knows more: see `executed_queries`
            relay_position=Position(MariadbGtidSet.parse(str(row["Gtid_IO_Pos"] or "")) or None),
            source_host=str(row["Master_Host"] or ""),
            source_port=int(row["Master_Port"] or 0),
            source_user=str(row["Master_User"] or ""),
            source_server_id=int(row["Master_Server_Id"] or 0),
            io_state=ThreadState.parse(str(row["Slave_IO_Running"])),
            sql_state=ThreadState.parse(str(row["Slave_SQL_Running"])),
            lag_s=None if lag is None else int(lag),
            last_io_error=str(row["Last_IO_Error"] or ""),
            last_sql_error=str(row["Last_SQL_Error"] or ""),
            connect_retry_s=int(row["Connect_Retry"] or 0),
            sql_delay_s=int(row.get("SQL_Delay") or 0),
            file_position=_file_position(row["Relay_Master_Log_File"], row["Exec_Master_Log_Pos"]),
            relay_source_file_position=_file_position(
                row["Master_Log_File"], row["Read_Master_Log_Pos"]
            ),
            auto_position=str(row["Using_Gtid"]) != "No",
            using_gtid=str(row["Using_Gtid"]) != "No",
            ssl_allowed=str(row["Master_SSL_Allowed"]) == "Yes",
            has_filters=bool(row["Replicate_Do_DB"] or row["Replicate_Ignore_DB"]),
        )

    def set_source_statements(
        self, source: ReplicationSource, executed: Position, quote: Quote
    ) -> Sequence[str]:
        gtids = str(executed.gtids) if executed.gtids else ""
        return (
            f"SET GLOBAL gtid_slave_pos = '{gtids}'",
            "CHANGE MASTER TO "
            f"MASTER_HOST={quote(source.host)}, MASTER_PORT={source.port}, "
            f"MASTER_USER={quote(source.user)}, MASTER_PASSWORD={quote(source.password)}, "
            f"MASTER_CONNECT_RETRY={int(source.connect_retry.total_seconds())}, "
            f"MASTER_HEARTBEAT_PERIOD={source.heartbeat.total_seconds()}, "
            "MASTER_USE_GTID=slave_pos",
        )

    def start_replication(self) -> str:
        return "START SLAVE"

    def start_replication_until(self, position: Position) -> Sequence[str]:
        return (f"START SLAVE UNTIL master_gtid_pos = '{position.gtids or ''}'",)

    def stop_replication(self) -> str:
        return "STOP SLAVE"

    def stop_io_thread(self) -> str:
        return "STOP SLAVE IO_THREAD"

    def start_io_thread(self) -> str:
        return "START SLAVE IO_THREAD"

    def reset_replication(self) -> str:
        return "RESET SLAVE ALL"

    def reset_binlogs(self) -> str:
        return "RESET MASTER"

    def set_position_statements(self, position: Position) -> Sequence[str]:
        gtids = str(position.gtids) if position.gtids else ""
        return (
            "STOP SLAVE",
            "RESET SLAVE ALL",
            "RESET MASTER",
            f"SET GLOBAL gtid_slave_pos = '{gtids}'",
            # Without it a server promoted before its first own write would not recognise the
            # position of a replica that was restored from the same backup.
            f"SET GLOBAL gtid_binlog_state = '{gtids}'",
        )

    def wait_query(self, position: Position, timeout_s: float) -> str:
        return f"SELECT MASTER_GTID_WAIT('{position.gtids or ''}', {timeout_s:.3f})"

    def primary_status_query(self) -> str:
        return "SHOW MASTER STATUS"


def _file_position(file: object, offset: object) -> str:
    return f"FilePos/{file}:{offset}" if file else ""


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
