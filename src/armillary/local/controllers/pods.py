"""Reading pods, and making them from templates. Pure."""

import copy
from datetime import datetime, timedelta
from typing import Any

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import (
    condition_of,
    controller_of,
    is_being_deleted,
    name_of,
    namespace_of,
    owner_reference,
    phase_of,
    uid_of,
)
from armillary.local.kubelet.pod.spec import parse_time

OWNER_INDEX = "controller"


def index_by_controller(obj: KubeObject) -> list[str]:
    owner = controller_of(obj)
    return [] if owner is None else [str(owner["uid"])]


def build_pod(owner: KubeObject, template: KubeObject) -> KubeObject:
    """Return a pod made from `template`; the API server completes its name."""
    metadata = copy.deepcopy(template.get("metadata") or {})
    metadata["generateName"] = f"{name_of(owner)}-"
    metadata["namespace"] = namespace_of(owner)
    metadata["ownerReferences"] = [owner_reference(owner)]
    for field in ("name", "creationTimestamp"):
        metadata.pop(field, None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": copy.deepcopy(template["spec"]),
    }


def is_over(pod: KubeObject) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def is_active(pod: KubeObject) -> bool:
    return not is_over(pod) and not is_being_deleted(pod)


def is_ready(pod: KubeObject) -> bool:
    condition = condition_of(pod, "Ready")
    return condition is not None and condition.get("status") == "True"


def available_in(pod: KubeObject, min_ready_s: float, now: datetime) -> timedelta | None:
    """Return how long until the pod counts as available: zero or less is now, None is unknown."""
    condition = condition_of(pod, "Ready")
    if condition is None or condition.get("status") != "True" or is_being_deleted(pod):
        return None
    since = condition.get("lastTransitionTime")
    if not min_ready_s or not since:
        return timedelta(0)
    return parse_time(since) + timedelta(seconds=min_ready_s) - now


def deletion_rank(pod: KubeObject) -> tuple[Any, ...]:
    """Sort key: the pod whose loss costs least comes first, as the real controller has it."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    phase_rank = {"Pending": 0, "Unknown": 1}.get(phase_of(pod), 2)
    cost = int((pod["metadata"].get("annotations") or {}).get(DELETION_COST, 0))
    restarts = max(
        (c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0
    )
    created = str(pod["metadata"].get("creationTimestamp") or "")
    return (
        bool(spec.get("nodeName")),
        phase_rank,
        is_ready(pod),
        cost,
        -restarts,
        tuple(-ord(char) for char in created),  # the youngest first
        uid_of(pod),
    )


DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
