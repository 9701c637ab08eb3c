"""Port-forward as client libraries ask for it: numbered channels in a WebSocket."""

import hashlib
import json
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import anyio
import pytest

from armillary.local.pki import ensure_pki
from tests.integration.kubelet.rig import Rig, pod

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PROTOCOL = "v4.channel.k8s.io"
BYTES = 20_000_000
UNREAD_BYTES_MAX = 256 << 20
HELD_S = 3.0
# Takes BYTES, tells their digest, sends BYTES back and ends. 15998 takes and never reads.
SERVER = f"""
import hashlib, os, socket, threading
def serve(conn):
    digest, left = hashlib.md5(), {BYTES}
    while left:
        data = conn.recv(65536); digest.update(data); left -= len(data)
        if not data: return  # the probe
    conn.sendall(digest.hexdigest().encode() + bytes({BYTES})); conn.close()
deaf = socket.create_server((os.environ["POD_IP"], 15998))
with socket.create_server((os.environ["POD_IP"], 15999)) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()
"""


@asynccontextmanager
async def channels(
    rig: Rig, query: str, *protocols: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    pki = ensure_pki(rig.paths.dir)
    context = ssl.create_default_context(cafile=str(pki.ca_cert))
    port = json.loads(rig.paths.state.read_text())["apiserver_port"]
    url = f"https://127.0.0.1:{port}/api/v1/namespaces/default"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.ws_connect(
            f"{url}/pods/ports/portforward?{query}",
            protocols=protocols,
            headers={"Authorization": f"Bearer {pki.read_token()}"},
        ) as socket,
    ):
        yield socket


async def said(socket: aiohttp.ClientWebSocketResponse) -> dict[int, bytes]:
    """Read to the end: what each channel said."""
    found: dict[int, bytearray] = {}
    async for message in socket:
        found.setdefault(message.data[0], bytearray()).extend(message.data[1:])
    return {channel: bytes(data) for channel, data in found.items()}


@pytest.fixture
def ports(rig: Rig) -> None:
    probe = {"tcpSocket": {"port": 15999}, "periodSeconds": 1}
    rig.apply(pod("ports", "", command=["python3", "-c", SERVER], readinessProbe=probe))
    rig.wait_ready("ports")


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize("protocols", [(PROTOCOL,), ()])
async def test_bytes_go_both_ways_and_a_closed_port_is_told(
    rig: Rig, protocols: tuple[str, ...]
) -> None:
    block = b"some bytes" * 2000
    async with channels(rig, "ports=15999,15997", *protocols) as socket:
        for _ in range(BYTES // len(block)):
            await socket.send_bytes(b"\0" + block)
        found = await said(socket)
    digest = hashlib.md5(block * (BYTES // len(block))).hexdigest().encode()
    assert found[0] == struct.pack("<H", 15999) + digest + bytes(BYTES)
    assert found[1] == struct.pack("<H", 15999)
    assert found[2] == struct.pack("<H", 15997)
    assert b"an error occurred forwarding to port 15997" in found[3]


@pytest.mark.usefixtures("ports")
async def test_who_sends_to_a_pod_that_never_reads_is_held(rig: Rig) -> None:
    sent, block = 0, b"\0" + bytes(1 << 16)
    async with channels(rig, "ports=15998", PROTOCOL) as socket:
        with anyio.move_on_after(HELD_S) as scope:
            while sent < UNREAD_BYTES_MAX:
                await socket.send_bytes(block)
                sent += len(block)
                scope.deadline = anyio.current_time() + HELD_S
        assert sent < UNREAD_BYTES_MAX, "nobody read it, and nobody was held"
        connection = socket._response.connection
        assert connection is not None and connection.transport is not None
        connection.transport.abort()  # or the end of the session would wait to send it


@pytest.mark.usefixtures("ports")
@pytest.mark.parametrize(
    ("query", "protocol", "status"),
    [("", PROTOCOL, 400), ("ports=x", PROTOCOL, 400), ("ports=15999", "v1.other", 403)],
)
async def test_what_is_not_spoken_is_refused(
    rig: Rig, query: str, protocol: str, status: int
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with channels(rig, query, protocol):
            pass
    assert refused.value.status == status
