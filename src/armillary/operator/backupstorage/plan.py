"""Which VitessBackup objects there should be, and which storage entries must be read. Pure.

One way: storage is the truth. An incomplete backup is looked at in each pass. A complete one never
changes, but it may be half removed; a few of them are looked at again in each pass, in turn.
Objects go only when their directory was listed and the backup was not in it, or when their shard is
gone, whose directory nobody looks into any more: trouble with a list never deletes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armillary.base.errors import InputError
from armillary.kube import kinds
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import has_labels, name_of
from armillary.model.backup_name import BackupName
from armillary.operator.crd.parts import Json
from armillary.operator.objects.status import rfc3339
from armillary.operator.render import labels as keys
from armillary.operator.render import names

LOOKED_AT_AGAIN = 8  # complete backups in one pass


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """One shard's directory in the location."""

    keyspace: str
    shard: str

    @property
    def directory(self) -> str:
        return f"{self.keyspace}/{self.shard}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    cluster: str
    namespace: str
    name: str

    def labels(self, place: ShardPlace) -> dict[str, str]:
        shard = keys.shard_labels(self.cluster, place.keyspace, place.shard)
        return {**shard, keys.BACKUP_LOCATION: self.name}


@dataclass(frozen=True, slots=True)
class StoredBackup:
    place: ShardPlace
    name: BackupName
    raw_name: str
    object_name: str


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    read: tuple[StoredBackup, ...]  # their MANIFEST is needed
    delete: tuple[tuple[KubeObject, str], ...]  # object, reason
    bad_names: tuple[tuple[ShardPlace, str, str], ...]  # place, raw name, problem
    total: int
    looked_at: str  # the complete backup up to which the turn has come; "" at its end


def plan_mirror(
    location: Location,
    listed: Mapping[ShardPlace, Sequence[str]],
    found: Sequence[KubeObject],
    *,
    unlisted: Sequence[ShardPlace] = (),
    look_again_after: str = "",
) -> MirrorPlan:
    """Return what to read and what to delete.

    Args:
        listed: raw names by directory, only of directories whose list could be read.
        found: the location's VitessBackup objects.
        unlisted: directories of shards whose list could not be read.
        look_again_after: `looked_at` of the last plan.
    """
    by_name = {name_of(obj): obj for obj in found}
    read: list[StoredBackup] = []
    known_complete: dict[str, StoredBackup] = {}
    bad_names: list[tuple[ShardPlace, str, str]] = []
    stored: set[str] = set()
    for place, raw_names in listed.items():
        for raw_name in sorted(raw_names, key=_is_odd):
            try:
                backup = _stored_backup(location, place, raw_name)
            except InputError as error:
                bad_names.append((place, raw_name, str(error)))
                continue
            if backup.object_name in stored:
                bad_names.append((place, raw_name, "means the same backup as another name"))
                continue
            stored.add(backup.object_name)
            known = by_name.get(backup.object_name)
            if known is None or not (known.get("status") or {}).get("complete"):
                read.append(backup)
            else:
                known_complete[backup.object_name] = backup
    delete = [
        (obj, reason)
        for name, obj in sorted(by_name.items())
        if name not in stored and (reason := _why_it_goes(location, listed, unlisted, obj))
    ]
    turn = [name for name in sorted(known_complete) if name > look_again_after][:LOOKED_AT_AGAIN]
    read += [known_complete[name] for name in turn]
    return MirrorPlan(
        tuple(read),
        tuple(delete),
        tuple(bad_names),
        len(stored) + len(bad_names),
        looked_at=turn[-1] if len(turn) == LOOKED_AT_AGAIN else "",
    )


def _is_odd(raw_name: str) -> bool:
    """Whether a name reads as a backup's but is not how anybody writes it; such ones come last."""
    try:
        return str(BackupName.parse(raw_name)) != raw_name
    except InputError:
        return True


def _stored_backup(location: Location, place: ShardPlace, raw_name: str) -> StoredBackup:
    name = BackupName.parse(raw_name)
    object_name = names.backup_name(
        location.cluster, location.name, place.keyspace, place.shard, name
    )
    return StoredBackup(place, name, raw_name, object_name)


def _why_it_goes(
    location: Location,
    listed: Mapping[ShardPlace, Sequence[str]],
    unlisted: Sequence[ShardPlace],
    obj: KubeObject,
) -> str:
    """Return the reason to delete an object that no list has; empty when there is none."""
    if any(has_labels(obj, location.labels(place)) for place in listed):
        return "gone from storage"
    if any(has_labels(obj, location.labels(place)) for place in unlisted):
        return ""
    return "its shard is gone; the backup itself stays in storage"


def build_backup(location: Location, backup: StoredBackup, status: Json) -> KubeObject:
    return {
        "apiVersion": kinds.VITESS_BACKUP.api_version,
        "kind": kinds.VITESS_BACKUP.kind,
        "metadata": {
            "name": backup.object_name,
            "namespace": location.namespace,
            "labels": location.labels(backup.place),
        },
        "spec": {},
        "status": status,
    }


def backup_status(
    backup: StoredBackup,
    *,
    complete: bool,
    finished_at: str = "",
    position: str = "",
    engine: str = "",
) -> Json:
    status: Json = {
        "startTime": rfc3339(backup.name.started_at),
        "complete": complete,
        "storageDirectory": backup.place.directory,
        "storageName": backup.raw_name,
    }
    optional = {"finishedTime": finished_at, "position": position, "engine": engine}
    return status | {key: text for key, text in optional.items() if text}
