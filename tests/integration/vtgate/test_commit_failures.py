"""A connection that breaks at COMMIT: the client is told what is done, undone and unknown."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from armillary.wire.errnos import NET_READ_ERROR
from tests.integration.vtgate.clients import ask, connect_gate
from tests.integration.vtgate.conftest import make_cluster
from tests.integration.vtgate.cutting_proxy import CuttingProxy, cutting_proxy
from tests.integration.vtgate.gate import Gate, running_gate, settings_for
from tests.integration.vtgate.servers import Server, address_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

# 1 and 2 live on -80, 4 on 80-; so do their lookup rows by name, somewhere.
FIRST, SECOND = "main/-80", "main/80-"


@pytest.fixture
def cut(servers: tuple[Server, ...]) -> Iterator[tuple[Gate, tuple[CuttingProxy, ...]]]:
    targets = [(server.address, server.port) for server in servers[:2]]
    with (
        cutting_proxy(address_of(31), 3306, targets[0]) as first,
        cutting_proxy(address_of(32), 3306, targets[1]) as second,
        tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory,
    ):
        behind = tuple(
            replace(server, address=proxy.address)
            for server, proxy in zip(servers, (first, second), strict=False)
        )
        cluster = make_cluster((*behind, servers[2]))
        settings = settings_for(address_of(30), Path(directory))
        with running_gate(cluster, settings) as gate:
            yield gate, (first, second)


def stored(servers: tuple[Server, ...]) -> list[set[object]]:
    return [{row[0] for row in s.query("select id from orders", "vt_main")} for s in servers[:2]]


ROWS = "insert into orders values (1, 1, 1, 'a'), (4, 4, 4, 'd')"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("explicit", [False, True])
def test_the_error_tells_what_became_of_each_shard(
    cut: tuple[Gate, tuple[CuttingProxy, ...]],
    servers: tuple[Server, ...],
    moment: str,
    which: int,
    explicit: bool,
) -> None:
    gate, proxies = cut
    client = connect_gate(gate)
    assert ask(client, "select count(*) from orders").rows == ((0,),)
    if explicit:
        ask(client, "begin")
        assert ask(client, ROWS).errno == 0
    proxies[which].cut = moment
    answer = ask(client, "commit" if explicit else ROWS)
    assert answer.errno == NET_READ_ERROR
    assert "not committed as a whole" in answer.message
    lost = (FIRST, SECOND)[which]
    assert f"lost the connection to {lost} during COMMIT" in answer.message
    if which == 0:
        assert f"rolled back on {SECOND}" in answer.message
    else:
        assert f"committed on 1 shards: {FIRST}" in answer.message
    found = stored(servers)
    assert found[1 - which] == (set() if which == 0 else {1})
    assert found[which] in (set(), {(1, 4)[which]})
    if moment == "before":
        assert found[which] == set()
    client.close()


def test_an_insert_with_lookup_rows_says_that_its_end_is_unknown(
    cut: tuple[Gate, tuple[CuttingProxy, ...]], servers: tuple[Server, ...]
) -> None:
    gate, proxies = cut
    client = connect_gate(gate)
    assert ask(client, "select count(*) from users").rows == ((0,),)
    proxies[0].cut = proxies[1].cut = "before"
    answer = ask(client, "insert into users values (1, 'a'), (4, 'd')")
    assert answer.errno == NET_READ_ERROR
    assert "whether it was done is unknown" in answer.message
    client.close()
