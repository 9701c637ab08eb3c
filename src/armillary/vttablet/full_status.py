"""Read everything about a server's replication into Vitess's messages. I/O."""

from typing import Any

from armillary.mysqld import replication
from armillary.mysqld.connection import Connection
from armillary.mysqld.flavors.flavor import ReplicationStatus
from armillary.pb import replicationdata_pb2 as pb
from armillary.topo import convert
from armillary.vttablet.agent import Agent


def status_to_pb(status: ReplicationStatus, *, backup_running: bool) -> pb.Status:
    return pb.Status(
        position=str(status.position),
        relay_log_position=str(status.relay_position),
        replication_lag_seconds=status.lag_s or 0,
        replication_lag_unknown=status.lag_s is None,
        source_host=status.source_host,
        source_port=status.source_port,
        source_user=status.source_user,
        source_server_id=status.source_server_id,
        source_uuid=status.source_uuid,
        connect_retry=status.connect_retry_s,
        file_position=status.file_position,
        relay_log_source_binlog_equivalent_position=status.relay_source_file_position,
        io_state=status.io_state.value,
        sql_state=status.sql_state.value,
        last_io_error=status.last_io_error,
        last_sql_error=status.last_sql_error,
        sql_delay=status.sql_delay_s,
        auto_position=status.auto_position,
        using_gtid=status.using_gtid,
        has_replication_filters=status.has_filters,
        ssl_allowed=status.ssl_allowed,
        backup_running=backup_running,
    )


async def primary_status(agent: Agent, connection: Connection) -> pb.PrimaryStatus:
    position = await replication.executed_position(connection, agent.flavor)
    row = (await connection.query(agent.flavor.primary_status_query())).first() or {}
    return pb.PrimaryStatus(
        position=str(position),
        file_position=f"FilePos/{row['File']}:{row['Position']}" if row else "",
        server_uuid=await _variable(connection, "server_uuid")
        or await _variable(connection, "server_uid"),
    )


async def read_full_status(agent: Agent, connection: Connection) -> pb.FullStatus:
    flavor, names = agent.flavor, agent.flavor.semi_sync
    status = await replication.replication_status(connection, flavor)
    variables = await _variables(connection)
    live = await _status_variables(connection, "rpl_semi_sync%")
    full = pb.FullStatus(
        server_id=int(variables.get("server_id", 0)),
        server_uuid=variables.get("server_uuid") or variables.get("server_uid", ""),
        primary_status=await primary_status(agent, connection),
        gtid_purged=str(await replication.purged_position(connection, flavor)),
        version=variables.get("version", ""),
        version_comment=variables.get("version_comment", ""),
        read_only=_on(variables.get("read_only")),
        super_read_only=_on(variables.get("super_read_only")),
        gtid_mode=variables.get("gtid_mode", "ON"),
        binlog_format=variables.get("binlog_format", ""),
        binlog_row_image=variables.get("binlog_row_image", ""),
        log_bin_enabled=_on(variables.get("log_bin")),
        log_replica_updates=_on(
            variables.get("log_replica_updates") or variables.get("log_slave_updates")
        ),
        semi_sync_primary_enabled=_on(variables.get(names.primary_enabled)),
        semi_sync_replica_enabled=_on(variables.get(names.replica_enabled)),
        semi_sync_primary_timeout=int(variables.get(names.primary_timeout, 0)),
        semi_sync_primary_status=_on(live.get(names.primary_status.lower())),
        semi_sync_replica_status=_on(live.get(names.replica_status.lower())),
        semi_sync_primary_clients=int(live.get(names.primary_clients.lower(), 0)),
        semi_sync_wait_for_replica_count=int(
            variables.get(names.wait_count, 1) if names.wait_count else 1
        ),
        tablet_type=convert.type_to_pb(agent.role.tablet_type),
    )
    if status is not None:
        full.replication_status.CopyFrom(
            status_to_pb(status, backup_running=agent.flags.backup_running)
        )
    return full


def _on(value: Any) -> bool:
    return str(value).upper() in ("ON", "1", "YES")


async def _variable(connection: Connection, name: str) -> str:
    row = (await connection.query("SHOW GLOBAL VARIABLES LIKE %s", (name,))).first()
    return str(row["Value"]) if row else ""


async def _variables(connection: Connection) -> dict[str, str]:
    rows = await connection.query("SHOW GLOBAL VARIABLES")
    return {str(name).lower(): str(value) for name, value in rows.values}


async def _status_variables(connection: Connection, pattern: str) -> dict[str, str]:
    rows = await connection.query("SHOW GLOBAL STATUS LIKE %s", (pattern,))
    return {str(name).lower(): str(value) for name, value in rows.values}
