"""The API server on a real etcd: restarts of either, and two servers on one etcd."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from armillary.etcd.client import EtcdClient
from armillary.local.apiserver.main import open_apiserver
from armillary.local.apiserver.store.etcd import EtcdStore
from armillary.local.pki import ensure_pki
from tests.fakes.etcd_process import EtcdProcess, etcd_process
from tests.integration.apiserver.conftest import CONFIG_MAPS, Api, config_map, open_api

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

MERGE = "application/merge-patch+json"


@pytest.fixture
def etcd() -> Iterator[EtcdProcess]:
    with etcd_process() as process:
        yield process


@asynccontextmanager
async def serving(etcd: EtcdProcess, directory: Path) -> AsyncIterator[Api]:
    pki = ensure_pki(directory)
    async with (
        EtcdClient([etcd.address]) as client,
        open_apiserver(
            EtcdStore(client),
            pki=pki,
            host="127.0.0.1",
            port=0,
            service_cidr="127.11.128.0/17",
        ) as port,
        open_api(port, pki) as api,
    ):
        yield api


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ake-", dir="/tmp") as name:
        yield Path(name)


async def test_objects_and_versions_outlive_the_server(etcd: EtcdProcess, directory: Path) -> None:
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    services = "/api/v1/namespaces/default/services"
    async with serving(etcd, directory) as api:
        made = await api.create(CONFIG_MAPS, config_map("a", k="v"))
        address = (await api.create(services, service))["spec"]["clusterIP"]
    async with serving(etcd, directory) as api:
        assert await api.get(f"{CONFIG_MAPS}/a") == made
        service["metadata"] = {"name": "s2"}
        assert (await api.create(services, service))["spec"]["clusterIP"] != address


async def test_an_old_watch_is_told_to_list_again_after_a_restart(
    etcd: EtcdProcess, directory: Path
) -> None:
    async with serving(etcd, directory) as api:
        old = (await api.create(CONFIG_MAPS, config_map("a")))["metadata"]["resourceVersion"]
        await api.create(CONFIG_MAPS, config_map("b"))
    async with (
        serving(etcd, directory) as api,
        api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={old}") as stream,
    ):
        event = await stream.next()
        assert event is not None
        assert event["object"]["reason"] == "Expired"


async def test_a_watch_goes_on_over_a_restart_of_etcd(etcd: EtcdProcess, directory: Path) -> None:
    async with serving(etcd, directory) as api:
        version = (await api.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
        async with api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}") as stream:
            await api.create(CONFIG_MAPS, config_map("before"))
            assert await stream.told() == ("ADDED", "before")
            await anyio.to_thread.run_sync(etcd.stop)
            refused = await api.call("POST", CONFIG_MAPS, config_map("lost"))
            assert (refused.status, refused.body["reason"]) == (503, "ServiceUnavailable")
            assert len((await api.get(CONFIG_MAPS))["items"]) == 1, "reads go on"
            etcd.start()
            await anyio.to_thread.run_sync(etcd.wait_ready)
            with anyio.fail_after(20):
                await api.retry("POST", CONFIG_MAPS, config_map("after"), until=201)
            told = [await stream.told()]
            if told == [("ADDED", "lost")]:  # refused, but its outcome was unknown
                told = [await stream.told()]
            assert told == [("ADDED", "after")]


async def test_two_servers_on_one_etcd_lose_no_write(etcd: EtcdProcess, directory: Path) -> None:
    async with serving(etcd, directory) as one, serving(etcd, directory) as two:
        await one.create(CONFIG_MAPS, config_map("a"))
        statuses: list[int] = []

        async def patch(api: Api, name: str) -> None:
            for number in range(10):
                body = {"data": {f"{name}{number}": "v"}}
                answer = await api.call("PATCH", f"{CONFIG_MAPS}/a", body, content_type=MERGE)
                statuses.append(answer.status)

        with anyio.fail_after(40):
            await two.retry("GET", f"{CONFIG_MAPS}/a", None, until=200)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(patch, one, "one")
            tasks.start_soon(patch, two, "two")
        assert statuses == [200] * 20
        version = max(
            [await api.get(f"{CONFIG_MAPS}/a") for api in (one, two)],
            key=lambda value: int(value["metadata"]["resourceVersion"]),
        )
        assert len(version["data"]) == 20
