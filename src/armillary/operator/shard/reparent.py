"""Ask vtctld to move or to make the primary of a shard. I/O.

vtctld has the one implementation of reparenting; the operator asks for it as a person would.
"""

import logging
from collections.abc import Sequence

import anyio

from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.render import names
from armillary.operator.render.podparts import GRPC_PORT
from armillary.operator.shard.successor import choose_successor
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.pb import vtctldata_pb2, vtctlservice_pb2
from armillary.rpc.channels import open_channel
from armillary.rpc.service import ServiceStub

logger = logging.getLogger(__name__)

_POSITION_TIMEOUT_S = 2.0
_VTCTL = vtctlservice_pb2.DESCRIPTOR.services_by_name["Vtctl"]


async def planned_reparent(
    world: World,
    obj: KubeObject,
    shard: Shard,
    *,
    avoid: TabletAlias,
    successors: Sequence[TabletAlias],
    reason: str,
) -> None:
    """Hand over from `avoid` to a successor; failing is told, and tried again later."""
    path = f"{shard.keyspace}/{shard.name}"
    wait_s = round(world.settings.reparent_timeout.total_seconds())
    try:
        new = choose_successor(successors, await _positions(world, shard, successors))
        await run_vtctl(
            world,
            shard,
            "PlannedReparentShard",
            f"-keyspace_shard={path}",
            f"-new_master={new}",
            f"-expected_master={avoid}",
            f"-wait_slave_timeout={wait_s}s",
        )
    except ArmillaryError as error:
        world.recorder.record(
            obj, "DrainBlocked", f"cannot move the primary off {avoid}: {error}", warning=True
        )
        return
    world.recorder.record(
        obj, "PlannedReparent", f"moved the primary from {avoid} to {new}: {reason}"
    )


async def _positions(
    world: World, shard: Shard, aliases: Sequence[TabletAlias]
) -> dict[TabletAlias, str]:
    """Return the positions of the tablets that answer at once."""
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    client = await world.topology.tablets(shard.namespace, shard.cluster)
    positions: dict[TabletAlias, str] = {}

    async def ask(alias: TabletAlias) -> None:
        try:
            tablet = (await topo.get_tablet(alias)).value
            positions[alias] = await client.primary_position(tablet, timeout_s=_POSITION_TIMEOUT_S)
        except ArmillaryError as error:
            logger.debug("no position", extra={"tablet": str(alias), "error": str(error)})

    async with anyio.create_task_group() as group:
        for alias in aliases:
            group.start_soon(ask, alias)
    return positions


async def emergency_reparent(world: World, shard: Shard, dead: TabletAlias) -> None:
    """Have the tablet that has most promoted in place of a dead primary.

    Raises:
        ArmillaryError: why vtctld refused, or what failed after another was promoted: look again.
    """
    await run_vtctl(
        world,
        shard,
        "EmergencyReparentShard",
        f"-keyspace_shard={shard.keyspace}/{shard.name}",
        f"-expected_master={dead}",
    )


async def init_primary(world: World, shard: Shard, alias: TabletAlias) -> None:
    """Make the first primary of a shard without backups.

    Raises:
        ArmillaryError: why vtctld did not do it.
    """
    path = f"{shard.keyspace}/{shard.name}"
    await run_vtctl(world, shard, "InitShardMaster", "-force", path, str(alias))


async def run_vtctl(world: World, shard: Shard, *words: str) -> str:
    """Run one vtctl command at a vtctld of the cluster; return what it prints.

    Raises:
        UnavailableError: no vtctld is ready.
        ArmillaryError: what the command answered.
    """
    service = names.vtctld_service(shard.cluster)
    endpoints = await world.client.get(kinds.ENDPOINTS, service, shard.namespace) or {}
    addresses = [
        entry["ip"]
        for subset in endpoints.get("subsets") or ()
        for entry in subset.get("addresses") or ()
    ]
    if not addresses:
        raise UnavailableError(f"no vtctld of cluster {shard.cluster} is ready")
    credentials = await world.topology.credentials(shard.namespace, shard.cluster)
    timeout_s = world.settings.reparent_timeout.total_seconds() + 15
    request = vtctldata_pb2.ExecuteVtctlCommandRequest(
        args=words, action_timeout=round(timeout_s * 1e9)
    )
    logger.info("asking vtctld", extra={"command": " ".join(words)})
    channel = open_channel(f"{addresses[0]}:{GRPC_PORT}")
    try:
        stub = ServiceStub(channel, _VTCTL, credentials, where=f"vtctld at {addresses[0]}")
        lines = []
        async for response in stub.execute_vtctl_command(request, timeout_s=timeout_s):
            lines.append(response.event.value)
        return "".join(lines)
    finally:
        with anyio.CancelScope(shield=True):
            await channel.close(None)
