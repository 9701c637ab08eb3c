"""Delete one object or a selection: grace periods, finalizers, propagation, preconditions. I/O."""

from datetime import timedelta
from typing import Any

from armillary.base.clock import utc_now
from armillary.local.apiserver.kinds.crd import CLEANUP_FINALIZER, CRDS
from armillary.local.apiserver.status import (
    bad_request,
    conflict,
    forbidden,
)
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.verbs.call import Answer, Call, Json
from armillary.local.apiserver.verbs.read import Page, list_page
from armillary.local.apiserver.verbs.write import Writer, is_finished

_POD_GRACE_S_DEFAULT = 30
_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"
_PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public")
_RESOURCES_CLEANED = {CRDS: CLEANUP_FINALIZER}


class Remover:
    def __init__(self, cache: ObjectCache, writer: Writer) -> None:
        self._cache = cache
        self._writer = writer

    async def delete(self, call: Call, options: Any) -> Answer:
        """Delete one object now, or mark it and leave the rest to whoever finishes it."""
        wishes = _read_options(call, options)
        if call.resource.storage_name == "namespaces" and call.name in _PROTECTED_NAMESPACES:
            raise forbidden(call.resource, call.name, "this namespace may not be deleted")

        def change(current: Json) -> tuple[Json, tuple[str, ...]]:
            _check_preconditions(current, wishes, call)
            mark(current, call, wishes)
            return current, ()

        answer = await self._writer.modify(call, change)
        value = answer.json()
        return Answer(value=_success(call, value)) if is_finished(value, call.key) else answer

    async def delete_collection(self, call: Call, options: Any) -> Page:
        """Delete everything that the request selects; return what that was."""
        page = await list_page(self._cache, call)
        for stored in page.items:
            one = Call(
                resource=call.resource,
                namespace=stored.key.namespace,
                name=stored.key.name,
                query=call.query,
                user_agent=call.user_agent,
            )
            if self._cache.get(stored.key) is not None:
                await self.delete(one, options)
        return page


def _read_options(call: Call, options: Any) -> Json:
    """Return the wishes of a delete: the body's DeleteOptions, else the query's."""
    wishes: Json = dict(options) if isinstance(options, dict) else {}
    if "propagationPolicy" in call.query:
        wishes.setdefault("propagationPolicy", call.query["propagationPolicy"])
    grace_s = call.number("gracePeriodSeconds")
    if grace_s is not None:
        wishes.setdefault("gracePeriodSeconds", grace_s)
    for name, kind in (("gracePeriodSeconds", int), ("preconditions", dict)):
        if not isinstance(wishes.get(name), kind | None):
            raise bad_request(f"DeleteOptions: {name} is not of its type: {wishes[name]!r}")
    if wishes.get("orphanDependents"):
        wishes.setdefault("propagationPolicy", "Orphan")
    policy = wishes.get("propagationPolicy", "Background")
    if policy not in ("Background", "Foreground", "Orphan"):
        raise bad_request(
            f'propagationPolicy: Unsupported value: "{policy}": supported values: '
            '"Background", "Foreground", "Orphan"'
        )
    return wishes


def _check_preconditions(value: Json, wishes: Json, call: Call) -> None:
    wanted = wishes.get("preconditions") or {}
    metadata = value["metadata"]
    if wanted.get("uid") and wanted["uid"] != metadata["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {wanted['uid']}, "
            f"UID in object meta: {metadata['uid']}"
        )
        raise conflict(call.resource, call.name, why)
    version = wanted.get("resourceVersion")
    if version and version != metadata["resourceVersion"]:
        why = (
            f"Precondition failed: ResourceVersion in precondition: {version}, "
            f"ResourceVersion in object meta: {metadata['resourceVersion']}"
        )
        raise conflict(call.resource, call.name, why)


def mark(value: Json, call: Call, wishes: Json) -> None:
    """Mark an object as being deleted, in place: finalizers, grace period, timestamp."""
    metadata = value["metadata"]
    finalizers = [f for f in metadata.get("finalizers") or () if f not in (_FOREGROUND, _ORPHAN)]
    policy = wishes.get("propagationPolicy")
    if policy is None:  # what an earlier delete has asked for stays
        finalizers = list(metadata.get("finalizers") or ())
    elif policy != "Background":
        finalizers.append(_FOREGROUND if policy == "Foreground" else _ORPHAN)
    is_new = "deletionTimestamp" not in metadata
    if is_new and call.resource.storage_name in _RESOURCES_CLEANED:
        finalizers.append(_RESOURCES_CLEANED[call.resource.storage_name])
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace_s = _grace_s(value, call, wishes)
    if is_new or grace_s < metadata.get("deletionGracePeriodSeconds", 0):
        deadline = utc_now() + timedelta(seconds=grace_s)
        metadata["deletionTimestamp"] = deadline.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace_s
        if is_new and metadata.get("generation"):
            metadata["generation"] += 1
    if is_new and call.resource.storage_name == "namespaces":
        value.setdefault("status", {})["phase"] = "Terminating"


def _grace_s(value: Json, call: Call, wishes: Json) -> int:
    """Only a pod that runs somewhere gets time: its kubelet ends it, then deletes with 0."""
    if call.resource.storage_name != "pods":
        return 0
    spec = value["spec"]
    phase = (value.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    wanted = wishes.get("gracePeriodSeconds")
    default: int = spec.get("terminationGracePeriodSeconds", _POD_GRACE_S_DEFAULT)
    grace_s = default if wanted is None else wanted
    return 1 if grace_s < 0 else int(grace_s)  # at once, but not without its kubelet


def _success(call: Call, value: Json) -> Json:
    details = {
        "name": call.name,
        "group": call.resource.group,
        "kind": call.resource.plural,
        "uid": value["metadata"]["uid"],
    }
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: text for key, text in details.items() if text},
    }
