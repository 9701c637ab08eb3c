"""Flags of vtctld. Pure."""

from dataclasses import dataclass

from armillary.settings.backup import BackupStorageSettings
from armillary.settings.flags import flag
from armillary.settings.topo import TopoSettings

# Flags of Vitess's vtctld that change nothing here.
ACCEPTED_WITHOUT_EFFECT = frozenset(
    {
        "logtostderr", "alsologtostderr", "stderrthreshold", "v", "log_dir", "service_map",
        "enable_queries", "enable_realtime_stats", "workflow_manager_init",
        "workflow_manager_use_election", "web_dir", "web_dir2", "vtctld_show_topology_crud",
        "tablet_health_keep_alive", "schema_change_dir", "schema_change_controller",
        "grpc_max_message_size", "tablet_protocol", "tablet_manager_protocol", "onterm_timeout",
        "lameduck_period", "pid_file", "grpc_server_keepalive_enforcement_policy_min_time",
        "security_policy", "sanitize_log_messages", "tablet_grpc_ca", "proxy_tablets",
        "xtrabackup_root_path", "xtrabackup_stream_mode", "xtrabackup_user", "xtrabackup_stripes",
        "backup_engine_implementation", "backup_storage_compress", "xtrabackup_backup_flags",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VtctldSettings(TopoSettings, BackupStorageSettings):
    cell: str = flag("", help="the cell that this vtctld runs in")
    port: int = flag(15000, help="port of the web pages /debug/health and /debug/status")
    grpc_port: int = flag(15999, help="port of the gRPC services")
    bind_address: str = flag("", help="address of the web port; empty: $POD_IP, else 127.0.0.1")
    grpc_bind_address: str = flag("", help="address of the gRPC port; empty: as bind_address")
    grpc_auth_mode: str = flag("", help="`static` asks callers for a password; empty trusts all")
    grpc_auth_static_password_file: str = flag("", help="JSON file of who may call, for `static`")
    grpc_auth_static_client_creds: str = flag(
        "", help="JSON file of the user name and password to send to tablets"
    )
    web_open: bool = flag(
        False,
        help="show all web pages to anyone; else they ask for the gRPC port's users, if it asks",
    )
    disable_active_reparents: bool = flag(
        False, help="refuse the commands that reparent: something else decides who is primary"
    )
