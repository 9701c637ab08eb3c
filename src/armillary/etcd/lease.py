"""A lease that is kept alive while a block runs. I/O."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from armillary.base.errors import UnavailableError
from armillary.etcd.client import EtcdClient
from armillary.etcd.records import LeaseLostError

logger = logging.getLogger(__name__)

_REVOKE_TIMEOUT_S = 5.0


@asynccontextmanager
async def held_lease(client: EtcdClient, ttl_s: int) -> AsyncIterator[int]:
    """Yield a lease's id; it is extended three times a TTL, and revoked when the block ends.

    A lease that is lost meanwhile does not stop the block: whoever acts under it asks first
    (`client.keep_alive`), since only an answer of etcd proves anything.
    Cancelled: the lease is revoked if etcd answers within seconds, else it expires.
    """
    lease = await client.grant(ttl_s)
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_extend, client, lease, ttl_s / 3)
        try:
            yield lease
        except Exception as error:  # noqa: BLE001  # raised below, as it is and not in a group
            failure = error
        finally:
            tasks.cancel_scope.cancel()
            with anyio.move_on_after(_REVOKE_TIMEOUT_S, shield=True):
                await _revoke(client, lease)
    if failure is not None:
        raise failure


async def _extend(client: EtcdClient, lease: int, every_s: float) -> None:
    while True:
        await anyio.sleep(every_s)
        try:
            await client.keep_alive(lease)
        except UnavailableError:
            logger.debug("lease not extended", extra={"lease": lease})
        except LeaseLostError:
            logger.warning("lease lost", extra={"lease": lease})
            return


async def _revoke(client: EtcdClient, lease: int) -> None:
    try:
        await client.revoke(lease)
    except UnavailableError as error:
        logger.info("lease left to expire", extra={"lease": lease, "error": str(error)})
