"""Which primary was seen with semi-sync at work, kept in the shard's status. I/O.

An operator that starts while a primary is dead cannot ask it any more. What another one saw holds
as long as the primary is in the same term, and its pod still asks for semi-sync: the tablet then
takes writes only with it.
"""

from collections.abc import Mapping

from armillary.base.errors import InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import name_of, namespace_of
from armillary.model.tablet import TabletAlias
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.shard.dead_primary import Primary
from armillary.operator.world import World

_FIELD = "semiSyncMaster"
_FLAG = "--enable_semi_sync=true"


def recall_semi_synced(obj: KubeObject, pods: Mapping[TabletAlias, KubeObject]) -> Primary | None:
    """Return the primary that the status names, if that still counts. Pure."""
    seen = read_status(obj, ShardStatus).semi_sync_master
    if seen is None:
        return None
    try:
        alias = TabletAlias.parse(seen.alias)
    except InputError:
        return None
    pod = pods.get(alias)
    if pod is not None and not _asks_for_semi_sync(pod):
        return None
    return Primary(alias, seen.term_start)


def _asks_for_semi_sync(pod: KubeObject) -> bool:
    containers = (pod.get("spec") or {}).get("containers") or ()
    return any(_FLAG in (container.get("args") or ()) for container in containers)


async def keep_semi_synced(world: World, obj: KubeObject, semi_synced: Primary | None) -> None:
    """Write into the status who was seen with semi-sync at work; nothing when it says so already.

    Only this field is written, and nobody else writes it.
    """
    wanted = (
        None
        if semi_synced is None
        else {"alias": str(semi_synced.alias), "termStart": semi_synced.term_start}
    )
    if ((obj.get("status") or {}).get(_FIELD) or None) == wanted:
        return
    await world.client.patch_status(
        kinds.VITESS_SHARD, name_of(obj), namespace_of(obj), {_FIELD: wanted}
    )
