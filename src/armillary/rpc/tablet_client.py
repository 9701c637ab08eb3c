"""Calls to vttablets: tabletmanagerservice.TabletManager and the health stream. I/O.

One channel for each address is kept. Every method takes the tablet's topology record. Errors are
ours: UnavailableError when the tablet cannot be reached, DeadlineError when it takes too long,
else what the tablet itself raised.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from armillary.pb import logutil_pb2, query_pb2, queryservice_pb2, vttime_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.rpc.tablet_calls import Tablet, database_name, grpc_address
from armillary.rpc.tablet_replication import ReparentCalls, ReplicationCalls
from armillary.rpc.tablet_state import SchemaCalls, StateCalls

__all__ = ["Tablet", "TabletManagerClient", "database_name", "grpc_address"]

_QUERY = queryservice_pb2.DESCRIPTOR.services_by_name["Query"]


class TabletManagerClient(StateCalls, SchemaCalls, ReplicationCalls, ReparentCalls):
    """All calls, and here those that stream."""

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
