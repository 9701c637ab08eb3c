"""Calls by which a shard gets another primary. I/O.

Order is the safety: the old primary refuses writes before anyone else is promoted; the new one is
PRIMARY in the topology before it takes writes. A call that dies half-way leaves a state that the
same call, or the health loop, brings to its end.
"""

import logging

import anyio

from armillary.base.clock import monotonic_s, utc_now
from armillary.base.errors import DeadlineError, InputError, NotFoundError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld import replication
from armillary.mysqld.connection import Connection
from armillary.mysqld.flavors.flavor import ThreadState
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.vttablet import reparent_journal
from armillary.vttablet.agent import DEMOTING
from armillary.vttablet.full_status import primary_status
from armillary.vttablet.replication_rpcs import ReplicationRpcs
from armillary.vttablet.shard_sync import let_transactions_end, make_read_only, replicate_from

logger = logging.getLogger(__name__)

_JOURNAL_POLL_S = 0.1
_OPEN_TRANSACTIONS_S_MAX = 1.0  # all other writes of the shard wait as long


class ReparentRpcs(ReplicationRpcs):
    async def init_primary(self, request: pb.InitPrimaryRequest) -> pb.InitPrimaryResponse:
        """Make this tablet the first primary that its shard ever had."""
        async with self.agent.action("InitPrimary", needs_data=True):
            position = await self._become_primary(semi_sync=request.semiSync, reason="InitPrimary")
        return pb.InitPrimaryResponse(position=str(position))

    async def promote_replica(self, request: pb.PromoteReplicaRequest) -> pb.PromoteReplicaResponse:
        """Become primary. Again: returns the position, and the term stays."""
        async with self.agent.action("PromoteReplica", needs_data=True):
            position = await self._become_primary(
                semi_sync=request.semiSync, reason="PromoteReplica"
            )
        return pb.PromoteReplicaResponse(position=str(position))

    async def _become_primary(self, *, semi_sync: bool, reason: str) -> Position:
        agent = self.agent
        async with await agent.dba() as connection:
            if agent.role.tablet_type != TabletType.PRIMARY:
                await self._apply_relay_log(connection)
                await replication.reset_replication(connection, agent.flavor)
                await connection.execute("FLUSH BINARY LOGS")
                await agent.change_role(
                    TabletType.PRIMARY, term_started_at=utc_now(), reason=reason
                )
            agent.flags.busy = ""
            agent.flags.replication_stopped = False
            agent.flags.replication_refused = ""
            agent.flags.semi_sync = semi_sync or agent.settings.enable_semi_sync
            await agent.open_for_writes(connection)
            position = await replication.executed_position(connection, agent.flavor)
        try:
            await agent.claim_shard()
        except NotFoundError:
            logger.warning("no shard record to write the new primary into")
        logger.info("primary", extra={"position": str(position), "reason": reason})
        return position

    async def _apply_relay_log(self, connection: Connection) -> None:
        """Apply what was received: a commit that this replica acknowledged is in its relay log.

        Raises:
            DeadlineError: it takes too long; nothing has changed but that the IO thread stands.
        """
        status = await replication.replication_status(connection, self.agent.flavor)
        if status is None or status.sql_state != ThreadState.RUNNING:
            return
        await replication.stop_io_thread(connection, self.agent.flavor)
        status = await replication.replication_status(connection, self.agent.flavor)
        assert status is not None
        await replication.wait_for_position(
            connection, self.agent.flavor, status.relay_position, timeout_s=self._wait_s
        )

    async def demote_primary(self, request: pb.DemotePrimaryRequest) -> pb.DemotePrimaryResponse:
        """Refuse writes from now on; the type stays PRIMARY until a new source is named.

        Gateways hold off what is new while open transactions come to their end: one over several
        shards, ended amid its COMMIT, would be done by halves. Those that take longer are ended.
        """
        agent = self.agent
        async with agent.dba_action("DemotePrimary") as connection:
            agent.flags.busy = DEMOTING
            agent.look_now()
            try:
                await let_transactions_end(agent, connection, timeout_s=_OPEN_TRANSACTIONS_S_MAX)
                await make_read_only(agent, connection)
                await replication.set_semi_sync(
                    connection, agent.flavor, primary=False, replica=False
                )
                status = await primary_status(agent, connection)
            except BaseException:
                agent.flags.busy = ""
                raise
        return pb.DemotePrimaryResponse(primary_status=status)

    async def undo_demote_primary(
        self, request: pb.UndoDemotePrimaryRequest
    ) -> pb.UndoDemotePrimaryResponse:
        agent = self.agent
        async with agent.dba_action("UndoDemotePrimary") as connection:
            agent.flags.semi_sync = request.semiSync or agent.settings.enable_semi_sync
            if agent.role.tablet_type == TabletType.PRIMARY:
                await agent.open_for_writes(connection)
            agent.flags.busy = ""
        return pb.UndoDemotePrimaryResponse()

    async def set_replication_source(
        self, request: pb.SetReplicationSourceRequest
    ) -> pb.SetReplicationSourceResponse:
        """Follow another tablet; then wait for its journal row or for a position, if asked."""
        agent = self.agent
        async with agent.action("SetReplicationSource", needs_data=True):
            agent.flags.semi_sync = request.semiSync or agent.settings.enable_semi_sync
            async with await agent.dba() as connection:
                await self._follow(
                    connection,
                    convert.alias_from_pb(request.parent),
                    force_start=request.force_start_replication,
                )
                await self._wait_for_source(
                    connection, request.wait_position, request.time_created_ns
                )
        return pb.SetReplicationSourceResponse()

    async def init_replica(self, request: pb.InitReplicaRequest) -> pb.InitReplicaResponse:
        """Forget the own history, take the primary's position as own, and follow it."""
        agent = self.agent
        async with agent.action("InitReplica", needs_data=True):
            agent.flags.semi_sync = request.semiSync or agent.settings.enable_semi_sync
            async with await agent.dba() as connection:
                position = Position.parse(request.replication_position)
                await replication.set_position(connection, agent.flavor, position)
                await self._follow(
                    connection, convert.alias_from_pb(request.parent), force_start=True
                )
                await self._wait_for_source(connection, "", request.time_created_ns)
        return pb.InitReplicaResponse()

    async def _follow(
        self, connection: Connection, parent: TabletAlias, *, force_start: bool
    ) -> None:
        agent = self.agent
        if parent == agent.identity.alias:
            raise InputError(f"tablet {parent} cannot replicate from itself")
        source: topodata_pb2.Tablet = (await agent.topo.get_tablet(parent)).value
        was_primary = agent.role.tablet_type == TabletType.PRIMARY
        if was_primary:
            await make_read_only(agent, connection)
        status = await replication.replication_status(connection, agent.flavor)
        start = (
            was_primary
            or force_start
            or status is None
            or not status.is_stopped
            or not agent.flags.replication_stopped
        )
        if was_primary:
            # First the role: semi-sync sides follow from it.
            await agent.change_role(agent.identity.base_type, reason=f"following {parent}")
        agent.flags.busy = ""
        await replicate_from(agent, connection, source, start=start)

    async def _wait_for_source(
        self, connection: Connection, position: str, time_created_ns: int
    ) -> None:
        if position:
            await replication.wait_for_position(
                connection, self.agent.flavor, Position.parse(position), timeout_s=self._wait_s
            )
        if time_created_ns:
            await self._wait_for_journal(connection, time_created_ns)

    async def _wait_for_journal(self, connection: Connection, time_created_ns: int) -> None:
        deadline_s = monotonic_s() + self._wait_s
        while not await reparent_journal.has_row(connection, time_created_ns):
            if monotonic_s() > deadline_s:
                raise DeadlineError(
                    f"the new primary's journal row {time_created_ns} did not arrive within "
                    f"{self._wait_s:g} s"
                )
            await anyio.sleep(_JOURNAL_POLL_S)

    async def populate_reparent_journal(
        self, request: pb.PopulateReparentJournalRequest
    ) -> pb.PopulateReparentJournalResponse:
        async with await self.agent.dba() as connection:
            await reparent_journal.add_row(
                connection,
                time_created_ns=request.time_created_ns,
                action_name=request.action_name,
                primary_alias=str(convert.alias_from_pb(request.primary_alias)),
                position=request.replication_position,
            )
        return pb.PopulateReparentJournalResponse()

    async def read_reparent_journal_info(
        self, request: pb.ReadReparentJournalInfoRequest
    ) -> pb.ReadReparentJournalInfoResponse:
        async with await self.agent.dba() as connection:
            return pb.ReadReparentJournalInfoResponse(
                length=await reparent_journal.count_rows(connection)
            )
