"""Which warning events still tell of a trouble. Pure.

An event outlives its object, and what mended it, by an hour: it is no trouble any more when its
object is gone, when it is about an earlier spec, when the object's condition says the opposite
since, or when it is about a shard that has everything it needs.
"""

from collections.abc import Iterable

from armillary.cli.bringup.verdict import find_condition, read_verdict
from armillary.kube.kinds import KubeObject

# An event's reason -> the condition that says whether it still holds, and its value when mended.
_CONDITIONS = {
    "InvalidSpec": ("SpecValid", "True"),
    "SecretMissing": ("SecretsFound", "True"),
    "SecretPutBack": ("SecretsFound", "True"),
    "TopologyUnreachable": ("TopologyReachable", "True"),
    "TurndownBlocked": ("TurndownBlocked", "False"),
    "OpenFailed": ("Mirrored", "True"),
    "ListFailed": ("Mirrored", "True"),
}
_CLUSTERS = ("PlanetScaleCluster", "VitessCluster")


def lasting_warnings(
    events: Iterable[KubeObject], objects: Iterable[KubeObject]
) -> list[KubeObject]:
    """Return the warnings about `objects` that nothing has mended yet."""
    by_uid = {str(obj["metadata"].get("uid") or ""): obj for obj in objects}
    by_uid.pop("", None)
    lasting = []
    for event in events:
        about = event.get("involvedObject") or {}
        obj = by_uid.get(str(about.get("uid") or ""))
        if event.get("type") == "Warning" and obj is not None and not _is_mended(event, obj):
            lasting.append(event)
    return lasting


def _is_mended(event: KubeObject, obj: KubeObject) -> bool:
    is_about_spec = event.get("reason") == "InvalidSpec" and obj.get("kind") in _CLUSTERS
    if is_about_spec and not read_verdict(obj).is_known:
        return True  # said of an earlier spec: of this one, the operator has said nothing yet
    kind, mended = _CONDITIONS.get(str(event.get("reason")), ("", ""))
    condition = find_condition(obj, kind)
    if condition and condition.get("status") == mended:
        # Both have seconds only: of the same second, the condition is what is true now.
        since, told = condition.get("lastTransitionTime"), event.get("lastTimestamp")
        return not since or not told or str(told) <= str(since)
    return obj.get("kind") == "VitessShard" and _is_whole(obj)


def _is_whole(shard: KubeObject) -> bool:
    status = shard.get("status") or {}
    tablets = (status.get("tablets") or {}).values()
    return (
        status.get("hasMaster") == "True"
        and status.get("hasInitialBackup") != "False"
        and bool(tablets)
        and all(tablet.get("ready") == "True" for tablet in tablets)
    )
