"""Flags of vtgate. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from armillary.settings.flags import flag
from armillary.settings.topo import TopoSettings

# Flags of Vitess's vtgate that change nothing here.
ACCEPTED_WITHOUT_EFFECT = frozenset(
    {
        "logtostderr", "alsologtostderr", "stderrthreshold", "v", "log_dir", "log_err_stacks",
        "gateway_implementation", "service_map", "grpc_port", "grpc_bind_address",
        "grpc_max_message_size", "grpc_cert", "grpc_key", "grpc_ca", "grpc_crl",
        # there is no gRPC port here
        "grpc_auth_mode", "grpc_auth_static_password_file",
        "mysql_default_workload", "mysql_server_read_timeout", "mysql_server_write_timeout",
        "mysql_server_flush_delay", "mysql_slow_connect_warn_threshold", "mysql_tcp_version",
        "mysql_allow_clear_text_without_tls", "mysql_server_ssl_server_ca",
        "mysql_auth_static_reload_interval_jitter", "proxy_protocol", "normalize_queries",
        "legacy_replication_lag_algorithm", "healthcheck_timeout", "healthcheck_retry_delay",
        "retry_count", "discovery_low_replication_lag",
        "discovery_high_replication_lag_minimum_serving",
        "buffer_implementation", "buffer_drain_concurrency", "buffer_keyspace_shards",
        "buffer_max_failover_duration",
        "buffer_min_time_between_failovers", "enable_buffer_dry_run", "srv_topo_cache_ttl",
        "srv_topo_cache_refresh", "srv_topo_timeout", "tablet_protocol", "tablet_manager_protocol",
        "enable_system_settings", "planner_version", "planner-version", "schema_change_signal",
        "dbddl_plugin", "ddl_strategy", "foreign_key_mode", "lameduck_period", "onterm_timeout",
        "pid_file", "security_policy", "stream_buffer_size", "transaction_limit_by_username",
        "vschema_ddl_authorized_users", "warn_sharded_only", "warn_memory_rows", "web_dir",
        "sql_max_length_errors", "sql_max_length_ui", "keyspaces_to_watch", "tablet_filters",
        "tablet_refresh_interval", "tablet_refresh_known_tablets", "topo_read_concurrency",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VtgateSettings(TopoSettings):
    cell: str = flag(help="the cell that this vtgate serves")
    cells_to_watch: tuple[str, ...] = flag((), help="cells whose tablets to use; empty: own cell")
    tablet_types_to_wait: tuple[str, ...] = flag(
        (), help="be ready only when every shard has a tablet of each of these types"
    )
    gateway_initial_tablet_timeout: timedelta = flag(
        timedelta(seconds=30), help="be ready after this time even if tablets are missing"
    )
    port: int = flag(15000, help="port of the web pages /debug/health, /debug/status, /debug/vars")
    bind_address: str = flag("", help="address of the web port; empty: $POD_IP, else 127.0.0.1")
    grpc_auth_static_client_creds: str = flag(
        "", help="JSON file of the user name and password to send to tablets"
    )
    web_open: bool = flag(
        False, help="show all web pages to anyone, not to the user of the client creds only"
    )
    db_credentials_file: str = flag("", help="JSON file of the tablets' MySQL passwords")
    db_app_user: str = flag("vt_app", help="MySQL user for statements on the tablets")
    mysql_server_port: int = flag(3306, help="port of the MySQL listener; -1 for none")
    mysql_server_bind_address: str = flag("", help="address of the MySQL port; empty: bind_address")
    mysql_server_workers: int = flag(
        0, help="processes that serve MySQL clients; 0: as many as $VTGATE_WORKERS says, else 1"
    )
    mysql_server_socket_path: str = flag("", help="unix socket for MySQL clients as well")
    mysql_server_version: str = flag(
        "", help="version told to MySQL clients; empty: the tablets', as drivers go by it"
    )
    mysql_auth_server_impl: str = flag(
        "static", help="`static`: users of a file; `none`: everybody, for tests only"
    )
    mysql_auth_server_static_file: str = flag("", help="JSON file of users for `static`")
    mysql_auth_server_static_string: str = flag("", help="the same JSON, as the flag's value")
    mysql_auth_static_reload_interval: timedelta = flag(
        timedelta(seconds=30), help="how often to look whether the file of users changed"
    )
    mysql_server_require_secure_transport: bool = flag(False, help="refuse clients without TLS")
    mysql_server_ssl_cert: str = flag("", help="certificate for MySQL clients (PEM)")
    mysql_server_ssl_key: str = flag("", help="key of that certificate (PEM)")
    mysql_server_ssl_ca: str = flag("", help="authority that client certificates must be of")
    mysql_server_ssl_crl: str = flag(
        "", help="revoked client certificates (PEM); wants mysql_server_ssl_ca"
    )
    mysql_server_query_timeout: timedelta = flag(
        timedelta(0), help="stop a statement after this time; 0: never"
    )
    max_connections: int = flag(5000, help="MySQL clients at once")
    tablet_connections_max: int = flag(200, help="MySQL connections to one tablet at most")
    tablet_connect_timeout: timedelta = flag(
        timedelta(seconds=5), help="how long to wait for a connection to a tablet"
    )
    transaction_mode: str = flag("MULTI", help="SINGLE refuses transactions over several shards")
    enable_buffer: bool = flag(False, help="hold statements for a primary back while it changes")
    buffer_window: timedelta = flag(timedelta(seconds=10), help="how long one statement waits")
    buffer_size: int = flag(1000, help="how many statements may wait at once")
