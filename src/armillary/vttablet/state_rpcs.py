"""Calls about what the tablet is: ping, type, tags, state. I/O."""

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import InputError
from armillary.model.tablet import TabletType
from armillary.mysqld import admin
from armillary.pb import tabletmanagerdata_pb2 as pb
from armillary.pb import topodata_pb2
from armillary.vttablet.agent import Agent
from armillary.vttablet.plan import require_type_change
from armillary.vttablet.shard_sync import make_read_only

_SLEEP_S_MAX = 3600


class StateRpcs:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def ping(self, request: pb.PingRequest) -> pb.PingResponse:
        return pb.PingResponse(payload=request.payload)

    async def sleep(self, request: pb.SleepRequest) -> pb.SleepResponse:
        duration_s = request.duration / 1e9
        if not 0 <= duration_s <= _SLEEP_S_MAX:
            raise InputError(f"cannot sleep {duration_s} s: wanted 0 to {_SLEEP_S_MAX} s")
        async with self.agent.action("Sleep"):
            await anyio.sleep(duration_s)
        return pb.SleepResponse()

    async def change_type(self, request: pb.ChangeTypeRequest) -> pb.ChangeTypeResponse:
        agent = self.agent
        wanted = TabletType(request.tablet_type)
        async with agent.action("ChangeType"):
            require_type_change(agent.role.tablet_type, wanted)
            await agent.change_role(wanted, reason="ChangeType")
            async with await agent.dba() as connection:
                await agent.set_semi_sync(connection, request.semiSync)
        return pb.ChangeTypeResponse()

    async def change_tags(self, request: pb.ChangeTagsRequest) -> pb.ChangeTagsResponse:
        def change(tablet: topodata_pb2.Tablet) -> None:
            if request.replace:
                tablet.tags.clear()
            for key, value in request.tags.items():
                if value:
                    tablet.tags[key] = value
                else:
                    tablet.tags.pop(key, None)

        tablet = await self.agent.topo.update_tablet(self.agent.identity.alias, change)
        return pb.ChangeTagsResponse(tags=dict(tablet.tags))

    async def refresh_state(self, request: pb.RefreshStateRequest) -> pb.RefreshStateResponse:
        agent = self.agent
        keyspace = (await agent.topo.get_keyspace(agent.identity.keyspace)).value
        agent.flags.is_snapshot = keyspace.keyspace_type == topodata_pb2.SNAPSHOT
        await agent.publish()
        if agent.role.tablet_type == TabletType.PRIMARY:
            await agent.claim_shard()
        agent.look_now()
        return pb.RefreshStateResponse()

    async def run_health_check(
        self, request: pb.RunHealthCheckRequest
    ) -> pb.RunHealthCheckResponse:
        self.agent.look_now()
        return pb.RunHealthCheckResponse()

    async def set_read_only(self, request: pb.SetReadOnlyRequest) -> pb.SetReadOnlyResponse:
        async with self.agent.dba_action("SetReadOnly") as connection:
            await make_read_only(self.agent, connection)
        return pb.SetReadOnlyResponse()

    async def set_read_write(self, request: pb.SetReadWriteRequest) -> pb.SetReadWriteResponse:
        async with self.agent.dba_action("SetReadWrite") as connection:
            await admin.set_read_only(connection, self.agent.flavor, read_only=False)
        return pb.SetReadWriteResponse()

    async def replica_was_promoted(
        self, request: pb.ReplicaWasPromotedRequest
    ) -> pb.ReplicaWasPromotedResponse:
        """Somebody outside made this server primary: take the role, leave mysqld alone."""
        agent = self.agent
        async with agent.action("ReplicaWasPromoted", needs_data=True):
            await agent.change_role(
                TabletType.PRIMARY, term_started_at=utc_now(), reason="promoted from outside"
            )
            await agent.claim_shard()
        return pb.ReplicaWasPromotedResponse()

    async def replica_was_restarted(
        self, request: pb.ReplicaWasRestartedRequest
    ) -> pb.ReplicaWasRestartedResponse:
        agent = self.agent
        async with agent.action("ReplicaWasRestarted"):
            if agent.role.tablet_type == TabletType.PRIMARY:
                await agent.change_role(agent.identity.base_type, reason="demoted from outside")
        return pb.ReplicaWasRestartedResponse()
