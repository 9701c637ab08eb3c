"""A shard of tablets in memory: enough of mysqld to reparent, and to see when it went wrong.

Positions are MariaDB's in one domain. A tablet that was told to fail does so before or after it
has acted, as a network would have it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel

from armillary.base.errors import (
    ArmillaryError,
    DeadlineError,
    NotFoundError,
    PreconditionError,
    UnavailableError,
)
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import replicationdata_pb2, topodata_pb2
from armillary.topo.convert import alias_from_pb, alias_of, alias_to_pb, time_to_pb, type_to_pb
from armillary.topo.server import TopoServer

Tablet = topodata_pb2.Tablet
KEYSPACE, SHARD = "main", "-80"
_EPOCH = datetime(2020, 8, 12, tzinfo=UTC)


@dataclass
class FakeMysqld:
    rows: list[str] = field(default_factory=list)  # what is applied, in order
    received: list[str] = field(default_factory=list)  # relay log: what else has come
    read_only: bool = True
    source: TabletAlias | None = None
    replicating: bool = False
    applying: bool = True
    alive: bool = True
    backup_running: bool = False
    semi_sync: bool = False  # what the last call asked for


class ShardOfTablets:
    """Implements `TabletCalls` over a topology in memory."""

    def __init__(self, topo: TopoServer, shard: str = SHARD) -> None:
        self.topo = topo
        self.shard = shard
        self.mysqlds: dict[TabletAlias, FakeMysqld] = {}
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.fail_after_acting = False
        self.fail_with: type[ArmillaryError] = UnavailableError
        self._terms = 0

    @classmethod
    async def create(cls, *aliases: TabletAlias, cells: tuple[str, ...] = ()) -> "ShardOfTablets":
        """Return a shard whose tablets have registered and follow nobody."""
        topo = await TopoServer.in_memory(
            *(cells or sorted({a.cell for a in aliases})), lock_timeout_s=5
        )
        await topo.get_or_create_shard(KEYSPACE, SHARD)
        shard = cls(topo)
        for alias in aliases:
            await shard.add(alias, TabletType.REPLICA)
        return shard

    async def add(
        self,
        alias: TabletAlias,
        tablet_type: TabletType,
        *,
        host: str = "127.16.0.1",
        ports: dict[str, int] | None = None,
    ) -> None:
        self.mysqlds[alias] = FakeMysqld()
        await self.topo.create_tablet(
            Tablet(
                alias=alias_to_pb(alias),
                hostname=host,
                port_map=ports or {},
                mysql_hostname=host,
                mysql_port=3306,
                keyspace=KEYSPACE,
                shard=self.shard,
                type=type_to_pb(tablet_type),
            )
        )

    async def lead(self, primary: TabletAlias) -> None:
        """Make `primary` the primary that all others follow."""
        await self._become_primary(primary)
        await self._record(primary)
        for alias, mysqld in self.mysqlds.items():
            if alias != primary:
                mysqld.source, mysqld.replicating = primary, True
        self.pump()

    def write(self, row: str) -> TabletAlias:
        """Commit a row on the one writable primary; returns who took it."""
        writable = self.writable()
        assert len(writable) == 1, f"writable: {writable}"
        self.mysqlds[writable[0]].rows.append(row)
        return writable[0]

    def writable(self) -> list[TabletAlias]:
        return [a for a, m in self.mysqlds.items() if m.alive and not m.read_only]

    def pump(self) -> None:
        """Let replication catch up everywhere."""
        for _ in self.mysqlds:
            for mysqld in self.mysqlds.values():
                source = self.mysqlds.get(mysqld.source) if mysqld.source else None
                if source and source.alive and mysqld.alive and mysqld.replicating:
                    known = mysqld.rows + mysqld.received
                    if source.rows[: len(known)] == known:
                        mysqld.received += source.rows[len(known) :]
                if mysqld.applying and mysqld.alive:
                    mysqld.rows += mysqld.received
                    mysqld.received = []

    # What tablets answer

    async def _call(self, tablet: Tablet, method: str) -> FakeMysqld:
        await anyio.lowlevel.checkpoint()
        alias = alias_of(tablet)
        number = len(self.calls)
        self.calls.append(f"{method} {alias}")
        if self.fail_at == number and not self.fail_after_acting:
            raise self.fail_with(f"{method} {alias}: failed before it acted")
        mysqld = self.mysqlds[alias]
        if not mysqld.alive:
            raise UnavailableError(f"tablet {alias}: connection refused")
        return mysqld

    def _done(self) -> None:
        """Call this last in each method with the number of calls unchanged since `_call`."""
        if self.fail_after_acting and self.fail_at == len(self.calls) - 1:
            raise self.fail_with(f"{self.calls[-1]}: failed after it had acted")

    def _status(self, mysqld: FakeMysqld) -> replicationdata_pb2.Status:
        source = self.mysqlds.get(mysqld.source) if mysqld.source else None
        receives = mysqld.replicating and source is not None and source.alive
        return replicationdata_pb2.Status(
            position=position(mysqld.rows),
            relay_log_position=position(mysqld.rows + mysqld.received),
            source_host="127.16.0.1",
            io_state=3 if receives else 2 if mysqld.replicating else 1,
            replication_lag_unknown=not receives,
            replication_lag_seconds=0,
            backup_running=mysqld.backup_running,
        )

    async def full_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.FullStatus:
        mysqld = await self._call(tablet, "full_status")
        self.pump()
        status = replicationdata_pb2.FullStatus(
            read_only=mysqld.read_only,
            primary_status=replicationdata_pb2.PrimaryStatus(position=position(mysqld.rows)),
        )
        if mysqld.source:
            status.replication_status.CopyFrom(self._status(mysqld))
        self._done()
        return status

    async def stop_replication_and_get_status(
        self, tablet: Tablet, *, io_thread_only: bool = True, timeout_s: float | None = None
    ) -> replicationdata_pb2.StopReplicationStatus:
        mysqld = await self._call(tablet, "stop_replication_and_get_status")
        if mysqld.source is None:
            raise PreconditionError("it is no replica")
        before = self._status(mysqld)
        mysqld.replicating = False
        self._done()
        return replicationdata_pb2.StopReplicationStatus(before=before, after=self._status(mysqld))

    async def start_replication(self, tablet: Tablet, *, semi_sync: bool = False) -> None:
        mysqld = await self._call(tablet, "start_replication")
        mysqld.replicating, mysqld.semi_sync = True, semi_sync
        self._done()

    async def reset_replication(self, tablet: Tablet) -> None:
        mysqld = await self._call(tablet, "reset_replication")
        mysqld.rows, mysqld.received, mysqld.source, mysqld.replicating = [], [], None, False
        self._done()

    async def wait_for_position(
        self, tablet: Tablet, wanted: str, *, timeout_s: float = 15.0
    ) -> None:
        mysqld = await self._call(tablet, "wait_for_position")
        self._wait(mysqld, wanted)
        self._done()

    def _wait(self, mysqld: FakeMysqld, wanted: str) -> None:
        self.pump()
        if len(mysqld.rows) < _count(wanted):
            raise DeadlineError(f"did not reach {wanted}, is at {position(mysqld.rows)}")

    async def init_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str:
        return await self._promote(tablet, "init_primary")

    async def promote_replica(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str:
        return await self._promote(tablet, "promote_replica")

    async def _promote(self, tablet: Tablet, method: str) -> str:
        mysqld = await self._call(tablet, method)
        number = len(self.calls)
        await self._become_primary(alias_of(tablet))
        assert number == len(self.calls)
        self._done()
        return position(mysqld.rows)

    async def _become_primary(self, alias: TabletAlias) -> None:
        self._terms += 1
        term = _EPOCH + timedelta(seconds=self._terms)

        def change(record: Tablet) -> bool:
            if record.type == topodata_pb2.PRIMARY:
                return False
            record.type = topodata_pb2.PRIMARY
            record.primary_term_start_time.CopyFrom(time_to_pb(term))
            return True

        await self.topo.update_tablet(alias, change)
        mysqld = self.mysqlds[alias]
        mysqld.source, mysqld.replicating = None, False
        mysqld.rows += mysqld.received
        mysqld.received = []
        mysqld.read_only = False

    async def _record(self, alias: TabletAlias) -> None:
        tablet = (await self.topo.get_tablet(alias)).value

        def change(record: topodata_pb2.Shard) -> None:
            record.primary_alias.CopyFrom(tablet.alias)
            record.primary_term_start_time.CopyFrom(tablet.primary_term_start_time)

        await self.topo.update_shard(KEYSPACE, self.shard, change)

    async def demote_primary(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.PrimaryStatus:
        mysqld = await self._call(tablet, "demote_primary")
        mysqld.read_only = True
        self._done()
        return replicationdata_pb2.PrimaryStatus(position=position(mysqld.rows))

    async def undo_demote_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> None:
        mysqld = await self._call(tablet, "undo_demote_primary")
        mysqld.read_only, mysqld.semi_sync = False, semi_sync
        self._done()

    async def set_read_write(self, tablet: Tablet) -> None:
        (await self._call(tablet, "set_read_write")).read_only = False
        self._done()

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
        mysqld = await self._call(tablet, "set_replication_source")
        fails_later = self.fail_after_acting and self.fail_at == len(self.calls) - 1
        mysqld.read_only = True

        def change(record: Tablet) -> None:
            record.type = topodata_pb2.REPLICA
            record.ClearField("primary_term_start_time")

        await self.topo.update_tablet(alias_of(tablet), change)
        mysqld.source, mysqld.replicating = alias_from_pb(parent), True
        mysqld.semi_sync = semi_sync
        if wait_position:
            self._wait(mysqld, wait_position)
        for _ in range(200):
            self.pump()
            if not time_created_ns or f"journal {time_created_ns}" in mysqld.rows:
                break
            await anyio.lowlevel.checkpoint()
        else:
            raise DeadlineError("the journal row did not arrive")
        if fails_later:
            raise self.fail_with("failed after it had acted")

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
        mysqld = await self._call(tablet, "populate_reparent_journal")
        mysqld.rows.append(f"journal {time_created_ns}")
        self._done()

    async def shard_record(self) -> topodata_pb2.Shard:
        return (await self.topo.get_shard(KEYSPACE, self.shard)).value

    async def types(self) -> dict[TabletAlias, TabletType]:
        tablets = await self.topo.tablets_of_shard(KEYSPACE, self.shard)
        return {alias: TabletType(tablet.type) for alias, tablet in tablets.items()}

    def kill(self, alias: TabletAlias) -> None:
        if alias not in self.mysqlds:
            raise NotFoundError(str(alias))
        self.mysqlds[alias].alive = False


def position(rows: list[str]) -> str:
    return f"MariaDB/0-1-{len(rows)}" if rows else ""


def _count(text: str) -> int:
    return int(text.rpartition("-")[2]) if text else 0
