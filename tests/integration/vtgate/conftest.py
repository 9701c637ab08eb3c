"""Three real servers for all gateway tests: a shard each, and one that holds everything."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from armillary.vtgate.tablets.cluster import Cluster
from tests.integration.mysqld.mysql_tree import CannotGetMysql
from tests.integration.vtgate.gate import (
    CELL,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.mysql_servers import make_mysql_template
from tests.integration.vtgate.schema import PLAIN_TABLES, TABLES, VSCHEMA
from tests.integration.vtgate.servers import (
    Server,
    Template,
    address_of,
    make_template,
    running_server,
)

# Which servers all the tests of the gateway have behind it.
SERVERS = "ARMILLARY_TEST_GATEWAY_SERVERS"
KINDS = ("MariaDB", "MySQL")
DOWNLOAD_S_MAX = 700  # the first of all tests with MySQL unpacks it
ADDRESSES = (address_of(1), address_of(2), address_of(3))
GATE_ADDRESS = address_of(10)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test has MariaDB behind the gateway; those so marked have MySQL as well.

    First of all such hooks, so that a test has one name, whichever folder pytest is given.
    """
    if "server_kind" not in metafunc.fixturenames:
        return
    chosen = os.environ.get(SERVERS)
    kinds = [chosen or KINDS[0]]
    if chosen is None and metafunc.definition.get_closest_marker("on_mysql_too"):
        kinds = [*KINDS]
    metafunc.parametrize("server_kind", kinds, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with many seeds, MySQL has only the one that its mark names."""
    if SERVERS not in os.environ:
        items[:] = [item for item in items if not _is_more_than_marked(item)]
    for item in items:
        if _params(item).get("server_kind") == "MySQL":
            item.add_marker(pytest.mark.timeout(DOWNLOAD_S_MAX))


def _is_more_than_marked(item: pytest.Item) -> bool:
    mark, params = item.get_closest_marker("on_mysql_too"), _params(item)
    if mark is None or params.get("server_kind") != "MySQL":
        return False
    return any(params[name] != value for name, value in mark.kwargs.items())


def _params(item: pytest.Item) -> Mapping[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture(scope="session")
def server_kind(request: pytest.FixtureRequest) -> str:
    kind = str(request.param)
    if kind not in KINDS:
        pytest.exit(f"{SERVERS}: wanted one of {', '.join(KINDS)}; found {kind!r}")
    return kind


@pytest.fixture(autouse=True)
def only_where_it_can_be(request: pytest.FixtureRequest) -> None:
    mark = request.node.get_closest_marker("mariadb_only")
    if mark is not None and request.getfixturevalue("server_kind") != "MariaDB":
        pytest.skip(f"MySQL has no {mark.args[0]}")


@pytest.fixture(scope="session")
def template(server_kind: str) -> Iterator[Template]:
    if server_kind == "MySQL":
        try:
            yield make_mysql_template()
        except CannotGetMysql as error:
            pytest.skip(f"MySQL is not tested here: {error}")
        return
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as directory:
        yield make_template(Path(directory))


@pytest.fixture(scope="session")
def servers(template: Template) -> Iterator[tuple[Server, ...]]:
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
                server.create(table, "vt_main")
        started[2].log_in_once()  # which the tests ask directly; on the others the gateway is first
        for table in TABLES:
            started[2].create(table, "whole")
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
