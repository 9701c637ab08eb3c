"""The scheduler that knows one node: binds what fits, and says of the rest why it waits. I/O."""

from collections.abc import Awaitable, Callable
from typing import Any

from armillary.base.clock import utc_now
from armillary.base.errors import ConflictError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import POD, KubeObject
from armillary.kube.objects import Key, key_of
from armillary.local.kubelet.fit import why_not
from armillary.local.kubelet.pod.spec import format_time


class Scheduler:
    """Binds every pod that asks for no node to this one; another scheduler's are left alone."""

    def __init__(
        self,
        client: KubeClient,
        events: EventRecorder,
        node_name: str,
        *,
        pods: Informer,
        nodes: Informer,
    ) -> None:
        self._client = client
        self._pods = pods
        self._nodes = nodes
        self._events = events
        self._node_name = node_name
        bind: Callable[[Key], Awaitable[float | None]] = self._bind
        self._controller = Controller("scheduler", bind)
        pods.on_change(self._on_pod)
        nodes.on_change(self._on_node)

    async def run(self) -> None:
        await self._controller.run()

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is not None and wants_node(after):
            self._controller.queue.add(key_of(after))

    def _on_node(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if _facts(before) != _facts(after):  # what did not fit may fit now
            for pod in self._pods.list():
                self._on_pod(None, pod)

    async def _bind(self, key: Key) -> None:
        pod = self._pods.get(key.name, key.namespace)
        if pod is None or not wants_node(pod):
            return
        node = self._nodes.get(self._node_name)
        if node is None:
            return  # `_on_node` comes back to it
        if why := why_not(pod, node):
            await self._tell(pod, why)
            return
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "uid": pod["metadata"]["uid"],
            },
            "target": {"apiVersion": "v1", "kind": "Node", "name": self._node_name},
        }
        path = POD.path(key.namespace, key.name, "binding")
        try:
            await self._client.request("POST", path, body=binding)
        except ConflictError:
            return  # bound by somebody else, or another pod by now: the informer will tell
        text = f"Successfully assigned {key} to {self._node_name}"
        self._events.record(pod, "Scheduled", text)

    async def _tell(self, pod: KubeObject, why: str) -> None:
        """Say in the pod's condition and in an event why it waits."""
        conditions: list[dict[str, Any]] = (pod.get("status") or {}).get("conditions") or []
        known: dict[str, Any] = next((c for c in conditions if c.get("type") == "PodScheduled"), {})
        if known.get("message") == why:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": why,
            "lastTransitionTime": format_time(utc_now()),
        }
        others = [c for c in conditions if c is not known]
        key = key_of(pod)
        status = {"phase": "Pending", "conditions": [*others, condition]}
        await self._client.patch_status(POD, key.name, key.namespace, status)
        self._events.record(pod, "FailedScheduling", why, warning=True)


def _facts(node: KubeObject | None) -> object:
    """Return what the fit depends on, so that heartbeats wake nobody."""
    if node is None:
        return None
    return node["metadata"].get("labels"), node.get("spec")


def wants_node(pod: KubeObject) -> bool:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    return (
        not spec.get("nodeName")
        and spec.get("schedulerName", "default-scheduler") == "default-scheduler"
        and not spec.get("schedulingGates")
        and not pod["metadata"].get("deletionTimestamp")
        and status.get("phase") not in ("Succeeded", "Failed")
    )
