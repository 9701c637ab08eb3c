"""Flags of mysqlctld and of the exporter beside it: Vitess's names where Vitess has them. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from armillary.settings.flags import flag


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlctldSettings:
    tablet_uid: int = flag(help="uid of the tablet, which is the server's id too")
    socket_file: str = flag("/vt/socket/mysqlctl.sock", help="unix socket of the MysqlCtl service")
    mysql_socket: str = flag("/vt/socket/mysql.sock", help="unix socket of mysqld")
    mysql_port: int = flag(3306, help="TCP port of mysqld")
    mysql_bind_address: str = flag(
        "", help="address of mysqld; empty means $POD_IP, else 127.0.0.1"
    )
    vtdataroot: str = flag("", help="where tablet directories are; empty means $VTDATAROOT")
    db_charset: str = flag("utf8mb4", help="the server's character set")
    db_credentials_file: str = flag("", help="JSON of user to passwords; empty: no passwords")
    db_config_dba_uname: str = flag("vt_dba", help="the account that may do everything")
    db_config_app_uname: str = flag("vt_app", help="the account of vtgate")
    db_config_repl_uname: str = flag("vt_repl", help="the account of replicas")
    db_config_filtered_uname: str = flag("vt_filtered", help="the account of data movers")
    init_db_sql_file: str = flag("", help="SQL run once, when the data directory is made")
    template_cache_dir: str = flag(
        "", help="share template data directories here; empty means $ARMILLARY_TEMPLATE_CACHE"
    )
    wait_time: timedelta = flag(timedelta(minutes=5), help="longest start of mysqld")
    shutdown_wait_time: timedelta = flag(timedelta(minutes=20), help="longest stop of mysqld")


MYSQLCTLD_WITHOUT_EFFECT = frozenset(
    {
        "logtostderr",
        "alsologtostderr",
        "log_dir",
        "stderrthreshold",
        "v",
        "vmodule",
        "tablet_dir",
        "mycnf_template",
        "mysql_server_version",
        "bind_address",
        "pool_hostname_resolve_interval",
        "onclose_timeout",
        "onterm_timeout",
        "service_map",
        "port",
        "grpc_port",
        "grpc_max_message_size",
        "pprof",
        "keep_logs",
        "keep_logs_by_mtime",
        "purge_logs_interval",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterSettings:
    web_listen_address: str = flag(
        "", name="web.listen-address", help="host:port; empty means $POD_IP:9104"
    )
    web_auth_static_file: str = flag(
        "",
        name="web.auth-static-file",
        help="JSON file of who may see the metrics, by HTTP Basic; empty: anyone",
    )
    config_my_cnf: str = flag(
        "", name="config.my-cnf", help="my.cnf whose socket is used; DATA_SOURCE_NAME wins"
    )
    mysql_socket: str = flag("/vt/socket/mysql.sock", help="unix socket of mysqld")
    db_credentials_file: str = flag("", help="JSON of user to passwords; empty: no passwords")
    db_monitor_user: str = flag("vt_monitor", help="the account to read the status with")


EXPORTER_WITHOUT_EFFECT = frozenset(
    {
        "collect.info_schema.tables.databases",
        "collect.info_schema.tables",
        "collect.info_schema.innodb_metrics",
        "collect.global_status",
        "collect.global_variables",
        "collect.slave_status",
        "collect.auto_increment.columns",
        "collect.binlog_size",
        "collect.heartbeat",
        "collect.perf_schema.eventswaits",
        "log.level",
        "log.format",
        "web.telemetry-path",
        "exporter.lock_wait_timeout",
        "db_config_dba_uname",
        "db_charset",
        "logtostderr",
    }
)
