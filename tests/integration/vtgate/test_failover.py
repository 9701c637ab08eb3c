"""A shard changes its primary under load: statements wait, none fails, none is done twice."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armillary.model.tablet import TabletType
from armillary.vtgate.tablets.cluster import Cluster
from armillary.wire.errnos import NET_READ_ERROR
from tests.integration.vtgate.clients import Answer, ask, connect_gate
from tests.integration.vtgate.gate import (
    CELL,
    Gate,
    fill_cluster,
    running_gate,
    settings_for,
    tablet,
)
from tests.integration.vtgate.schema import TABLES, VSCHEMA
from tests.integration.vtgate.servers import Server, Template, address_of, running_server

pytestmark = pytest.mark.integration

ADDRESSES = (address_of(21), address_of(22))
GATE_ADDRESS = address_of(20)


class Shard:
    """Two servers that take turns as the primary of `-80`; `80-` has one of its own."""

    def __init__(self, gate: Gate, servers: tuple[Server, ...]) -> None:
        self.gate = gate
        self.servers = servers
        self.primary = 0
        self.term = 1

    def call(self, function: Any, *args: object) -> None:
        self.gate.call(function, *args)  # type: ignore[operator]

    def step_down(self) -> None:
        """What a demotion does: writes are refused before anybody else may take them."""
        self.servers[self.primary].query("set global read_only = 1")

    def promote_other(self) -> None:
        self.primary = 1 - self.primary
        self.term += 1
        server = self.servers[self.primary]
        server.query("set global read_only = 0")
        for number, one in enumerate(self.servers):
            self.call(
                self.gate.cluster.set_tablet,
                replace(
                    tablet(one, "main", "-80", database="vt_main", uid=number + 1),
                    type=TabletType.PRIMARY if number == self.primary else TabletType.REPLICA,
                    term_start_s=self.term,
                ),
            )


@pytest.fixture(scope="module")
def pair(template: Template) -> Iterator[tuple[Server, ...]]:
    with ExitStack() as stack:
        started = tuple(
            stack.enter_context(running_server(template, address, databases=("vt_main",)))
            for address in ADDRESSES
        )
        for server in started:
            for table in TABLES:
                server.create(table, "vt_main")
            # The gateway's user must not be able to write where read_only is set.
            admin = "connection_admin" if server.is_mysql else "read_only admin"
            server.query(f"revoke super, {admin} on *.* from vt_app")
        yield started


@pytest.fixture
def shard(servers: tuple[Server, ...], pair: tuple[Server, ...], clean: None) -> Iterator[Shard]:
    with ExitStack() as stack:
        for server in pair:
            server.query("set global read_only = 0")
            server.empty("vt_main")
        cluster = Cluster(cell=CELL)
        fill_cluster(
            cluster,
            {"main": VSCHEMA},
            {"main": ("-80", "80-")},
            [
                tablet(pair[0], "main", "-80", database="vt_main", uid=1),
                tablet(servers[1], "main", "80-", database="vt_main", uid=3),
            ],
        )
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        settings = settings_for(GATE_ADDRESS, Path(directory), enable_buffer=True)
        yield Shard(stack.enter_context(running_gate(cluster, settings)), pair)


def write_until(stop: threading.Event, gate: Gate, first: int, answers: list[Answer]) -> None:
    client = connect_gate(gate)
    number = first
    while not stop.is_set():
        number += 1
        answers.append(ask(client, f"insert into users values ({number}, 'n{number}')"))
    client.close()


def test_no_write_fails_while_the_primary_moves(shard: Shard) -> None:
    answers: list[list[Answer]] = [[], [], []]
    stop = threading.Event()
    threads = [
        threading.Thread(target=write_until, args=(stop, shard.gate, 100_000 * n, answers[n]))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)  # noqa: TID251  let some load build up
    for _ in range(2):
        shard.step_down()
        time.sleep(0.4)  # noqa: TID251  nobody is primary for a while
        shard.promote_other()
        time.sleep(0.6)  # noqa: TID251
    stop.set()
    for thread in threads:
        thread.join(30)
    done = [answer for part in answers for answer in part]
    assert len(done) > 20
    assert [answer for answer in done if answer.errno] == []
    # The pair does not replicate here, so each row is in one of them, once.
    count = sum(
        int(str(server.query("select count(*) from users", "vt_main")[0][0]))
        for server in shard.servers
    )
    other = shard.gate
    client = connect_gate(other, "main:80-")
    count += int(str(ask(client, "select count(*) from users").rows[0][0]))
    client.close()
    assert count == len(done)


def test_without_a_new_primary_a_statement_fails_after_the_window(shard: Shard) -> None:
    client = connect_gate(shard.gate)
    assert ask(client, "insert into orders values (1, 102, 1, 'x')").errno == 0
    shard.gate.listener.gateway.tablets.buffer = replace(
        shard.gate.listener.gateway.tablets.buffer, window_s=0.7
    )
    shard.step_down()
    started = time.monotonic()
    failed = ask(client, "insert into orders values (2, 102, 1, 'x')")
    assert failed.errno != 0
    assert 0.5 < time.monotonic() - started < 5
    # Reads go on all the while, and so does the other shard.
    read = ask(client, "select id from orders where user_id = 102")
    assert read.rows == ((1,),), read
    assert ask(client, "insert into orders values (3, 101, 1, 'x')").errno == 0
    client.close()


def test_a_transaction_that_has_written_ends_with_its_primary(shard: Shard) -> None:
    client = connect_gate(shard.gate)
    ask(client, "begin")
    assert ask(client, "insert into orders values (1, 102, 1, 'x')").errno == 0
    for (thread,) in shard.servers[0].query(
        "select id from information_schema.processlist where user = 'vt_app'"
    ):
        shard.servers[0].query(f"kill {thread}")
    time.sleep(0.2)  # noqa: TID251  the gateway hears of it
    assert ask(client, "insert into orders values (2, 102, 1, 'x')").errno == NET_READ_ERROR
    assert ask(client, "select count(*) from orders").rows == ((0,),)
    assert ask(client, "insert into orders values (2, 102, 1, 'x')").errno == 0
    client.close()


def test_a_transaction_comes_to_its_end_on_a_primary_that_takes_nothing_new(shard: Shard) -> None:
    """Its lookup rows go where its other rows are; waiting for the next primary would end it."""
    shard.gate.listener.gateway.tablets.buffer = replace(
        shard.gate.listener.gateway.tablets.buffer, window_s=0.7
    )
    client, other = connect_gate(shard.gate), connect_gate(shard.gate)
    ask(client, "begin")
    assert ask(client, "insert into orders values (1, 102, 1, 'x')").errno == 0
    demoting = tablet(shard.servers[0], "main", "-80", database="vt_main", uid=1)
    shard.call(shard.gate.cluster.set_tablet, replace(demoting, serving=False))
    for row in range(4):  # some of their lookup rows are in each shard
        values = f"(102, 'e{row}', 'c{row}')".replace("102", str(102 + 1000 * row))
        answer = ask(client, f"insert into members values {values}")
        assert answer.errno == 0, answer
    assert ask(client, "commit").errno == 0
    shard.call(shard.gate.cluster.set_tablet, demoting)
    assert ask(other, "select count(*) from members").rows == ((4,),)
    client.close()
    other.close()


def test_what_a_session_left_on_a_primary_is_told_as_gone_with_it(shard: Shard) -> None:
    one, other = connect_gate(shard.gate, "main:-80"), connect_gate(shard.gate)
    assert ask(one, "lock tables orders write").errno == 0
    assert ask(other, "select get_lock('x', 0)").rows == ((1,),)
    shard.promote_other()
    told = ask(one, "insert into orders values (1, 102, 1, 'x')")
    assert told.errno == NET_READ_ERROR
    assert "this session's table locks on main/-80 are gone" in told.message
    assert ask(one, "insert into orders values (1, 102, 1, 'x')").errno == 0
    told = ask(other, "select 1")
    assert told.errno == NET_READ_ERROR
    assert "named locks on main/-80 are gone: another tablet serves there now" in told.message
    assert ask(other, "select get_lock('x', 0)").rows == ((1,),)
    for client in (one, other):
        client.close()


def test_replicas_serve_reads_near_and_fresh_first(shard: Shard) -> None:
    cluster = shard.gate.cluster
    replica = replace(
        tablet(shard.servers[1], "main", "-80", database="vt_main", uid=2),
        type=TabletType.REPLICA,
    )
    shard.call(cluster.set_tablet, replica)
    shard.servers[1].query("insert into orders values (5, 102, 1, 'replica')", "vt_main")
    client = connect_gate(shard.gate, "main@replica")
    assert ask(client, "select note from orders where user_id = 102").rows == (("replica",),)
    # Its primary is away, say: that is no reason to refuse what it can still answer.
    shard.call(cluster.set_tablet, replace(replica, problem="replication stopped"))
    assert ask(client, "select note from orders where user_id = 102").rows == (("replica",),)
    shard.call(cluster.set_tablet, replace(replica, serving=False, problem="mysqld is away"))
    # Only a primary is waited for; this wait would not end within the test's limit.
    shard.gate.listener.gateway.tablets.buffer = replace(
        shard.gate.listener.gateway.tablets.buffer, window_s=3600.0
    )
    assert "no healthy tablet" in ask(client, "select * from orders where user_id = 102").message
    client.close()


def test_a_read_of_all_shards_goes_to_another_replica_when_one_is_gone(shard: Shard) -> None:
    cluster = shard.gate.cluster
    other = tablet(shard.servers[1], "main", "80-", database="vt_main", uid=5)
    here = tablet(shard.servers[1], "main", "-80", database="vt_main", uid=2)
    gone = replace(here, alias=replace(here.alias, uid=4), port=1)  # nobody listens there
    for one in (other, here, gone):
        shard.call(cluster.set_tablet, replace(one, type=TabletType.REPLICA))
    client = connect_gate(shard.gate, "main@replica")
    answers = [ask(client, "select count(*) from orders") for _ in range(6)]
    assert [answer.rows or answer.message for answer in answers] == [((0,),)] * 6
    client.close()


def test_a_read_of_all_shards_waits_for_the_next_primary(shard: Shard) -> None:
    cluster = shard.gate.cluster
    client = connect_gate(shard.gate)
    assert ask(client, "select count(*) from orders").rows == ((0,),)
    primary = cluster.choose("main", "-80", TabletType.PRIMARY)
    shard.call(cluster.set_tablet, replace(primary, port=1))  # health does not know it yet
    answers: list[Answer] = []
    reader = threading.Thread(
        target=lambda: answers.append(ask(client, "select count(*) from orders"))
    )
    reader.start()
    time.sleep(0.3)  # noqa: TID251  it is refused meanwhile
    shard.promote_other()
    reader.join(30)
    assert [answer.rows or answer.message for answer in answers] == [((0,),)]
    client.close()
