"""Delete a tablet's pod, and never by mistake the primary's. I/O."""

from armillary.base.errors import ConflictError, NotFoundError
from armillary.kube.kinds import KubeObject
from armillary.model.tablet import TabletAlias
from armillary.operator.shard.tablets import Shard
from armillary.operator.world import World
from armillary.topo.convert import primary_alias_of


async def delete_unless_primary(
    world: World, obj: KubeObject, shard: Shard, alias: TabletAlias, pod: KubeObject, reason: str
) -> None:
    """Delete the pod under the shard lock, after a look at who is primary now.

    Under the lock nobody else makes a primary of the tablet between the look and the act.

    Raises:
        ConflictError: it is the primary by now, or somebody holds the lock; look again later.
        UnavailableError: the topology does not answer.
    """
    topo = await world.topology.get(shard.namespace, shard.spec.global_lockserver)
    try:
        async with topo.lock_shard(shard.keyspace, shard.name, f"Delete pod of {alias}") as lock:
            record = (await topo.get_shard(shard.keyspace, shard.name)).value
            if primary_alias_of(record) == alias:
                raise ConflictError(f"tablet {alias} is the primary by now: it stays")
            await lock.check()
            await world.writer.delete(obj, pod, reason=reason)
    except NotFoundError:
        # A shard without a record has no primary: a user deletes the keyspace, or makes it anew.
        await world.writer.delete(obj, pod, reason=reason)
