"""Look at mysqld again and again, say how the tablet is, and repair what is ours to repair. I/O.

Each pass observes, decides with `plan`, tells the listeners, and then mends: an unwritten record,
a primary that came back read-only, replication that a restart of mysqld stopped.
"""

import logging
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import ArmillaryError, UnavailableError
from armillary.model.tablet import TabletType
from armillary.mysqld import admin, replication
from armillary.mysqld.connection import Connection
from armillary.mysqld.flavors.flavor import ReplicationStatus
from armillary.pb import query_pb2
from armillary.topo import convert
from armillary.vttablet.agent import DEMOTING, Agent, TabletDeletedError
from armillary.vttablet.plan import LagEstimate, MysqldSeen, Serving, decide_serving, estimate_lag
from armillary.vttablet.shard_sync import follow_shard, keep_shard_record

logger = logging.getLogger(__name__)

_LOOK_TIMEOUT_S = 10.0
_LOOK_AGAIN_FIRST_S = 0.2  # a tablet that stopped serving looks sooner than usual, at first
_DISK_FREE_MIN = 16 * 2**20
_RECHECK_RECORD_S = 10.0  # so soon a tablet notices that somebody deleted its record


@dataclass(slots=True)
class Health:
    """The last look and what followed from it; the web pages show it."""

    seen: MysqldSeen = field(default_factory=lambda: MysqldSeen(reachable=False))
    lag: LagEstimate = field(default_factory=LagEstimate)
    serving: Serving = field(default_factory=lambda: Serving(serving=False, reason="starting"))
    looked_at: datetime | None = None
    look_count: int = 0


class HealthLoop:
    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.health = Health()
        self._connection: Connection | None = None
        self._told = ""  # why a repair has to wait, as last logged

    async def run(self) -> None:
        """Look every `health_check_interval`, and whenever the agent asks.

        While the tablet does not serve it looks sooner: a replica that was just given its source
        replicates some milliseconds later, and nobody would notice for a whole interval.
        """
        interval_s = self.agent.settings.health_check_interval.total_seconds()
        delay_s = interval_s
        try:
            while True:
                self.agent.wake = anyio.Event()
                did_serve = self.health.serving.serving
                serves = (await self.look()).serving
                await self._repair()
                if serves:
                    delay_s = interval_s
                elif did_serve:
                    delay_s = _LOOK_AGAIN_FIRST_S
                else:
                    delay_s = min(delay_s * 2, interval_s)
                with anyio.move_on_after(delay_s):
                    await self.agent.wake.wait()
        finally:
            await self._drop_connection()

    async def look(self) -> Serving:
        """Observe, decide and tell; returns what was told. One look at a time."""
        now = utc_now()
        seen = await self._observe()
        lag = estimate_lag(seen, self.health.lag, is_image=self.agent.flags.is_snapshot, now=now)
        self.health.seen, self.health.lag, self.health.looked_at = seen, lag, now
        self.health.look_count += 1
        return self.tell()

    def tell(self) -> Serving:
        """Decide from the last look and tell; whoever has news of ours need not wait for mysqld."""
        serving = decide_serving(
            self.agent.role,
            self.health.seen,
            self.health.lag,
            busy=self.agent.flags.held_off,
            unhealthy_after=self.agent.settings.unhealthy_threshold,
        )
        before = self.health.serving
        if (before.serving, before.reason) != (serving.serving, serving.reason):
            logger.info(
                "serving" if serving.serving else "not serving", extra={"reason": serving.reason}
            )
        if serving.serving and serving.health_error not in ("", before.health_error):
            logger.warning("serving, but", extra={"reason": serving.health_error})
        self.health.serving = serving
        self.agent.health.send(health_response(self.agent, serving))
        return serving

    async def _observe(self) -> MysqldSeen:
        try:
            with anyio.fail_after(_LOOK_TIMEOUT_S):
                if self._connection is None:
                    self._connection = await self.agent.dba()
                return await observe_mysqld(self.agent, self._connection)
        except (ArmillaryError, TimeoutError) as error:
            await self._drop_connection()
            return MysqldSeen(reachable=False, problem=str(error) or "mysqld does not answer")

    async def _drop_connection(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _repair(self) -> None:
        agent = self.agent
        if not agent.flags.has_registered or agent.action_name:
            return
        try:
            with anyio.fail_after(_LOOK_TIMEOUT_S):
                await agent.publish(recheck_after_s=_RECHECK_RECORD_S)
                if agent.flags.held_off not in ("", DEMOTING):
                    return
                if agent.role.tablet_type == TabletType.PRIMARY:
                    await keep_shard_record(agent, self.health.seen)
                elif agent.role.tablet_type.replicates:
                    await follow_shard(agent, self.health.seen)
            self._told = ""
        except TabletDeletedError as error:
            logger.error("ending", extra={"reason": str(error)})
        except (ArmillaryError, TimeoutError) as error:
            self._tell_once(str(error) or "took too long")

    def _tell_once(self, reason: str) -> None:
        if reason != self._told:
            logger.warning("repair has to wait", extra={"reason": reason})
            self._told = reason


async def observe_mysqld(agent: Agent, connection: Connection) -> MysqldSeen:
    status = await replication.replication_health(connection, agent.flavor)
    return MysqldSeen(
        reachable=True,
        read_only=await admin.is_read_only(connection),
        has_source=status is not None and bool(status.source_host),
        replicating=status is not None and status.is_healthy,
        stopped=status is not None and status.is_stopped,
        lag_s=status.lag_s if status else None,
        replication_error=_error_of(status) or agent.flags.replication_refused,
        disk_problem=disk_problem(agent.dirs.path),
    )


def disk_problem(path: Path) -> str:
    """Say that the disk of the data is full, and empty while it is not.

    mysqld itself only waits: its clients hear nothing until there is space again.
    """
    try:
        free = shutil.disk_usage(path).free
    except OSError:
        return ""
    if free >= _DISK_FREE_MIN:
        return ""
    return (
        f"the disk of {path} is full (less than {_DISK_FREE_MIN >> 20} MiB are free): writes and "
        "replication wait for space"
    )


def _error_of(status: ReplicationStatus | None) -> str:
    return (status.last_sql_error or status.last_io_error) if status else ""


def health_response(agent: Agent, serving: Serving) -> query_pb2.StreamHealthResponse:
    """Return the message that says how the tablet is."""
    role = agent.role
    term = role.term_started_at
    return query_pb2.StreamHealthResponse(
        target=query_pb2.Target(
            keyspace=agent.identity.keyspace,
            shard=agent.identity.shard,
            tablet_type=convert.type_to_pb(role.tablet_type),
            cell=agent.identity.alias.cell,
        ),
        serving=serving.serving,
        primary_term_start_timestamp=int(term.timestamp()) if term else 0,
        realtime_stats=query_pb2.RealtimeStats(
            health_error=serving.health_error or ("" if serving.serving else serving.reason),
            replication_lag_seconds=max(0, serving.lag_s),
        ),
        tablet_alias=convert.alias_to_pb(agent.identity.alias),
    )


async def wait_for_mysqld(agent: Agent) -> None:
    """Return once mysqld takes our logins; for ever until then, with a reason to show.

    It is asked to start, too: a vttablet that died in an offline backup left it stopped.
    """
    delay_s = 0.05
    while True:
        try:
            async with await agent.dba():
                return
        except UnavailableError as error:
            agent.explain(f"waiting for mysqld: {error}")
            try:
                await agent.control.start()
            except ArmillaryError as start_error:
                agent.explain(f"mysqld does not start: {start_error}")
        except ArmillaryError as error:
            agent.explain(f"mysqld refuses us: {error}")
        await anyio.sleep(delay_s)
        delay_s = min(delay_s * 1.5, 2.0)
