"""Services of type LoadBalancer get an address: on one machine the cluster IP is within reach of
every client there is, so that is it. I/O; `wanted_ingress` is pure."""

from typing import Any

from armillary.base.errors import NotFoundError
from armillary.kube.client import KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import SERVICE, KubeObject
from armillary.kube.objects import Key, is_being_deleted, key_of

_NO_ADDRESS = ("", "None")


class LoadBalancerController:
    def __init__(self, client: KubeClient, *, services: Informer) -> None:
        self._client = client
        self._services = services
        self._controller: Controller[Key] = Controller("load-balancers", self._reconcile)
        services.on_change(self._on_service)

    async def run(self) -> None:
        await self._controller.run()

    def _on_service(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if after is not None and found_ingress(after) != wanted_ingress(after):
            self._controller.queue.add(key_of(after))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(key.name, key.namespace)
        if service is None or is_being_deleted(service):
            return
        wanted = wanted_ingress(service)
        if found_ingress(service) == wanted:
            return
        status = {"loadBalancer": {"ingress": wanted or None}}  # null removes it
        try:
            await self._client.patch_status(SERVICE, key.name, key.namespace, status)
        except NotFoundError:
            return  # gone since


def wanted_ingress(service: KubeObject) -> list[dict[str, Any]]:
    """Return where clients outside the pods reach the Service; empty for all other types."""
    spec = service.get("spec") or {}
    address = str(spec.get("clusterIP") or "")
    if spec.get("type") != "LoadBalancer" or address in _NO_ADDRESS:
        return []
    return [{"ip": address, "ipMode": "VIP"}]


def found_ingress(service: KubeObject) -> list[dict[str, Any]]:
    status = service.get("status") or {}
    return list((status.get("loadBalancer") or {}).get("ingress") or ())
