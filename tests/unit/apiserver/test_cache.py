"""The cache: lists, watches, old revisions, bounds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from armillary.local.apiserver.store.cache import CacheEvent, ExpiredError, ObjectCache
from armillary.local.apiserver.store.memory import MemoryStore
from armillary.local.apiserver.store.records import ObjectKey, encode_object

pytestmark = pytest.mark.anyio


def key(name: str, namespace: str = "n") -> ObjectKey:
    return ObjectKey("things", namespace, name)


def raw(name: str, *, size: int = 0, text: str = "") -> bytes:
    return encode_object({"metadata": {"name": name}, "text": text or "x" * size})


class Bench:
    """A cache on a store; writes wait until the cache has seen them."""

    def __init__(self, store: MemoryStore, cache: ObjectCache) -> None:
        self.store = store
        self.cache = cache

    async def put(self, name: str, text: str = "", *, size: int = 0, namespace: str = "n") -> int:
        where, value = key(name, namespace), raw(name, size=size, text=text)
        current = self.cache.get(where)
        if current is None:
            revision = await self.store.create(where, value)
        else:
            revision = await self.store.replace(where, value, current.revision)
        assert revision is not None
        await self.cache.wait_for(revision)
        return revision

    async def delete(self, name: str) -> int:
        current = self.cache.get(key(name))
        assert current is not None
        revision = await self.store.delete(key(name), current.revision)
        assert revision is not None
        await self.cache.wait_for(revision)
        return revision

    def names(self, namespace: str = "") -> list[str]:
        return [stored.key.name for stored in self.cache.select("things", namespace)]


@asynccontextmanager
async def bench(
    *, events_max: int = 1000, bytes_max: int = 10**6, queue_max: int = 100
) -> AsyncIterator[Bench]:
    store = MemoryStore()
    cache = ObjectCache(
        store,
        history_events_max=events_max,
        history_bytes_max=bytes_max,
        watch_queue_max=queue_max,
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(cache.run)
        yield Bench(store, cache)
        tasks.cancel_scope.cancel()


def told(events: list[CacheEvent] | None) -> list[tuple[str, str]]:
    assert events is not None
    words = {(False, True): "added", (True, True): "modified", (True, False): "deleted"}
    return [(words[(e.before is not None, e.after is not None)], e.key.name) for e in events]


async def test_lists_are_in_order_of_namespace_and_name() -> None:
    async with bench() as b:
        for name, namespace in (("b", "n"), ("a", "z"), ("a", "n")):
            await b.put(name, namespace=namespace)
        assert [(s.key.namespace, s.key.name) for s in b.cache.select("things")] == [
            ("n", "a"),
            ("n", "b"),
            ("z", "a"),
        ]
        assert b.names("z") == ["a"]


async def test_an_old_revision_can_be_listed() -> None:
    async with bench() as b:
        await b.put("kept", "old")
        await b.put("deleted")
        revision = await b.put("last")
        await b.put("kept", "new")
        await b.delete("deleted")
        await b.put("later")
        then = b.cache.select_at("things", "", revision)
        assert [s.key.name for s in then] == ["deleted", "kept", "last"]
        assert then[1].value["text"] == "old"
        assert b.names() == ["kept", "last", "later"]


async def test_a_watch_after_a_revision_misses_and_repeats_nothing() -> None:
    async with bench() as b:
        await b.put("before")
        after = await b.put("at")
        await b.put("missed")
        with b.cache.watch("things", "", after=after) as watcher:
            await b.put("missed", "changed")
            await b.delete("missed")
            assert told(await watcher.next_events(1)) == [
                ("added", "missed"),
                ("modified", "missed"),
                ("deleted", "missed"),
            ]


async def test_a_watch_of_one_namespace_sees_only_that() -> None:
    async with bench() as b:
        with b.cache.watch("things", "n", after=b.cache.revision) as watcher:
            await b.put("a", namespace="other")
            await b.put("b", namespace="n")
            assert told(await watcher.next_events(1)) == [("added", "b")]


async def test_history_is_bounded_by_count_and_bytes() -> None:
    for bounds in ({"events_max": 3}, {"bytes_max": 3000}):
        async with bench(**bounds) as b:
            first = await b.put("a", size=1000)
            for _ in range(6):
                await b.put("a", size=1000)
            with pytest.raises(ExpiredError), b.cache.watch("things", "", after=first):
                pass
            with pytest.raises(ExpiredError):
                b.cache.select_at("things", "", first)
            recent = b.cache.revision - 1
            with b.cache.watch("things", "", after=recent) as watcher:
                assert told(await watcher.next_events(1)) == [("modified", "a")]


async def test_a_slow_watcher_is_cut_off_and_others_are_not() -> None:
    async with bench(queue_max=3) as b:
        with (
            b.cache.watch("things", "", after=b.cache.revision) as slow,
            b.cache.watch("things", "", after=b.cache.revision) as fast,
        ):
            for number in range(5):
                await b.put(f"t{number}")
                assert told(await fast.next_events(1)) == [("added", f"t{number}")]
            assert await slow.next_events(1) is None


async def test_nothing_happening_is_told_after_the_timeout() -> None:
    async with bench() as b:
        with b.cache.watch("things", "", after=b.cache.revision) as watcher:
            assert await watcher.next_events(0.01) == []


async def test_lost_history_cuts_off_watchers_and_reads_again() -> None:
    store = MemoryStore()
    cache = ObjectCache(store)
    async with anyio.create_task_group() as tasks:
        await tasks.start(cache.run)
        with cache.watch("things", "", after=cache.revision) as watcher:
            store.lose_history()
            assert await watcher.next_events(5) is None
        revision = await store.create(key("a"), raw("a"))
        assert revision is not None
        with anyio.fail_after(5):
            await cache.wait_for(revision)
        assert cache.get(key("a")) is not None
        tasks.cancel_scope.cancel()


async def test_a_stored_object_carries_its_revision_in_both_forms() -> None:
    async with bench() as b:
        revision = await b.put("a", "text")
        stored = b.cache.get(key("a"))
        assert stored is not None
        assert stored.value["metadata"]["resourceVersion"] == str(revision)
        assert b'"resourceVersion":"%d"' % revision in stored.encoded
        stored.copy()["metadata"]["name"] = "changed"
        assert stored.value["metadata"]["name"] == "a"
