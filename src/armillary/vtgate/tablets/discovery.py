"""Follow the topology and the tablets' health streams, and keep `Cluster` up to date. I/O."""

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from armillary.base.errors import ArmillaryError, NotFoundError
from armillary.base.retry import backoff_delays_s
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import query_pb2, topodata_pb2
from armillary.routing.partition import Partition
from armillary.routing.vschema import build_vschema
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.topo.convert import alias_of, database_name, type_of
from armillary.topo.server import TopoServer
from armillary.vtgate.tablets.cluster import Cluster, KeyspaceLayout, TabletHealth

logger = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_MAX_S = 0.25, 5.0
_RELOAD_S = 5.0

Tablet = topodata_pb2.Tablet


class Discovery:
    def __init__(
        self,
        cluster: Cluster,
        topo: TopoServer,
        tablets: TabletManagerClient,
        *,
        cell: str,
        cells: tuple[str, ...],
    ) -> None:
        self._cluster = cluster
        self._topo = topo
        self._client = tablets
        self._cell = cell
        self._cells = cells or (cell,)
        self._keyspaces: dict[str, anyio.CancelScope] = {}
        self._streams: dict[TabletAlias, tuple[Tablet, anyio.CancelScope]] = {}
        self._known: dict[str, Mapping[TabletAlias, Tablet]] = {}

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._follow_vschema, tasks)
            for cell in self._cells:
                tasks.start_soon(self._follow_tablets, tasks, cell)

    async def reload_schemas(self, keyspace: str) -> None:
        """Have the primaries of a keyspace look at their tables, and tell every gateway.

        A tablet that does not answer finds the change by itself, some seconds later.
        """
        async with anyio.create_task_group() as tasks:
            for alias, (record, _) in self._streams.items():
                health = self._cluster.tablet(alias)
                is_primary = health is not None and health.type == TabletType.PRIMARY
                if is_primary and record.keyspace == keyspace:
                    tasks.start_soon(self._reload_schema, record)

    async def _reload_schema(self, record: Tablet) -> None:
        try:
            await self._client.reload_schema(record, timeout_s=_RELOAD_S)
        except ArmillaryError as error:
            logger.warning(
                "other gateways may learn of a schema change later",
                extra={"tablet": alias_of(record), "reason": str(error)},
            )

    async def _follow_vschema(self, tasks: TaskGroup) -> None:
        while True:
            delays = backoff_delays_s(first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S)
            try:
                async with aclosing(self._topo.watch_srv_vschema(self._cell)) as values:
                    async for value in values:
                        if value is not None:
                            self._cluster.set_vschema(build_vschema(value))
                            self._follow_keyspaces(tasks)
            except ArmillaryError as error:
                logger.warning("vschema watch broke", extra={"reason": str(error)})
            await anyio.sleep(next(delays))

    def _follow_keyspaces(self, tasks: TaskGroup) -> None:
        """Watch the serving graph of every keyspace that has a VSchema, and of no other."""
        wanted = set(self._cluster.vschema.keyspaces)
        for name in self._keyspaces.keys() - wanted:
            self._keyspaces.pop(name).cancel()
            self._cluster.set_layout(name, None)
        for name in wanted - self._keyspaces.keys():
            self._keyspaces[name] = anyio.CancelScope()
            tasks.start_soon(self._follow_keyspace, name, self._keyspaces[name])

    async def _follow_keyspace(self, name: str, scope: anyio.CancelScope) -> None:
        with scope:
            while True:
                try:
                    async with aclosing(self._topo.watch_srv_keyspace(self._cell, name)) as values:
                        async for value in values:
                            self._cluster.set_layout(
                                name, layout_of(value) if value is not None else None
                            )
                except NotFoundError:
                    self._cluster.set_layout(name, None)
                except ArmillaryError as error:
                    logger.warning(
                        "keyspace watch broke", extra={"keyspace": name, "reason": str(error)}
                    )
                await anyio.sleep(1.0)

    async def _follow_tablets(self, tasks: TaskGroup, cell: str) -> None:
        while True:
            try:
                async with aclosing(self._topo.watch_tablets(cell)) as values:
                    async for tablets in values:
                        self._known[cell] = tablets
                        self._follow_streams(tasks)
            except ArmillaryError as error:
                logger.warning("tablet watch broke", extra={"cell": cell, "reason": str(error)})
            await anyio.sleep(1.0)

    def _follow_streams(self, tasks: TaskGroup) -> None:
        wanted = {
            alias: tablet for tablets in self._known.values() for alias, tablet in tablets.items()
        }
        for alias in list(self._streams):
            record, scope = self._streams[alias]
            if alias not in wanted or _address(wanted[alias]) != _address(record):
                scope.cancel()
                del self._streams[alias]
                self._cluster.drop_tablet(alias)
        for alias, tablet in wanted.items():
            if alias not in self._streams:
                scope = anyio.CancelScope()
                self._streams[alias] = (tablet, scope)
                tasks.start_soon(self._follow_health, tablet, scope)

    async def _follow_health(self, tablet: Tablet, scope: anyio.CancelScope) -> None:
        alias = alias_of(tablet)
        self._cluster.set_tablet(_unheard(tablet, "not heard of yet"))
        with scope:
            delays = backoff_delays_s(first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S)
            while True:
                problem = "health stream ended"
                try:
                    async with aclosing(self._client.stream_health(tablet)) as answers:
                        is_first = True
                        async for answer in answers:
                            delays = backoff_delays_s(first_s=_RETRY_FIRST_S, max_s=_RETRY_MAX_S)
                            if is_first or answer.realtime_stats.table_schema_changed:
                                self._cluster.tables_changed()  # perhaps, before the stream began
                            is_first = False
                            self._cluster.set_tablet(health_of(tablet, answer))
                except ArmillaryError as error:
                    problem = str(error)
                before = self._cluster.tablet(alias)
                if before is None or not before.problem:
                    logger.info("tablet not heard", extra={"tablet": alias, "reason": problem})
                    self._cluster.set_tablet(_unheard(tablet, problem))
                await anyio.sleep(next(delays))


def layout_of(value: topodata_pb2.SrvKeyspace) -> KeyspaceLayout:
    """Return the shards by tablet type of a serving graph record."""
    partitions = {}
    for partition in value.partitions:
        names = [reference.name for reference in partition.shard_references]
        partitions[TabletType(int(partition.served_type))] = Partition.of(names)
    return KeyspaceLayout(partitions)


def _address(tablet: Tablet) -> tuple[str, int, str, int, str, str, str]:
    return (
        tablet.hostname,
        tablet.port_map.get("grpc", 0),
        tablet.mysql_hostname,
        tablet.mysql_port,
        tablet.keyspace,
        tablet.shard,
        tablet.db_name_override,
    )


def _base(tablet: Tablet, tablet_type: TabletType) -> TabletHealth:
    return TabletHealth(
        alias=alias_of(tablet),
        keyspace=tablet.keyspace,
        shard=tablet.shard,
        type=tablet_type,
        serving=False,
        host=tablet.mysql_hostname or tablet.hostname,
        port=tablet.mysql_port or tablet.port_map.get("mysql", 3306),
        database=database_name(tablet),
        hostname=tablet.hostname,
    )


def _unheard(tablet: Tablet, problem: str) -> TabletHealth:
    return replace(_base(tablet, type_of(tablet)), problem=problem)


def health_of(tablet: Tablet, answer: query_pb2.StreamHealthResponse) -> TabletHealth:
    """Return a tablet's health as its stream tells it."""
    stats = answer.realtime_stats
    return replace(
        _base(tablet, TabletType(int(answer.target.tablet_type))),
        keyspace=answer.target.keyspace or tablet.keyspace,
        shard=answer.target.shard or tablet.shard,
        serving=answer.serving,
        term_start_s=answer.primary_term_start_timestamp,
        lag_s=float(stats.replication_lag_seconds),
        problem=stats.health_error,
    )
