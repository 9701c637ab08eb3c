"""Namespaces that are being deleted: first all that is in them. I/O."""

import logging

from armillary.base.clock import utc_now
from armillary.base.errors import ConflictError, NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import NAMESPACE, POD, KubeObject
from armillary.kube.objects import is_being_deleted, name_of, uid_of
from armillary.local.controllers.kinds import discover_kinds
from armillary.local.kubelet.pod.spec import format_time

logger = logging.getLogger(__name__)

_AGAIN_S = 0.5
_FINALIZER = "kubernetes"


class NamespaceController:
    def __init__(self, client: KubeClient, *, namespaces: Informer) -> None:
        self._client = client
        self._namespaces = namespaces
        self._controller: Controller[str] = Controller("namespaces", self._reconcile)
        namespaces.on_change(self._on_change)

    async def run(self) -> None:
        await self._controller.run()

    def _on_change(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is not None and is_being_deleted(after):
            self._controller.queue.add(name_of(after))

    async def _reconcile(self, name: str) -> float | None:
        namespace = await self._client.get(NAMESPACE, name)
        if namespace is None or not is_being_deleted(namespace):
            return None
        left = await self._empty(name)
        if left:
            await self._report(name, left)
            return _AGAIN_S
        finalizers = (namespace.get("spec") or {}).get("finalizers") or []
        kept = [each for each in finalizers if each != _FINALIZER]
        final = {**namespace, "spec": {**(namespace.get("spec") or {}), "finalizers": kept}}
        try:
            await self._client.replace(final, subresource="finalize")
        except (ConflictError, NotFoundError):
            return _AGAIN_S
        return None

    async def _empty(self, name: str) -> dict[str, int]:
        """Ask for the deletion of everything in it; return what is still there, by kind."""
        left: dict[str, int] = {}
        for kind in await discover_kinds(self._client):
            if not kind.namespaced:
                continue
            found = await self._client.list(kind, name)
            for obj in found.items:
                if is_being_deleted(obj):
                    continue
                try:
                    await self._client.delete(kind, name_of(obj), name, uid=uid_of(obj))
                except ConflictError:
                    continue
            # What had neither finalizers nor (being a pod) processes is gone by now.
            waiting = [
                obj for obj in found.items if obj["metadata"].get("finalizers") or kind == POD
            ]
            if waiting:
                left[str(kind)] = len(waiting)
        return left

    async def _report(self, name: str, left: dict[str, int]) -> None:
        text = ", ".join(f"{kind} has {count} resource instances" for kind, count in left.items())
        condition = {
            "type": "NamespaceContentRemaining",
            "status": "True",
            "reason": "SomeResourcesRemain",
            "message": f"Some resources are remaining: {text}",
            "lastTransitionTime": format_time(utc_now()),
        }
        before = self._namespaces.get(name) or {}
        conditions = (before.get("status") or {}).get("conditions") or ()
        if any(c.get("message") == condition["message"] for c in conditions):
            return
        await self._client.patch_status(NAMESPACE, name, None, {"conditions": [condition]})
