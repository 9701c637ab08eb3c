"""What several processes of a gateway must agree on, and how they ask one another."""

import os
import socket
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import UnavailableError
from armillary.vtgate.workers.line import Line, Message
from armillary.vtgate.workers.place import ClientCounts, Place, place_of
from armillary.vtgate.workers.supervisor import _listen_unix, add_up


def place(number: int, count: int, *, starts: int = 0) -> Place:
    return Place(number=number, count=count, starts=starts, line_fd=-1, clients_fd=-1)


@pytest.mark.parametrize("count", [2, 3, 64])
def test_no_two_workers_give_the_same_connection_id(count: int) -> None:
    given = [
        (place(number, count, starts=starts).connection_id(serial), number)
        for number in range(count)
        for starts in (0, 1, 5000)
        for serial in (1, 2, 1000)
    ]
    assert len({connection_id for connection_id, _ in given}) == len(given)
    for connection_id, number in given:
        assert 0 < connection_id <= 0xFFFFFFFF
        assert place_of(connection_id, count) == number


def test_each_worker_sees_the_clients_of_all() -> None:
    ours, file = ClientCounts.create(3)
    theirs = ClientCounts(os.dup(file), 3)
    theirs.set(2, 7)
    ours.set(0, 1)
    theirs.set(2, 5)
    assert ours.total() == theirs.total() == 6
    os.close(file)


def test_numbers_of_workers_are_added_up_table_by_table() -> None:
    total: dict[str, object] = {}
    add_up(total, {"commands": 2, "tablets": {"a": 1}})
    add_up(total, {"commands": 3, "tablets": {"a": 1, "b": 4}})
    assert total == {"commands": 5, "tablets": {"a": 2, "b": 4}}


@pytest.mark.anyio
async def test_both_ends_of_a_line_ask_and_a_closed_one_says_so() -> None:
    async def double(message: Message) -> Message:
        if message["ask"] != "double":
            raise ValueError("no such question")
        return {"result": 2 * message["value"]}

    one, other = socket.socketpair()
    ends = await Line.over(one, double), await Line.over(other, double)
    async with anyio.create_task_group() as tasks:
        for end in ends:
            tasks.start_soon(end.run)
        for end in ends:
            assert (await end.ask("double", value=21))["result"] == 42
            with pytest.raises(UnavailableError, match="no such question"):
                await end.ask("halve")
        tasks.cancel_scope.cancel()
    with pytest.raises(UnavailableError, match="has ended"):
        await ends[0].ask("double", value=1)


def test_only_a_socket_makes_way_for_the_clients_socket(tmp_path: Path) -> None:
    path = tmp_path / "clients.sock"
    path.write_text("somebody's")
    with pytest.raises(UnavailableError, match="no socket"):
        _listen_unix(str(path))
    assert path.read_text() == "somebody's"
    path.unlink()
    for _ in range(2):  # the second time over what a gateway that was killed left
        _listen_unix(str(path)).close()
    assert path.is_socket()
