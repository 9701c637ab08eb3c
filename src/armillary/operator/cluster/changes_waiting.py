"""The condition that names what waits to be released. Pure."""

from collections.abc import Iterable, Sequence

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, labels_of, name_of
from armillary.operator.crd.keyspace import KeyspaceStatus
from armillary.operator.crd.parts import Condition
from armillary.operator.crd.read import read_status
from armillary.operator.render import labels as keys

_NAMES_MAX = 10


def changes_waiting(children: Sequence[KubeObject], keyspaces: Sequence[KubeObject]) -> Condition:
    """Tell which children of a cluster, and which shards and tablets below, wait.

    Args:
        children: cells, keyspaces, the vtctlds' Deployments and the pods of lockservers.
    """
    waiting = [*_objects(children), *_below(keyspaces)]
    if not waiting:
        return Condition(
            type="ChangesWaiting",
            status="False",
            reason="NothingWaits",
            message="All changes of the spec are applied, or on their way.",
        )
    more = f", and {len(waiting) - _NAMES_MAX} more" if len(waiting) > _NAMES_MAX else ""
    return Condition(
        type="ChangesWaiting",
        status="True",
        reason="NotReleased",
        message=f"Changes wait for the annotation {keys.ROLLOUT_RELEASED} on: "
        f"{', '.join(waiting[:_NAMES_MAX])}{more}.",
    )


def _objects(objects: Iterable[KubeObject]) -> list[str]:
    return sorted(
        f"{obj.get('kind')} {name_of(obj)}"
        for obj in objects
        if keys.ROLLOUT_SCHEDULED in annotations_of(obj)
    )


def _below(keyspaces: Iterable[KubeObject]) -> list[str]:
    found = []
    for obj in keyspaces:
        keyspace = labels_of(obj).get(keys.KEYSPACE, "")
        for name, shard in sorted(read_status(obj, KeyspaceStatus).shards.items()):
            if shard.pending_changes:
                found.append(f"the VitessShard of {keyspace}/{name}")
            outdated = shard.tablets - shard.updated_tablets
            if outdated > 0:
                found.append(f"{outdated} tablets of {keyspace}/{name}")
    return found
