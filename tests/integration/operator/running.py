"""The real operator against the real API server (objects in memory), with nobody to run pods."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import anyio
import yaml

from armillary.base.errors import ArmillaryError
from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.kube.kinds import KubeObject, ResourceKind
from armillary.kube.objects import name_of
from armillary.operator.crd.definitions import DEFINITIONS, build_crd
from armillary.operator.main import run
from armillary.settings.operator import OperatorSettings
from tests.fakes.apiserver import open_fake_cluster

NAMESPACE = "planetscale"
EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"

_T = TypeVar("_T")


def example(backups: Path) -> KubeObject:
    documents: list[KubeObject] = list(
        yaml.safe_load_all((EXAMPLES / "procedure.yaml").read_text())
    )
    obj = documents[0]
    obj["metadata"]["namespace"] = NAMESPACE
    obj["spec"]["backup"]["locations"][0]["volume"]["hostPath"]["path"] = str(backups)
    return obj


@dataclass(frozen=True, slots=True)
class Running:
    client: KubeClient
    kubeconfig: Path

    async def names(self, kind: ResourceKind) -> set[str]:
        return {name_of(obj) for obj in (await self.client.list(kind, NAMESPACE)).items}

    async def get(self, kind: ResourceKind, name: str) -> KubeObject:
        found = await self.client.get(kind, name, NAMESPACE)
        assert found is not None, f"no {kind.kind} {name}"
        return found

    async def eventually(
        self, look: Callable[[], Awaitable[_T]], wanted: Callable[[_T], bool]
    ) -> _T:
        """Return what `look` gives once it is as wanted; fails the test after a while."""
        found: Any = None
        with anyio.move_on_after(120):
            while True:
                found = await look()
                if wanted(found):
                    return found  # type: ignore[no-any-return]
                await anyio.sleep(0.05)
        raise AssertionError(f"still {found!r}")


@asynccontextmanager
async def running_api(directory: Path) -> AsyncIterator[Running]:
    """The API server with all definitions, and no operator yet."""
    async with (
        open_fake_cluster(directory, service_cidr="127.13.128.0/17") as cluster,
        KubeClient.from_kubeconfig(cluster.kubeconfig) as client,
    ):
        for definition in DEFINITIONS:
            await client.apply(build_crd(definition), "test")
        await wait_served(client)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        await client.create(namespace)
        yield Running(client, cluster.kubeconfig)


@asynccontextmanager
async def operating(running: Running) -> AsyncIterator[None]:
    """Run an operator, and end it."""
    settings = OperatorSettings(
        kubeconfig=running.kubeconfig,
        local_image=True,
        storage_interval=timedelta(seconds=0.2),
    )
    async with anyio.create_task_group() as group:
        await group.start(run, settings)
        yield
        group.cancel_scope.cancel()


@asynccontextmanager
async def running_operator(directory: Path) -> AsyncIterator[Running]:
    async with running_api(directory) as running, operating(running):
        yield running


async def wait_served(client: KubeClient) -> None:
    for definition in DEFINITIONS:
        while True:
            try:
                await client.list(definition.resource)
                break
            except ArmillaryError:
                await anyio.sleep(0.05)


__all__ = [
    "NAMESPACE",
    "Running",
    "example",
    "kinds",
    "operating",
    "running_api",
    "running_operator",
    "wait_served",
]
