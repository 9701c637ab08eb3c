"""Mend a shard's replication: ask all tablets, decide, act under the shard lock. I/O."""

import logging
from collections.abc import Sequence
from typing import assert_never

import anyio

from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.shard.dead_primary import Primary
from armillary.operator.shard.election_apply import Tablets
from armillary.operator.shard.observe import ShardTopology
from armillary.operator.shard.repair import (
    OpenPrimary,
    Repair,
    ReplicationSeen,
    Repoint,
    plan_repair,
)
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.pb import topodata_pb2
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.topo.convert import (
    alias_to_pb,
    is_set,
    primary_alias_of,
    time_from_pb,
    type_of,
)

logger = logging.getLogger(__name__)

_IO_RUNNING = 3  # Vitess's ReplicationState: 1 stopped, 2 connecting, 3 running


async def repair_replication(
    world: World, obj: KubeObject, shard: Shard, topology: ShardTopology
) -> None:
    """Ask all tablets, and only when something is to be mended take the lock, look again and mend.

    Args:
        topology: what has just been read.

    Raises:
        UnavailableError: the topology does not answer.
    """
    client = await world.topology.tablets(shard.namespace, shard.cluster)
    timeout_s = world.settings.tablet_timeout.total_seconds()
    if not await _find_repairs(client, topology.primary, topology.records, timeout_s):
        return
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    async with topo.lock_shard(shard.keyspace, shard.name, "Repair replication") as lock:
        try:
            record = (await topo.get_shard(shard.keyspace, shard.name)).value
        except NotFoundError:
            return
        primary = primary_alias_of(record)
        tablets = await topo.tablets_of_shard(shard.keyspace, shard.name, strict=True)
        for repair in await _find_repairs(client, primary, tablets, timeout_s):
            await lock.check()
            await _apply(world, obj, client, tablets, primary, repair, shard)


async def _find_repairs(
    client: TabletManagerClient, primary: TabletAlias | None, tablets: Tablets, timeout_s: float
) -> tuple[Repair, ...]:
    if primary is None or primary not in tablets:
        return ()
    seen = await _ask_all(client, tablets, timeout_s)
    record = tablets[primary]
    return plan_repair(primary, (record.mysql_hostname, record.mysql_port), seen)


async def ask_tablets(
    world: World, shard: Shard
) -> tuple[Primary | None, Sequence[ReplicationSeen]]:
    """Return the shard's primary as its record says, and what each of its tablets answers.

    Raises:
        UnavailableError: the topology does not answer.
    """
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    client = await world.topology.tablets(shard.namespace, shard.cluster)
    try:
        record = (await topo.get_shard(shard.keyspace, shard.name)).value
    except NotFoundError:
        return None, ()
    tablets = await topo.tablets_of_shard(shard.keyspace, shard.name, strict=True)
    timeout_s = world.settings.tablet_timeout.total_seconds()
    alias = primary_alias_of(record)
    term_start = record.primary_term_start_time
    term = time_from_pb(term_start).isoformat() if is_set(term_start) else ""
    primary = None if alias is None else Primary(alias, term)
    return primary, await _ask_all(client, tablets, timeout_s)


async def _ask_all(
    client: TabletManagerClient, tablets: Tablets, timeout_s: float
) -> list[ReplicationSeen]:
    seen: list[ReplicationSeen] = []

    async def ask(alias: TabletAlias, tablet: topodata_pb2.Tablet) -> None:
        seen.append(await _ask(client, alias, tablet, timeout_s))

    async with anyio.create_task_group() as group:
        for alias, tablet in tablets.items():
            group.start_soon(ask, alias, tablet)
    return seen


async def _ask(
    client: TabletManagerClient,
    alias: TabletAlias,
    tablet: topodata_pb2.Tablet,
    timeout_s: float,
) -> ReplicationSeen:
    try:
        status = await client.full_status(tablet, timeout_s=timeout_s)
    except ArmillaryError as error:
        logger.debug("tablet does not answer", extra={"tablet": str(alias), "error": str(error)})
        return ReplicationSeen(alias=alias, type=type_of(tablet), reachable=False)
    source = status.replication_status
    return ReplicationSeen(
        alias=alias,
        type=type_of(tablet),
        reachable=True,
        read_only=status.read_only,
        position=status.primary_status.position,
        has_source=bool(source.source_host),
        source=(source.source_host, source.source_port),
        is_receiving=source.io_state == _IO_RUNNING,
        is_semi_synced=status.semi_sync_primary_enabled and status.semi_sync_primary_status,
    )


async def _apply(
    world: World,
    obj: KubeObject,
    client: TabletManagerClient,
    tablets: Tablets,
    primary: TabletAlias | None,
    repair: Repair,
    shard: Shard,
) -> None:
    semi_sync = shard.replication.enforce_semi_sync
    try:
        match repair:
            case OpenPrimary(alias, reason):
                await client.set_read_write(tablets[alias])
                world.recorder.record(obj, "RecoverMaster", f"opened tablet {alias}: {reason}")
            case Repoint(alias, force_start, reason):
                assert primary is not None
                await client.set_replication_source(
                    tablets[alias],
                    alias_to_pb(primary),
                    force_start=force_start,
                    semi_sync=semi_sync,
                )
                world.recorder.record(
                    obj, "ReparentTablet", f"pointed tablet {alias} at {primary}: it {reason}"
                )
            case _:
                assert_never(repair)
    except ArmillaryError as error:
        world.recorder.record(obj, "RepairFailed", f"{repair}: {error}", warning=True)
        return
    logger.info("replication repaired", extra={"repair": repr(repair)})
