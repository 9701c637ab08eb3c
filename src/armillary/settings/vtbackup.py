"""Flags of vtbackup. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from armillary.settings.backup import BackupFlags
from armillary.settings.flags import flag
from armillary.settings.topo import TopoSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class VtbackupSettings(BackupFlags, TopoSettings):
    init_keyspace: str = flag(help="keyspace of the shard")
    init_shard: str = flag(help="name of the shard")
    init_db_name_override: str = flag("", help="name of the database; empty means vt_<keyspace>")
    init_db_sql_file: str = flag("", help="SQL run once, when a data directory is made")
    initial_backup: bool = flag(False, help="back up an empty shard, unless it has a backup")
    restart_before_backup: bool = flag(False, help="restart mysqld before backing it up")
    min_backup_interval: timedelta = flag(
        timedelta(0), help="make no backup while the newest one is younger; 0 means always"
    )
    min_retention_time: timedelta = flag(
        timedelta(0), help="remove backups older than this; 0 means never"
    )
    min_retention_count: int = flag(1, help="newest complete backups that always stay")
    timeout: timedelta = flag(timedelta(hours=2), help="longest run of all of it")
    replication_timeout: timedelta = flag(timedelta(hours=1), help="longest catch-up")
    vtdataroot: str = flag("", help="where the data directory is made; empty means $VTDATAROOT")
    mysql_socket: str = flag("/vt/socket/mysql.sock", help="unix socket of mysqld")
    mysql_port: int = flag(3306, help="TCP port of mysqld")
    mysql_timeout: timedelta = flag(timedelta(minutes=5), help="longest start or stop of mysqld")
    bind_address: str = flag("", help="address of mysqld; empty means $POD_IP, else 127.0.0.1")
    db_charset: str = flag("utf8mb4", help="the server's character set")
    db_credentials_file: str = flag("", help="JSON of user to passwords; empty: no passwords")
    db_config_dba_uname: str = flag("vt_dba", help="the account that may do everything")
    db_config_app_uname: str = flag("vt_app", help="the account of vtgate")
    db_config_repl_uname: str = flag("vt_repl", help="the account of replicas")
    db_config_filtered_uname: str = flag("vt_filtered", help="the account of data movers")
    template_cache_dir: str = flag(
        "", help="share template data directories here; empty means $ARMILLARY_TEMPLATE_CACHE"
    )
    grpc_auth_static_client_creds: str = flag("", help="JSON file: how to log in to vttablets")


VTBACKUP_WITHOUT_EFFECT = frozenset(
    {
        "logtostderr",
        "alsologtostderr",
        "log_dir",
        "stderrthreshold",
        "v",
        "port",
        "grpc_port",
        "grpc_max_message_size",
        "tablet_manager_grpc_ca",
        "detach",
        "keep-alive-timeout",
        "keep_alive_timeout",
        "disable-redo-log",
        "upgrade-safe",
        "mycnf_server_id",
        "db-config-dba-uname",
        "db_dba_user",
        "db_repl_user",
        "db_app_user",
        "mysql_server_version",
        "enable_semi_sync",
        "remote_operation_timeout",
        "service_map",
        "allow_first_backup",
        "backup_storage_block_size",
        "concurrency",
        "xtrabackup_user",
        "pprof",
    }
)
