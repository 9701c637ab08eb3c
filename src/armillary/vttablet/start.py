"""Bring a tablet up: register, restore if it is empty, replicate or serve writes. I/O."""

import logging

from armillary.base.errors import ArmillaryError, PreconditionError
from armillary.model.tablet import TabletType
from armillary.mysqld import admin
from armillary.vttablet.agent import Agent
from armillary.vttablet.health import wait_for_mysqld
from armillary.vttablet.register import register
from armillary.vttablet.restore_flow import restore_if_empty
from armillary.vttablet.shard_sync import follow_primary

logger = logging.getLogger(__name__)


async def start(agent: Agent) -> None:
    """Return once the tablet serves, or would if its type served.

    Holds the action lock from the first record to the end, so that no call meets half a tablet.

    Raises:
        PreconditionError: this tablet cannot be what its flags say.
    """
    async with agent.action("start"):
        await register(agent)
        agent.flags.busy = ""
        restored = await restore_if_empty(agent, lambda: wait_for_mysqld(agent))
        await _take_role(agent, restored=restored)


async def _take_role(agent: Agent, *, restored: bool) -> None:
    async with await agent.dba() as connection:
        if agent.role.tablet_type == TabletType.PRIMARY and not restored:
            await agent.open_for_writes(connection)
            await agent.claim_shard()
            return
        await admin.set_read_only(connection, agent.flavor, read_only=True)
        if agent.identity.database in await admin.list_databases(connection):
            await admin.ensure_grants(connection, agent.accounts, agent.identity.database)
    if not agent.flags.is_snapshot and not agent.settings.disable_active_reparents:
        try:
            await follow_primary(agent)
        except PreconditionError as error:
            # Not a reason to end: the tablet shows its reason, and a person can look at it.
            logger.error("not replicating", extra={"reason": str(error)})
        except ArmillaryError as error:
            logger.warning("replication has to wait", extra={"reason": str(error)})
    await agent.change_role(agent.identity.base_type, reason="started")
