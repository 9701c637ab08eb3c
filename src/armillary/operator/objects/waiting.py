"""Children whose changes wait until they are released: what of them changes at once. Pure.

A child is a whole object, so what waits is told apart field by field: `at_once` fields are applied
whenever they differ, all others when somebody sets the annotation `rollout.../released`. Until then
`rollout.../scheduled` says what would change. With the update strategy Immediate nothing waits.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from armillary.kube import kinds
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import annotations_of, labels_of
from armillary.operator.crd.parts import Json
from armillary.operator.crd.topology import UpdateStrategy
from armillary.operator.objects.compare import (
    describe_change,
    is_covered,
    is_custom,
    state_hash,
)
from armillary.operator.render.labels import DESIRED_STATE_HASH, ROLLOUT_RELEASED, ROLLOUT_SCHEDULED

_MARKS = (ROLLOUT_SCHEDULED, ROLLOUT_RELEASED)
_TEXT_MAX = 16_000  # the annotations of one object may have 256 KiB together
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Fields of a child's spec that never wait.

    `claim_sizes`: nor does the size of volume claims, as `allowResourceChanges: [storage]` says.
    """

    paths: tuple[tuple[str, ...], ...] = ()
    claim_sizes: bool = False


_AT_ONCE = {
    kinds.VITESS_CELL: (("gateway", "replicas"),),
    kinds.VITESS_KEYSPACE: (("turndownPolicy",), ("updateStrategy",)),
    kinds.VITESS_SHARD: (("updateStrategy",),),
    kinds.DEPLOYMENT: (("replicas",),),
}


def changes_at_once(kind: ResourceKind, strategy: UpdateStrategy) -> AtOnce | None:
    """Return what of a cluster's or keyspace's child does not wait; None when nothing of it waits.

    Of a cell, its vtgates' Deployment does not wait again: the VitessCell did.
    """
    paths = _AT_ONCE.get(kind)
    external = strategy.external
    grows = external is not None and "storage" in external.allow_resource_changes
    return None if paths is None else AtOnce(paths, claim_sizes=grows)


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """What to do about a child that exists.

    `apply`: the object to bring it to; `only_if_unchanged`: its spec was made of the one that was
    seen, so it may be applied to no other version. `marks`: annotations to set, or to remove.
    """

    apply: KubeObject | None = None
    only_if_unchanged: bool = False
    marks: Mapping[str, str | None] = field(default_factory=dict)


def with_child_hash(wanted: KubeObject, at_once: AtOnce) -> KubeObject:
    """Return the object with the hashes of what waits and of what does not."""
    metadata = wanted["metadata"]
    at_once_part = [
        labels_of(wanted),
        {k: v for k, v in annotations_of(wanted).items() if k != DESIRED_STATE_HASH},
        [_said(_look(wanted["spec"], path)) for path in at_once.paths],
    ]
    waiting_part = _without_at_once(wanted["spec"], at_once)
    return _stamped(wanted, f"{state_hash(waiting_part)}-{state_hash(at_once_part)}", metadata)


def plan_child(
    wanted: KubeObject, found: KubeObject, at_once: AtOnce, *, immediate: bool
) -> ChildPlan:
    """Return what to do; `wanted` comes from `with_child_hash` and names its owner."""
    annotations = annotations_of(found)
    held = _held_spec(wanted["spec"], found.get("spec") or {}, at_once)
    wanted_hash, found_hash = _hashes(wanted), _hashes(found)
    difference = _difference(wanted, held)
    waits = bool(difference) or bool(found_hash[0] and wanted_hash[0] != found_hash[0])
    lags = (
        wanted_hash[1] != found_hash[1]
        or held != (found.get("spec") or {})
        or not is_covered(_without_hash(wanted), _without_hash(found))
    )
    cleared: dict[str, str | None] = {key: None for key in _MARKS if key in annotations}
    if not waits or immediate:
        apply = wanted if waits or lags else None
        return ChildPlan(apply, only_if_unchanged=not immediate, marks=cleared)
    if ROLLOUT_RELEASED in annotations:
        return ChildPlan(wanted, only_if_unchanged=True, marks=cleared)
    text = _cut(difference or "removal of something that is no longer wanted\n")
    marks = {} if annotations.get(ROLLOUT_SCHEDULED) == text else {ROLLOUT_SCHEDULED: text}
    if not lags:
        return ChildPlan(marks=marks)
    stamp = f"{found_hash[0]}-{wanted_hash[1]}"
    held_object = _stamped({**wanted, "spec": held}, stamp, wanted["metadata"])
    return ChildPlan(held_object, only_if_unchanged=True, marks=marks)


def _stamped(obj: KubeObject, stamp: str, metadata: Mapping[str, Any]) -> KubeObject:
    annotations = {**(metadata.get("annotations") or {}), DESIRED_STATE_HASH: stamp}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def _hashes(obj: KubeObject) -> tuple[str, str]:
    """Return the hashes of what waits and of what does not; empty where it is not known.

    Earlier versions hashed the object as a whole: that hash tells nothing about either part.
    """
    waiting, dash, at_once = annotations_of(obj).get(DESIRED_STATE_HASH, "").partition("-")
    return (waiting, at_once) if dash else ("", "")


def _without_hash(obj: KubeObject) -> Json:
    annotations = {k: v for k, v in annotations_of(obj).items() if k != DESIRED_STATE_HASH}
    return {**(obj.get("metadata") or {}), "annotations": annotations}


def _difference(wanted: KubeObject, held: Json) -> str:
    """Describe how the wanted spec differs from the one that is held; empty when it does not."""
    return describe_change({"spec": wanted["spec"]}, {"spec": held}, removals=is_custom(wanted))


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}\n# and more\n"


def _held_spec(wanted: Json, found: Json, at_once: AtOnce) -> Json:
    """Return the spec that is there, with what changes at once as it is wanted."""
    held = deepcopy(found)
    for path in at_once.paths:
        _put(held, path, _look(wanted, path))
        if isinstance(_look(wanted, path[:-1]), Mapping) and _look(held, path[:-1]) is _ABSENT:
            _put(held, path[:-1], {})
    if at_once.claim_sizes and _shards(wanted).keys() == _shards(held).keys():
        sizes = {key: claim["storage"] for key, claim in _claims(wanted) if "storage" in claim}
        for key, claim in _claims(held):
            if key in sizes and "storage" in claim:
                claim["storage"] = sizes[key]
    return held


def _without_at_once(spec: Json, at_once: AtOnce) -> Json:
    """Return the spec without what changes at once, and without sizes, which are compared."""
    rest = deepcopy(spec)
    for path in at_once.paths:
        _put(rest, path, _ABSENT)
    for _, claim in _claims(rest):
        claim.pop("storage", None)
    return rest


def _look(spec: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = spec
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def _said(value: Any) -> Any:
    return None if value is _ABSENT else value


def _put(spec: Json, path: tuple[str, ...], value: Any) -> None:
    """Set a field, or remove it; parents are made, and removed when nothing else is in them."""
    name, *rest = path
    if rest:
        inner = dict(spec.get(name) or {})
        _put(inner, tuple(rest), value)
        value = inner or _ABSENT
    if value is _ABSENT:
        spec.pop(name, None)
    else:
        spec[name] = deepcopy(value)


def _shards(spec: Json) -> dict[tuple[Any, ...], Json]:
    """Return the shard templates in a keyspace's spec, by their place; a shard's is its spec."""
    if "partitionings" not in spec:
        return {(): spec}
    found: dict[tuple[Any, ...], Json] = {}
    for index, partitioning in enumerate(spec["partitionings"]):
        equal = partitioning.get("equal")
        if equal is not None:
            place = (index, equal.get("parts"), equal.get("hexWidth"))
            found[place] = equal.get("shardTemplate") or {}
        for shard in (partitioning.get("custom") or {}).get("shards") or ():
            bounds = shard.get("keyRange") or {}
            found[index, bounds.get("start", ""), bounds.get("end", "")] = shard
    return found


def _claims(spec: Json) -> Iterator[tuple[tuple[Any, ...], Json]]:
    """Yield what each pool's volume claims ask for, with the place of the pool."""
    for place, shard in _shards(spec).items():
        for pool in shard.get("tabletPools") or ():
            claim = pool.get("dataVolumeClaimTemplate") or {}
            requests = (claim.get("resources") or {}).get("requests")
            if requests:
                key = (*place, pool.get("type"), pool.get("cell"), pool.get("name", ""))
                yield key, requests
