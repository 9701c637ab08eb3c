"""Read a shard and ask its tablets, once. I/O."""

import logging

import anyio

from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias
from armillary.pb import replicationdata_pb2, topodata_pb2
from armillary.topo.convert import is_set, primary_alias_of, primary_term_of, type_of
from armillary.topo.server import TopoServer
from armillary.vtctld.reparent.durability import Durability
from armillary.vtctld.reparent.shard_seen import ShardSeen, TabletSeen
from armillary.vtctld.reparent.steps import TabletCalls

logger = logging.getLogger(__name__)

_RECEIVING = (2, 3)  # replicationdata.Status: connecting, running

Records = dict[TabletAlias, topodata_pb2.Tablet]


async def observe_shard(
    topo: TopoServer, calls: TabletCalls, keyspace: str, shard: str, *, timeout_s: float
) -> tuple[ShardSeen, Records]:
    """Return the shard with every tablet's answer, and the tablets' records.

    Raises:
        UnavailableError: the topology does not answer, in any cell: a cell that is away may hold
            a tablet that nobody would ask.
    """
    records = await topo.tablets_of_shard(keyspace, shard, strict=True)
    seen: dict[TabletAlias, TabletSeen] = {}

    async def ask(alias: TabletAlias) -> None:
        try:
            status = await calls.full_status(records[alias], timeout_s=timeout_s)
            seen[alias] = tablet_seen(records[alias], status)
        except ArmillaryError as error:
            seen[alias] = silent_tablet(records[alias], str(error) or type(error).__name__)

    async with anyio.create_task_group() as tasks:
        for alias in records:
            tasks.start_soon(ask, alias)
    return await shard_seen(topo, keyspace, shard, seen), records


async def shard_seen(
    topo: TopoServer, keyspace: str, shard: str, tablets: dict[TabletAlias, TabletSeen]
) -> ShardSeen:
    if not tablets:
        raise PreconditionError(f"shard {keyspace}/{shard} has no tablets")
    record = (await topo.get_shard(keyspace, shard)).value
    policy = (await topo.get_keyspace(keyspace)).value.durability_policy
    return ShardSeen(
        keyspace=keyspace,
        shard=shard,
        tablets=tablets,
        had_primary=primary_alias_of(record) is not None or is_set(record.primary_term_start_time),
        durability=Durability(policy or "none"),
    )


def tablet_seen(record: topodata_pb2.Tablet, status: replicationdata_pb2.FullStatus) -> TabletSeen:
    replica = status.replication_status
    follows = status.HasField("replication_status") and bool(replica.source_host)
    known_lag = follows and not replica.replication_lag_unknown
    return TabletSeen(
        alias=TabletAlias(record.alias.cell, record.alias.uid),
        tablet_type=type_of(record),
        term_started_at=primary_term_of(record),
        position=_further(replica.position, status.primary_status.position),
        lag_s=replica.replication_lag_seconds if known_lag else None,
        receives=follows and replica.io_state in _RECEIVING,
        backup_running=replica.backup_running,
    )


def _further(one: str, other: str) -> Position:
    first, second = Position.parse(one), Position.parse(other)
    return first if first.at_least(second) else second


def silent_tablet(record: topodata_pb2.Tablet, problem: str) -> TabletSeen:
    return TabletSeen(
        alias=TabletAlias(record.alias.cell, record.alias.uid),
        tablet_type=type_of(record),
        term_started_at=primary_term_of(record),
        problem=problem,
    )


async def acknowledges_now(topo: TopoServer, tablet: topodata_pb2.Tablet) -> bool:
    """Whether the shard's primary, as its record has it, waits for this tablet's word."""
    policy = (await topo.get_keyspace(tablet.keyspace)).value.durability_policy
    primary = primary_alias_of((await topo.get_shard(tablet.keyspace, tablet.shard)).value)
    alias = TabletAlias(tablet.alias.cell, tablet.alias.uid)
    return primary is not None and Durability(policy or "none").acknowledges(
        primary, alias, type_of(tablet)
    )
