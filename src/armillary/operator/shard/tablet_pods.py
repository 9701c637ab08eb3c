"""Delete a tablet's pod, and never by mistake the primary's. I/O."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from armillary.base.errors import ConflictError, NotFoundError
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias, TabletType
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.topo.connection import TopoLock
from armillary.topo.convert import primary_alias_of, type_of
from armillary.topo.server import TopoServer


async def delete_unless_primary(
    world: World, obj: KubeObject, shard: Shard, alias: TabletAlias, pod: KubeObject, reason: str
) -> None:
    """Delete the pod under a lock, after a look at who is primary now.

    Under the lock nobody else makes a primary of the tablet between the look and the act.

    Raises:
        ConflictError: it is the primary by now, or somebody holds the lock; look again later.
        UnavailableError: the topology does not answer.
    """
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    async with lock_against_promotion(topo, shard.keyspace, shard.name, alias) as lock:
        if lock is not None:
            await lock.check()
        await world.writer.delete(obj, pod, reason=reason)


@asynccontextmanager
async def lock_against_promotion(
    topo: TopoServer, keyspace: str, shard: str, alias: TabletAlias
) -> AsyncIterator[TopoLock | None]:
    """Hold what whoever would promote the tablet needs; None when there is nothing to hold.

    That is the shard's lock. A shard without a record gets one under the keyspace's lock only. A
    keyspace without a record has no shards, and no lock either: a user makes it anew, or no tablet
    has registered yet.

    Raises:
        ConflictError: the tablet is the primary.
    """
    action = f"Delete pod of {alias}"
    async with AsyncExitStack() as held:
        lock: TopoLock | None = None
        try:
            lock = await held.enter_async_context(topo.lock_shard(keyspace, shard, action))
        except NotFoundError:
            with suppress(NotFoundError):
                lock = await held.enter_async_context(topo.lock_keyspace(keyspace, action))
        if await _says_primary(topo, keyspace, shard, alias):
            raise ConflictError(f"tablet {alias} is the primary by now: it stays")
        yield lock


async def _says_primary(topo: TopoServer, keyspace: str, shard: str, alias: TabletAlias) -> bool:
    """Whether the shard's record names the tablet; without one, whether its own record does."""
    try:
        return primary_alias_of((await topo.get_shard(keyspace, shard)).value) == alias
    except NotFoundError:
        pass
    try:
        return type_of((await topo.get_tablet(alias)).value) == TabletType.PRIMARY
    except NotFoundError:
        return False
