"""Whether a stored object has all that is wanted. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of
from armillary.operator.crd.parts import Json
from armillary.operator.render.labels import DESIRED_STATE_HASH


def is_covered(wanted: Any, found: Any) -> bool:
    """Whether `found` says all that `wanted` says; what it says beyond that does not matter.

    API servers fill in defaults, so a stored object nearly always has more than was asked for.
    """
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and is_covered(value, found[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            isinstance(found, Sequence)
            and not isinstance(found, str)
            and len(wanted) == len(found)
            and all(is_covered(one, other) for one, other in zip(wanted, found, strict=True))
        )
    return bool(wanted == found)


def is_custom(obj: KubeObject) -> bool:
    """Whether the API server fills nothing in, so that what is there and not wanted is to go."""
    return str(obj["apiVersion"]).startswith("planetscale.com/")


def surplus(wanted: KubeObject, found: KubeObject) -> Json:
    """Return the patch that takes out of `found` what somebody else put into its spec.

    Empty for objects that the API server fills in: there it cannot be told from a default. Who
    applies an object server-side does not take out what another manager has added.
    """
    if not is_custom(wanted):
        return {}
    patch = merge_patch_between(found.get("spec") or {}, wanted["spec"])
    return {"spec": patch} if patch else {}


def state_hash(obj: Any) -> str:
    """Return a hash of a JSON value that does not depend on the order of keys."""
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_state_hash(obj: KubeObject, *parts: Any) -> KubeObject:
    """Return the object with an annotation that changes whenever what is wanted changes.

    It tells of removals, which `is_covered` cannot see.
    """
    metadata = dict(obj["metadata"])
    annotations = dict(metadata.get("annotations") or {})
    annotations[DESIRED_STATE_HASH] = state_hash(list(parts) if parts else obj)
    metadata["annotations"] = annotations
    return {**obj, "metadata": metadata}


def has_same_state(wanted: KubeObject, found: KubeObject) -> bool:
    """Whether both carry the same hash of what is wanted."""
    wanted_hash = annotations_of(wanted).get(DESIRED_STATE_HASH)
    return wanted_hash == annotations_of(found).get(DESIRED_STATE_HASH)


def describe_change(wanted: Any, found: Any, *, removals: bool = False) -> str:
    """Return YAML of what would change: for people, not for machines.

    Args:
        removals: also name, as null, what is found and not wanted; else it is taken for a default.
    """
    difference = _difference(wanted, found, removals=removals)
    return yaml.safe_dump(difference, sort_keys=True) if difference is not _SAME else ""


def merge_patch_between(found: Any, wanted: Any) -> Json:
    """Return the merge patch that makes `wanted` of `found`; empty when they are equal."""
    patch: Json = {key: None for key in found if key not in wanted}
    for key, value in wanted.items():
        before = found.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = merge_patch_between(before, value)
            if inner:
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch


_SAME = object()


def _difference(wanted: Any, found: Any, *, removals: bool) -> Any:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        changed = {
            key: _difference(value, found[key], removals=removals) if key in found else value
            for key, value in wanted.items()
        }
        if removals:
            changed |= {key: None for key in found if key not in wanted}
        kept = {key: value for key, value in changed.items() if value is not _SAME}
        return kept or _SAME
    same = wanted == found if removals else is_covered(wanted, found)
    return _SAME if same else wanted
