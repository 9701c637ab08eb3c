"""Bring the restored server up to where the shard's primary was when we asked. I/O."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import anyio

from armillary.base.clock import utc_now
from armillary.base.errors import PreconditionError, UnavailableError
from armillary.model.gtid import Position
from armillary.mysqld import replication
from armillary.mysqld.connection import Connection, connect
from armillary.mysqld.flavors.flavor import ReplicationSource
from armillary.mysqld.process import MysqldProcess
from armillary.pb import topodata_pb2
from armillary.topo import convert
from armillary.topo.server import TopoServer

logger = logging.getLogger(__name__)

POLL_S = 0.5


class PrimaryPositions(Protocol):
    """The one thing that we ask a primary; TabletManagerClient has it."""

    async def primary_position(self, tablet: topodata_pb2.Tablet) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    goal: Position
    position: Position
    goal_at: datetime  # when the primary said `goal`

    @property
    def is_reached(self) -> bool:
        return self.position.at_least(self.goal)


async def catch_up(
    process: MysqldProcess,
    *,
    topo: TopoServer,
    tablets: PrimaryPositions,
    keyspace: str,
    shard: str,
    timeout_s: float,
) -> CaughtUp:
    """Replicate until the primary's present position; the server is stopped there or short of it.

    Raises:
        PreconditionError: the shard has no primary; or the time is over and nothing at all came.
        UnavailableError: the primary does not answer.
    """
    record = (await topo.get_shard(keyspace, shard)).value
    alias = convert.primary_alias_of(record)
    if alias is None:
        raise PreconditionError(f"shard {keyspace}/{shard} has no primary to replicate from")
    primary = (await topo.get_tablet(alias)).value
    goal_at = utc_now()
    goal = Position.parse(await tablets.primary_position(primary))
    logger.info("catching up", extra={"primary": str(alias), "goal": str(goal)})
    spec = process.spec
    source = ReplicationSource(
        host=primary.mysql_hostname or primary.hostname,
        port=primary.mysql_port,
        user=spec.accounts.repl,
        password=spec.credentials.password(spec.accounts.repl),
    )
    async with await connect(spec.dba_params()) as connection:
        start = await replication.executed_position(connection, process.flavor)
        await replication.set_source(connection, process.flavor, source)
        with anyio.move_on_after(timeout_s):
            await _follow(connection, process, goal)
        await replication.stop_replication(connection, process.flavor)
        position = await replication.executed_position(connection, process.flavor)
    if not position.at_least(goal) and start.at_least(position):
        raise PreconditionError(
            f"replication from {alias} made no progress beyond {start} in {timeout_s:g} s: "
            f"wanted {goal}"
        )
    return CaughtUp(goal=goal, position=position, goal_at=goal_at)


async def _follow(connection: Connection, process: MysqldProcess, goal: Position) -> None:
    """Keep replication running until `goal` is applied."""
    flavor = process.flavor
    while True:
        if (await replication.executed_position(connection, flavor)).at_least(goal):
            return
        status = await replication.replication_status(connection, flavor)
        if status is None:
            raise UnavailableError("the server forgot its replication source")
        if status.is_stopped:
            if status.last_io_error or status.last_sql_error:
                logger.warning(
                    "replication stopped; starting it again",
                    extra={"io_error": status.last_io_error, "sql_error": status.last_sql_error},
                )
            await replication.start_replication(connection, flavor)
        await anyio.sleep(POLL_S)
