"""The text of my.cnf. Pure.

The defaults are for a small footprint (about 52 MB resident on MariaDB): memory for real loads
comes with the user's own lines, which stand last and win. The server always starts read-only:
only its tablet, which knows who is primary, may open it for writes.
"""

from collections.abc import Mapping

from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.spec import ServerSpec

SOCKET_PATH_BYTES_MAX = 107

# A system tablespace may be larger than said here, never smaller: 10M is what Vitess's my.cnf says,
# so whatever was backed up opens. Never raise it.
LAYOUT_OPTIONS: Mapping[str, str] = {
    "innodb_data_file_path": "ibdata1:10M:autoextend",
    "innodb_log_file_size": "16M",
}

_SMALL_OPTIONS: Mapping[str, str] = {
    "innodb_buffer_pool_size": "32M",
    "innodb_log_buffer_size": "2M",
    "innodb_buffer_pool_dump_at_shutdown": "0",
    "innodb_buffer_pool_load_at_startup": "0",
    "performance_schema": "0",
    "table_open_cache": "200",
    "table_definition_cache": "400",
    "max_connections": "300",
}

_SAFE_OPTIONS: Mapping[str, str] = {
    "read_only": "1",
    "binlog_format": "ROW",
    # Else only SUPER may make triggers and functions; rows in the binlog need no such care.
    "log_bin_trust_function_creators": "1",
    "sync_binlog": "1",
    "innodb_flush_log_at_trx_commit": "1",
    "binlog_expire_logs_seconds": "259200",
    "max_binlog_size": "64M",
    "skip_name_resolve": "1",
    "default_storage_engine": "InnoDB",
    "max_allowed_packet": "64M",
    "local_infile": "0",
    "secure_file_priv": "",
}


def render_my_cnf(flavor: Flavor, spec: ServerSpec, *, server_id: int | None = None) -> str:
    """Return the configuration file of the server that `spec` wants."""
    tablet = spec.tablet
    places = {
        "socket": str(spec.socket),
        "bind_address": spec.bind_address,
        "port": str(spec.port),
        "server_id": str(server_id or spec.default_server_id),
        "pid_file": str(tablet.pid_file),
        "datadir": str(tablet.data),
        "innodb_data_home_dir": str(tablet.innodb_data),
        "innodb_log_group_home_dir": str(tablet.innodb_logs),
        "tmpdir": str(tablet.tmp),
        "log_bin": str(tablet.bin_log_prefix),
        "log_bin_index": f"{tablet.bin_log_prefix}.index",
        "relay_log": str(tablet.relay_log_prefix),
        "relay_log_index": f"{tablet.relay_log_prefix}.index",
        "character_set_server": spec.charset,
    }
    options = {
        **places,
        **LAYOUT_OPTIONS,
        **_SMALL_OPTIONS,
        **_SAFE_OPTIONS,
        **flavor.config_options(tablet),
    }
    if flavor.name == "MySQL":
        options.pop("innodb_log_file_size")  # replaced by innodb_redo_log_capacity
    lines = [f"{name} = {value}" for name, value in options.items()]
    return "\n".join(["[mysqld]", *lines, *spec.extra_cnf, ""])
