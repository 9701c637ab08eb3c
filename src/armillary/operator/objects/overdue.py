"""What shards say of overdue backups, for the objects above and beside them. Pure."""

from collections.abc import Iterable, Iterator

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of, labels_of
from armillary.operator.crd.parts import Condition
from armillary.operator.crd.read import read_status
from armillary.operator.crd.shard import ShardStatus
from armillary.operator.render import labels as keys

LINES_MAX = 5


def backups_current(shards: Iterable[KubeObject], *, location: str | None = None) -> Condition:
    """Return the condition of a cluster, or of one of its locations.

    Args:
        location: only this one; None: all.
    """
    lines = sorted(_lines(shards, location))
    if not lines:
        return Condition(
            type="BackupsCurrent",
            status="True",
            reason="BackupsCurrent",
            message="No shard waits for a backup that is overdue.",
        )
    more = f"; and {len(lines) - LINES_MAX} more" if len(lines) > LINES_MAX else ""
    return Condition(
        type="BackupsCurrent",
        status="False",
        reason="BackupOverdue",
        message=f"{'; '.join(lines[:LINES_MAX])}{more}",
    )


def is_news(obj: KubeObject, condition: Condition) -> bool:
    """Whether overdue backups are told that `obj` does not tell yet."""
    before = condition_of(obj, condition.type) or {}
    return condition.status == "False" and before.get("message") != condition.message


def _lines(shards: Iterable[KubeObject], location: str | None) -> Iterator[str]:
    for shard in shards:
        for place in read_status(shard, ShardStatus).backup_locations:
            if place.overdue_since is None or location not in (None, place.name):
                continue
            name = f"{labels_of(shard).get(keys.KEYSPACE, '')}/{shard['spec']['name']}"
            yield f"{name} since {place.overdue_since}: {place.overdue_reason}"
