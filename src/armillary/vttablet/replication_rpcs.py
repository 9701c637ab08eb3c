"""Calls about replication that change no role. I/O."""

from armillary.base.errors import PreconditionError
from armillary.model.gtid import Position
from armillary.mysqld import replication
from armillary.mysqld.connection import Connection
from armillary.pb import replicationdata_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.vttablet.full_status import (
    primary_status,
    read_full_status,
    status_to_pb,
)
from armillary.vttablet.state_rpcs import StateRpcs


class ReplicationRpcs(StateRpcs):
    @property
    def _wait_s(self) -> float:
        return self.agent.settings.wait_replicas_timeout.total_seconds()

    async def _status(self, connection: Connection) -> replicationdata_pb2.Status:
        status = await replication.replication_status(connection, self.agent.flavor)
        if status is None:
            raise PreconditionError(f"tablet {self.agent.identity.alias} is no replica")
        return status_to_pb(status, backup_running=self.agent.flags.backup_running)

    async def replication_status(
        self, request: pb.ReplicationStatusRequest
    ) -> pb.ReplicationStatusResponse:
        async with await self.agent.dba() as connection:
            return pb.ReplicationStatusResponse(status=await self._status(connection))

    async def full_status(self, request: pb.FullStatusRequest) -> pb.FullStatusResponse:
        async with await self.agent.dba() as connection:
            return pb.FullStatusResponse(status=await read_full_status(self.agent, connection))

    async def primary_status(self, request: pb.PrimaryStatusRequest) -> pb.PrimaryStatusResponse:
        async with await self.agent.dba() as connection:
            return pb.PrimaryStatusResponse(status=await primary_status(self.agent, connection))

    async def primary_position(
        self, request: pb.PrimaryPositionRequest
    ) -> pb.PrimaryPositionResponse:
        async with await self.agent.dba() as connection:
            position = await replication.executed_position(connection, self.agent.flavor)
        return pb.PrimaryPositionResponse(position=str(position))

    async def wait_for_position(
        self, request: pb.WaitForPositionRequest
    ) -> pb.WaitForPositionResponse:
        wanted = Position.parse(request.position)
        async with await self.agent.dba() as connection:
            await replication.wait_for_position(
                connection, self.agent.flavor, wanted, timeout_s=self._wait_s
            )
        return pb.WaitForPositionResponse()

    async def stop_replication(
        self, request: pb.StopReplicationRequest
    ) -> pb.StopReplicationResponse:
        async with self.agent.dba_action("StopReplication") as connection:
            self.agent.flags.replication_stopped = True
            await replication.stop_replication(connection, self.agent.flavor)
        return pb.StopReplicationResponse()

    async def stop_replication_minimum(
        self, request: pb.StopReplicationMinimumRequest
    ) -> pb.StopReplicationMinimumResponse:
        agent = self.agent
        wanted = Position.parse(request.position)
        timeout_s = request.wait_timeout / 1e9 or self._wait_s
        async with agent.dba_action("StopReplicationMinimum") as connection:
            await replication.wait_for_position(
                connection, agent.flavor, wanted, timeout_s=timeout_s
            )
            agent.flags.replication_stopped = True
            await replication.stop_replication(connection, agent.flavor)
            position = await replication.executed_position(connection, agent.flavor)
        return pb.StopReplicationMinimumResponse(position=str(position))

    async def start_replication(
        self, request: pb.StartReplicationRequest
    ) -> pb.StartReplicationResponse:
        agent = self.agent
        async with agent.dba_action("StartReplication") as connection:
            await agent.set_semi_sync(connection, request.semiSync)
            await replication.start_replication(connection, agent.flavor)
            agent.flags.replication_stopped = False
        return pb.StartReplicationResponse()

    async def start_replication_until_after(
        self, request: pb.StartReplicationUntilAfterRequest
    ) -> pb.StartReplicationUntilAfterResponse:
        agent = self.agent
        wanted = Position.parse(request.position)
        timeout_s = request.wait_timeout / 1e9 or self._wait_s
        async with agent.dba_action("StartReplicationUntilAfter") as connection:
            agent.flags.replication_stopped = True  # it stops there by itself
            for statement in agent.flavor.start_replication_until(wanted):
                await connection.execute(statement)
            await replication.wait_for_position(
                connection, agent.flavor, wanted, timeout_s=timeout_s
            )
        return pb.StartReplicationUntilAfterResponse()

    async def stop_replication_and_get_status(
        self, request: pb.StopReplicationAndGetStatusRequest
    ) -> pb.StopReplicationAndGetStatusResponse:
        agent = self.agent
        io_only = request.stop_replication_mode == replicationdata_pb2.IOTHREADONLY
        async with agent.dba_action("StopReplicationAndGetStatus") as connection:
            before = await self._status(connection)
            agent.flags.replication_stopped = True
            if io_only:
                await replication.stop_io_thread(connection, agent.flavor)
            else:
                await replication.stop_replication(connection, agent.flavor)
            after = await self._status(connection)
        return pb.StopReplicationAndGetStatusResponse(
            status=replicationdata_pb2.StopReplicationStatus(before=before, after=after)
        )

    async def get_replicas(self, request: pb.GetReplicasRequest) -> pb.GetReplicasResponse:
        async with await self.agent.dba() as connection:
            rows = await connection.query(
                "SELECT host FROM information_schema.processlist "
                "WHERE command IN ('Binlog Dump', 'Binlog Dump GTID')"
            )
        hosts = [str(host).rpartition(":")[0] or str(host) for host in rows.column()]
        return pb.GetReplicasResponse(addrs=hosts)

    async def reset_replication(
        self, request: pb.ResetReplicationRequest
    ) -> pb.ResetReplicationResponse:
        """Forget the source, the binlogs and the position."""
        agent = self.agent
        async with agent.dba_action("ResetReplication") as connection:
            agent.flags.replication_stopped = True
            await replication.set_position(connection, agent.flavor, Position())
        return pb.ResetReplicationResponse()

    async def reset_replication_parameters(
        self, request: pb.ResetReplicationParametersRequest
    ) -> pb.ResetReplicationParametersResponse:
        agent = self.agent
        async with agent.dba_action("ResetReplicationParameters") as connection:
            agent.flags.replication_stopped = True
            await replication.reset_replication(connection, agent.flavor)
        return pb.ResetReplicationParametersResponse()
