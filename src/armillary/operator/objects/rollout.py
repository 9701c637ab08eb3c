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
    is_covered,
    with_state_hash,
)
from armillary.operator.objects.writer import ObjectWriter
from armillary.operator.render.labels import DESIRED_STATE_HASH, ROLLOUT_RELEASED, ROLLOUT_SCHEDULED


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
    return with_state_hash(pod, pod["metadata"].get("labels"), pod["spec"])


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
    difference = describe_change({"spec": wanted["spec"]}, {"spec": found.get("spec")})
    text = difference or "removal of something that is no longer wanted\n"
    if annotations.get(ROLLOUT_SCHEDULED) != text:
        return Annotate({ROLLOUT_SCHEDULED: text}, "changes wait to be released")
    return Leave("changes wait to be released")


def _in_place(wanted: KubeObject, found: KubeObject) -> PodDecision:
    wanted_annotations = dict(annotations_of(wanted))
    wanted_annotations.pop(DESIRED_STATE_HASH, None)
    found_annotations = annotations_of(found)
    if is_covered(wanted_annotations, found_annotations):
        return Leave("as wanted")
    changes: dict[str, str | None] = {
        key: text for key, text in wanted_annotations.items() if found_annotations.get(key) != text
    }
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
