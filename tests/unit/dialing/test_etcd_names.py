"""An etcd by a name that the kubelet's hosts file does not have, or not yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest

from armillary.base import hosts
from armillary.base.errors import UnavailableError
from armillary.etcd.channel import EtcdChannels
from armillary.pb import etcdserverpb_pb2 as pb

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def etcd_on(address: str) -> AsyncIterator[int]:
    """Answer Range calls with revision 7; yields the port."""

    async def answer(request: pb.RangeRequest, context: object) -> pb.RangeResponse:
        return pb.RangeResponse(count=7)

    method = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=pb.RangeRequest.FromString,
        response_serializer=pb.RangeResponse.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("etcdserverpb.KV", {"Range": method}),)
    )
    port = server.add_insecure_port(f"{address}:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def count_at(endpoint: str, *, timeout_s: float) -> int:
    channels = EtcdChannels([endpoint], None)
    channels.open()
    try:
        response = await channels.call(
            "KV/Range", pb.RangeRequest(), pb.RangeResponse, timeout_s=timeout_s, repeat=True
        )
        return response.count
    finally:
        await channels.close()


@pytest.fixture(autouse=True)
def hosts_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hosts").write_text("127.0.0.1\tcell-etcd.invalid\n")
    monkeypatch.setenv(hosts.VARIABLE, str(tmp_path / "hosts"))


async def test_a_name_that_only_the_resolver_knows_is_dialled() -> None:
    async with etcd_on("127.0.0.1") as port:
        assert await count_at(f"localhost:{port}", timeout_s=20) == 7


async def test_a_name_in_the_file_is_dialled_there() -> None:
    async with etcd_on("127.0.0.1") as port:
        assert await count_at(f"cell-etcd.invalid:{port}", timeout_s=20) == 7


async def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnavailableError, match="has an address yet"):
        await count_at("no-etcd.invalid:2379", timeout_s=0.3)
