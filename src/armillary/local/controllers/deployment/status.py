"""A Deployment's status and conditions. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of, generation_of, name_of
from armillary.local.controllers.deployment.plan import Rollout
from armillary.local.kubelet.pod.spec import format_time, parse_time

_DEADLINE_S_DEFAULT = 600


def build_deployment_status(
    deployment: KubeObject,
    rollout: Rollout,
    new: KubeObject | None,
    old: Sequence[KubeObject],
    now: datetime,
) -> dict[str, Any]:
    sets = [*old, *((new,) if new is not None else ())]
    replicas = _sum(sets, "replicas")
    available = _sum(sets, "availableReplicas")
    updated = 0 if new is None else _sum([new], "replicas")
    status: dict[str, Any] = {
        "observedGeneration": generation_of(deployment),
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, rollout.replicas - available, replicas - available),
    }
    done = (
        updated == rollout.replicas
        and replicas == rollout.replicas
        and available >= rollout.replicas
    )
    before = deployment.get("status") or {}
    moved = any(
        int(before.get(field) or 0) != status[field]
        for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    )
    # A rollout that was completed stays so while one of its pods is unwell.
    progress = condition_of(deployment, "Progressing") or {}
    was_done = progress.get("reason") == "NewReplicaSetAvailable" and replicas == updated
    status["conditions"] = [
        _availability(deployment, rollout, available, now),
        _progress(deployment, rollout, new, done=done or was_done, moved=moved, now=now),
    ]
    return status


def _sum(sets: Sequence[KubeObject], field: str) -> int:
    return sum(int((each.get("status") or {}).get(field) or 0) for each in sets)


def _availability(
    deployment: KubeObject, rollout: Rollout, available: int, now: datetime
) -> dict[str, Any]:
    if available >= rollout.replicas - rollout.max_unavailable:
        words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        text = "Deployment does not have minimum availability."
        words = ("False", "MinimumReplicasUnavailable", text)
    return _condition(deployment, "Available", words, now)


def _progress(
    deployment: KubeObject,
    rollout: Rollout,
    new: KubeObject | None,
    *,
    done: bool,
    moved: bool,
    now: datetime,
) -> dict[str, Any]:
    name = "" if new is None else name_of(new)
    before = condition_of(deployment, "Progressing")
    if rollout.paused:
        return _condition(
            deployment, "Progressing", ("Unknown", "DeploymentPaused", "Deployment is paused"), now
        )
    if done:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        return _condition(deployment, "Progressing", ("True", "NewReplicaSetAvailable", text), now)
    limit = deployment["spec"].get("progressDeadlineSeconds")
    limit_s = _DEADLINE_S_DEFAULT if limit is None else int(limit)
    rolling = before is not None and before.get("reason") != "NewReplicaSetAvailable"
    if before is not None and rolling and not moved:
        since = parse_time(before["lastUpdateTime"])
        if before["reason"] == "ProgressDeadlineExceeded" or (
            now - since > timedelta(seconds=limit_s)
        ):
            text = f'ReplicaSet "{name}" has timed out progressing.'
            return _condition(
                deployment, "Progressing", ("False", "ProgressDeadlineExceeded", text), now
            )
        if before["reason"] != "DeploymentPaused":
            return dict(before)
    text = f'ReplicaSet "{name}" is progressing.'
    return _condition(
        deployment, "Progressing", ("True", "ReplicaSetUpdated", text), now, renew=True
    )


def _condition(
    deployment: KubeObject,
    kind: str,
    words: tuple[str, str, str],
    now: datetime,
    *,
    renew: bool = False,
) -> dict[str, Any]:
    status, reason, message = words
    before = condition_of(deployment, kind) or {}
    same = before.get("status") == status and before.get("reason") == reason
    if same and before.get("message") == message and not renew:
        return dict(before)
    transition = before["lastTransitionTime"] if before.get("status") == status else None
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": format_time(now),
        "lastTransitionTime": transition or format_time(now),
    }
