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
from armillary.operator.crd.parts import Json
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.objects.compare import merge_patch_between
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
    patch = plan_semi_synced(obj.get("status") or {}, semi_synced)
    if patch:
        await world.client.patch_status(kinds.VITESS_SHARD, name_of(obj), namespace_of(obj), patch)


def plan_semi_synced(status: Json, semi_synced: Primary | None) -> Json:
    """Return the patch of the status that says so; empty when it does already. Pure.

    A primary without a term has no `termStart`: status never holds empty fields, and who writes the
    rest of it would take this one out again.
    """
    wanted: Json = {}
    if semi_synced is not None:
        wanted[_FIELD] = {"alias": str(semi_synced.alias)}
        if semi_synced.term_start:
            wanted[_FIELD]["termStart"] = semi_synced.term_start
    found = {key: value for key, value in status.items() if key == _FIELD and value}
    return merge_patch_between(found, wanted)
