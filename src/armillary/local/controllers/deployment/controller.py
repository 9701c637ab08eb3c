"""Deployments: ReplicaSets made, scaled and forgotten. I/O."""

import copy
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from armillary.base.clock import utc_now
from armillary.base.errors import AlreadyExistsError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import DEPLOYMENT, REPLICA_SET, KubeObject
from armillary.kube.objects import (
    Key,
    annotations_of,
    condition_of,
    controller_of,
    generation_of,
    is_being_deleted,
    key_of,
    labels_of,
    name_of,
    owner_reference,
    uid_of,
)
from armillary.local.controllers.deployment.plan import (
    HASH_LABEL,
    Rollout,
    SetSeen,
    parse_rollout,
    plan_scale,
    same_template,
    template_hash,
)
from armillary.local.controllers.deployment.status import build_deployment_status
from armillary.local.controllers.owners import owners_of
from armillary.local.controllers.pods import OWNER_INDEX

logger = logging.getLogger(__name__)

REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAX = "deployment.kubernetes.io/max-replicas"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_HISTORY_DEFAULT = 10


class DeploymentController:
    def __init__(
        self, client: KubeClient, events: EventRecorder, *, deployments: Informer, sets: Informer
    ) -> None:
        self._client = client
        self._events = events
        self._deployments = deployments
        self._sets = sets
        self._controller: Controller[Key] = Controller("deployments", self._reconcile)
        deployments.on_change(self._on_deployment)
        sets.on_change(self._on_set)

    async def run(self) -> None:
        await self._controller.run()

    def _on_deployment(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is not None:
            self._controller.queue.add(key_of(after))

    def _on_set(self, before: KubeObject | None, after: KubeObject | None) -> None:
        for owner in owners_of("Deployment", before, after):
            self._controller.queue.add(owner)

    async def _reconcile(self, key: Key) -> float | None:
        deployment = self._deployments.get(key.name, key.namespace)
        if deployment is None or is_being_deleted(deployment):
            return None
        rollout = parse_rollout(deployment["spec"])
        sets = sorted(self._sets.by_index(OWNER_INDEX, uid_of(deployment)), key=_age)
        template = deployment["spec"]["template"]
        new = next((s for s in sets if same_template(s["spec"]["template"], template)), None)
        if new is None and not rollout.paused:
            new = await self._create_set(deployment, rollout, sets)
            if new is None:
                return None
        old = [each for each in sets if new is None or uid_of(each) != uid_of(new)]
        if new is not None:
            await self._number(deployment, new, old)
        await self._scale(deployment, rollout, new, old)
        await self._forget_history(deployment, old)
        return await self._report(deployment, rollout, new, old, utc_now())

    async def _create_set(
        self, deployment: KubeObject, rollout: Rollout, sets: Sequence[KubeObject]
    ) -> KubeObject | None:
        collisions = int((deployment.get("status") or {}).get("collisionCount") or 0)
        wanted = build_set(deployment, rollout, sets, collisions)
        try:
            created = await self._client.create(wanted)
        except AlreadyExistsError:
            key = key_of(wanted)
            found = await self._client.get(REPLICA_SET, key.name, key.namespace)
            owner = None if found is None else controller_of(found)
            if found is not None and owner is not None and owner["uid"] == uid_of(deployment):
                template = deployment["spec"]["template"]
                if same_template(found["spec"]["template"], template):
                    return found  # the cache was behind
            # Another template has the same hash, or the set is somebody else's: hash anew.
            await self._client.patch_status(
                DEPLOYMENT,
                name_of(deployment),
                key.namespace,
                {"collisionCount": collisions + 1},
            )
            return None
        if replicas := created["spec"]["replicas"]:
            text = f"Scaled up replica set {name_of(created)} from 0 to {replicas}"
            self._events.record(deployment, "ScalingReplicaSet", text)
        return created

    async def _number(
        self, deployment: KubeObject, new: KubeObject, old: Sequence[KubeObject]
    ) -> None:
        """Keep the newest revision on the set that serves the current template.

        And what else the Deployment is annotated with: `rollout history` shows why it was changed.
        """
        highest = max((_revision(each) for each in old), default=0)
        revision = _revision(new)
        if revision <= highest:
            revision = highest + 1
        wanted = {**_inherited(deployment), REVISION: str(revision)}
        found = annotations_of(new)
        if any(found.get(name) != text for name, text in wanted.items()):
            await self._annotate(REPLICA_SET, new, wanted)
        if annotations_of(deployment).get(REVISION) != str(revision):
            await self._annotate(DEPLOYMENT, deployment, {REVISION: str(revision)})

    async def _annotate(self, kind: Any, obj: KubeObject, annotations: dict[str, str]) -> None:
        key = key_of(obj)
        patch = {"metadata": {"annotations": annotations}}
        await self._client.merge_patch(kind, key.name, key.namespace, patch)

    async def _scale(
        self,
        deployment: KubeObject,
        rollout: Rollout,
        new: KubeObject | None,
        old: Sequence[KubeObject],
    ) -> None:
        by_name = {name_of(each): each for each in (*old, *((new,) if new else ()))}
        seen = None if new is None else _seen(new)
        for name, replicas in plan_scale(rollout, seen, [_seen(each) for each in old]).items():
            before = int(by_name[name]["spec"].get("replicas", 0))
            namespace = key_of(deployment).namespace
            patch = {"spec": {"replicas": replicas}}
            await self._client.merge_patch(REPLICA_SET, name, namespace, patch)
            way = "up" if replicas > before else "down"
            text = f"Scaled {way} replica set {name} from {before} to {replicas}"
            self._events.record(deployment, "ScalingReplicaSet", text)

    async def _forget_history(self, deployment: KubeObject, old: Sequence[KubeObject]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit")
        keep = _HISTORY_DEFAULT if limit is None else int(limit)
        idle = [each for each in old if _is_idle(each)]
        for replica_set in sorted(idle, key=_revision)[: max(0, len(idle) - keep)]:
            key = key_of(replica_set)
            await self._client.delete(REPLICA_SET, key.name, key.namespace, uid=uid_of(replica_set))

    async def _report(
        self,
        deployment: KubeObject,
        rollout: Rollout,
        new: KubeObject | None,
        old: Sequence[KubeObject],
        now: datetime,
    ) -> float | None:
        before = deployment.get("status") or {}
        status = build_deployment_status(deployment, rollout, new, old, now)
        if any(before.get(field, 0) != value for field, value in status.items()):
            key = key_of(deployment)
            try:
                await self._client.patch_status(DEPLOYMENT, key.name, key.namespace, status)
            except NotFoundError:
                return None
        return _deadline_in_s(deployment, status, now)


def build_set(
    deployment: KubeObject, rollout: Rollout, sets: Sequence[KubeObject], collisions: int
) -> KubeObject:
    """Return the ReplicaSet of the Deployment's current template. Pure."""
    spec = deployment["spec"]
    template = copy.deepcopy(spec["template"])
    digest = template_hash(template, collisions)
    metadata = template.setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), HASH_LABEL: digest}
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    total = sum(int(each["spec"].get("replicas", 0)) for each in sets)
    room = rollout.replicas + rollout.max_surge - total
    first = 0 if rollout.recreate and sets else max(0, min(room, rollout.replicas))
    annotations = {
        **_inherited(deployment),
        REVISION: str(max((_revision(each) for each in sets), default=0) + 1),
        _DESIRED: str(rollout.replicas),
        _MAX: str(rollout.replicas + rollout.max_surge),
    }
    wanted: dict[str, Any] = {"replicas": first, "selector": selector, "template": template}
    if spec.get("minReadySeconds"):
        wanted["minReadySeconds"] = spec["minReadySeconds"]
    return {
        "apiVersion": REPLICA_SET.api_version,
        "kind": REPLICA_SET.kind,
        "metadata": {
            "name": f"{name_of(deployment)}-{digest}",
            "namespace": key_of(deployment).namespace,
            "labels": dict(labels_of(template)),
            "annotations": annotations,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": wanted,
    }


def _inherited(deployment: KubeObject) -> dict[str, str]:
    own = (_LAST_APPLIED, REVISION, _DESIRED, _MAX)
    return {k: v for k, v in annotations_of(deployment).items() if k not in own}


def _seen(replica_set: KubeObject) -> SetSeen:
    status = replica_set.get("status") or {}
    return SetSeen(
        name=name_of(replica_set),
        replicas=int(replica_set["spec"].get("replicas", 0)),
        available=int(status.get("availableReplicas") or 0),
        living=int(status.get("replicas") or 0),
    )


def _revision(replica_set: KubeObject) -> int:
    text = annotations_of(replica_set).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def _age(replica_set: KubeObject) -> tuple[str, int, str]:
    created = str(replica_set["metadata"].get("creationTimestamp") or "")
    return created, _revision(replica_set), name_of(replica_set)


def _is_idle(replica_set: KubeObject) -> bool:
    status = replica_set.get("status") or {}
    observed = int(status.get("observedGeneration") or 0)
    return (
        not replica_set["spec"].get("replicas")
        and not status.get("replicas")
        and observed >= generation_of(replica_set)
        and not is_being_deleted(replica_set)
    )


def _deadline_in_s(deployment: KubeObject, status: dict[str, Any], now: datetime) -> float | None:
    """Return when to look again for a rollout that makes no progress."""
    condition = condition_of({"metadata": {}, "status": status}, "Progressing")
    if condition is None or condition.get("reason") in (
        "NewReplicaSetAvailable",
        "ProgressDeadlineExceeded",
    ):
        return None
    limit = deployment["spec"].get("progressDeadlineSeconds")
    return float(timedelta(seconds=600 if limit is None else int(limit)).total_seconds()) + 1.0
