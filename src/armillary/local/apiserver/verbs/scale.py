"""The scale subresource: replica counts of any scalable object in one form (autoscaling/v1)."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from armillary.base.errors import InputError
from armillary.local.apiserver.kinds.resource import ScalePaths
from armillary.local.apiserver.patch.json_patch import json_patch, merge_patch
from armillary.local.apiserver.patch.managers import read_managers, track_update
from armillary.local.apiserver.status import bad_request, path_not_found
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.verbs.call import Answer, Call, Json
from armillary.local.apiserver.verbs.prepare import manager_of, schema_of
from armillary.local.apiserver.verbs.read import get
from armillary.local.apiserver.verbs.write import JSON_PATCH, Writer, check_version


def get_scale(cache: ObjectCache, call: Call) -> Json:
    return build_scale(get(cache, call).value, _paths(call))


async def update_scale(writer: Writer, call: Call, body: Any, content_type: str = "") -> Answer:
    """Set the wanted replica count from a Scale, or from a patch of one."""
    paths = _paths(call)

    def change(current: Json) -> tuple[Json, tuple[str, ...]]:
        before = copy.deepcopy(current)
        scale = _changed(build_scale(current, paths), body, content_type)
        check_version(scale, current, call)
        wanted = (scale.get("spec") or {}).get("replicas", 0)
        if not isinstance(wanted, int) or wanted < 0:
            raise bad_request(f"spec.replicas: Invalid value: {wanted}: must be at least 0")
        _write(current, paths.spec_replicas, wanted)
        if current != before and "generation" in current["metadata"]:
            current["metadata"]["generation"] += 1
        # Who scales owns the number: a later apply with another one is a conflict.
        track_update(before, current, schema_of(call), manager_of(call), read_managers(before))
        return current, ()

    answer = await writer.modify(call, change)
    return Answer(value=build_scale(answer.json(), paths))


def _changed(scale: Json, body: Any, content_type: str) -> Json:
    """Return the Scale that a request asks for; its metadata is an object."""
    try:
        if content_type == JSON_PATCH:
            value = json_patch(scale, body)
        else:
            value = merge_patch(scale, body) if content_type else body
    except InputError as error:
        raise bad_request(str(error)) from error
    if not isinstance(value, dict) or not isinstance(value.get("spec", {}), dict):
        raise bad_request("the request body must be one Scale")
    metadata = value.get("metadata")
    return {**value, "metadata": metadata if isinstance(metadata, dict) else {}}


def _paths(call: Call) -> ScalePaths:
    if call.resource.scale is None:
        raise path_not_found()
    return call.resource.scale


def build_scale(value: Mapping[str, Any], paths: ScalePaths) -> Json:
    metadata = value["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Json = {"replicas": _read(value, paths.status_replicas) or 0}
    selector = _read(value, paths.selector) if paths.selector else None
    if isinstance(selector, dict):
        pairs = (selector.get("matchLabels") or {}).items()
        selector = ",".join(f"{key}={text}" for key, text in sorted(pairs))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in kept if name in metadata},
        "spec": {"replicas": _read(value, paths.spec_replicas) or 0},
        "status": status,
    }


def _read(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _write(value: Json, path: Sequence[str], new: Any) -> None:
    for name in path[:-1]:
        value = value.setdefault(name, {})
    value[path[-1]] = new
