"""Enter a starting tablet into the topology. I/O.

The first time ever, a missing keyspace is made (NORMAL). Later a missing keyspace means that
somebody deleted it, perhaps to make it anew as a snapshot: then the tablet waits. A marker file in
the tablet's directory tells the two apart.
"""

import logging

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import (
    AlreadyExistsError,
    ArmillaryError,
    ConflictError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from armillary.base.retry import backoff_delays_s
from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld import admin
from armillary.mysqld.layout import TabletDir
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.topo.server import TopoServer
from armillary.vttablet.agent import Agent
from armillary.vttablet.plan import OwnRecord, Role, ShardPrimary, choose_role_at_start

logger = logging.getLogger(__name__)

_WAIT_S = 1.0


async def register(agent: Agent) -> None:
    """Write this tablet's record and take the role that the records give it.

    Waits while the topology is away, and while a deleted keyspace is missing.

    Raises:
        PreconditionError: the alias belongs to a tablet of another keyspace or shard.
    """
    await _wait_for_shard(agent)
    identity = agent.identity
    shard = await agent.shard_record()
    record = await _own_record(agent.topo, identity.alias)
    if record is not None and (record.keyspace, record.shard) != (
        identity.keyspace,
        identity.shard,
    ):
        raise PreconditionError(
            f"tablet {identity.alias} is registered for {record.keyspace}/{record.shard}: "
            f"wanted {identity.keyspace}/{identity.shard}"
        )
    role = choose_role_at_start(
        me=identity.alias,
        base_type=identity.base_type,
        record=own_record_of(record),
        shard=shard_primary_of(shard),
        now=utc_now(),
    )
    agent.role = first_role(role, record, restores=agent.settings.restore_from_backup)
    logger.info(
        "registering",
        extra={"tablet_type": agent.role.tablet_type.name, "reason": role.reason},
    )
    await _write_record(agent, record)
    agent.flags.has_registered = True
    agent.registered.set()
    await _note_registered(agent.dirs)


def first_role(role: Role, record: topodata_pb2.Tablet | None, *, restores: bool) -> Role:
    """Return the role to show until it is known whether there is anything to restore.

    A tablet that has served before keeps its type; a new one is RESTORE, so that nobody promotes
    it while it is empty.
    """
    if role.tablet_type == TabletType.PRIMARY or not restores:
        return role
    if record is not None and TabletType(record.type) == role.tablet_type:
        return role
    return Role(tablet_type=TabletType.RESTORE, reason="starting")


def own_record_of(record: topodata_pb2.Tablet | None) -> OwnRecord | None:
    if record is None:
        return None
    return OwnRecord(
        tablet_type=convert.type_of(record), term_started_at=convert.primary_term_of(record)
    )


def shard_primary_of(shard: topodata_pb2.Shard) -> ShardPrimary:
    term = shard.primary_term_start_time
    return ShardPrimary(
        alias=convert.primary_alias_of(shard),
        term_started_at=convert.time_from_pb(term) if convert.is_set(term) else None,
    )


async def _wait_for_shard(agent: Agent) -> None:
    """Return once the shard has a record, making it when this tablet may."""
    delays = backoff_delays_s(first_s=0.2, max_s=5.0)
    while True:
        try:
            await _ensure_shard(agent)
            return
        except _KeyspaceGoneError as error:
            _wait_reason(agent, str(error))
            await anyio.sleep(_WAIT_S)
        except (UnavailableError, ConflictError) as error:
            _wait_reason(agent, f"waiting for the topology: {error}")
            await anyio.sleep(next(delays))
        except NotFoundError as error:
            # The operator registers the cell; a tablet may well be faster.
            _wait_reason(agent, f"waiting for the topology: {error}")
            await anyio.sleep(_WAIT_S)


class _KeyspaceGoneError(ArmillaryError):
    """The keyspace had a record when this tablet registered, and has none now."""


async def _ensure_shard(agent: Agent) -> None:
    identity, topo = agent.identity, agent.topo
    try:
        keyspace = (await topo.get_keyspace(identity.keyspace)).value
    except NotFoundError:
        if await _has_registered(agent.dirs):
            raise _KeyspaceGoneError(
                f"keyspace {identity.keyspace} was deleted; waiting until somebody creates it again"
            ) from None
        keyspace = topodata_pb2.Keyspace()
    # The cell first: a keyspace must not appear for a tablet that cannot register.
    await topo.get_cell_info(identity.alias.cell)
    await topo.get_or_create_shard(identity.keyspace, identity.shard)
    agent.flags.is_snapshot = keyspace.keyspace_type == topodata_pb2.SNAPSHOT
    if keyspace.durability_policy not in ("", "none"):
        agent.flags.semi_sync = True
    if not keyspace.sidecar_db_name:
        await topo.update_keyspace(identity.keyspace, _set_sidecar)


def _set_sidecar(keyspace: topodata_pb2.Keyspace) -> bool:
    if keyspace.sidecar_db_name:
        return False
    keyspace.sidecar_db_name = admin.SIDECAR_DATABASE
    return True


def _wait_reason(agent: Agent, reason: str) -> None:
    if agent.flags.busy != reason:
        logger.warning("cannot register yet", extra={"reason": reason})
        agent.flags.busy = reason
        agent.look_now()


async def _own_record(topo: TopoServer, alias: TabletAlias) -> topodata_pb2.Tablet | None:
    try:
        return (await topo.get_tablet(alias)).value
    except NotFoundError:
        return None


async def _write_record(agent: Agent, record: topodata_pb2.Tablet | None) -> None:
    wanted = agent.record()
    if record is None:
        try:
            await agent.topo.create_tablet(wanted)
            return
        except AlreadyExistsError:
            logger.info("a record appeared meanwhile; replacing it")
    else:
        wanted.tags.update(record.tags)
    await agent.topo.put_tablet(wanted)


async def _has_registered(dirs: TabletDir) -> bool:
    return await anyio.Path(dirs.registered).exists()


async def _note_registered(dirs: TabletDir) -> None:
    await anyio.Path(dirs.path).mkdir(mode=0o700, parents=True, exist_ok=True)
    await anyio.Path(dirs.registered).touch()


async def ensure_serving_graph(agent: Agent) -> None:
    """Make the keyspace visible to the cell's vtgates, if nobody has; try until it works."""
    identity = agent.identity
    cell = identity.alias.cell
    delays = backoff_delays_s(first_s=0.5, max_s=10.0)
    while True:
        try:
            await _ensure_srv_keyspace(agent, cell)
            await _ensure_srv_vschema(agent, cell)
            await _join_other_cells(agent)
            return
        except ArmillaryError as error:
            # Usual while the keyspace's other shards have not registered.
            logger.debug("no serving graph yet", extra={"reason": str(error)})
        await anyio.sleep(next(delays))


async def _ensure_srv_keyspace(agent: Agent, cell: str) -> None:
    try:
        graph = (await agent.topo.get_srv_keyspace(cell, agent.identity.keyspace)).value
        served = {
            shard.name for partition in graph.partitions for shard in partition.shard_references
        }
        if agent.identity.shard in served:
            return
        shard = await agent.shard_record()
        if not shard.is_primary_serving:
            return
    except NotFoundError:
        pass
    await agent.topo.rebuild_keyspace_graph(
        agent.identity.keyspace, [cell], allow_partial=agent.flags.is_snapshot
    )


async def _join_other_cells(agent: Agent) -> None:
    """Add this shard to the keyspace's records in other cells, where there are any."""
    identity = agent.identity
    for cell in await agent.topo.list_cells():
        if cell == identity.alias.cell:
            continue
        try:
            if identity.keyspace in await agent.topo.list_srv_keyspaces(cell):
                await _ensure_srv_keyspace(agent, cell)
        except ArmillaryError as error:
            facts = {"cell": cell, "reason": str(error)}
            logger.warning("the serving graph of another cell may lack this shard", extra=facts)


async def _ensure_srv_vschema(agent: Agent, cell: str) -> None:
    try:
        vschema = (await agent.topo.get_srv_vschema(cell)).value
        if agent.identity.keyspace in vschema.keyspaces:
            return
    except NotFoundError:
        pass
    await agent.topo.rebuild_srv_vschema([cell])
