"""MySQL 8.0.22 and newer, 8.4, 9. Pure.

GTIDs are sets of `uuid:first-last`. Source: MySQL reference manual, "Replication with GTIDs",
"CHANGE REPLICATION SOURCE TO"; names that changed in 8.2 and 8.4 are chosen by version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from armillary.model.gtid import GtidSet, MysqlGtidSet, Position
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
class MysqlFlavor:
    mysqld: Path
    version: ServerVersion

    name = "MySQL"
    super_read_only = True
    semi_sync = SemiSyncNames(
        primary_enabled="rpl_semi_sync_source_enabled",
        replica_enabled="rpl_semi_sync_replica_enabled",
        primary_status="Rpl_semi_sync_source_status",
        replica_status="Rpl_semi_sync_replica_status",
        primary_clients="Rpl_semi_sync_source_clients",
        primary_timeout="rpl_semi_sync_source_timeout",
        wait_count="rpl_semi_sync_source_wait_for_replica_count",
    )

    def config_options(self, tablet: TabletDir) -> Mapping[str, str]:
        options = {
            "gtid_mode": "ON",
            "enforce_gtid_consistency": "ON",
            "log_replica_updates": "1",
            "relay_log_recovery": "1",
            "skip_replica_start": "1",
            "replica_net_timeout": "8",
            "super_read_only": "1",
            "plugin_load_add": "semisync_source.so;semisync_replica.so",
            "loose_rpl_semi_sync_source_timeout": str(SEMI_SYNC_TIMEOUT_MS),
            "mysqlx": "0",
            "innodb_redo_log_capacity": "64M",
        }
        return options

    def initialize_command(self, tablet: TabletDir, my_cnf: Path) -> Sequence[str]:
        return (str(self.mysqld), f"--defaults-file={my_cnf}", "--initialize-insecure")

    def account_statements(self, account: Account) -> Sequence[str]:
        name = f"'{account.user}'@'{account.host}'"
        password = _quote(account.password)
        privileges = ", ".join(account.privileges) or "USAGE"
        grant_option = " WITH GRANT OPTION" if account.with_grant else ""
        other_host = "%" if account.host == "localhost" else "localhost"
        return (
            f"CREATE USER IF NOT EXISTS {name} IDENTIFIED BY {password}",
            f"ALTER USER {name} IDENTIFIED BY {password}",
            f"GRANT {privileges} ON *.* TO {name}{grant_option}",
            f"ALTER USER IF EXISTS '{account.user}'@'{other_host}' IDENTIFIED BY {password}",
        )

    def monitor_privileges(self) -> tuple[str, ...]:
        return ("PROCESS", "REPLICATION CLIENT")

    def replication_privileges(self) -> tuple[str, ...]:
        return ("REPLICATION SLAVE",)

    def parse_gtids(self, text: str) -> GtidSet:
        return MysqlGtidSet.parse(text)

    def executed_queries(self) -> Sequence[str]:
        return ("SELECT @@global.gtid_executed",)

    def purged_query(self) -> str:
        return "SELECT @@global.gtid_purged"

    def status_query(self) -> str:
        return "SHOW REPLICA STATUS"

    def parse_status(self, row: Mapping[str, Any]) -> ReplicationStatus:
        executed = MysqlGtidSet.parse(str(row["Executed_Gtid_Set"] or ""))
        received = MysqlGtidSet.parse(str(row["Retrieved_Gtid_Set"] or ""))
        lag = row["Seconds_Behind_Source"]
        return ReplicationStatus(
            position=Position(executed or None),
            relay_position=Position(executed.union(received) or None),
            source_host=str(row["Source_Host"] or ""),
            source_port=int(row["Source_Port"] or 0),
            source_user=str(row["Source_User"] or ""),
            source_server_id=int(row["Source_Server_Id"] or 0),
            source_uuid=str(row["Source_UUID"] or ""),
            io_state=ThreadState.parse(str(row["Replica_IO_Running"])),
            sql_state=ThreadState.parse(str(row["Replica_SQL_Running"])),
            lag_s=None if lag is None else int(lag),
            last_io_error=str(row["Last_IO_Error"] or ""),
            last_sql_error=str(row["Last_SQL_Error"] or ""),
            connect_retry_s=int(row["Connect_Retry"] or 0),
            sql_delay_s=int(row.get("SQL_Delay") or 0),
            file_position=_file_position(row["Relay_Source_Log_File"], row["Exec_Source_Log_Pos"]),
            relay_source_file_position=_file_position(
                row["Source_Log_File"], row["Read_Source_Log_Pos"]
            ),
            auto_position=str(row["Auto_Position"]) == "1",
            using_gtid=str(row["Auto_Position"]) == "1",
            ssl_allowed=str(row["Source_SSL_Allowed"]) == "Yes",
            has_filters=bool(row["Replicate_Do_DB"] or row["Replicate_Ignore_DB"]),
        )

    def set_source_statements(
        self, source: ReplicationSource, executed: Position, quote: Quote
    ) -> Sequence[str]:
        return (
            "CHANGE REPLICATION SOURCE TO "
            f"SOURCE_HOST={quote(source.host)}, SOURCE_PORT={source.port}, "
            f"SOURCE_USER={quote(source.user)}, SOURCE_PASSWORD={quote(source.password)}, "
            f"SOURCE_CONNECT_RETRY={int(source.connect_retry.total_seconds())}, "
            f"SOURCE_HEARTBEAT_PERIOD={source.heartbeat.total_seconds()}, "
            "GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1",
        )

    def start_replication(self) -> str:
        return "START REPLICA"

    def start_replication_until(self, position: Position) -> Sequence[str]:
        return (f"START REPLICA UNTIL SQL_AFTER_GTIDS = '{position.gtids or ''}'",)

    def stop_replication(self) -> str:
        return "STOP REPLICA"

    def stop_io_thread(self) -> str:
        return "STOP REPLICA IO_THREAD"

    def start_io_thread(self) -> str:
        return "START REPLICA IO_THREAD"

    def reset_replication(self) -> str:
        return "RESET REPLICA ALL"

    def reset_binlogs(self) -> str:
        return "RESET BINARY LOGS AND GTIDS" if self.version.at_least(8, 2) else "RESET MASTER"

    def set_position_statements(self, position: Position) -> Sequence[str]:
        return (
            "STOP REPLICA",
            "RESET REPLICA ALL",
            self.reset_binlogs(),
            f"SET GLOBAL gtid_purged = '{position.gtids or ''}'",
        )

    def wait_query(self, position: Position, timeout_s: float) -> str:
        return f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{position.gtids or ''}', {timeout_s:.3f})"

    def primary_status_query(self) -> str:
        return "SHOW BINARY LOG STATUS" if self.version.at_least(8, 2) else "SHOW MASTER STATUS"


def _file_position(file: object, offset: object) -> str:
    return f"FilePos/{file}:{offset}" if file else ""


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
