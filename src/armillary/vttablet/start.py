"""Bring a tablet up: register, restore if it is empty, replicate or serve writes. I/O."""

import logging

import anyio
from anyio import to_thread

from armillary.backup.leftovers import clear_leftovers
from armillary.base.errors import (
    ArmillaryError,
    ConflictError,
    MysqlError,
    PreconditionError,
    UnavailableError,
)
from armillary.base.retry import backoff_delays_s
from armillary.model.tablet import TabletType
from armillary.mysqld import admin
from armillary.vttablet.agent import Agent
from armillary.vttablet.health import wait_for_mysqld
from armillary.vttablet.register import register
from armillary.vttablet.restore_flow import restore_if_empty
from armillary.vttablet.shard_sync import follow_primary, give_way, join_again

logger = logging.getLogger(__name__)


async def start(agent: Agent) -> None:
    """Return once the tablet serves, or would if its type served.

    Holds the action lock from the first record to the end, so that no call meets half a tablet.
    mysqld and the topology may go away and come back meanwhile.

    Raises:
        PreconditionError: this tablet cannot be what its flags say.
        TabletDeletedError: somebody deleted it meanwhile.
    """
    delays = backoff_delays_s(first_s=0.2, max_s=5.0)
    async with agent.action("start"):
        await to_thread.run_sync(clear_leftovers, agent.dirs)
        await register(agent)
        restored: bool | None = None
        while True:
            try:
                if restored is None:
                    restored = await restore_if_empty(agent, lambda: wait_for_mysqld(agent))
                await _take_role(agent, restored=restored)
                agent.flags.busy = ""
                return
            except (UnavailableError, ConflictError, MysqlError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                logger.warning("starting again", extra={"reason": reason})
                agent.flags.busy = f"starting: {reason}"
                agent.look_now()
            await anyio.sleep(next(delays))


async def _take_role(agent: Agent, *, restored: bool) -> None:
    async with await agent.dba() as connection:
        is_primary = agent.role.tablet_type == TabletType.PRIMARY and not restored
        # Mysqld may have been long in coming up, and somebody else may be primary since.
        if is_primary and not await give_way(agent, connection):
            await agent.open_for_writes(connection)
            await agent.claim_shard()
            return
        await admin.set_read_only(connection, agent.flavor, read_only=True)
        if agent.identity.database in await admin.list_databases(connection):
            await admin.ensure_grants(
                connection, agent.flavor, agent.accounts, agent.identity.database
            )
    if not agent.flags.is_snapshot and not agent.settings.disable_active_reparents:
        try:
            await follow_primary(agent)
        except PreconditionError as error:
            # Not a reason to end: the tablet shows its reason, and a person can look at it.
            logger.error("not replicating", extra={"reason": str(error)})
        except ArmillaryError as error:
            logger.warning("replication has to wait", extra={"reason": str(error)})
    await join_again(agent, agent.identity.base_type, reason="started")
