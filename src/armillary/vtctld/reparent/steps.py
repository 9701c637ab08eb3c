"""The acts that reparents are made of, each safe to repeat. I/O."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import replicationdata_pb2, topodata_pb2
from armillary.topo.connection import TopoLock
from armillary.topo.convert import alias_to_pb, is_set, primary_alias_of
from armillary.topo.server import TopoServer
from armillary.vtctld.reparent.shard_seen import ShardSeen

logger = logging.getLogger(__name__)

Tablet = topodata_pb2.Tablet
Report = Callable[[str], Awaitable[None]]

_PROMOTE_TIMEOUT_S = 30.0
_SHIELD_MARGIN_S = 30.0


class TabletCalls(Protocol):
    """What reparents ask of tablets; `TabletManagerClient` is the real one."""

    async def full_status(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.FullStatus: ...

    async def stop_replication_and_get_status(
        self, tablet: Tablet, *, io_thread_only: bool = True, timeout_s: float | None = None
    ) -> replicationdata_pb2.StopReplicationStatus: ...

    async def start_replication(self, tablet: Tablet, *, semi_sync: bool = False) -> None: ...

    async def reset_replication(self, tablet: Tablet) -> None: ...

    async def wait_for_position(
        self, tablet: Tablet, position: str, *, timeout_s: float = 15.0
    ) -> None: ...

    async def init_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str: ...

    async def promote_replica(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> str: ...

    async def demote_primary(
        self, tablet: Tablet, *, timeout_s: float | None = None
    ) -> replicationdata_pb2.PrimaryStatus: ...

    async def undo_demote_primary(
        self, tablet: Tablet, *, semi_sync: bool = False, timeout_s: float | None = None
    ) -> None: ...

    async def set_read_write(self, tablet: Tablet) -> None: ...

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
    ) -> None: ...

    async def populate_reparent_journal(
        self,
        tablet: Tablet,
        *,
        time_created_ns: int,
        action_name: str,
        primary_alias: topodata_pb2.TabletAlias,
        position: str,
        timeout_s: float | None = None,
    ) -> None: ...


class Reparent:
    """One reparent under way: its shard as seen, the lock it holds, and whom it reports to."""

    def __init__(
        self,
        *,
        topo: TopoServer,
        calls: TabletCalls,
        seen: ShardSeen,
        records: dict[TabletAlias, Tablet],
        lock: TopoLock,
        report: Report,
        wait_replicas_s: float,
        action: str,
    ) -> None:
        self.topo = topo
        self.calls = calls
        self.seen = seen
        self.records = records
        self.lock = lock
        self.report = report
        self.wait_replicas_s = wait_replicas_s
        self.action = action

    def semi_sync(self, primary: TabletAlias, alias: TabletAlias) -> bool:
        """Whether `alias` switches semi-sync on when `primary` leads."""
        durability = self.seen.durability
        if alias == primary:
            return durability.primary_semi_sync
        known = self.seen.tablets.get(alias)
        tablet_type = known.tablet_type if known else TabletType.REPLICA
        return durability.acknowledges(primary, alias, tablet_type)

    async def promote(
        self,
        new: TabletAlias,
        followers: Sequence[TabletAlias],
        *,
        first: bool = False,
    ) -> None:
        """Make `new` the primary, record it, and let the followers follow.

        From the moment of asking, nothing stops this half-way: a caller that is cancelled waits
        for its end, since the tablet goes on in any case.

        Raises:
            ArmillaryError: the tablet refused or did not answer; nobody was repointed.
            PreconditionError: it is primary, and some followers do not follow yet.
        """
        await self.lock.check()
        with anyio.CancelScope(shield=True):
            act = self.calls.init_primary if first else self.calls.promote_replica
            position = await act(
                self.records[new],
                semi_sync=self.semi_sync(new, new),
                timeout_s=_PROMOTE_TIMEOUT_S,
            )
            await self.report(f"{new} is master, at {position or 'the start'}")
            await self.record_primary(new)
            await self.repoint(new, followers, position)

    async def record_primary(self, alias: TabletAlias) -> None:
        """Write the primary into the shard's record; a tablet of ours has done it by itself."""
        await self.lock.check()
        tablet = (await self.topo.get_tablet(alias)).value
        wanted = alias_to_pb(alias)
        term = tablet.primary_term_start_time

        def change(record: topodata_pb2.Shard) -> bool:
            if primary_alias_of(record) == alias and record.primary_term_start_time == term:
                return False
            record.primary_alias.CopyFrom(wanted)
            if is_set(term):
                record.primary_term_start_time.CopyFrom(term)
            return True

        await self.topo.update_shard(self.seen.keyspace, self.seen.shard, change)

    async def repoint(
        self, primary: TabletAlias, followers: Sequence[TabletAlias], position: str
    ) -> None:
        """Let all followers follow, and wait until each has seen the journal row of this reparent.

        The row is written at the same time: with semi-sync it commits only once one follows.

        Raises:
            PreconditionError: some do not, with their reasons. The primary stands.
        """
        time_created_ns = _nanoseconds(utc_now())
        problems: list[str] = []

        async def follow(alias: TabletAlias) -> None:
            try:
                await self.calls.set_replication_source(
                    self.records[alias],
                    alias_to_pb(primary),
                    time_created_ns=time_created_ns,
                    force_start=True,
                    semi_sync=self.semi_sync(primary, alias),
                    timeout_s=self.wait_replicas_s + _SHIELD_MARGIN_S,
                )
                await self.report(f"{alias} follows {primary}")
            except ArmillaryError as error:
                problems.append(f"{alias}: {error}")

        async def note() -> None:
            try:
                await self.calls.populate_reparent_journal(
                    self.records[primary],
                    time_created_ns=time_created_ns,
                    action_name=self.action,
                    primary_alias=alias_to_pb(primary),
                    position=position,
                    timeout_s=self.wait_replicas_s + _SHIELD_MARGIN_S,
                )
            except ArmillaryError as error:
                problems.append(f"journal of {primary}: {error}")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(note)
            for alias in followers:
                tasks.start_soon(follow, alias)
        if problems:
            raise PreconditionError(
                f"{primary} is the master of {self.seen.path} now, but some replicas failed to "
                f"reparent; retry PlannedReparentShard with it to repair them: "
                f"{'; '.join(sorted(problems))}"
            )


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 10**9 + instant.microsecond * 1000
