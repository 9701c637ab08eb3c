"""A vttablet's gRPC services over a `ShardOfTablets`: real calls, no mysqld."""

from collections.abc import AsyncGenerator

import anyio
import anyio.lowlevel

from armillary.base.errors import MysqlError, PreconditionError
from armillary.model.tablet import TabletAlias
from armillary.pb import logutil_pb2, topodata_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.topo.server import TopoServer
from tests.fakes.shard_of_tablets import ShardOfTablets


class TabletService:
    """One tablet. Its record is in `topo`; its mysqld is one of `shard`."""

    def __init__(self, topo: TopoServer, shard: ShardOfTablets, alias: TabletAlias) -> None:
        self.topo = topo
        self.shard = shard
        self.alias = alias
        self.statements: list[str] = []
        self.backups = 0
        self.breaks_on = "breaks"
        self.hangs_on = "hangs"
        self.hanging = anyio.Event()
        self.cancelled = anyio.Event()
        self.hold_backup = anyio.Event()
        self.hold_backup.set()

    async def _record(self) -> topodata_pb2.Tablet:
        return (await self.topo.get_tablet(self.alias)).value

    async def ping(self, request: pb.PingRequest) -> pb.PingResponse:
        await anyio.lowlevel.checkpoint()
        return pb.PingResponse(payload=request.payload)

    async def change_type(self, request: pb.ChangeTypeRequest) -> pb.ChangeTypeResponse:
        def change(record: topodata_pb2.Tablet) -> None:
            record.type = request.tablet_type

        await self.topo.update_tablet(self.alias, change)
        return pb.ChangeTypeResponse()

    async def execute_fetch_as_dba(
        self, request: pb.ExecuteFetchAsDbaRequest
    ) -> pb.ExecuteFetchAsDbaResponse:
        await anyio.lowlevel.checkpoint()
        if b"tabel" in request.query:
            raise MysqlError(1064, "42000", "You have an error in your SQL syntax near 'tabel'")
        return pb.ExecuteFetchAsDbaResponse()

    async def apply_schema(self, request: pb.ApplySchemaRequest) -> pb.ApplySchemaResponse:
        await anyio.lowlevel.checkpoint()
        if self.breaks_on in request.sql:
            raise MysqlError(1050, "42S01", "Table 'breaks' already exists")
        if self.hangs_on in request.sql:
            self.hanging.set()
            await anyio.sleep_forever()
        self.statements.append(request.sql)
        return pb.ApplySchemaResponse()

    async def replication_status(
        self, request: pb.ReplicationStatusRequest
    ) -> pb.ReplicationStatusResponse:
        status = await self.shard.full_status(await self._record())
        if not status.HasField("replication_status"):
            raise PreconditionError("no replica")
        return pb.ReplicationStatusResponse(status=status.replication_status)

    async def full_status(self, request: pb.FullStatusRequest) -> pb.FullStatusResponse:
        return pb.FullStatusResponse(status=await self.shard.full_status(await self._record()))

    async def stop_replication_and_get_status(
        self, request: pb.StopReplicationAndGetStatusRequest
    ) -> pb.StopReplicationAndGetStatusResponse:
        status = await self.shard.stop_replication_and_get_status(await self._record())
        return pb.StopReplicationAndGetStatusResponse(status=status)

    async def start_replication(
        self, request: pb.StartReplicationRequest
    ) -> pb.StartReplicationResponse:
        await self.shard.start_replication(await self._record())
        return pb.StartReplicationResponse()

    async def wait_for_position(
        self, request: pb.WaitForPositionRequest
    ) -> pb.WaitForPositionResponse:
        await self.shard.wait_for_position(await self._record(), request.position)
        return pb.WaitForPositionResponse()

    async def promote_replica(self, request: pb.PromoteReplicaRequest) -> pb.PromoteReplicaResponse:
        position = await self.shard.promote_replica(await self._record())
        return pb.PromoteReplicaResponse(position=position)

    async def init_primary(self, request: pb.InitPrimaryRequest) -> pb.InitPrimaryResponse:
        position = await self.shard.init_primary(await self._record())
        return pb.InitPrimaryResponse(position=position)

    async def reset_replication(
        self, request: pb.ResetReplicationRequest
    ) -> pb.ResetReplicationResponse:
        await self.shard.reset_replication(await self._record())
        return pb.ResetReplicationResponse()

    async def demote_primary(self, request: pb.DemotePrimaryRequest) -> pb.DemotePrimaryResponse:
        status = await self.shard.demote_primary(await self._record())
        return pb.DemotePrimaryResponse(primary_status=status)

    async def undo_demote_primary(
        self, request: pb.UndoDemotePrimaryRequest
    ) -> pb.UndoDemotePrimaryResponse:
        await self.shard.undo_demote_primary(await self._record())
        return pb.UndoDemotePrimaryResponse()

    async def set_replication_source(
        self, request: pb.SetReplicationSourceRequest
    ) -> pb.SetReplicationSourceResponse:
        await self.shard.set_replication_source(
            await self._record(),
            request.parent,
            time_created_ns=request.time_created_ns,
            wait_position=request.wait_position,
        )
        return pb.SetReplicationSourceResponse()

    async def populate_reparent_journal(
        self, request: pb.PopulateReparentJournalRequest
    ) -> pb.PopulateReparentJournalResponse:
        await self.shard.populate_reparent_journal(
            await self._record(),
            time_created_ns=request.time_created_ns,
            action_name=request.action_name,
            primary_alias=request.primary_alias,
            position=request.replication_position,
        )
        return pb.PopulateReparentJournalResponse()

    async def backup(self, request: pb.BackupRequest) -> AsyncGenerator[pb.BackupResponse, None]:
        try:
            yield pb.BackupResponse(event=logutil_pb2.Event(value="starting backup"))
            await self.hold_backup.wait()
            self.backups += 1
            yield pb.BackupResponse(event=logutil_pb2.Event(value="backup done"))
        except BaseException:
            self.cancelled.set()
            raise
