"""Pods are not changed in place: a change waits as an annotation until it is released.

Annotations as Vitess's operator has them: `rollout.planetscale.com/scheduled` says what would
change, `/released` says "do it now". `decide_pod` is pure; `apply_pod` acts.
"""

from dataclasses import dataclass
from typing import assert_never

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import annotations_of, is_being_deleted, phase_of
from armillary.operator.objects.compare import (
    describe_change,
    has_same_state,
    with_state_hash,
)
from armillary.operator.objects.writer import ObjectWriter
from armillary.operator.render.labels import (
    ANNOTATION_KEYS,
    DESIRED_STATE_HASH,
    MYSQLD_CONFIG_OVERRIDES,
    ROLLOUT_RELEASED,
    ROLLOUT_SCHEDULED,
    is_own_key,
)

# What processes read of their pod's annotations when they start: a change waits like one of the
# spec. In place it would reach whichever process happens to restart, and no other.
_READ_AT_START = (MYSQLD_CONFIG_OVERRIDES,)


@dataclass(frozen=True, slots=True)
class CreatePod:
    reason: str


@dataclass(frozen=True, slots=True)
class DeletePod:
    reason: str


@dataclass(frozen=True, slots=True)
class Annotate:
    """Set annotations, or remove those that are None."""

    changes: dict[str, str | None]
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    reason: str


PodDecision = CreatePod | DeletePod | Annotate | Leave


def with_pod_hash(pod: KubeObject) -> KubeObject:
    """Return the pod with the hash of what cannot be changed in place."""
    read = _read_at_start(pod)
    parts = (pod["metadata"].get("labels"), pod["spec"], *([read] if read else []))
    return _with_annotation_keys(with_state_hash(pod, *parts))


def _with_annotation_keys(pod: KubeObject) -> KubeObject:
    """Return the pod with the names of annotations that a user gave it, to remove them by."""
    annotations = annotations_of(pod)
    given = sorted(key for key in annotations if not is_own_key(key))
    if not given:
        return pod
    metadata = {**pod["metadata"], "annotations": {**annotations, ANNOTATION_KEYS: ",".join(given)}}
    return {**pod, "metadata": metadata}


def _read_at_start(pod: KubeObject) -> dict[str, str]:
    annotations = annotations_of(pod)
    return {key: annotations[key] for key in _READ_AT_START if key in annotations}


def _described(pod: KubeObject) -> KubeObject:
    """Return what people are told of when it changes."""
    read = _read_at_start(pod)
    spec = {"spec": pod.get("spec")}
    return {"metadata": {"annotations": read}} | spec if read else spec


def decide_pod(wanted: KubeObject, found: KubeObject | None) -> PodDecision:
    """Return what to do about one pod; `wanted` comes from `with_pod_hash`."""
    if found is None:
        return CreatePod("missing")
    if is_being_deleted(found):
        return Leave("being deleted")
    if phase_of(found) == "Failed" and wanted["spec"].get("restartPolicy") != "Never":
        return DeletePod("failed as a whole, as an evicted pod does")
    annotations = annotations_of(found)
    if has_same_state(wanted, found):
        marks: dict[str, str | None] = {
            key: None for key in (ROLLOUT_SCHEDULED, ROLLOUT_RELEASED) if key in annotations
        }
        return Annotate(marks, "nothing waits any more") if marks else _in_place(wanted, found)
    if ROLLOUT_RELEASED in annotations:
        return DeletePod("changes were released")
    difference = describe_change(_described(wanted), _described(found))
    text = difference or "removal of something that is no longer wanted\n"
    if annotations.get(ROLLOUT_SCHEDULED) != text:
        return Annotate({ROLLOUT_SCHEDULED: text}, "changes wait to be released")
    return Leave("changes wait to be released")


def _in_place(wanted: KubeObject, found: KubeObject) -> PodDecision:
    wanted_annotations = dict(annotations_of(wanted))
    wanted_annotations.pop(DESIRED_STATE_HASH, None)
    found_annotations = annotations_of(found)
    changes: dict[str, str | None] = {
        key: text for key, text in wanted_annotations.items() if found_annotations.get(key) != text
    }
    given_before = (ANNOTATION_KEYS, *found_annotations.get(ANNOTATION_KEYS, "").split(","))
    for key in given_before:
        if key in found_annotations and key not in wanted_annotations:
            changes[key] = None
    if not changes:
        return Leave("as wanted")
    return Annotate(changes, "annotations changed")


async def apply_pod(
    writer: ObjectWriter,
    owner: KubeObject,
    wanted: KubeObject,
    found: KubeObject | None,
    decision: PodDecision,
) -> None:
    """Do what was decided; `wanted` comes from `with_pod_hash`.

    Raises:
        InputError: the API server refuses the pod: the one that is there stays.
    """
    match decision:
        case CreatePod():
            await writer.ensure_exists(owner, wanted, None)
        case DeletePod(reason):
            assert found is not None
            await writer.check_accepted(wanted)
            await writer.delete(owner, found, reason=reason)
        case Annotate(changes):
            assert found is not None
            await writer.set_annotations(found, changes)
        case Leave():
            pass
        case _:
            assert_never(decision)
