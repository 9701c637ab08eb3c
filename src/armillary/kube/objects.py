"""Reading API objects: names, labels, owners, conditions. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from armillary.kube.kinds import KubeObject


class Key(NamedTuple):
    """What names one object of a known kind; the namespace is "" when it has none."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def name_of(obj: KubeObject) -> str:
    return str(obj["metadata"]["name"])


def namespace_of(obj: KubeObject) -> str:
    return str(obj["metadata"].get("namespace") or "")


def uid_of(obj: KubeObject) -> str:
    return str(obj["metadata"].get("uid") or "")


def key_of(obj: KubeObject) -> Key:
    return Key(namespace_of(obj), name_of(obj))


def labels_of(obj: KubeObject) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: KubeObject) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def generation_of(obj: KubeObject) -> int:
    return int(obj["metadata"].get("generation") or 0)


def created_at(obj: KubeObject) -> datetime:
    """Return when the object was made; long ago for one that does not say."""
    text = obj["metadata"].get("creationTimestamp")
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)


def is_being_deleted(obj: KubeObject) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def has_labels(obj: KubeObject, wanted: Mapping[str, str]) -> bool:
    found = labels_of(obj)
    return all(found.get(key) == value for key, value in wanted.items())


def controller_of(obj: KubeObject) -> Mapping[str, Any] | None:
    """Return the owner reference with controller=true; None for an object without one."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_reference(owner: KubeObject) -> dict[str, Any]:
    """Return the reference that makes `owner` the controller: deleting it deletes the child."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(obj: KubeObject, kind: str) -> Mapping[str, Any] | None:
    """Return the entry of `status.conditions` (a list) of this type."""
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            return dict(condition)
    return None


def is_condition_true(obj: KubeObject, kind: str) -> bool:
    condition = condition_of(obj, kind)
    return condition is not None and condition.get("status") == "True"


def phase_of(obj: KubeObject) -> str:
    return str((obj.get("status") or {}).get("phase") or "")
