"""Data of claims: removed when the claim is surely gone, and never otherwise."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from armillary.local.kubelet.claims import ClaimJanitor
from armillary.local.kubelet.machine import claim_dir

pytestmark = pytest.mark.anyio


def claim(name: str, uid: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "uid": uid}}


@dataclass
class FakeApi:
    """The API server and the cache of claims at once."""

    cluster: str = "cluster-1"
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    cached: list[dict[str, Any]] = field(default_factory=list)

    async def get(self, kind: object, name: str, namespace: str | None = None) -> Any:
        if namespace is None:
            return {"metadata": {"uid": self.cluster}}
        return self.stored.get(name)

    def list(self) -> list[dict[str, Any]]:
        return self.cached

    def on_change(self, callback: object) -> None:
        pass


@dataclass
class FakeMachine:
    volumes: Path
    client: FakeApi
    claims: FakeApi


@dataclass
class FakeSpec:
    namespace: str = "ns"
    volumes: tuple[Any, ...] = ({"persistentVolumeClaim": {"claimName": "data-x"}},)


@dataclass
class FakeWorker:
    volumes: dict[str, Path]
    spec: FakeSpec = field(default_factory=FakeSpec)


@dataclass
class FakePods:
    running: list[FakeWorker] = field(default_factory=list)

    def workers(self) -> list[FakeWorker]:
        return self.running


@dataclass
class Scene:
    api: FakeApi
    pods: FakePods
    janitor: ClaimJanitor
    volume: Path

    async def sweep(self) -> bool:
        await self.janitor._remove_orphans()
        return self.volume.exists()


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    """A volume with data in it, whose claim nobody knows any more."""
    api, pods = FakeApi(), FakePods()
    janitor = ClaimJanitor(FakeMachine(tmp_path, api, api), pods)  # type: ignore[arg-type]
    await janitor.remember_cluster()
    volume = claim_dir(tmp_path, claim("data-x", "11111111-a"))
    volume.mkdir(parents=True)
    (volume / "rows").write_text("precious")
    return Scene(api, pods, janitor, volume)


async def test_data_goes_with_its_claim(scene: Scene) -> None:
    assert not await scene.sweep()


async def test_data_of_a_known_claim_stays(scene: Scene) -> None:
    scene.api.cached = [claim("data-x", "11111111-a")]
    assert await scene.sweep()


async def test_a_cache_that_lags_deletes_nothing(scene: Scene) -> None:
    scene.api.stored["data-x"] = claim("data-x", "11111111-a")
    assert await scene.sweep()


async def test_a_claim_made_anew_does_not_keep_the_old_data(scene: Scene) -> None:
    scene.api.cached = [claim("data-x", "22222222-b")]
    scene.api.stored["data-x"] = claim("data-x", "22222222-b")
    assert not await scene.sweep()


async def test_data_that_a_pod_still_uses_stays(scene: Scene) -> None:
    scene.pods.running.append(FakeWorker({"v": scene.volume}))
    assert await scene.sweep()


async def test_data_that_a_pod_just_taken_up_may_use_stays(scene: Scene) -> None:
    scene.pods.running.append(FakeWorker({}))
    assert await scene.sweep()
    scene.pods.running[0].volumes = {"v": Path("/elsewhere")}
    assert not await scene.sweep()


async def test_an_api_server_that_lost_its_store_deletes_nothing(scene: Scene) -> None:
    scene.api.cluster = "cluster-2"
    assert await scene.sweep()


async def test_volumes_of_unknown_origin_are_never_deleted(scene: Scene) -> None:
    (scene.volume.parent.parent / ".cluster").unlink()
    await scene.janitor.remember_cluster()
    assert await scene.sweep()
