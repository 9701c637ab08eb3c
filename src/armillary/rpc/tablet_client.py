"""Calls to vttablets: tabletmanagerservice.TabletManager and the health stream. I/O.

One channel for each address is kept. Every method takes the tablet's topology record. Errors are
ours: UnavailableError when the tablet cannot be reached, DeadlineError when it takes too long,
else what the tablet itself raised.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import anyio

from armillary.model.tablet import TabletType
from armillary.pb import (
    logutil_pb2,
    query_pb2,
    queryservice_pb2,
    replicationdata_pb2,
    tabletmanagerservice_pb2,
    topodata_pb2,
    vttime_pb2,
)
from armillary.pb import (
    tabletmanagerdata_pb2 as pb,
)
from armillary.rpc.auth import ClientCredentials
from armillary.rpc.channels import ChannelCache
from armillary.rpc.service import ServiceStub

_TABLET_MANAGER = tabletmanagerservice_pb2.DESCRIPTOR.services_by_name["TabletManager"]
_QUERY = queryservice_pb2.DESCRIPTOR.services_by_name["Query"]

Tablet = topodata_pb2.Tablet


def grpc_address(tablet: Tablet) -> str:
    """Return `host:port` of a tablet's gRPC server."""
    host = f"[{tablet.hostname}]" if ":" in tablet.hostname else tablet.hostname
    return f"{host}:{tablet.port_map.get('grpc', 0)}"


class TabletManagerClient:
    def __init__(
        self, credentials: ClientCredentials | None = None, *, timeout_s: float = 15.0
    ) -> None:
        """`timeout_s` bounds every call that does not take its own time limit."""
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._channels = ChannelCache()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._channels.close()

    def _stub(self, tablet: Tablet, service: Any = _TABLET_MANAGER) -> ServiceStub:
        address = grpc_address(tablet)
        alias = f"{tablet.alias.cell}-{tablet.alias.uid:010d}"
        where = f"tablet {alias} at {address}"
        return ServiceStub(self._channels.get(address), service, self._credentials, where=where)

    async def _call(
        self, tablet: Tablet, method: str, request: Any, timeout_s: float | None = None
    ) -> Any:
        call = getattr(self._stub(tablet), method)
        return await call(request, timeout_s=timeout_s or self._timeout_s)

    async def forget(self, tablet: Tablet) -> None:
        """Close the channel to a tablet that is gone."""
        await self._channels.forget(grpc_address(tablet))

    # State and type

    async def ping(self, tablet: Tablet, *, timeout_s: float | None = None) -> None:
        await self._call(tablet, "ping", pb.PingRequest(payload="payload"), timeout_s)

    async def change_type(
        self, tablet: Tablet, tablet_type: TabletType, *, semi_sync: bool = False
    ) -> None:
        request = pb.ChangeTypeRequest(tablet_type=tablet_type.name, semiSync=semi_sync)
        await self._call(tablet, "change_type", request)

    async def refresh_state(self, tablet: Tablet) -> None:
        """Make the tablet read its topology records again."""
        await self._call(tablet, "refresh_state", pb.RefreshStateRequest())

    async def run_health_check(self, tablet: Tablet) -> None:
        await self._call(tablet, "run_health_check", pb.RunHealthCheckRequest())

    async def set_read_only(self, tablet: Tablet) -> None:
        await self._call(tablet, "set_read_only", pb.SetReadOnlyRequest())

    async def set_read_write(self, tablet: Tablet) -> None:
        await self._call(tablet, "set_read_write", pb.SetReadWriteRequest())

    async def full_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.FullStatus:
        response = await self._call(tablet, "full_status", pb.FullStatusRequest(), timeout_s)
        return response.status  # type: ignore[no-any-return]

    # Schema and queries

    async def get_schema(
        self,
        tablet: Tablet,
        *,
        tables: tuple[str, ...] = (),
        exclude_tables: tuple[str, ...] = (),
        include_views: bool = False,
        table_schema_only: bool = False,
    ) -> pb.SchemaDefinition:
        request = pb.GetSchemaRequest(
            tables=tables,
            exclude_tables=exclude_tables,
            include_views=include_views,
            table_schema_only=table_schema_only,
        )
        response = await self._call(tablet, "get_schema", request)
        return response.schema_definition  # type: ignore[no-any-return]

    async def reload_schema(self, tablet: Tablet, *, wait_position: str = "") -> None:
        await self._call(
            tablet, "reload_schema", pb.ReloadSchemaRequest(wait_position=wait_position)
        )

    async def apply_schema(
        self,
        tablet: Tablet,
        sql: str,
        *,
        allow_replication: bool = True,
        timeout_s: float = 3600.0,
    ) -> pb.ApplySchemaResponse:
        """Run DDL on the tablet's database; several statements are separated by semicolons."""
        request = pb.ApplySchemaRequest(sql=sql, allow_replication=allow_replication)
        response = await self._call(tablet, "apply_schema", request, timeout_s)
        return response  # type: ignore[no-any-return]

    async def execute_fetch_as_dba(
        self,
        tablet: Tablet,
        query: str | bytes,
        *,
        db_name: str | None = None,
        max_rows: int = 10_000,
        disable_binlogs: bool = False,
        reload_schema: bool = False,
        timeout_s: float | None = None,
    ) -> query_pb2.QueryResult:
        request = pb.ExecuteFetchAsDbaRequest(
            query=query.encode() if isinstance(query, str) else query,
            db_name=database_name(tablet) if db_name is None else db_name,
            max_rows=max_rows,
            disable_binlogs=disable_binlogs,
            reload_schema=reload_schema,
        )
        response = await self._call(tablet, "execute_fetch_as_dba", request, timeout_s)
        return response.result  # type: ignore[no-any-return]

    async def execute_fetch_as_allprivs(
        self,
        tablet: Tablet,
        query: str | bytes,
        *,
        db_name: str | None = None,
        max_rows: int = 10_000,
        timeout_s: float | None = None,
    ) -> query_pb2.QueryResult:
        request = pb.ExecuteFetchAsAllPrivsRequest(
            query=query.encode() if isinstance(query, str) else query,
            db_name=database_name(tablet) if db_name is None else db_name,
            max_rows=max_rows,
        )
        response = await self._call(tablet, "execute_fetch_as_all_privs", request, timeout_s)
        return response.result  # type: ignore[no-any-return]

    # Replication

    async def replication_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.Status:
        """Raises PreconditionError when the tablet's mysqld is no replica."""
        request = pb.ReplicationStatusRequest()
        response = await self._call(tablet, "replication_status", request, timeout_s)
        return response.status  # type: ignore[no-any-return]

    async def primary_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.PrimaryStatus:
        response = await self._call(tablet, "primary_status", pb.PrimaryStatusRequest(), timeout_s)
        return response.status  # type: ignore[no-any-return]

    async def primary_position(self, tablet: Tablet, *, timeout_s: float | None = None) -> str:
        request = pb.PrimaryPositionRequest()
        return str((await self._call(tablet, "primary_position", request, timeout_s)).position)

    async def wait_for_position(
        self, tablet: Tablet, position: str, *, timeout_s: float = 15.0
    ) -> None:
        """Return once the tablet has applied `position`; DeadlineError after `timeout_s`."""
        request = pb.WaitForPositionRequest(position=position)
        await self._call(tablet, "wait_for_position", request, timeout_s)

    async def stop_replication(self, tablet: Tablet) -> None:
        await self._call(tablet, "stop_replication", pb.StopReplicationRequest())

    async def start_replication(self, tablet: Tablet, *, semi_sync: bool = False) -> None:
        await self._call(
            tablet, "start_replication", pb.StartReplicationRequest(semiSync=semi_sync)
        )

    async def reset_replication(self, tablet: Tablet) -> None:
        """Forget binlogs and GTIDs: for an empty server only."""
        await self._call(tablet, "reset_replication", pb.ResetReplicationRequest())

    async def reset_replication_parameters(self, tablet: Tablet) -> None:
        request = pb.ResetReplicationParametersRequest()
        await self._call(tablet, "reset_replication_parameters", request)

    async def get_replicas(self, tablet: Tablet) -> tuple[str, ...]:
        return tuple((await self._call(tablet, "get_replicas", pb.GetReplicasRequest())).addrs)

    async def stop_replication_and_get_status(
        self, tablet: Tablet, *, io_thread_only: bool = True, timeout_s: float | None = None
    ) -> replicationdata_pb2.StopReplicationStatus:
        mode = (
            replicationdata_pb2.IOTHREADONLY
            if io_thread_only
            else replicationdata_pb2.IOANDSQLTHREAD
        )
        request = pb.StopReplicationAndGetStatusRequest(stop_replication_mode=mode)
        response = await self._call(tablet, "stop_replication_and_get_status", request, timeout_s)
        return response.status  # type: ignore[no-any-return]

    # Reparenting

    async def init_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str:
        """Make an un-replicated tablet the first primary of its shard; returns its position."""
        request = pb.InitPrimaryRequest(semiSync=semi_sync)
        return str((await self._call(tablet, "init_primary", request, timeout_s)).position)

    async def init_replica(
        self,
        tablet: Tablet,
        parent: topodata_pb2.TabletAlias,
        position: str,
        time_created_ns: int,
        *,
        semi_sync: bool = False,
        timeout_s: float | None = None,
    ) -> None:
        request = pb.InitReplicaRequest(
            parent=parent,
            replication_position=position,
            time_created_ns=time_created_ns,
            semiSync=semi_sync,
        )
        await self._call(tablet, "init_replica", request, timeout_s)

    async def promote_replica(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str:
        """Stop replicating, become PRIMARY in the topology, then read-write; returns position."""
        request = pb.PromoteReplicaRequest(semiSync=semi_sync)
        return str((await self._call(tablet, "promote_replica", request, timeout_s)).position)

    async def demote_primary(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.PrimaryStatus:
        """Stop serving and turn read-only; returns where the binlog ends."""
        response = await self._call(tablet, "demote_primary", pb.DemotePrimaryRequest(), timeout_s)
        return response.primary_status  # type: ignore[no-any-return]

    async def undo_demote_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> None:
        request = pb.UndoDemotePrimaryRequest(semiSync=semi_sync)
        await self._call(tablet, "undo_demote_primary", request, timeout_s)

    async def replica_was_promoted(self, tablet: Tablet) -> None:
        await self._call(tablet, "replica_was_promoted", pb.ReplicaWasPromotedRequest())

    async def set_replication_source(
        self,
        tablet: Tablet,
        parent: topodata_pb2.TabletAlias,
        *,
        time_created_ns: int = 0,
        wait_position: str = "",
        force_start: bool = False,
        semi_sync: bool = False,
        timeout_s: float | None = None,
    ) -> None:
        """Follow `parent`; then wait for its journal row, or for `wait_position`, when given."""
        request = pb.SetReplicationSourceRequest(
            parent=parent,
            time_created_ns=time_created_ns,
            force_start_replication=force_start,
            wait_position=wait_position,
            semiSync=semi_sync,
        )
        await self._call(tablet, "set_replication_source", request, timeout_s)

    async def populate_reparent_journal(
        self,
        tablet: Tablet,
        *,
        time_created_ns: int,
        action_name: str,
        primary_alias: topodata_pb2.TabletAlias,
        position: str,
        timeout_s: float | None = None,
    ) -> None:
        request = pb.PopulateReparentJournalRequest(
            time_created_ns=time_created_ns,
            action_name=action_name,
            primary_alias=primary_alias,
            replication_position=position,
        )
        await self._call(tablet, "populate_reparent_journal", request, timeout_s)

    async def read_reparent_journal_info(self, tablet: Tablet) -> int:
        """Return how many rows the journal has."""
        request = pb.ReadReparentJournalInfoRequest()
        return int((await self._call(tablet, "read_reparent_journal_info", request)).length)

    # Long operations: progress events

    async def backup(
        self,
        tablet: Tablet,
        *,
        concurrency: int = 4,
        allow_primary: bool = False,
        incremental_from_pos: str = "",
        upgrade_safe: bool = False,
        backup_engine: str | None = None,
        mysql_shutdown_timeout: timedelta | None = None,
    ) -> AsyncGenerator[logutil_pb2.Event, None]:
        """Back the tablet up; the iterator ends when the backup is complete."""
        request = pb.BackupRequest(
            concurrency=concurrency,
            allow_primary=allow_primary,
            incremental_from_pos=incremental_from_pos,
            upgrade_safe=upgrade_safe,
            backup_engine=backup_engine,
        )
        if mysql_shutdown_timeout is not None:
            request.mysql_shutdown_timeout.seconds = int(mysql_shutdown_timeout.total_seconds())
        async with aclosing(self._stub(tablet).backup(request)) as responses:
            async for response in responses:
                yield response.event

    async def restore_from_backup(
        self,
        tablet: Tablet,
        *,
        backup_time: vttime_pb2.Time | None = None,
        restore_to_pos: str = "",
        restore_to_timestamp: vttime_pb2.Time | None = None,
        dry_run: bool = False,
        allowed_backup_engines: tuple[str, ...] = (),
    ) -> AsyncGenerator[logutil_pb2.Event, None]:
        """Replace the tablet's data by a backup; the iterator ends when it serves again."""
        request = pb.RestoreFromBackupRequest(
            backup_time=backup_time,
            restore_to_pos=restore_to_pos,
            restore_to_timestamp=restore_to_timestamp,
            dry_run=dry_run,
            allowed_backup_engines=allowed_backup_engines,
        )
        async with aclosing(self._stub(tablet).restore_from_backup(request)) as responses:
            async for response in responses:
                yield response.event

    async def stream_health(
        self, tablet: Tablet
    ) -> AsyncGenerator[query_pb2.StreamHealthResponse, None]:
        """Yield the tablet's health now and at every change; ends with an error when it is lost."""
        request = query_pb2.StreamHealthRequest()
        async with aclosing(self._stub(tablet, _QUERY).stream_health(request)) as responses:
            async for response in responses:
                yield response


def database_name(tablet: Tablet) -> str:
    """Return the name of the tablet's database inside mysqld."""
    return tablet.db_name_override or f"vt_{tablet.keyspace}"
