"""What one tablet is: its identity, its role, how it reaches mysqld and the topology. I/O.

The role changes in one place, `change_role`, which tells the health stream at once and then writes
the topology. A record that is gone means that somebody deleted this tablet: the process ends.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import anyio

from armillary.backup.storage import BackupStorage
from armillary.base.clock import monotonic_s
from armillary.base.errors import NotFoundError, PreconditionError
from armillary.model.tablet import TabletAlias, TabletType
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import Connection, MysqlParams, connect
from armillary.mysqld.control import MysqldControl
from armillary.mysqld.credentials import Credentials
from armillary.mysqld.flavors.flavor import Flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.spec import AccountNames
from armillary.pb import topodata_pb2
from armillary.rpc.tablet_client import TabletManagerClient
from armillary.settings.vttablet import VttabletSettings
from armillary.topo import convert
from armillary.topo.server import TopoServer
from armillary.vttablet import reparent_journal
from armillary.vttablet.health_stream import HealthStream
from armillary.vttablet.long_work import LongWork
from armillary.vttablet.plan import Role, plan_semi_sync
from armillary.vttablet.schema_watch import SchemaWatch
from armillary.vttablet.watched import WatchedRecords

logger = logging.getLogger(__name__)


DEMOTING = "demotion in progress"  # why a primary holds queries off until it hears of the new one
ENDING = "the tablet is shutting down"


class TabletDeletedError(NotFoundError):
    """Somebody deleted this tablet's record: the process must end, and register anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What of a tablet never changes while its process runs."""

    alias: TabletAlias
    keyspace: str
    shard: str  # in its canonical form
    database: str
    base_type: TabletType
    tablet: topodata_pb2.Tablet  # the record's constant part


@dataclass(slots=True)
class Flags:
    """What the agent remembers between calls; nothing of it survives a restart."""

    busy: str = "starting"  # why it holds queries off; "" when it does not
    is_ending: bool = False  # the process was asked to end
    replication_stopped: bool = False  # by a call: the health loop must not start it again
    replication_refused: str = ""  # why this server may not follow its primary; "" when it may
    backup_running: bool = False
    semi_sync: bool = False  # what the last reparent asked for
    semi_sync_is_behind: bool = False  # the type has changed, and mysqld was not told yet
    is_snapshot: bool = False  # the keyspace is SNAPSHOT: no replication
    has_registered: bool = False

    @property
    def held_off(self) -> str:
        """Why the agent holds queries off; an end stays the reason, whatever comes and goes."""
        return ENDING if self.is_ending else self.busy


class Agent:
    def __init__(
        self,
        *,
        settings: VttabletSettings,
        identity: Identity,
        topo: TopoServer,
        tablets: TabletManagerClient,
        flavor: Flavor,
        control: MysqldControl,
        storage: BackupStorage | None,
        health: HealthStream,
    ) -> None:
        self.settings = settings
        self.identity = identity
        self.topo = topo
        self.tablets = tablets
        self.flavor = flavor
        self.control = control
        self.dirs = TabletDir(Path(settings.vtdataroot), identity.alias.uid)
        self.storage = storage
        self.health = health
        self.tables = SchemaWatch(self.dba, identity.database, health)
        self.credentials = Credentials.load(settings.db_credentials_file)
        self.accounts = AccountNames(
            dba=settings.db_config_dba_uname,
            app=settings.db_config_app_uname,
            repl=settings.db_config_repl_uname,
            allprivs=settings.db_config_allprivs_uname,
            filtered=settings.db_config_filtered_uname,
        )
        self.role = Role(tablet_type=identity.base_type, reason="starting")
        self.flags = Flags(semi_sync=settings.enable_semi_sync)
        self._published: topodata_pb2.Tablet | None = None
        self._published_s = 0.0
        self.watched = WatchedRecords()
        self._action = anyio.Lock()
        self._action_name = ""
        self.long_work = LongWork()
        self.wake = anyio.Event()  # set to make the health loop look now
        self.registered = anyio.Event()
        self.fatal = anyio.Event()  # set when the process must end

    @asynccontextmanager
    async def action(
        self, name: str, *, needs_data: bool = False, is_news: bool = True
    ) -> AsyncIterator[None]:
        """Hold the one action that may change this tablet; others wait until it is done.

        Args:
            is_news: the health loop looks at once when it ends.

        Raises:
            PreconditionError: it `needs_data` and the tablet is being restored; said at once,
                since a restore may take hours.
        """
        if needs_data:
            self.refuse_while_restoring()
        async with self._action:
            if needs_data:
                self.refuse_while_restoring()
            self._action_name = name
            try:
                yield
            finally:
                self._action_name = ""
                if is_news:
                    self.look_now()

    @asynccontextmanager
    async def dba_action(self, name: str) -> AsyncIterator[Connection]:
        """Hold the action of a tablet that has its data, and a session that may do everything."""
        async with self.action(name, needs_data=True), await self.dba() as connection:
            yield connection

    @property
    def action_name(self) -> str:
        """What action runs now; empty for none."""
        return self._action_name

    def look_now(self) -> None:
        """Make the health loop look at mysqld at once."""
        self.wake.set()

    def params(
        self, user: str = "", *, database: str = "", raw_values: bool = False
    ) -> MysqlParams:
        name = user or self.accounts.dba
        return MysqlParams(
            user=name,
            password=self.credentials.password(name),
            socket=Path(self.settings.mycnf_socket_file),
            database=database,
            raw_values=raw_values,
        )

    async def dba(self) -> Connection:
        """Open a session that may do everything; use it as an async context manager."""
        return await connect(self.params())

    # The role

    async def change_role(
        self, tablet_type: TabletType, *, term_started_at: datetime | None = None, reason: str
    ) -> None:
        """Become `tablet_type`, tell the listeners, then write the record.

        Raises:
            UnavailableError: the topology does not answer. The role has changed all the same, and
                the health loop goes on trying to write it.
        """
        before = self.role
        self.role = Role(
            tablet_type=tablet_type,
            term_started_at=term_started_at if tablet_type == TabletType.PRIMARY else None,
            reason=reason if tablet_type == TabletType.RESTORE else "",
        )
        if before.tablet_type != tablet_type:
            logger.info(
                "tablet type changes",
                extra={
                    "old": before.tablet_type.name,
                    "new": tablet_type.name,
                    "reason": reason,
                },
            )
        self.look_now()
        await self.publish()

    def explain(self, reason: str) -> None:
        """Say why a tablet that does not serve is as it is, without changing its type."""
        if self.role.reason != reason:
            self.role = replace(self.role, reason=reason)
            self.look_now()

    async def publish(self, *, recheck_after_s: float = 0.0) -> None:
        """Write this tablet's record if it differs from what the tablet is.

        What was there less than `recheck_after_s` ago is taken to be there still.

        Raises:
            TabletDeletedError: the record is gone; the process is told to end.
        """
        if not self.flags.has_registered:
            return
        wanted = self.record()
        if wanted == self._published and recheck_after_s:
            if self.watched.tablet.shows(lambda stored: _same_but_tags(stored, wanted)):
                self._published_s = monotonic_s()
            if monotonic_s() - self._published_s < recheck_after_s:
                return

        try:
            await self.topo.update_tablet(
                self.identity.alias, lambda stored: _write_over(stored, wanted)
            )
        except NotFoundError:
            self.fatal.set()
            raise TabletDeletedError(
                f"the record of tablet {self.identity.alias} was deleted"
            ) from None
        self._published, self._published_s = wanted, monotonic_s()
        self.watched.tablet.was_read()

    def record(self) -> topodata_pb2.Tablet:
        """Return the topology record of this tablet as it is now."""
        record = topodata_pb2.Tablet()
        record.CopyFrom(self.identity.tablet)
        record.type = convert.type_to_pb(self.role.tablet_type)
        if self.role.term_started_at is not None:
            record.primary_term_start_time.CopyFrom(convert.time_to_pb(self.role.term_started_at))
        return record

    async def shard_record(self) -> topodata_pb2.Shard:
        stored = await self.topo.get_shard(self.identity.keyspace, self.identity.shard)
        self.watched.shard.was_read()
        return stored.value

    async def claim_shard(self) -> None:
        """Write this primary into the shard's record, unless that names a later one.

        Again: does nothing once the record names this tablet and term.
        """
        role = self.role
        if role.tablet_type != TabletType.PRIMARY or role.term_started_at is None:
            return
        mine = convert.time_to_pb(role.term_started_at)
        alias = convert.alias_to_pb(self.identity.alias)

        def change(shard: topodata_pb2.Shard) -> bool:
            theirs = shard.primary_term_start_time
            if (theirs.seconds, theirs.nanoseconds) > (mine.seconds, mine.nanoseconds):
                return False
            if shard.primary_alias == alias and theirs == mine:
                return False
            shard.primary_alias.CopyFrom(alias)
            shard.primary_term_start_time.CopyFrom(mine)
            return True

        await self.topo.update_shard(self.identity.keyspace, self.identity.shard, change)

    # Steps that several calls share

    async def open_for_writes(self, connection: Connection) -> None:
        """Let the primary take writes: its databases exist, then semi-sync, then read-write.

        Semi-sync comes after the databases: their creation must not wait for replicas that do not
        follow yet.
        """
        if self.flavor.super_read_only:
            await connection.execute("SET GLOBAL super_read_only = OFF")
        await self.ensure_database(connection)
        await reparent_journal.ensure_sidecar(connection)
        await self.set_semi_sync(connection)
        await admin.set_read_only(connection, self.flavor, read_only=False)

    async def ensure_database(self, connection: Connection) -> None:
        if self.identity.database not in await admin.list_databases(connection):
            await admin.create_database(connection, self.identity.database)
            logger.info("created the database", extra={"database": self.identity.database})
        await admin.ensure_grants(connection, self.flavor, self.accounts, self.identity.database)

    async def set_semi_sync(self, connection: Connection, wanted: bool | None = None) -> None:
        """Switch the sides of semi-sync that the tablet's type takes; None: as last asked.

        To be called after the type changes too: a replica that acknowledges nothing lets its
        primary's writes wait.
        """
        if wanted is not None:
            self.flags.semi_sync = wanted or self.settings.enable_semi_sync
        sides = plan_semi_sync(self.role.tablet_type, wanted=self.flags.semi_sync)
        if await replication.semi_sync_enabled(connection, self.flavor) == (
            sides.primary,
            sides.replica,
        ):
            return
        await replication.set_semi_sync(
            connection, self.flavor, primary=sides.primary, replica=sides.replica
        )

    def refuse_while_restoring(self) -> None:
        """Raise PreconditionError while this tablet's data is not its own yet."""
        if self.role.tablet_type == TabletType.RESTORE:
            raise PreconditionError(
                f"tablet {self.identity.alias} is being restored: {self.role.reason}"
            )


def _write_over(stored: topodata_pb2.Tablet, wanted: topodata_pb2.Tablet) -> bool:
    """Make a stored record as wanted, except for its tags; return whether it was not so."""
    if _same_but_tags(stored, wanted):
        return False
    tags = dict(stored.tags)
    stored.CopyFrom(wanted)
    stored.tags.update(tags)
    return True


def _same_but_tags(stored: topodata_pb2.Tablet, wanted: topodata_pb2.Tablet) -> bool:
    copy = topodata_pb2.Tablet()
    copy.CopyFrom(stored)
    copy.tags.clear()
    return copy == wanted
