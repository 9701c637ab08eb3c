"""Hold an election under the shard lock: ask, choose, promote, record, repoint. I/O."""

import logging
from collections.abc import Mapping, Sequence

import anyio

from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.election import (
    Candidate,
    Promote,
    Refuse,
    choose_primary,
)
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.pb import topodata_pb2
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.topo.connection import TopoLock
from armillary.topo.convert import alias_to_pb, primary_alias_of, type_of
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)

Tablets = Mapping[TabletAlias, topodata_pb2.Tablet]


async def elect_restored(
    world: World,
    obj: KubeObject,
    shard: Shard,
    candidates: Sequence[TabletAlias],
    eligible: frozenset[TabletAlias],
) -> None:
    """Promote one of the restored tablets, if under the lock there still is no primary.

    Args:
        eligible: tablets whose pool may have the primary.
    Raises:
        UnavailableError: topology or the chosen tablet do not answer; try again later.
        ConflictError: somebody else holds the lock.
    Again: does nothing once the record names a primary.
    """
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    client = await world.topology.tablets(shard.namespace, shard.cluster)
    timeout_s = world.settings.tablet_timeout.total_seconds()
    async with topo.lock_shard(shard.keyspace, shard.name, "Elect restored primary") as lock:
        record = (await topo.get_shard(shard.keyspace, shard.name)).value
        if primary_alias_of(record) is not None:
            return
        tablets = await topo.tablets_of_shard(shard.keyspace, shard.name, strict=True)
        types = {alias: type_of(tablet) for alias, tablet in tablets.items()}
        asked = await _ask(client, shard, tablets, candidates, eligible, timeout_s)
        choice = choose_primary(asked, types)
        match choice:
            case Refuse(reason):
                world.recorder.record(obj, "ElectionBlocked", reason, warning=True)
                logger.warning("no primary elected", extra=_facts(shard) | {"reason": reason})
            case Promote(alias, reason):
                await _promote(topo, client, shard, lock, tablets, alias)
                world.recorder.record(obj, "PrimaryElected", f"promoted tablet {alias}: {reason}")
                logger.info(
                    "primary elected",
                    extra=_facts(shard) | {"tablet": str(alias), "reason": reason},
                )


async def _ask(
    client: TabletManagerClient,
    shard: Shard,
    tablets: Tablets,
    candidates: Sequence[TabletAlias],
    eligible: frozenset[TabletAlias],
    timeout_s: float,
) -> list[Candidate]:
    """Return the answers of those that answer, in the order of `candidates`."""
    answers: dict[TabletAlias, Candidate] = {}

    async def ask(alias: TabletAlias) -> None:
        tablet = tablets[alias]
        try:
            has_database = await database_exists(client, tablet, shard.database_name, timeout_s)
            position = await client.primary_position(tablet, timeout_s=timeout_s)
        except ArmillaryError as error:
            logger.warning("candidate does not answer", extra={"error": str(error)})
            return
        answers[alias] = Candidate(
            alias=alias,
            type=type_of(tablet),
            can_be_primary=alias in eligible,
            has_database=has_database,
            position=position,
        )

    async with anyio.create_task_group() as group:
        for alias in candidates:
            if alias in tablets:
                group.start_soon(ask, alias)
    return [answers[alias] for alias in candidates if alias in answers]


async def database_exists(
    client: TabletManagerClient, tablet: topodata_pb2.Tablet, database: str, timeout_s: float
) -> bool:
    """Whether the tablet's mysqld has the database."""
    quoted = database.replace("\\", "\\\\").replace("'", "''")
    query = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{quoted}'"
    result = await client.execute_fetch_as_dba(
        tablet, query, db_name="", max_rows=1, disable_binlogs=True, timeout_s=timeout_s
    )
    return len(result.rows) > 0


async def _promote(
    topo: TopoServer,
    client: TabletManagerClient,
    shard: Shard,
    lock: TopoLock,
    tablets: Tablets,
    alias: TabletAlias,
) -> None:
    semi_sync = shard.replication.enforce_semi_sync
    await lock.check()
    await client.promote_replica(tablets[alias], semi_sync=semi_sync, timeout_s=30)
    await _record_primary(topo, shard, lock, alias)
    await _repoint_others(client, tablets, alias, semi_sync=semi_sync)


async def _record_primary(
    topo: TopoServer, shard: Shard, lock: TopoLock, alias: TabletAlias
) -> None:
    """Write the primary into the shard's record; a tablet of ours has done it by itself."""
    await lock.check()
    tablet = (await topo.get_tablet(alias)).value
    wanted = alias_to_pb(alias)

    def change(record: topodata_pb2.Shard) -> bool:
        if record.primary_alias == wanted:
            return False
        record.primary_alias.CopyFrom(wanted)
        record.primary_term_start_time.CopyFrom(tablet.primary_term_start_time)
        return True

    await topo.update_shard(shard.keyspace, shard.name, change)


async def _repoint_others(
    client: TabletManagerClient, tablets: Tablets, primary: TabletAlias, *, semi_sync: bool
) -> None:
    """Tell the other tablets, as far as they hear it; the rest find it in the shard's record."""

    async def repoint(tablet: topodata_pb2.Tablet) -> None:
        try:
            await client.set_replication_source(
                tablet, alias_to_pb(primary), force_start=True, semi_sync=semi_sync, timeout_s=15
            )
        except ArmillaryError as error:
            logger.info("tablet not repointed yet", extra={"error": str(error)})

    async with anyio.create_task_group() as group:
        for alias, tablet in tablets.items():
            if alias != primary and type_of(tablet) in (TabletType.REPLICA, TabletType.RDONLY):
                group.start_soon(repoint, tablet)


async def is_empty_shard(world: World, shard: Shard, aliases: Sequence[TabletAlias]) -> str:
    """Return "" when no tablet has data or replicates; else why it may not be made anew.

    Raises:
        UnavailableError: a tablet does not answer: an absent answer is not an empty one.
    """
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    client = await world.topology.tablets(shard.namespace, shard.cluster)
    timeout_s = world.settings.tablet_timeout.total_seconds()
    for alias in aliases:
        try:
            tablet = (await topo.get_tablet(alias)).value
        except NotFoundError:
            return f"tablet {alias} is not registered"
        if await database_exists(client, tablet, shard.database_name, timeout_s):
            return f"tablet {alias} has a database {shard.database_name} already"
        status = await client.full_status(tablet, timeout_s=timeout_s)
        if status.HasField("replication_status") and status.replication_status.source_host:
            return f"tablet {alias} replicates already"
    return ""


def _facts(shard: Shard) -> dict[str, str]:
    return {"keyspace": shard.keyspace, "shard": shard.name}
