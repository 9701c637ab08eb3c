"""The lockserver's ports: open to the cluster's own certificates, shut to everybody else."""

import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import DeadlineError, InputError, UnavailableError
from armillary.etcd.client import EtcdClient
from armillary.etcd.records import EtcdTls
from armillary.settings.topo import TopoSettings
from armillary.topo.server import TopoServer
from tests.addresses import host
from tests.fakes.stranger import ask, stranger_context
from tests.integration.lockserver.members import (
    Members,
    client_tls,
    new_cluster_credentials,
    running_members,
)

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    with running_members(tmp_path_factory.mktemp("etcd")) as started:
        yield started


async def put_when_up(members: Members, tls: EtcdTls, key: str, value: bytes) -> None:
    """Write once there is a quorum."""
    with anyio.fail_after(60):
        async with EtcdClient(members.endpoints, tls, timeout_s=5) as client:
            while True:
                try:
                    await client.put(key, value)
                    return
                except UnavailableError:
                    await anyio.sleep(0.2)


async def test_a_client_of_the_cluster_is_served_over_a_restart(members: Members) -> None:
    await put_when_up(members, members.tls, "/restart", b"kept")
    await anyio.to_thread.run_sync(members.kill)
    members.start()
    with anyio.fail_after(60):
        async with EtcdClient(members.endpoints, members.tls, timeout_s=30) as client:
            kept = await client.get("/restart")
    assert kept is not None and kept.value == b"kept"


@pytest.mark.parametrize(
    "server_name",
    [
        None,  # the address that is dialled
        "example-etcd-faf13de3-client",
        "example-etcd-faf13de3-client.planetscale.svc.cluster.local",
        "example-etcd-faf13de3-2.example-etcd-faf13de3-peer",
        "localhost",
    ],
)
async def test_a_member_is_known_by_its_names_and_addresses(
    members: Members, server_name: str | None
) -> None:
    await put_when_up(members, replace(members.tls, server_name=server_name), "/name", b"")


async def refused(members: Members, tls: EtcdTls | None) -> None:
    async with EtcdClient(members.endpoints[:1], tls, timeout_s=1.5) as client:
        with pytest.raises((UnavailableError, DeadlineError)):
            await client.get("/name")


async def test_a_client_does_not_talk_to_a_server_of_another_name(members: Members) -> None:
    await put_when_up(members, members.tls, "/other", b"")
    await refused(members, replace(members.tls, server_name="elsewhere"))


# What a program of ours is: entered through `start`, with a main of its own.
ASKS = """
import anyio, sys
from pathlib import Path

def main():
    from armillary.base.errors import UnavailableError
    from armillary.etcd.client import EtcdClient
    from armillary.etcd.records import EtcdTls

    async def ask():
        tls = EtcdTls(ca=Path("ca"), cert=Path("cert"), key=Path("key"), server_name=sys.argv[1])
        async with EtcdClient(sys.argv[2:], tls) as client:
            try:
                await client.get("/name")
            except UnavailableError as error:
                print(error)

    anyio.run(ask)
"""


async def test_a_certificate_that_is_not_trusted_is_told_once_with_what_to_do(
    members: Members, tmp_path: Path
) -> None:
    """gRPC alone says that nobody answers, and fills the log with its handshakes meanwhile."""
    await put_when_up(members, members.tls, "/name", b"")
    (tmp_path / "asks.py").write_text(ASKS)
    _, others = new_cluster_credentials()
    for name, tls in (("ca", client_tls(others)), ("cert", members.tls), ("key", members.tls)):
        content = getattr(tls, name)
        assert isinstance(content, bytes)
        (tmp_path / name).write_bytes(content)
    enter = "from armillary.cli.start import _enter; _enter('asks')"
    command = [sys.executable, "-c", enter, members.tls.server_name or "", *members.endpoints]
    done = await anyio.run_process(command, cwd=tmp_path)
    assert done.stderr == b""
    assert f"the certificate at {members.endpoints[0]} is not trusted: unable to get" in str(done)
    assert "give the CA that signed this one" in str(done)


async def test_strangers_are_refused(members: Members) -> None:
    await put_when_up(members, members.tls, "/name", b"secret")
    await refused(members, None)
    await refused(members, replace(members.tls, cert=None, key=None))
    _, others = new_cluster_credentials()
    trusting = replace(client_tls(others), ca=members.tls.ca)
    await refused(members, trusting)  # another cluster's certificate, of the same name


@pytest.mark.parametrize("port", [2379, 2380])
async def test_a_port_says_nothing_without_a_certificate(members: Members, port: int) -> None:
    await put_when_up(members, members.tls, "/name", b"")
    for context in (None, stranger_context()):
        assert ask(members.addresses[1], port, "/version", context) == b""


async def test_a_clients_certificate_does_not_open_the_peer_port(
    members: Members, tmp_path: Path
) -> None:
    """vtgate has one; whoever breaks into it must not be able to speak for a member."""
    await put_when_up(members, members.tls, "/name", b"")
    context = stranger_context()
    files = {"cert": members.tls.cert, "key": members.tls.key}
    for name, content in files.items():
        assert isinstance(content, bytes)
        (tmp_path / name).write_bytes(content)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    assert b"200 OK" in ask(members.addresses[1], 2379, "/version", context)
    assert ask(members.addresses[1], 2380, "/version", context) == b""


async def test_health_is_all_that_is_told_without_a_certificate(members: Members) -> None:
    await put_when_up(members, members.tls, "/name", b"secret")
    host = members.addresses[1]
    assert b'{"health":"true"}' in ask(host, 2381, "/health")
    assert b"secret" not in ask(host, 2381, "/metrics")
    for path in ("/v2/keys/", "/v3/kv/range", "/v2/members", "/debug/pprof/", "/debug/vars"):
        assert b"404 Not Found" in ask(host, 2381, path)


async def test_members_find_together_once_their_addresses_are_certified(tmp_path: Path) -> None:
    """A pod's address is known only when it runs, so its certificate is renewed under it."""
    members = Members(tmp_path)
    members.write_certificate([])
    members.start()
    try:
        async with EtcdClient(members.endpoints, members.tls, timeout_s=3) as client:
            with pytest.raises((UnavailableError, DeadlineError)):
                await client.put("/too", b"early")
        members.write_certificate(list(members.addresses.values()))
        await put_when_up(members, members.tls, "/now", b"")
    finally:
        members.kill()


async def test_the_topology_is_read_with_the_flags_of_a_pod(
    members: Members, tmp_path: Path
) -> None:
    await put_when_up(members, members.tls, "/name", b"")
    for name, content in (("ca", members.tls.ca), ("c", members.tls.cert), ("k", members.tls.key)):
        assert isinstance(content, bytes)
        (tmp_path / name).write_bytes(content)
    settings = TopoSettings(
        topo_global_server_address=",".join(members.endpoints),
        topo_global_root="/vitess/example/global",
        topo_etcd_tls_ca=str(tmp_path / "ca"),
        topo_etcd_tls_cert=str(tmp_path / "c"),
        topo_etcd_tls_key=str(tmp_path / "k"),
        topo_etcd_tls_server_name=members.tls.server_name or "",
    )
    async with TopoServer.open(settings) as topo:
        assert await topo.list_keyspaces() == []
    missing = replace(settings, topo_etcd_tls_key=str(tmp_path / "none"))
    with pytest.raises(InputError, match="No such file"):
        async with TopoServer.open(missing):
            pass


async def test_a_server_said_to_speak_no_tls_is_asked_without(tmp_path: Path) -> None:
    """Certificates are one set for all servers; an external one may have none."""
    address = host()
    with socket.create_server((address, 2379)) as listener:
        settings = TopoSettings(
            topo_global_server_address=f"http://{address}:2379",
            topo_global_root="/vitess/example/global",
            topo_etcd_tls_ca=str(tmp_path / "never read"),
        )
        async with TopoServer.open(settings) as topo, anyio.create_task_group() as group:

            async def list_until_cancelled() -> None:
                await topo.list_keyspaces()

            group.start_soon(list_until_cancelled)
            connection, _ = await anyio.to_thread.run_sync(listener.accept)
            with connection:
                connection.settimeout(5)
                first = await anyio.to_thread.run_sync(connection.recv, 14)
            group.cancel_scope.cancel()
    assert first == b"PRI * HTTP/2.0"  # a TLS client would begin with a handshake record, 0x16
