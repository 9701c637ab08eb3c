"""One suite for both stores: in memory and on a real etcd."""

import uuid
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from armillary.etcd.client import EtcdClient
from armillary.local.apiserver.store.etcd import EtcdStore
from armillary.local.apiserver.store.memory import MemoryStore
from armillary.local.apiserver.store.records import (
    ChangeBatch,
    HistoryLostError,
    ObjectKey,
    ObjectStore,
)
from tests.fakes.etcd_process import EtcdProcess, etcd_process

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def etcd() -> Iterator[EtcdProcess]:
    with etcd_process() as process:
        yield process


@pytest.fixture(
    params=["memory", pytest.param("etcd", marks=pytest.mark.integration)],
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    process: EtcdProcess = request.getfixturevalue("etcd")
    async with EtcdClient([process.address]) as client:
        yield EtcdStore(client)


def new_key(name: str = "a") -> ObjectKey:
    return ObjectKey(f"things-{uuid.uuid4().hex[:8]}.example.com", "n", name)


async def test_create_takes_a_key_once(store: ObjectStore) -> None:
    key = new_key()
    first = await store.create(key, b"1")
    assert first is not None
    assert await store.create(key, b"2") is None
    snapshot = await store.read_all()
    assert snapshot.revision >= first
    (mine,) = [change for change in snapshot.objects if change.key == key]
    assert (mine.raw, mine.revision) == (b"1", first)


async def test_replace_and_delete_need_the_current_revision(store: ObjectStore) -> None:
    key = new_key()
    first = await store.create(key, b"1")
    assert first is not None
    second = await store.replace(key, b"2", first)
    assert second is not None
    assert second > first
    assert await store.replace(key, b"3", first) is None
    assert await store.delete(key, first) is None
    third = await store.delete(key, second)
    assert third is not None
    assert third > second
    assert await store.delete(key, second) is None
    assert await store.replace(key, b"4", second) is None
    assert key not in {change.key for change in (await store.read_all()).objects}


async def test_keys_of_cluster_and_namespaces_stay_apart(store: ObjectStore) -> None:
    resource = new_key().resource
    keys = {
        ObjectKey(resource, "", "a"),
        ObjectKey(resource, "a", "a"),
        ObjectKey(resource, "b", "a"),
    }
    for key in keys:
        await store.create(key, b"x")
    found = {c.key for c in (await store.read_all()).objects if c.key.resource == resource}
    assert found == keys


async def collect(
    store: ObjectStore, after: int, count: int, key: ObjectKey
) -> list[tuple[bytes | None, int]]:
    found: list[tuple[bytes | None, int]] = []
    with anyio.fail_after(40):
        async for batch in store.changes(after):
            assert isinstance(batch, ChangeBatch)
            assert all(change.revision <= batch.revision for change in batch.changes)
            found += [(c.raw, c.revision) for c in batch.changes if c.key == key]
            if len(found) >= count:
                break
    return found


async def test_changes_come_in_order_from_any_revision(store: ObjectStore) -> None:
    key = new_key()
    start = (await store.read_all()).revision
    first = await store.create(key, b"1")
    assert first is not None
    second = await store.replace(key, b"2", first)
    assert second is not None
    third = await store.delete(key, second)
    assert third is not None
    everything = [(b"1", first), (b"2", second), (None, third)]
    assert await collect(store, start, 3, key) == everything
    assert await collect(store, first, 2, key) == everything[1:]


async def test_changes_that_come_later_are_told(store: ObjectStore) -> None:
    key = new_key()
    start = (await store.read_all()).revision
    seen: list[tuple[bytes | None, int]] = []
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            seen.extend(await collect(store, start, 1, key))

        tasks.start_soon(watch)
        await anyio.sleep(0.05)
        revision = await store.create(key, b"1")
    assert seen == [(b"1", revision)]


async def test_compacted_changes_are_lost_and_that_is_told(store: ObjectStore) -> None:
    key = new_key()
    start = (await store.read_all()).revision
    revision = await store.create(key, b"0")
    for number in range(3):
        assert revision is not None
        revision = await store.replace(key, b"%d" % number, revision)
    assert revision is not None
    await store.compact(revision)
    await store.compact(revision)  # again: nothing
    with pytest.raises(HistoryLostError):
        await collect(store, start, 1, key)
    assert key in {change.key for change in (await store.read_all()).objects}


async def test_more_objects_than_fit_a_page(store: ObjectStore) -> None:
    resource = new_key().resource
    async with anyio.create_task_group() as tasks:
        for number in range(1100):
            tasks.start_soon(store.create, ObjectKey(resource, "n", f"o{number:04d}"), b"x")
    found = [c.key.name for c in (await store.read_all()).objects if c.key.resource == resource]
    assert sorted(found) == [f"o{number:04d}" for number in range(1100)]
