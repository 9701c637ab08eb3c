"""API servers for tests: on memory for semantics, on a real etcd for what can break there."""

import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from armillary.local.pki import Pki
from tests.fakes.apiserver import open_fake_cluster

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: Any


@dataclass(frozen=True, slots=True)
class Api:
    """A bare HTTP client: these tests look at what goes over the wire."""

    session: aiohttp.ClientSession
    url: str
    pki: Pki

    async def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Answer:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "User-Agent": "tester/1.0 (test)"}
        async with self.session.request(
            method, self.url + path, data=data, headers=headers
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            return Answer(response.status, json.loads(text) if is_json else text, response.headers)

    async def retry(self, method: str, path: str, body: Any, *, until: int) -> None:
        while (await self.call(method, path, body)).status != until:  # noqa: ASYNC110
            await anyio.sleep(0.05)

    async def get(self, path: str) -> Json:
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.body
        return dict(answer.body)

    async def create(self, path: str, body: Any) -> Json:
        answer = await self.call("POST", path, body)
        assert answer.status == 201, answer.body
        return dict(answer.body)

    @asynccontextmanager
    async def watch(self, path: str) -> AsyncIterator["EventStream"]:
        timeout = aiohttp.ClientTimeout(total=30)
        async with self.session.get(self.url + path, timeout=timeout) as response:
            assert response.status == 200, await response.text()
            yield EventStream(response)


@dataclass(frozen=True, slots=True)
class EventStream:
    response: aiohttp.ClientResponse

    async def next(self) -> Json | None:
        """Return the next event; None at the end of the stream."""
        line = await self.response.content.readline()
        return dict(json.loads(line)) if line else None

    async def told(self) -> tuple[str, str]:
        event = await self.next()
        assert event is not None, "the watch ended"
        return event["type"], event["object"]["metadata"].get("name", "")


@asynccontextmanager
async def open_api(port: int, pki: Pki) -> AsyncIterator[Api]:
    context = ssl.create_default_context(cafile=str(pki.ca_cert))
    headers = {"Authorization": f"Bearer {pki.read_token()}"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0), headers=headers
    ) as session:
        yield Api(session, f"https://127.0.0.1:{port}", pki)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    with tempfile.TemporaryDirectory(prefix="aka-", dir="/tmp") as directory:
        async with (
            open_fake_cluster(Path(directory)) as cluster,
            open_api(cluster.port, cluster.pki) as api,
        ):
            yield api


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Json:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
