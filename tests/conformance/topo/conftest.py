"""Every topology connection that must behave alike: memory, and a real etcd."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from armillary.etcd.client import EtcdClient
from armillary.topo.connection import TopoConnection
from armillary.topo.etcd_connection import EtcdConnection
from armillary.topo.memory import MemoryConnection, MemoryStore
from tests.fakes.etcd_process import etcd_process


@pytest.fixture(scope="session")
def etcd_address() -> Iterator[str]:
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed")
    with etcd_process() as server:
        yield server.address


@pytest.fixture(params=["memory", pytest.param("etcd", marks=pytest.mark.integration)])
async def connection(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[TopoConnection]:
    if request.param == "memory":
        yield MemoryConnection(MemoryStore(), "/vitess/global")
        return
    address = request.getfixturevalue("etcd_address")
    async with EtcdClient([address]) as client:
        # The test's own directory as root: tests share a server and not a key.
        yield EtcdConnection(client, f"{tmp_path}/global", lease_ttl_s=5)
