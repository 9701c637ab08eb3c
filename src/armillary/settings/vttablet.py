"""Flags of vttablet: Vitess's names, and what they do here. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from armillary.settings.backup import BackupFlags
from armillary.settings.flags import flag
from armillary.settings.topo import TopoSettings


@dataclass(frozen=True, kw_only=True)
class VttabletSettings(BackupFlags, TopoSettings):
    tablet_path: str = flag(help="alias of the tablet: <cell>-<uid>")
    tablet_hostname: str = flag("", help="address that others reach this pod at; empty: $POD_IP")
    init_keyspace: str = flag(help="keyspace that the tablet belongs to")
    init_shard: str = flag(help="shard that the tablet belongs to")
    init_tablet_type: str = flag("replica", help="replica, rdonly or spare")
    init_db_name_override: str = flag("", help="database in mysqld; empty means vt_<keyspace>")
    port: int = flag(15000, help="port of the web pages")
    grpc_port: int = flag(15999, help="port of the gRPC services")
    bind_address: str = flag("", help="address of the web pages; empty means $POD_IP")
    grpc_bind_address: str = flag("", help="address of the gRPC services; empty means $POD_IP")
    mysql_port: int = flag(3306, help="TCP port of mysqld")
    grpc_auth_mode: str = flag("", help="static, or empty for none")
    grpc_auth_static_password_file: str = flag("", help="who may call us")
    grpc_auth_static_client_creds: str = flag("", help="what we show to others")
    web_open: bool = flag(
        False,
        help="show all web pages to anyone; else they ask for the gRPC port's users, if it asks",
    )
    vtdataroot: str = flag("", help="where tablet directories are; empty means $VTDATAROOT")
    mysqlctl_socket: str = flag("/vt/socket/mysqlctl.sock", help="unix socket of mysqlctld")
    mycnf_socket_file: str = flag("/vt/socket/mysql.sock", help="unix socket of mysqld")
    db_credentials_file: str = flag("", help="JSON of user to passwords; empty: no passwords")
    db_config_dba_uname: str = flag("vt_dba", help="the account that may do everything")
    db_config_app_uname: str = flag("vt_app", help="the account of vtgate")
    db_config_repl_uname: str = flag("vt_repl", help="the account of replicas")
    db_config_allprivs_uname: str = flag("vt_allprivs", help="the account of schema tools")
    db_config_filtered_uname: str = flag("vt_filtered", help="the account of data movers")
    restore_from_backup: bool = flag(False, help="restore when the database is empty")
    restore_from_backup_ts: str = flag("", help="YYYY-MM-DD.HHMMSS: newest backup until then")
    enable_semi_sync: bool = flag(False, help="a commit waits for a replica to have it")
    disable_active_reparents: bool = flag(False, help="replication is somebody else's to set up")
    health_check_interval: timedelta = flag(
        timedelta(seconds=5), help="how often mysqld is looked at; health that changed is sent"
    )
    unhealthy_threshold: timedelta = flag(
        timedelta(hours=2), help="a replica this far behind stops serving"
    )
    shutdown_grace_period: timedelta = flag(
        timedelta(seconds=3), help="time between telling others that we go and going"
    )
    wait_replicas_timeout: timedelta = flag(
        timedelta(seconds=30), help="longest wait in a replication RPC that names no time"
    )


VTTABLET_WITHOUT_EFFECT = frozenset(
    {
        "logtostderr",
        "alsologtostderr",
        "log_dir",
        "log_err_stacks",
        "stderrthreshold",
        "v",
        "vmodule",
        "service_map",
        "degraded_threshold",
        "backup_storage_block_size",
        "xtrabackup_user",
        "db_charset",
        "db_config_appdebug_uname",
        "db_app_user",
        "db_appdebug_user",
        "db_allprivs_user",
        "db_dba_user",
        "db_repl_user",
        "db_filtered_user",
        "tablet_dir",
        "grpc_max_message_size",
        "binlog_use_v3_resharding_mode",
        "queryserver_config_max_result_size",
        "queryserver_config_query_timeout",
        "queryserver_config_pool_size",
        "queryserver_config_stream_pool_size",
        "queryserver_config_transaction_cap",
        "queryserver_config_transaction_timeout",
        "queryserver_config_schema_reload_time",
        "client_found_rows_pool_size",
        "enforce_strict_trans_tables",
        "enable_replication_reporter",
        "heartbeat_enable",
        "heartbeat_interval",
        "watch_replication_stream",
        "track_schema_versions",
        "vreplication_tablet_type",
        "init_tags",
        "init_timeout",
        "unmanaged",
        "pid_file",
        "gc_check_interval",
        "gc_purge_check_interval",
        "onclose_timeout",
        "onterm_timeout",
        "lock_tables_timeout",
        "serving_state_grace_period",
        "enable_lag_throttler",
        "throttle_threshold",
        "queryserver_enable_online_ddl",
        "migration_check_interval",
        "dba_pool_size",
        "pool_hostname_resolve_interval",
        "pprof",
        "keep_logs",
        "emit_stats",
        "stats_backend",
        "tracer",
    }
)

# Flags of Vitess's vttablet that promise what is not kept here.
VTTABLET_REFUSED = {
    "restore_to_timestamp": "a tablet restores whole backups; restore_from_backup_ts, or the "
    "snapshot_time of a SNAPSHOT keyspace, picks the one",
    "restore_to_pos": "a tablet restores whole backups; restore_from_backup_ts, or the "
    "snapshot_time of a SNAPSHOT keyspace, picks the one",
    "table_acl_config": "access is a matter of MySQL's users and of vtgate's, not of tables",
    "enforce_tableacl_config": "access is a matter of MySQL's users and of vtgate's, not of tables",
}
