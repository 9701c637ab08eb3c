"""Eviction: a pod is deleted on somebody's wish, unless a PodDisruptionBudget forbids it. I/O.

What the budget still allows is taken from its status in the same step in which it is looked at, so
that of several evictions at once no more succeed than it allows.
"""

from collections.abc import Mapping
from typing import Any

from armillary.kube.labels import matches
from armillary.local.apiserver.kinds.resource import Resource
from armillary.local.apiserver.status import (
    StatusError,
    bad_request,
    not_found,
    too_many_disruptions,
)
from armillary.local.apiserver.store.cache import ObjectCache
from armillary.local.apiserver.verbs.call import Answer, Call, Json
from armillary.local.apiserver.verbs.prepare import timestamp
from armillary.local.apiserver.verbs.remove import Remover
from armillary.local.apiserver.verbs.write import Writer

BUDGETS = "poddisruptionbudgets.policy"

_SUCCESS: Json = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Success",
    "code": 201,
}


class Evictor:
    def __init__(
        self, cache: ObjectCache, writer: Writer, remover: Remover, budgets: Resource
    ) -> None:
        self._cache = cache
        self._writer = writer
        self._remover = remover
        self._budgets = budgets

    async def evict(self, call: Call, body: Any) -> Answer:
        """Delete the pod if its budget allows it.

        Raises:
            StatusError: 429 while the budget does not; asking again later can help.
        """
        if not isinstance(body, dict):
            raise bad_request("the request body must be one object")
        stored = self._cache.get(call.key)
        if stored is None:
            raise not_found(call.resource, call.name)
        options = body.get("deleteOptions")
        if isinstance(options, dict) and options.get("dryRun"):
            call = call.with_dry_run()
        pod = stored.value
        if needs_budget(pod):
            await self._ask_budget(pod, call)
        await self._remover.delete(call, options)
        return Answer(value=_SUCCESS, code=201)

    async def _ask_budget(self, pod: Mapping[str, Any], call: Call) -> None:
        labels = pod["metadata"].get("labels") or {}
        found = [
            budget
            for budget in self._cache.select(BUDGETS, call.namespace)
            if matches(budget.value["spec"].get("selector"), labels)
        ]
        if len(found) > 1:
            message = (
                "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                "does not support."
            )
            raise StatusError(500, "InternalError", message)
        for budget in found:
            if is_free_to_go(pod, budget.value):
                return
            query = {name: call.query[name] for name in ("dryRun",) if name in call.query}
            its_call = Call(
                resource=self._budgets,
                namespace=call.namespace,
                name=budget.key.name,
                subresource="status",
                query=query,
                user_agent=call.user_agent,
            )
            await self._writer.modify(its_call, lambda value: (_taken(value, call.name), ()))


def needs_budget(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod serves: one that is over, going or not running yet disrupts nobody."""
    phase = (pod.get("status") or {}).get("phase")
    return phase == "Running" and "deletionTimestamp" not in pod["metadata"]


def is_free_to_go(pod: Mapping[str, Any], budget: Mapping[str, Any]) -> bool:
    """Say whether a pod that is not ready may go without counting against its budget."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status: Mapping[str, int] = budget.get("status") or {}
    return 0 < status.get("desiredHealthy", 0) <= status.get("currentHealthy", 0)


def _taken(budget: Json, pod_name: str) -> Json:
    """Take one disruption from what a budget allows, in place.

    Raises:
        StatusError: none is left, or nobody has counted yet.
    """
    status = budget.setdefault("status", {})
    name = budget["metadata"]["name"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise too_many_disruptions(why)
    if status.get("disruptionsAllowed", 0) <= 0:
        wanted, found = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        why = f"The disruption budget {name} needs {wanted} healthy pods and has {found} currently"
        raise too_many_disruptions(why)
    status["disruptionsAllowed"] -= 1
    status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod_name: timestamp()}
    return budget
