"""What every topology connection promises; see `armillary.topo.connection`."""

from contextlib import aclosing

import anyio
import pytest

from armillary.base.errors import (
    AlreadyExistsError,
    ConflictError,
    DeadlineError,
    NotFoundError,
)
from armillary.topo.connection import TopoConnection

pytestmark = pytest.mark.anyio

PATH = "keyspaces/main/Keyspace"


async def test_what_is_created_can_be_read(connection: TopoConnection) -> None:
    version = await connection.create(PATH, b"one")
    file = await connection.get(PATH)
    assert (file.data, file.version) == (b"one", version)


async def test_reading_an_absent_file_names_the_whole_path(connection: TopoConnection) -> None:
    with pytest.raises(NotFoundError, match=r"node doesn't exist: /.*/keyspaces/main/Keyspace$"):
        await connection.get(PATH)


async def test_creating_twice_is_refused_and_changes_nothing(connection: TopoConnection) -> None:
    await connection.create(PATH, b"one")
    with pytest.raises(AlreadyExistsError, match="node already exists"):
        await connection.create(PATH, b"two")
    assert (await connection.get(PATH)).data == b"one"


async def test_an_update_with_an_old_version_is_a_conflict(connection: TopoConnection) -> None:
    first = await connection.create(PATH, b"one")
    second = await connection.update(PATH, b"two", first)
    assert second > first
    with pytest.raises(ConflictError):
        await connection.update(PATH, b"three", first)
    assert (await connection.get(PATH)).data == b"two"


async def test_an_update_of_a_deleted_file_is_a_conflict(connection: TopoConnection) -> None:
    version = await connection.create(PATH, b"one")
    await connection.delete(PATH, None)
    with pytest.raises(ConflictError):
        await connection.update(PATH, b"two", version)


async def test_an_update_without_version_creates_or_replaces(connection: TopoConnection) -> None:
    await connection.update(PATH, b"one", None)
    await connection.update(PATH, b"two", None)
    assert (await connection.get(PATH)).data == b"two"


async def test_delete_checks_the_version_and_the_existence(connection: TopoConnection) -> None:
    version = await connection.create(PATH, b"one")
    await connection.update(PATH, b"two", version)
    with pytest.raises(ConflictError):
        await connection.delete(PATH, version)
    await connection.delete(PATH, None)
    with pytest.raises(NotFoundError):
        await connection.delete(PATH, None)
    with pytest.raises(NotFoundError):
        await connection.delete(PATH, version)


async def test_a_listing_has_the_directory_alone(connection: TopoConnection) -> None:
    await connection.create("keyspaces/a/Keyspace", b"1")
    await connection.create("keyspaces/ab/Keyspace", b"2")
    await connection.create("keyspaces/a/shards/0/Shard", b"3")
    files = await connection.list_files("keyspaces/a")
    assert {path: file.data for path, file in files.items()} == {
        "keyspaces/a/Keyspace": b"1",
        "keyspaces/a/shards/0/Shard": b"3",
    }
    assert {
        file.data for file in (await connection.list_files("keyspaces", data=False)).values()
    } == {b""}
    assert await connection.list_files("keyspaces/b") == {}


async def test_a_watch_gives_the_value_now_and_then_the_changes(
    connection: TopoConnection,
) -> None:
    with anyio.fail_after(40):
        async with aclosing(connection.watch(PATH)) as states:
            assert await anext(states) is None
            await connection.create(PATH, b"one")
            assert (state := await anext(states)) is not None and state.data == b"one"
            await connection.update(PATH, b"two", None)
            assert (state := await anext(states)) is not None and state.data == b"two"
            await connection.delete(PATH, None)
            assert await anext(states) is None


async def test_a_directory_watch_gives_all_files(connection: TopoConnection) -> None:
    with anyio.fail_after(40):
        await connection.create("tablets/z-1/Tablet", b"1")
        async with aclosing(connection.watch_dir("tablets")) as states:
            assert {p: f.data for p, f in (await anext(states)).items()} == {
                "tablets/z-1/Tablet": b"1"
            }
            await connection.create("tablets/z-2/Tablet", b"2")
            assert set(await anext(states)) == {"tablets/z-1/Tablet", "tablets/z-2/Tablet"}
            await connection.delete("tablets/z-1/Tablet", None)
            assert set(await anext(states)) == {"tablets/z-2/Tablet"}


async def test_a_lock_needs_something_in_the_directory(connection: TopoConnection) -> None:
    with pytest.raises(NotFoundError):
        async with connection.lock("keyspaces/main", "{}", timeout_s=1):
            pass


async def test_a_lock_is_held_by_one_at_a_time_in_the_order_of_asking(
    connection: TopoConnection,
) -> None:
    await connection.create(PATH, b"")
    order: list[str] = []
    inside = 0

    async def work(name: str) -> None:
        nonlocal inside
        async with connection.lock("keyspaces/main", name, timeout_s=20) as lock:
            inside += 1
            assert inside == 1
            await lock.check()
            order.append(name)
            await anyio.sleep(0.02)
            inside -= 1

    with anyio.fail_after(20):
        async with (
            connection.lock("keyspaces/main", "first", timeout_s=20),
            anyio.create_task_group() as cancelled_tasks,
        ):
            for name in ("x", "y"):
                cancelled_tasks.start_soon(work, name)
            await anyio.sleep(0.1)
            assert order == []
            cancelled_tasks.cancel_scope.cancel()
        async with anyio.create_task_group() as tasks:
            for name in ("a", "b", "c"):
                tasks.start_soon(work, name)
                await anyio.sleep(0.1)
    assert order == ["a", "b", "c"]


async def test_waiting_for_a_lock_ends_and_names_the_holder(connection: TopoConnection) -> None:
    await connection.create(PATH, b"")
    async with connection.lock("keyspaces/main", "the holder", timeout_s=20):
        with pytest.raises(DeadlineError, match="the holder"):
            async with connection.lock("keyspaces/main", "second", timeout_s=0.3):
                pass
    async with connection.lock("keyspaces/main", "third", timeout_s=20) as lock:
        await lock.check()


async def test_an_error_under_a_lock_comes_out_as_it_is(connection: TopoConnection) -> None:
    await connection.create(PATH, b"")
    with pytest.raises(AlreadyExistsError):
        async with connection.lock("keyspaces/main", "", timeout_s=20):
            await connection.create(PATH, b"")
    async with connection.lock("keyspaces/main", "", timeout_s=20):
        pass
