"""Create, update and patch. I/O through the store; nothing is written that `prepare` refuses."""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import anyio

from armillary.base.errors import InputError, PreconditionError
from armillary.local.apiserver.objects.metadata import generate_name
from armillary.local.apiserver.patch.apply import ApplyRequest, apply
from armillary.local.apiserver.patch.json_patch import json_patch, merge_patch
from armillary.local.apiserver.patch.managers import (
    APPLY,
    read_managers,
    track_update,
)
from armillary.local.apiserver.patch.strategic import strategic_merge
from armillary.local.apiserver.status import (
    StatusError,
    already_exists,
    bad_request,
    conflict,
    modified_meanwhile,
    not_found,
    unavailable,
    unsupported_media_type,
)
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.store.records import (
    ObjectKey,
    ObjectStore,
    StoredObject,
    encode_object,
)
from armillary.local.apiserver.verbs.call import Answer, Call, Json
from armillary.local.apiserver.verbs.prepare import (
    World,
    check_identity,
    continue_object,
    manager_of,
    prune_unknown,
    schema_of,
    start_object,
)

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_ATTEMPTS_MAX = 8  # of an unconditional write that others keep overtaking
_CATCH_UP_S = 2.0

Change = Callable[[Json], "tuple[Json, tuple[str, ...]]"]  # a copy in; the object and warnings out


class Writer:
    def __init__(self, store: ObjectStore, world: World) -> None:
        self._store = store
        self._world = world
        # Writers of one object take turns: inside one server nobody has to lose a race.
        self._turns: WeakValueDictionary[ObjectKey, anyio.Lock] = WeakValueDictionary()

    @property
    def _cache(self) -> ObjectCache:
        return self._world.cache

    async def create(self, call: Call, body: Any) -> Answer:
        value = check_identity(body, call)
        warnings = prune_unknown(value, call)
        generated = not value["metadata"].get("name")
        value = start_object(value, call, self._world)
        track_update(None, value, schema_of(call), manager_of(call), {})
        return await self._insert(value, call, warnings, generated=generated)

    async def _insert(
        self, value: Json, call: Call, warnings: tuple[str, ...], *, generated: bool = False
    ) -> Answer:
        reserved = None
        if call.resource.storage_name == "services":
            reserved = self._world.addresses.assign(value, call.resource)
        try:
            for _ in range(_ATTEMPTS_MAX if generated else 1):
                stored = await self._create_once(value, call)
                if stored is not None:
                    return Answer(value=stored, code=201, warnings=warnings)
                if generated:
                    prefix = value["metadata"]["generateName"]
                    value["metadata"]["name"] = generate_name(prefix)
        finally:
            self._world.addresses.release(reserved)
        raise already_exists(call.resource, value["metadata"]["name"])

    async def _create_once(self, value: Json, call: Call) -> StoredObject | Json | None:
        metadata = value["metadata"]
        key = ObjectKey(call.resource.storage_name, call.namespace, metadata["name"])
        if self._cache.get(key) is not None:
            return None
        if call.is_dry_run:
            return value
        raw = encode_object(value)
        revision = await self._store.create(key, raw)
        if revision is None:
            return None
        return await self._seen(StoredObject(key, raw, revision))

    async def update(self, call: Call, body: Any) -> Answer:
        """Replace the whole object, at the version that the body names, if it names one."""
        sent = check_identity(body, call)
        if call.resource.is_custom and not sent["metadata"].get("resourceVersion"):
            text = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
            message = f'{call.resource.qualified_kind} "{call.name}" is invalid: {text}'
            raise StatusError(422, "Invalid", message)
        warnings = prune_unknown(sent, call)
        manager = manager_of(call)

        def change(current: Json) -> tuple[Json, tuple[str, ...]]:
            value = {**sent, "metadata": dict(sent["metadata"])}
            return self._finish_update(value, current, call, manager), warnings

        return await self.modify(call, change)

    async def patch(self, call: Call, body: Any, content_type: str) -> Answer:
        if content_type == APPLY_PATCH:
            return await self._apply(call, body)
        manager = manager_of(call)

        def change(current: Json) -> tuple[Json, tuple[str, ...]]:
            value = check_identity(_patched(current, body, content_type, call), call)
            warnings = prune_unknown(value, call)
            value = {**value, "metadata": dict(value["metadata"])}
            return self._finish_update(value, current, call, manager), warnings

        return await self.modify(call, change)

    def _finish_update(self, value: Json, current: Json, call: Call, manager: Any) -> Json:
        check_version(value, current, call)
        # A client may drop entries of managedFields, but not write them.
        managers = read_managers(current)
        if value["metadata"].get("managedFields") == [{}]:
            managers = {}
        value["metadata"].pop("managedFields", None)
        value = continue_object(value, current, call)
        track_update(current, value, schema_of(call), manager, managers)
        return value

    async def _apply(self, call: Call, body: Any) -> Answer:
        if not call.query.get("fieldManager"):
            message = (
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: '
                "is required for apply patch"
            )
            raise StatusError(422, "Invalid", message)
        applied = check_identity(body, call)
        if applied["metadata"].get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        warnings = prune_unknown(applied, call)
        for name in ("creationTimestamp", "uid", "generation"):
            if applied["metadata"].get(name) is None:
                applied["metadata"].pop(name, None)
        request = ApplyRequest(
            _owned_part(applied, call), manager_of(call, operation=APPLY), call.flag("force")
        )

        def change(current: Json) -> tuple[Json, tuple[str, ...]]:
            check_version(applied, current, call)
            before = StoredObject(call.key, encode_object(current), 0).copy()
            apply(current, request, schema_of(call), read_managers(current))
            return continue_object(current, before, call), warnings

        if self._cache.get(call.key) is None and not call.subresource:
            return await self._apply_new(call, request, warnings)
        return await self.modify(call, change)

    async def _apply_new(
        self, call: Call, request: ApplyRequest, warnings: tuple[str, ...]
    ) -> Answer:
        if request.applied["metadata"].get("uid") or request.applied["metadata"].get(
            "resourceVersion"
        ):
            raise conflict(
                call.resource, call.name, "the object does not exist, but a version was given"
            )
        value: Json = {"metadata": {"name": call.name}}
        apply(value, request, schema_of(call), {})
        managed = value["metadata"].pop("managedFields", None)
        value = start_object(value, call, self._world)
        if managed:
            value["metadata"]["managedFields"] = managed
        return await self._insert(value, call, warnings)

    async def modify(self, call: Call, change: Change) -> Answer:
        """Read, change, write; again while somebody else is faster, unless a version was given.

        `change` refuses by itself a version that it was not given.
        """
        turn = self._turns.setdefault(call.key, anyio.Lock())
        async with turn:
            return await self._modify(call, change)

    async def _modify(self, call: Call, change: Change) -> Answer:
        for _ in range(_ATTEMPTS_MAX):
            stored = self._cache.get(call.key)
            if stored is None:
                raise not_found(call.resource, call.name)
            value, warnings = change(stored.copy())
            if _is_same(value, stored.value):
                return Answer(value=stored, warnings=warnings)
            if call.is_dry_run:
                return Answer(value=value, warnings=warnings)
            result = await self._put(value, stored)
            if result is not None:
                return Answer(value=result, warnings=warnings)
            await self._catch_up()
        raise modified_meanwhile(call.resource, call.name)

    async def _put(self, value: Json, stored: StoredObject) -> StoredObject | None:
        """Write the next version, or remove the object if this change was what it waited for."""
        raw = encode_object(value)
        if is_finished(value, stored.key):
            revision = await self._store.delete(stored.key, stored.revision)
        else:
            revision = await self._store.replace(stored.key, raw, stored.revision)
        return (
            None if revision is None else await self._seen(StoredObject(stored.key, raw, revision))
        )

    async def _seen(self, written: StoredObject) -> StoredObject:
        await self._wait_for(written.revision)
        current = self._cache.get(written.key)
        return current if current and current.revision == written.revision else written

    async def _wait_for(self, revision: int) -> None:
        with anyio.move_on_after(_CATCH_UP_S) as scope:
            await self._cache.wait_for(revision)
        if scope.cancelled_caught:
            raise unavailable(f"written at revision {revision}, but not yet seen by this server")

    async def _catch_up(self) -> None:
        """Somebody has written what the cache has not seen yet: wait for its next step."""
        with anyio.move_on_after(_CATCH_UP_S):
            await self._cache.wait_for(self._cache.revision + 1)


def _owned_part(applied: Json, call: Call) -> Json:
    """Return the part of an applied object that this endpoint writes: status, or all but status."""
    if call.subresource == "status":
        kept = ("apiVersion", "kind", "metadata", "status")
        return {name: value for name, value in applied.items() if name in kept}
    if call.resource.has_status:
        return {name: value for name, value in applied.items() if name != "status"}
    return applied


def _patched(current: Json, patch: Any, content_type: str, call: Call) -> Any:
    try:
        if content_type == JSON_PATCH:
            return json_patch(current, patch)
        if content_type == MERGE_PATCH:
            return merge_patch(current, patch)
        if content_type == STRATEGIC_PATCH and not call.resource.is_custom:
            return strategic_merge(current, patch, schema_of(call))
    except PreconditionError as error:
        raise StatusError(422, "Invalid", f"the server rejected our request: {error}") from error
    except InputError as error:
        code, reason = (422, "Invalid") if content_type == JSON_PATCH else (400, "BadRequest")
        message = "the server rejected our request due to an error in our request"
        raise StatusError(code, reason, f"{message}: {error}") from error
    accepted = [JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    raise unsupported_media_type(
        accepted if call.resource.is_custom else [*accepted, STRATEGIC_PATCH]
    )


def check_version(value: Mapping[str, Any], current: Mapping[str, Any], call: Call) -> None:
    """Refuse a body that was made from another version, or for another object of that name."""
    sent, found = value["metadata"], current["metadata"]
    if sent.get("uid") and sent["uid"] != found["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {sent['uid']}, "
            f"UID in object meta: {found['uid']}"
        )
        raise conflict(call.resource, call.name, why)
    version = sent.get("resourceVersion")
    if version and version != "0" and version != found["resourceVersion"]:
        raise modified_meanwhile(call.resource, call.name)


def is_finished(value: Mapping[str, Any], key: ObjectKey) -> bool:
    """True when nothing holds back an object that is being deleted."""
    metadata = value["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if key.resource == "namespaces":
        return not (value.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds", 0)


def _is_same(value: Json, stored: Json) -> bool:
    """Compare without the version and without the times of managers: those alone change nothing."""
    return _comparable(value) == _comparable(stored)


def _comparable(value: Json) -> Json:
    metadata = {k: v for k, v in value["metadata"].items() if k != "resourceVersion"}
    metadata["managedFields"] = [
        {k: v for k, v in entry.items() if k != "time"}
        for entry in metadata.get("managedFields") or ()
    ]
    return {**value, "metadata": metadata}
