"""What the garbage collector does with one object. Pure.

Source: Kubernetes' garbagecollector. An object goes when every owner it names is gone. An owner
that is deleted in the foreground waits for the dependents that block it; one that is deleted with
`orphan` gives its dependents up first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import is_being_deleted, uid_of

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True)
class DeleteObject:
    propagation: str


@dataclass(frozen=True, slots=True)
class DropReferences:
    """Some owners are gone, others stay: forget those that are gone."""

    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReleaseOwner:
    """The object itself is an owner whose deletion may go on: take this finalizer off."""

    finalizer: str


@dataclass(frozen=True, slots=True)
class OrphanDependents:
    """Take the object's reference off these dependents, then `ReleaseOwner`."""

    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteDependents:
    """The object is deleted in the foreground: these go first."""

    uids: tuple[str, ...]


GarbageAction = (
    Nothing | DeleteObject | DropReferences | ReleaseOwner | OrphanDependents | DeleteDependents
)


def plan_garbage(
    obj: KubeObject,
    *,
    owners: Mapping[str, KubeObject | None],
    dependents: Sequence[KubeObject],
) -> GarbageAction:
    """Return the next step for one object.

    Args:
        owners: by uid, each owner that the object names; None when it is known to be gone.
        dependents: the objects that name this one as an owner.
    """
    finalizers = obj["metadata"].get("finalizers") or ()
    if is_being_deleted(obj):
        return _plan_deletion(obj, finalizers, dependents)
    references = references_of(obj)
    if not references:
        return Nothing()
    gone = {reference["uid"] for reference in references if owners[reference["uid"]] is None}
    going = {
        reference["uid"]
        for reference in references
        if reference["uid"] not in gone and _is_waiting(owners[reference["uid"]])
    }
    if len(gone | going) < len({reference["uid"] for reference in references}):
        return DropReferences(frozenset(gone)) if gone else Nothing()
    if going:
        # Its last owners wait for it: it goes the way they go.
        return DeleteObject("Foreground" if dependents else "Background")
    return DeleteObject(_own_policy(finalizers))


def _plan_deletion(
    obj: KubeObject, finalizers: Sequence[str], dependents: Sequence[KubeObject]
) -> GarbageAction:
    if ORPHAN in finalizers:
        if dependents:
            return OrphanDependents(tuple(uid_of(each) for each in dependents))
        return ReleaseOwner(ORPHAN)
    if FOREGROUND not in finalizers:
        return Nothing()
    waiting = [each for each in dependents if not is_being_deleted(each)]
    if waiting:
        return DeleteDependents(tuple(uid_of(each) for each in waiting))
    if any(_blocks(each, uid_of(obj)) for each in dependents):
        return Nothing()  # they are on their way; their end wakes us
    return ReleaseOwner(FOREGROUND)


def _is_waiting(owner: KubeObject | None) -> bool:
    return (
        owner is not None
        and is_being_deleted(owner)
        and FOREGROUND in (owner["metadata"].get("finalizers") or ())
    )


def _blocks(dependent: KubeObject, owner_uid: str) -> bool:
    return any(
        reference["uid"] == owner_uid and reference.get("blockOwnerDeletion")
        for reference in references_of(dependent)
    )


def _own_policy(finalizers: Sequence[str]) -> str:
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def references_of(obj: KubeObject) -> list[Mapping[str, Any]]:
    return list(obj["metadata"].get("ownerReferences") or ())
