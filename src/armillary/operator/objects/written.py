"""Children as a pass has written them, which its cache shows a moment later. Pure."""

from collections.abc import Iterable, Sequence

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import generation_of, uid_of


def with_written(seen: Sequence[KubeObject], written: Iterable[KubeObject]) -> list[KubeObject]:
    """Return the children that were seen, the changed ones as they were written, and the new ones.

    A status of theirs that speaks of an earlier generation then shows as such: without that a
    parent would call a change done that nobody has begun.
    """
    newest = {uid_of(obj): obj for obj in seen}
    for obj in written:
        before = newest.get(uid_of(obj))
        if before is None or generation_of(before) < generation_of(obj):
            newest[uid_of(obj)] = obj
    return list(newest.values())
