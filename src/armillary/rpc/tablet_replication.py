"""Calls to vttablets about replication and reparenting. I/O."""

from armillary.pb import replicationdata_pb2, topodata_pb2
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.rpc.tablet_calls import Tablet, TabletCalls


class ReplicationCalls(TabletCalls):
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


class ReparentCalls(TabletCalls):
    async def init_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str:
        """Make an un-replicated tablet the first primary of its shard; returns its position."""
        request = pb.InitPrimaryRequest(semiSync=semi_sync)
        return str((await self._call(tablet, "init_primary", request, timeout_s)).position)

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
