"""Endpoints: which pods stand behind each Service. I/O; `build_endpoints` is pure."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from armillary.base.errors import AlreadyExistsError
from armillary.kube.client import APPLY, KubeClient
from armillary.kube.controller import Controller
from armillary.kube.informer import Informer
from armillary.kube.kinds import ENDPOINTS, KubeObject
from armillary.kube.objects import (
    Key,
    is_being_deleted,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    phase_of,
    uid_of,
)
from armillary.local.controllers.kinds import ENDPOINT_SLICE
from armillary.local.controllers.pods import is_ready

logger = logging.getLogger(__name__)

_HEADLESS = "service.kubernetes.io/headless"
_MANAGER = "armillary-endpoints"


class EndpointsController:
    def __init__(
        self, client: KubeClient, *, services: Informer, pods: Informer, endpoints: Informer
    ) -> None:
        self._client = client
        self._services = services
        self._pods = pods
        self._endpoints = endpoints
        self._controller: Controller[Key] = Controller("endpoints", self._reconcile)
        services.on_change(self._on_service)
        pods.on_change(self._on_pod)

    async def run(self) -> None:
        await self._controller.run()

    def _on_service(self, before: KubeObject | None, after: KubeObject | None) -> None:
        changed = after if after is not None else before
        assert changed is not None
        self._controller.queue.add(key_of(changed))

    def _on_pod(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if before is not None and after is not None and _facts(before) == _facts(after):
            return
        for pod in (before, after):
            if pod is None:
                continue
            for service in self._services.list(namespace_of(pod)):
                if selects(service, pod):
                    self._controller.queue.add(key_of(service))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(key.name, key.namespace)
        if service is None:
            await self._remove(key)
            return
        if not (service.get("spec") or {}).get("selector"):
            return  # whoever made it without a selector keeps its endpoints
        wanted = build_endpoints(service, self._pods.list(key.namespace))
        found = self._endpoints.get(key.name, key.namespace)
        if found is None:
            try:
                await self._client.create(wanted)
            except AlreadyExistsError:
                self._controller.queue.add_after(key, 0.1)
                return
        elif not same_endpoints(found, wanted):
            await self._client.replace(wanted)
        else:
            return
        await self._client.request(
            "PATCH",
            ENDPOINT_SLICE.path(key.namespace, key.name),
            params={"fieldManager": _MANAGER, "force": "true"},
            body=build_slice(service, wanted),
            content_type=APPLY,
        )

    async def _remove(self, key: Key) -> None:
        found = self._endpoints.get(key.name, key.namespace)
        if found is not None:
            await self._client.delete(ENDPOINTS, key.name, key.namespace, uid=uid_of(found))
            await self._client.delete(ENDPOINT_SLICE, key.name, key.namespace)


def selects(service: KubeObject, pod: KubeObject) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = labels_of(pod)
    return bool(selector) and all(labels.get(k) == v for k, v in selector.items())


def _facts(pod: KubeObject) -> object:
    status = pod.get("status") or {}
    metadata = pod["metadata"]
    return (
        labels_of(pod),
        status.get("podIP"),
        phase_of(pod),
        is_ready(pod),
        is_being_deleted(pod),
        metadata.get("uid"),
    )


def build_endpoints(service: KubeObject, pods: Iterable[KubeObject]) -> KubeObject:
    """Return the Endpoints of a Service over the pods of its namespace. Pure."""
    spec = service["spec"]
    unready_too = bool(spec.get("publishNotReadyAddresses"))
    groups: dict[tuple[tuple[str, int, str], ...], dict[str, list[dict[str, Any]]]] = {}
    for pod in pods:
        address = (pod.get("status") or {}).get("podIP")
        if not address or not selects(service, pod) or not _counts(pod, unready_too):
            continue
        ports = _ports(spec.get("ports") or (), pod)
        if not ports and spec.get("ports"):
            continue  # it offers none of the named ports
        ready = unready_too or is_ready(pod)
        group = groups.setdefault(ports, {})
        kind = "addresses" if ready else "notReadyAddresses"
        group.setdefault(kind, []).append(_address(service, pod, address))
    labels = dict(labels_of(service))
    if spec.get("clusterIP") == "None":
        labels[_HEADLESS] = ""
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": labels,
        },
        "subsets": [_subset(ports, group) for ports, group in sorted(groups.items())],
    }


def _counts(pod: KubeObject, unready_too: bool) -> bool:
    if phase_of(pod) in ("Succeeded", "Failed"):
        return False
    return unready_too or not is_being_deleted(pod)


def _ports(ports: Iterable[Mapping[str, Any]], pod: KubeObject) -> tuple[tuple[str, int, str], ...]:
    found = []
    for port in ports:
        number = resolve_target(port, pod)
        if number is not None:
            found.append((port.get("name") or "", number, port.get("protocol") or "TCP"))
    return tuple(sorted(found))


def resolve_target(port: Mapping[str, Any], pod: KubeObject) -> int | None:
    """Return the pod's port that a Service's port leads to; None when the pod has no such name."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int) or str(target).isdigit():
        return int(target)
    for container in pod["spec"].get("containers") or ():
        for offered in container.get("ports") or ():
            if offered.get("name") == target:
                return int(offered["containerPort"])
    return None


def _address(service: KubeObject, pod: KubeObject, address: str) -> dict[str, Any]:
    spec = pod["spec"]
    entry: dict[str, Any] = {
        "ip": address,
        "nodeName": spec.get("nodeName"),
        "targetRef": {
            "kind": "Pod",
            "name": name_of(pod),
            "namespace": namespace_of(pod),
            "uid": uid_of(pod),
        },
    }
    if spec.get("hostname") and spec.get("subdomain") == name_of(service):
        entry["hostname"] = spec["hostname"]
    return {key: value for key, value in entry.items() if value is not None}


def _subset(
    ports: tuple[tuple[str, int, str], ...], group: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    subset: dict[str, Any] = {
        kind: sorted(group[kind], key=lambda entry: str(entry["ip"])) for kind in sorted(group)
    }
    if ports:
        subset["ports"] = [
            {"name": name, "port": port, "protocol": protocol}
            if name
            else {"port": port, "protocol": protocol}
            for name, port, protocol in ports
        ]
    return subset


def same_endpoints(one: KubeObject, other: KubeObject) -> bool:
    return (one.get("subsets") or []) == (other.get("subsets") or []) and dict(
        labels_of(one)
    ) == dict(labels_of(other))


def build_slice(service: KubeObject, endpoints: KubeObject) -> KubeObject:
    """Return the same facts as an EndpointSlice, which newer kubectls describe. Pure.

    One slice a Service; with several groups of ports the first one's ports are shown.
    """
    subsets = endpoints["subsets"]
    entries = [
        {
            "addresses": [address["ip"]],
            "conditions": {"ready": kind == "addresses"},
            "targetRef": address["targetRef"],
        }
        for subset in subsets
        for kind in ("addresses", "notReadyAddresses")
        for address in subset.get(kind) or ()
    ]
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": {
                **labels_of(service),
                "kubernetes.io/service-name": name_of(service),
                "endpointslice.kubernetes.io/managed-by": _MANAGER,
            },
        },
        "addressType": "IPv4",
        "endpoints": entries,
        "ports": subsets[0].get("ports") or [] if subsets else [],
    }
