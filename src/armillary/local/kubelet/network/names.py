"""Keeps the hosts files current with Services, Endpoints and pods. I/O."""

from collections.abc import Callable

import anyio

from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject
from armillary.local.kubelet.network.hosts import HostsFiles, build_names

_SETTLE_S = 0.02  # a burst of changes makes one file


class NameService:
    def __init__(
        self,
        files: HostsFiles,
        *,
        services: Informer,
        endpoints: Informer,
        pods: Informer,
        on_names: Callable[[str], None] = lambda namespace: None,
    ) -> None:
        """`on_names` hears the namespace whose names have changed."""
        self._files = files
        self._on_names = on_names
        self._services = services
        self._endpoints = endpoints
        self._pods = pods
        self._changed = anyio.Event()
        for informer in (services, endpoints, pods):
            informer.on_change(self._on_change)

    def _on_change(self, before: KubeObject | None, after: KubeObject | None) -> None:
        if _facts(before) != _facts(after):
            self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            await anyio.sleep(_SETTLE_S)
            self._changed = anyio.Event()
            await self.write_all()

    async def write_all(self) -> None:
        """Write every namespace's file; unchanged ones are not touched."""
        services, endpoints = self._services.list(), self._endpoints.list()
        pods = self._pods.list()
        namespaces = {item["metadata"]["namespace"] for item in (*services, *pods)}
        for namespace in sorted(namespaces):
            names = build_names(namespace, services, endpoints, pods)
            if self._files.write(namespace, names):
                self._on_names(namespace)


def _facts(obj: KubeObject | None) -> object:
    """Return what names depend on, so that a pod's other news writes no files."""
    if obj is None:
        return None
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return (
        obj.get("subsets"),
        spec.get("hostname"),
        spec.get("subdomain"),
        spec.get("publishNotReadyAddresses"),
        status.get("podIP"),
    )
