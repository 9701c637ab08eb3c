"""ReplicaSets: as many pods as wanted. I/O."""

import logging
from datetime import datetime
from typing import Any

from armillary.base.clock import utc_now
from armillary.base.errors import AlreadyExistsError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import POD, REPLICA_SET, KubeObject
from armillary.kube.objects import (
    Key,
    generation_of,
    is_being_deleted,
    key_of,
    labels_of,
    name_of,
    uid_of,
)
from armillary.local.controllers.expectations import Expectations
from armillary.local.controllers.owners import owners_of
from armillary.local.controllers.pods import (
    OWNER_INDEX,
    available_in,
    build_pod,
    deletion_rank,
    is_active,
    is_over,
    is_ready,
)

logger = logging.getLogger(__name__)

_BURST = 100  # pods made or removed in one pass


class ReplicaSetController:
    def __init__(
        self, client: KubeClient, events: EventRecorder, *, sets: Informer, pods: Informer
    ) -> None:
        self._client = client
        self._events = events
        self._sets = sets
        self._pods = pods
        self._expected = Expectations()
        self._controller: Controller[Key] = Controller("replicasets", self._reconcile)
        sets.on_change(self._on_set)
        pods.on_change(self._on_pod)

    async def run(self) -> None:
        await self._controller.run()

    def _on_set(self, before: KubeObject | None, after: KubeObject | None) -> None:
        changed = after if after is not None else before
        assert changed is not None
        self._controller.queue.add(key_of(changed))

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        for owner in owners_of("ReplicaSet", before, after):
            self._controller.queue.add(owner)

    async def _reconcile(self, key: Key) -> float | None:
        replica_set = self._sets.get(key.name, key.namespace)
        if replica_set is None:
            self._expected.forget(key)
            return None
        pods = [pod for pod in self._pods.by_index(OWNER_INDEX, uid_of(replica_set))]
        seen = frozenset(uid_of(pod) for pod in pods)
        going = frozenset(uid_of(pod) for pod in pods if is_being_deleted(pod))
        waiting = self._expected.waits_for(key, seen=seen, going=going)
        if not waiting and not is_being_deleted(replica_set):
            await self._scale(key, replica_set, [pod for pod in pods if is_active(pod)])
        return await self._report(replica_set, pods, utc_now())

    async def _scale(self, key: Key, replica_set: KubeObject, active: list[KubeObject]) -> None:
        wanted = int(replica_set["spec"].get("replicas", 1))
        for _ in range(min(wanted - len(active), _BURST)):
            pod = build_pod(replica_set, replica_set["spec"]["template"])
            try:
                created = await self._client.create(pod)
            except AlreadyExistsError:  # a random suffix twice: the next pass makes another
                self._controller.queue.add(key)
                return
            self._expected.created(key, uid_of(created))
            text = f"Created pod: {name_of(created)}"
            self._events.record(replica_set, "SuccessfulCreate", text)
        surplus = len(active) - wanted
        if surplus > 0:
            for pod in sorted(active, key=deletion_rank)[: min(surplus, _BURST)]:
                self._expected.deleted(key, uid_of(pod))
                await self._client.delete(POD, name_of(pod), key.namespace, uid=uid_of(pod))
                text = f"Deleted pod: {name_of(pod)}"
                self._events.record(replica_set, "SuccessfulDelete", text)

    async def _report(
        self, replica_set: KubeObject, pods: list[KubeObject], now: datetime
    ) -> float | None:
        status, again_s = build_set_status(replica_set, pods, now)
        before = replica_set.get("status") or {}
        if any(before.get(field, 0) != value for field, value in status.items()):
            key = key_of(replica_set)
            try:
                await self._client.patch_status(REPLICA_SET, key.name, key.namespace, status)
            except NotFoundError:
                return None
        return again_s


def build_set_status(
    replica_set: KubeObject, pods: list[KubeObject], now: datetime
) -> tuple[dict[str, Any], float | None]:
    """Return the status, and after how many seconds another pod will count as available. Pure."""
    living = [pod for pod in pods if not is_over(pod)]
    min_ready_s = float(replica_set["spec"].get("minReadySeconds") or 0)
    waits = [available_in(pod, min_ready_s, now) for pod in living]
    pending_s = [wait.total_seconds() for wait in waits if wait is not None]
    template_labels = labels_of(replica_set["spec"]["template"]) if living else {}
    status = {
        "replicas": len(living),
        "fullyLabeledReplicas": sum(
            all(labels_of(pod).get(k) == v for k, v in template_labels.items()) for pod in living
        ),
        "readyReplicas": sum(is_ready(pod) and not is_being_deleted(pod) for pod in living),
        "availableReplicas": sum(wait_s <= 0 for wait_s in pending_s),
        "observedGeneration": generation_of(replica_set),
    }
    return status, min((wait_s for wait_s in pending_s if wait_s > 0), default=None)
