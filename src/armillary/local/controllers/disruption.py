"""PodDisruptionBudgets: how many pods may be evicted now. I/O; `build_budget_status` is pure."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from armillary.base.clock import utc_now
from armillary.base.errors import NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import POD_DISRUPTION_BUDGET, KubeObject
from armillary.kube.labels import matches
from armillary.kube.objects import (
    Key,
    condition_of,
    generation_of,
    is_being_deleted,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    phase_of,
)
from armillary.local.controllers.deployment.plan import resolve_share
from armillary.local.controllers.pods import is_ready
from armillary.local.kubelet.pod.spec import format_time, parse_time

logger = logging.getLogger(__name__)

_DISRUPTED_S_MAX = 120.0  # as in Kubernetes: an evicted pod that is still there then stays


class DisruptionController:
    def __init__(self, client: KubeClient, *, budgets: Informer, pods: Informer) -> None:
        self._client = client
        self._budgets = budgets
        self._pods = pods
        self._controller: Controller[Key] = Controller("disruption budgets", self._reconcile)
        budgets.on_change(self._on_budget)
        pods.on_change(self._on_pod)

    async def run(self) -> None:
        await self._controller.run()

    def _on_budget(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is not None:
            self._controller.queue.add(key_of(after))

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        for pod in (before, after):
            if pod is None:
                continue
            for budget in self._budgets.list(namespace_of(pod)):
                if matches(budget["spec"].get("selector"), labels_of(pod)):
                    self._controller.queue.add(key_of(budget))

    async def _reconcile(self, key: Key) -> float | None:
        budget = self._budgets.get(key.name, key.namespace)
        if budget is None:
            return None
        selector = budget["spec"].get("selector")
        pods = [p for p in self._pods.list(key.namespace) if matches(selector, labels_of(p))]
        status = build_budget_status(budget, pods, utc_now())
        before = budget.get("status") or {}
        changed = {name: v for name, v in status.items() if before.get(name) != v}
        if changed:
            # An eviction may have counted meanwhile: then we count again, with it.
            version = budget["metadata"].get("resourceVersion")
            patch = {"metadata": {"resourceVersion": version}, "status": status}
            if "disruptedPods" in changed:
                gone = set(before.get("disruptedPods") or {}) - set(status["disruptedPods"])
                status["disruptedPods"] |= dict.fromkeys(gone)
            try:
                await self._client.merge_patch(
                    POD_DISRUPTION_BUDGET, key.name, key.namespace, patch, subresource="status"
                )
            except NotFoundError:
                return None
        return _DISRUPTED_S_MAX if status["disruptedPods"] else None


def build_budget_status(
    budget: KubeObject, pods: Sequence[KubeObject], now: datetime
) -> dict[str, Any]:
    """Return the status. The pods' number stands for their owners' wishes: nobody scales here.

    A pod that was evicted and is not seen to go yet counts as gone, for a while.
    """
    spec = budget["spec"]
    counted = [pod for pod in pods if phase_of(pod) not in ("Succeeded", "Failed")]
    expected = len(counted)
    staying = {name_of(pod) for pod in counted if not is_being_deleted(pod)}
    evicted = {
        name: at
        for name, at in ((budget.get("status") or {}).get("disruptedPods") or {}).items()
        if name in staying and (now - parse_time(at)).total_seconds() < _DISRUPTED_S_MAX
    }
    staying -= set(evicted)
    healthy = sum(is_ready(pod) and name_of(pod) in staying for pod in counted)
    if "maxUnavailable" in spec:
        desired = max(0, expected - resolve_share(spec["maxUnavailable"], expected, round_up=True))
    else:
        desired = resolve_share(spec.get("minAvailable", 1), expected, round_up=True)
    allowed = max(0, healthy - desired) if expected else 0
    words = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    before = condition_of(budget, "DisruptionAllowed") or {}
    changed_at = format_time(now)
    if before.get("status") == words[0]:
        changed_at = before["lastTransitionTime"]
    return {
        "observedGeneration": generation_of(budget),
        "expectedPods": expected,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "disruptedPods": evicted,
        "conditions": [
            {
                "type": "DisruptionAllowed",
                "status": words[0],
                "reason": words[1],
                "message": "",
                "observedGeneration": generation_of(budget),
                "lastTransitionTime": changed_at,
            }
        ],
    }
