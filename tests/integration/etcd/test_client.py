"""The etcd client against a real etcd, also one that restarts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import pytest

from armillary.base.errors import UnavailableError
from armillary.etcd.client import EtcdClient
from armillary.etcd.lease import held_lease
from armillary.etcd.records import (
    LeaseLostError,
    RevisionCompactedError,
    delete_op,
    mod_revision_is,
    prefix_end,
    put_op,
)
from tests.addresses import host
from tests.fakes.etcd_process import EtcdProcess, etcd_process

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture(scope="module")
def server() -> Iterator[EtcdProcess]:
    with etcd_process() as process:
        yield process


@pytest.fixture
async def etcd(server: EtcdProcess) -> AsyncIterator[EtcdClient]:
    async with EtcdClient([server.address]) as client:
        for pair in (await client.range("")).kvs:
            await client.delete(pair.key)
        yield client


async def test_a_page_is_read_at_the_revision_of_the_first(etcd: EtcdClient) -> None:
    for number in range(5):
        await etcd.put(f"/a/{number}", b"old")
    first = await etcd.range("/a/", limit=2)
    await etcd.put("/a/4", b"new")
    await etcd.put("/a/5", b"new")
    assert (len(first.kvs), first.more, first.count) == (2, True, 5)
    start = first.kvs[-1].key + b"\0"
    rest = await etcd.range((start, prefix_end(b"/a/")), revision=first.revision)
    assert [(kv.key, kv.value) for kv in rest.kvs] == [
        (b"/a/2", b"old"),
        (b"/a/3", b"old"),
        (b"/a/4", b"old"),
    ]
    names = await etcd.range("/a/", keys_only=True)
    assert len(names.kvs) == 6 and not any(kv.value for kv in names.kvs)


async def test_the_empty_prefix_is_everything(etcd: EtcdClient) -> None:
    await etcd.put("/a", b"1")
    await etcd.put("zzz", b"2")
    assert len((await etcd.range("")).kvs) == 2


async def test_create_replace_and_delete_compare(etcd: EtcdClient) -> None:
    revision = await etcd.create("/k", b"1")
    assert revision is not None and await etcd.create("/k", b"2") is None
    newer = await etcd.replace("/k", b"2", revision)
    assert newer is not None and await etcd.replace("/k", b"3", revision) is None
    assert not await etcd.delete("/k", revision)
    assert await etcd.delete("/k", newer)
    assert not await etcd.delete("/k")


async def test_a_transaction_is_one_batch(etcd: EtcdClient) -> None:
    revision = await etcd.put("/t/a", b"1")
    async with aclosing(etcd.watch("/t/", revision + 1, previous=True)) as batches:
        done = await etcd.txn(
            [mod_revision_is("/t/a", revision)],
            [delete_op("/t/a"), put_op("/t/b", b"2")],
        )
        assert done.succeeded
        with anyio.fail_after(40):
            batch = await anext(batches)
    assert batch.revision == done.revision
    assert [(e.kv.key, e.is_delete) for e in batch.events] == [(b"/t/a", True), (b"/t/b", False)]
    assert batch.events[0].previous is not None and batch.events[0].previous.value == b"1"


async def test_a_watch_misses_and_repeats_nothing_over_restarts(
    server: EtcdProcess, etcd: EtcdClient
) -> None:
    start = await etcd.put("/w/0", b"")
    seen: list[bytes] = []
    all_seen = anyio.Event()

    async def collect() -> None:
        async with aclosing(etcd.watch("/w/", start)) as batches:
            async for batch in batches:
                seen.extend(event.kv.key for event in batch.events)
                if len(seen) >= 7:
                    all_seen.set()

    with anyio.fail_after(40):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect)
            for number in range(1, 4):
                await etcd.put(f"/w/{number}a", b"")
                await anyio.to_thread.run_sync(_restart, server)
                await etcd.put(f"/w/{number}b", b"")
            await all_seen.wait()
            await anyio.sleep(0.2)  # room for one that comes twice
            tasks.cancel_scope.cancel()
    assert seen == [b"/w/0", b"/w/1a", b"/w/1b", b"/w/2a", b"/w/2b", b"/w/3a", b"/w/3b"]


def _restart(server: EtcdProcess) -> None:
    server.stop()
    server.start()
    server.wait_ready()


async def test_a_compacted_revision_cannot_be_watched_or_read(etcd: EtcdClient) -> None:
    old = await etcd.put("/c", b"1")
    newest = await etcd.put("/c", b"2")
    await etcd.compact(newest)
    await etcd.compact(newest)
    with pytest.raises(RevisionCompactedError), anyio.fail_after(40):
        async with aclosing(etcd.watch("/c", old)) as batches:
            await anext(batches)
    with pytest.raises(RevisionCompactedError):
        await etcd.range("/c", revision=old)


async def test_a_watch_from_a_store_that_is_younger_is_refused(etcd: EtcdClient) -> None:
    future = await etcd.revision() + 1000
    with pytest.raises(RevisionCompactedError), anyio.fail_after(40):
        async with aclosing(etcd.watch("/c", future)) as batches:
            await anext(batches)


async def test_a_lease_takes_its_keys_along(etcd: EtcdClient) -> None:
    async with held_lease(etcd, 5) as lease:
        await etcd.put("/l", b"", lease=lease)
        assert await etcd.keep_alive(lease) == 5
    assert await etcd.get("/l") is None
    with pytest.raises(LeaseLostError):
        await etcd.keep_alive(lease)
    await etcd.revoke(lease)


async def test_a_lease_is_kept_alive_beyond_its_time(etcd: EtcdClient) -> None:
    async with held_lease(etcd, 2) as lease:
        await etcd.put("/l", b"", lease=lease)
        await anyio.sleep(4)
        assert await etcd.get("/l") is not None


async def test_an_etcd_that_is_away_is_unavailable_in_bounded_time() -> None:
    async with EtcdClient([f"{host()}:2379"], timeout_s=0.5) as client:
        with anyio.fail_after(40):
            with pytest.raises(UnavailableError):
                await client.get("/a")
            with pytest.raises(UnavailableError):
                await client.put("/a", b"")


async def test_a_deadline_around_a_call_holds_while_etcd_is_away() -> None:
    async with EtcdClient([f"{host()}:2379"], timeout_s=30) as client:
        for call in (client.get("/a"), client.put("/a", b""), client.keep_alive(1)):
            with anyio.move_on_after(0.2) as deadline:
                await call
            assert deadline.cancelled_caught


async def test_a_unix_socket_is_an_endpoint(short_dir: Path, server: EtcdProcess) -> None:
    """etcd serves one through a relay here: the client is what is tested."""
    path = short_dir / "etcd.sock"
    address, port = server.address.split(":")

    async def relay(stream: anyio.abc.SocketStream) -> None:
        async with (
            stream,
            await anyio.connect_tcp(address, int(port)) as upstream,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_copy, upstream, stream)
            await _copy(stream, upstream)
            tasks.cancel_scope.cancel()

    async with (
        await anyio.create_unix_listener(path) as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, relay)
        async with EtcdClient([f"unix:{path}"]) as client:
            assert await client.put("/u", b"1")
        tasks.cancel_scope.cancel()


async def _copy(source: anyio.abc.SocketStream, sink: anyio.abc.SocketStream) -> None:
    try:
        async for data in source:
            await sink.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


async def test_a_name_of_the_hosts_file_is_followed(
    server: EtcdProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1\tlocalhost\n")
    monkeypatch.setenv("ARMILLARY_HOSTS_FILE", str(hosts))
    address, _, port = server.address.rpartition(":")
    async with (
        EtcdClient([f"the-lockserver:{port}"], timeout_s=15.0) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(client.put, "/named", b"1")  # waits for an address
        await anyio.sleep(0.2)
        hosts.write_text(f"127.0.0.1\tlocalhost\n{address}\tthe-lockserver\n")
    async with EtcdClient([server.address]) as client:
        found = await client.get("/named")
        assert found is not None and found.value == b"1"
    with pytest.raises(UnavailableError, match="has an address"):
        async with EtcdClient(["unknown:1"], timeout_s=0.2) as client:
            await client.get("/named")
