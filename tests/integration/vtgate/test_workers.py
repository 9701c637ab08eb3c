"""A gateway of several processes is one gateway: ids, KILL, limits, pages, deaths, its end."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pymysql
import pytest

from armillary.vtgate.main import supervise
from armillary.vtgate.workers.supervisor import Supervisor
from tests.integration.vtgate.clients import ask
from tests.integration.vtgate.gate import PASSWORD, USER, settings_for
from tests.integration.vtgate.schema import VSCHEMA
from tests.integration.vtgate.servers import Server, address_of

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean")]

ADDRESS = address_of(40)
PLAIN = '{"tables": {"item_seq": {"type": "sequence"}}}'
CLIENTS_MAX = 40
WAIT_S = 20.0


class Workers:
    def __init__(self, supervisor: Supervisor, socket_path: str) -> None:
        self.supervisor = supervisor
        self.socket_path = socket_path
        self._clients: list[Any] = []

    def connect(self, **how: Any) -> Any:
        where = how or {"host": ADDRESS, "port": 3306}
        client = pymysql.connect(
            user=USER, password=PASSWORD, database="main", autocommit=True, **where
        )
        self._clients.append(client)
        return client

    def one_of_each(self) -> tuple[Any, Any]:
        """Return clients of the first and of the second worker, the kernel having chosen."""
        found: dict[int, Any] = {}
        for _ in range(30):
            client = self.connect()
            found.setdefault((client.thread_id() - 1) % 2, client)
            if len(found) == 2:
                return found[0], found[1]
        raise AssertionError("all clients came to one worker")

    def close_clients(self) -> None:
        for client in self._clients:
            with contextlib.suppress(pymysql.Error):
                client.close()
        self._clients.clear()
        wait_for(lambda: self.page("/debug/vars")["mysql_connections"] == 0)

    def page(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{ADDRESS}:15000{path}", timeout=10) as answer:
            body = answer.read().decode()
        return json.loads(body) if body.startswith("{") else body


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            if condition():
                return
        except (OSError, urllib.error.URLError, pymysql.Error):
            pass
        time.sleep(0.05)  # noqa: TID251  another process is to get there
    raise AssertionError("it did not come to that")


@pytest.fixture(scope="module")
def all_workers(servers: tuple[Server, ...]) -> Iterator[Workers]:
    """Two workers under a supervisor that runs in a thread."""
    running: list[Supervisor] = []
    with tempfile.TemporaryDirectory(prefix="arm-vtg-", dir="/tmp") as name:
        socket_path = f"{name}/clients.sock"
        flags = {"max_connections": CLIENTS_MAX, "mysql_server_socket_path": socket_path}
        first, second, third = (server.address for server in servers)
        config = {
            "tablets": [
                (first, "main", "-80", "vt_main"),
                (second, "main", "80-", "vt_main"),
                (third, "plain", "0", "vt_plain"),
            ],
            "vschemas": {"main": VSCHEMA, "plain": PLAIN},
            "address": ADDRESS,
            "directory": name,
            "flags": flags,
        }
        command = (sys.executable, "-m", "tests.integration.vtgate.worker", json.dumps(config))
        settings = settings_for(ADDRESS, Path(name), mysql_server_workers=2, **flags)

        async def serve(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            async with anyio.create_task_group() as tasks:
                running.append(await tasks.start(supervise, settings, command))
                task_status.started()

        with anyio.from_thread.start_blocking_portal() as portal:
            future, _ = portal.start_task(serve)
            yield Workers(running[0], socket_path)
            pids = [member.pid for member in running[0].members]
            future.cancel()
            wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


@pytest.fixture
def workers(all_workers: Workers) -> Iterator[Workers]:
    yield all_workers
    all_workers.close_clients()


def test_statements_and_sequences_are_those_of_one_gateway(workers: Workers) -> None:
    one, other = workers.one_of_each()
    for number, client in enumerate((one, other, one, other), 1):
        assert ask(client, f"insert into orders values ({number}, {number}, 1, 'a')").errno == 0
    assert ask(other, "select count(*) from orders").rows == ((4,),)
    for client in (one, other, one, other):
        assert ask(client, "insert into items (label) values ('a')").errno == 0
    assert ask(other, "select count(*) from items").rows == ((4,),)
    taken = [ask(client, "select next value from plain.item_seq").rows for client in (one, other)]
    assert len({row for rows in taken for row in rows}) == 2


def test_kill_query_reaches_the_other_worker(workers: Workers) -> None:
    one, other = workers.one_of_each()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask(one, "select sleep(9), 'x'")))
    thread.start()
    wait_for(lambda: workers.page("/debug/vars")["mysql_commands"])
    time.sleep(0.3)  # noqa: TID251  the statement must be under way
    assert ask(other, f"kill query {one.thread_id()}").errno == 0
    thread.join(8)
    assert answers[0].errno == 1317
    assert ask(one, "select 1, 'mine'").rows == ((1, "mine"),)


def test_the_process_list_shows_the_clients_of_all_workers(workers: Workers) -> None:
    one, other = workers.one_of_each()
    ask(other, "use main:-80")
    listed = {row[0]: row[1:] for row in ask(one, "show processlist").rows}
    assert listed[one.thread_id()][0] == USER
    assert listed[one.thread_id()][3] == "Query"
    assert listed[one.thread_id()][6] == "show processlist"
    assert listed[other.thread_id()][2:4] == ("main:-80", "Sleep")
    assert listed[other.thread_id()][6] is None


def test_kill_ends_a_connection_of_the_other_worker(workers: Workers) -> None:
    one, other = workers.one_of_each()
    assert ask(one, f"kill {other.thread_id()}").errno == 0
    assert ask(other, "select 1").rows == ()
    assert ask(one, f"kill {other.thread_id()}").errno == 1094
    assert ask(one, f"kill {one.thread_id()}").errno == 1317


def test_clients_of_all_workers_count_against_the_limit(workers: Workers) -> None:
    for _ in range(CLIENTS_MAX):
        workers.connect()
    with pytest.raises(pymysql.OperationalError) as refused:
        workers.connect()
    assert refused.value.args[0] == 1040
    found = workers.page("/debug/vars")
    assert found["mysql_connections"] == CLIENTS_MAX
    assert len(found["workers"]) == 2


def test_the_unix_socket_leads_to_workers_too(workers: Workers) -> None:
    client = workers.connect(unix_socket=workers.socket_path)
    assert ask(client, "select count(*) from orders").rows == ((0,),)


def test_a_worker_that_dies_is_replaced_and_the_other_goes_on(workers: Workers) -> None:
    first, second = workers.one_of_each()
    assert workers.page("/debug/health") == "ok\n"
    member = workers.supervisor.members[0]
    starts = member.starts
    os.kill(member.pid, signal.SIGKILL)
    assert ask(second, "select 1, 'mine'").rows == ((1, "mine"),)
    assert workers.page("/debug/health") == "ok\n"
    wait_for(lambda: member.starts > starts and member.line is not None)
    wait_for(lambda: len({(workers.connect().thread_id() - 1) % 2 for _ in range(6)}) == 2)
    assert workers.page("/debug/vars")["workers"][0]["starts"] == starts + 1
    assert ask(second, f"kill {first.thread_id()}").errno == 1094
    assert {tablet["serving"] for tablet in workers.page("/debug/status")["tablets"]} == {True}
