"""A Kubernetes API server inside the test: the real one of `armillary.local`, with objects in
memory. kubectl, and any client, can be pointed at the kubeconfig that it gives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from armillary.local.apiserver.main import open_apiserver
from armillary.local.apiserver.store.memory import MemoryStore
from armillary.local.pki import Pki, ensure_pki, write_kubeconfig


@dataclass(frozen=True, slots=True)
class FakeCluster:
    kubeconfig: Path
    port: int
    pki: Pki
    store: MemoryStore


@asynccontextmanager
async def open_fake_cluster(
    directory: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    service_cidr: str = "127.11.128.0/17",
) -> AsyncIterator[FakeCluster]:
    """Serve the Kubernetes API from memory while the context is open.

    No controllers and no kubelet run: pods stay Pending until the test, or a part under test,
    does something about it.
    """
    pki = ensure_pki(directory)
    store = MemoryStore()
    async with open_apiserver(
        store, pki=pki, host=host, port=port, service_cidr=service_cidr
    ) as listening_port:
        kubeconfig = write_kubeconfig(directory, port=listening_port)
        yield FakeCluster(kubeconfig, listening_port, pki, store)
