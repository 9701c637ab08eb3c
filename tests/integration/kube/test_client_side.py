"""Client, informer, events and leader election against the real API server, objects in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from armillary.base.errors import AlreadyExistsError, ConflictError, InputError, NotFoundError
from armillary.kube import kinds
from armillary.kube.client import KubeClient
from armillary.kube.errors import LeaseLostError
from armillary.kube.events import EventRecorder
from armillary.kube.informer import Informer
from armillary.kube.kinds import KubeObject
from armillary.kube.leader import LeaderElection
from armillary.kube.objects import labels_of, name_of
from tests.fakes.apiserver import open_fake_cluster

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@asynccontextmanager
async def a_client(directory: Path) -> AsyncIterator[KubeClient]:
    async with (
        open_fake_cluster(directory, service_cidr="127.13.128.0/17") as cluster,
        KubeClient.from_kubeconfig(cluster.kubeconfig) as client,
    ):
        yield client


def config_map(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "data": {"k": "v"},
    }


async def eventually(look: Callable[[], bool]) -> None:
    with anyio.fail_after(40):
        while True:
            if look():
                return
            await anyio.sleep(0.02)


async def test_each_refusal_is_its_own_error(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        assert await client.get(kinds.CONFIG_MAP, "a", "default") is None
        created = await client.create(config_map("a"))
        with pytest.raises(AlreadyExistsError):
            await client.create(config_map("a"))
        await client.merge_patch(kinds.CONFIG_MAP, "a", "default", {"data": {"k": "w"}})
        with pytest.raises(ConflictError):
            await client.replace(created)
        with pytest.raises(NotFoundError):
            await client.merge_patch(kinds.CONFIG_MAP, "none", "default", {})
        with pytest.raises(InputError):
            await client.create(config_map("Not A Name"))
        with pytest.raises(ConflictError):
            await client.delete(kinds.CONFIG_MAP, "a", "default", uid="another")
        assert await client.delete(kinds.CONFIG_MAP, "a", "default") is True
        assert await client.delete(kinds.CONFIG_MAP, "a", "default") is False


async def test_apply_takes_away_what_is_no_longer_applied(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        await client.apply(config_map("a", x="1", y="2"), "me")
        await client.merge_patch(
            kinds.CONFIG_MAP, "a", "default", {"metadata": {"labels": {"z": "theirs"}}}
        )
        stored = await client.apply(config_map("a", x="1"), "me")
        assert labels_of(stored) == {"x": "1", "z": "theirs"}


async def test_a_list_longer_than_a_page_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armillary.kube.client._PAGE_OBJECTS", 3)
    async with a_client(tmp_path) as client:
        for index in range(8):
            await client.create(config_map(f"c{index}", even=str(index % 2 == 0)))
        found = (await client.list(kinds.CONFIG_MAP, "default")).items
        assert [name_of(obj) for obj in found] == [f"c{index}" for index in range(8)]
        even = (await client.list(kinds.CONFIG_MAP, "default", labels={"even": "True"})).items
        assert len(even) == 4


async def test_an_informer_follows_and_tells_every_change(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        await client.create(config_map("before", team="a"))
        informer = Informer(
            client,
            kinds.CONFIG_MAP,
            namespace="default",
            indexes={"team": lambda obj: [labels_of(obj).get("team", "")]},
        )
        told: list[tuple[bool, bool]] = []
        informer.on_change(lambda old, new: told.append((old is not None, new is not None)))
        async with anyio.create_task_group() as group:
            await group.start(informer.run)
            assert [name_of(obj) for obj in informer.list()] == ["before"]
            await client.create(config_map("after", team="b"))
            await eventually(lambda: informer.get("after", "default") is not None)
            patch = {"metadata": {"labels": {"team": "b"}}}
            await client.merge_patch(kinds.CONFIG_MAP, "before", "default", patch)
            await eventually(lambda: len(informer.by_index("team", "b")) == 2)
            assert informer.by_index("team", "a") == []
            await client.delete(kinds.CONFIG_MAP, "after", "default")
            await eventually(lambda: informer.get("after", "default") is None)
            group.cancel_scope.cancel()
        assert told == [(False, True), (False, True), (True, True), (True, False)]


async def test_a_listener_that_fails_stops_neither_the_informer_nor_the_others(
    tmp_path: Path,
) -> None:
    """Else one object that somebody did not expect would end the whole process at each start."""
    async with a_client(tmp_path) as client:
        await client.create(config_map("before"))
        informer = Informer(client, kinds.CONFIG_MAP, namespace="default")
        told: list[str] = []

        def fail(old: KubeObject | None, new: KubeObject | None) -> None:
            raise KeyError("spec")

        informer.on_change(fail)
        informer.on_change(lambda old, new: told.append(name_of(new or {"metadata": {}})))
        async with anyio.create_task_group() as group:
            await group.start(informer.run)
            await client.create(config_map("after"))
            await eventually(lambda: told == ["before", "after"])
            group.cancel_scope.cancel()


async def test_the_same_event_raises_a_count(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        about = await client.create(config_map("a"))
        recorder = EventRecorder(client, "test", resend_s=0)
        async with anyio.create_task_group() as group:
            group.start_soon(recorder.run)
            for _ in range(3):
                recorder.record(about, "Waiting", "for a reason", warning=True)

            async def count() -> list[int]:
                return [e["count"] for e in (await client.list(kinds.EVENT, "default")).items]

            with anyio.fail_after(40):
                while True:
                    if await count() == [3]:
                        break
                    await anyio.sleep(0.02)
            group.cancel_scope.cancel()


async def test_one_of_two_leads_and_the_other_follows_when_it_leaves(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        leading: list[str] = []
        leave = anyio.Event()

        def election(identity: str) -> LeaderElection:
            return LeaderElection(
                client, namespace="default", name="l", identity=identity, lease_s=1
            )

        async def first() -> None:
            leading.append("first")
            await leave.wait()

        async def second() -> None:
            leading.append("second")

        with anyio.fail_after(40):
            async with anyio.create_task_group() as group:
                group.start_soon(election("first").lead, first)
                await eventually(lambda: leading == ["first"])
                group.start_soon(election("second").lead, second)
                await anyio.sleep(1.5)  # longer than the lease: the first one renews it
                assert leading == ["first"]
                leave.set()
        assert leading == ["first", "second"]


async def test_a_leader_whose_lease_was_taken_stops(tmp_path: Path) -> None:
    async with a_client(tmp_path) as client:
        election = LeaderElection(client, namespace="default", name="l", identity="a", lease_s=0.6)
        started = anyio.Event()

        async def lead() -> None:
            started.set()
            await anyio.sleep_forever()

        async def steal() -> None:
            await started.wait()
            patch = {"spec": {"holderIdentity": "thief"}}
            await client.merge_patch(kinds.LEASE, "l", "default", patch)

        with anyio.fail_after(40), pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                group.start_soon(steal)
                group.start_soon(election.lead, lead)
        assert caught.group_contains(LeaseLostError)
