"""Three real servers for all gateway tests: a shard each, and one that holds everything."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.vtgate.gate import (
    CELL,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.schema import PLAIN_TABLES, TABLES, VSCHEMA
from tests.integration.vtgate.servers import (
    Server,
    address_of,
    make_template,
    running_server,
)

ADDRESSES = (address_of(1), address_of(2), address_of(3))
GATE_ADDRESS = address_of(10)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory:
        yield make_template(Path(directory))


@pytest.fixture(scope="session")
def servers(template: Path) -> Iterator[tuple[Server, ...]]:
    """Two shards of `main`, then the server of the unsharded keyspace and of comparison."""
    with ExitStack() as stack:
        started = tuple(
            stack.enter_context(
                running_server(template, address, databases=("vt_main", "vt_plain", "whole"))
            )
            for address in ADDRESSES
        )
        for server in started[:2]:
            for table in TABLES:
                server.query(table, "vt_main")
        for table in TABLES:
            started[2].query(table, "whole")
        for table in PLAIN_TABLES:
            started[2].query(table, "vt_plain")
        yield started


def make_cluster(servers: tuple[Server, ...]) -> Cluster:
    cluster = Cluster(cell=CELL)
    first, second, third = servers
    fill_cluster(
        cluster,
        {"main": VSCHEMA, "plain": '{"tables": {"item_seq": {"type": "sequence"}}}'},
        {"main": ("-80", "80-"), "plain": ("0",)},
        [
            tablet(first, "main", "-80", database="vt_main", uid=1),
            tablet(second, "main", "80-", database="vt_main", uid=2),
            tablet(third, "plain", "0", database="vt_plain", uid=3),
        ],
    )
    return cluster


@pytest.fixture(scope="session")
def gate(servers: tuple[Server, ...]) -> Iterator[Gate]:
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory:
        settings = settings_for(GATE_ADDRESS, Path(directory), enable_buffer=True)
        with running_gate(make_cluster(servers), settings) as running:
            yield running


@pytest.fixture
def clean(servers: tuple[Server, ...]) -> None:
    """Empty every table before a test."""
    for server, database in zip(servers, ("vt_main", "vt_main", "whole"), strict=True):
        server.empty(database)
    third = servers[2]
    third.query("delete from item_seq", "vt_plain")
    third.query("insert into item_seq values (0, 1, 10)", "vt_plain")
    third.query("delete from notes", "vt_plain")
