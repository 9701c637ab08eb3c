"""What every store of backups promises: see `backup.storage.contract`."""

from collections.abc import AsyncIterator

import anyio
import pytest

from armillary.backup.storage import BackupStorage, StoredFile
from armillary.base.errors import AlreadyExistsError, InputError, NotFoundError

pytestmark = [pytest.mark.anyio]

SHARD = "main/-80"
FIRST = "2020-08-12.043818.zone1-0000000001"
SECOND = "2020-08-12.044113.zone1-0000000001"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read_all(storage: BackupStorage, directory: str, name: str, file: str) -> bytes:
    return b"".join([data async for data in storage.get(directory, name, file)])


async def test_an_empty_store_lists_nothing(storage: BackupStorage) -> None:
    assert await storage.list_backups(SHARD) == []
    assert await storage.list_directories() == []
    assert await storage.list_directories("main") == []
    assert await storage.list_files(SHARD, FIRST) == []
    assert await storage.read_small(SHARD, FIRST, "MANIFEST") is None


async def test_where_a_backup_was_is_still_there_when_it_is_removed(
    storage: BackupStorage,
) -> None:
    """Only a directory is ever missing: one that nobody has written to, or that was taken away."""
    await storage.put(SHARD, FIRST, "MANIFEST", pieces(b"x"))
    await storage.remove_backup(SHARD, FIRST)
    assert await storage.missing_root() == ""


async def test_what_is_put_is_listed_and_read_back(storage: BackupStorage) -> None:
    await storage.start_backup(SHARD, SECOND)
    assert await storage.put(SHARD, SECOND, "data", pieces(b"one ", b"", b"two")) == 7
    await storage.start_backup(SHARD, FIRST)
    assert await storage.put(SHARD, FIRST, "empty", pieces()) == 0
    assert await storage.list_backups(SHARD) == [FIRST, SECOND]
    assert await storage.list_directories() == ["main"]
    assert await storage.list_directories("main") == ["-80"]
    assert await storage.list_files(SHARD, SECOND) == [StoredFile("data", 7)]
    assert await storage.list_files(SHARD, FIRST) == [StoredFile("empty", 0)]
    assert await read_all(storage, SHARD, SECOND, "data") == b"one two"
    assert await read_all(storage, SHARD, FIRST, "empty") == b""
    assert await storage.read_small(SHARD, SECOND, "data") == b"one two"


async def test_a_shard_does_not_see_its_neighbour(storage: BackupStorage) -> None:
    for directory in ("main/-80", "main/-8000", "main2/-80"):
        await storage.put(directory, FIRST, "data", pieces(directory.encode()))
    assert await storage.list_backups("main/-80") == [FIRST]
    assert await storage.list_directories("main") == ["-80", "-8000"]
    assert await storage.list_directories() == ["main", "main2"]
    await storage.remove_backup("main/-80", FIRST)
    assert await storage.list_backups("main/-80") == []
    assert await read_all(storage, "main/-8000", FIRST, "data") == b"main/-8000"


async def test_large_files_pass_through_in_parts(storage: BackupStorage) -> None:
    block = bytes(range(256)) * 4096  # 1 MiB
    size = await storage.put(SHARD, FIRST, "large", pieces(*[block] * 20, b"the end"))
    assert size == 20 * len(block) + 7
    found = bytearray()
    async for data in storage.get(SHARD, FIRST, "large"):
        assert len(data) <= 16 * 1024 * 1024
        found += data
    assert bytes(found) == block * 20 + b"the end"


async def test_a_file_whose_source_breaks_is_absent(storage: BackupStorage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * 1024 * 1024
        raise ZeroDivisionError("the source broke")

    with pytest.raises(ZeroDivisionError, match="the source broke"):
        await storage.put(SHARD, FIRST, "broken", broken())
    assert await storage.list_files(SHARD, FIRST) == []
    assert await storage.read_small(SHARD, FIRST, "broken") is None


async def test_a_cancelled_put_leaves_no_file(storage: BackupStorage) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 100_000
            await anyio.sleep(0.01)

    with anyio.move_on_after(0.3) as scope:
        await storage.put(SHARD, FIRST, "cancelled", endless())
    assert scope.cancelled_caught
    assert await storage.list_files(SHARD, FIRST) == []


async def test_one_of_many_makes_a_file_that_must_not_exist(storage: BackupStorage) -> None:
    made: list[int] = []

    async def make(number: int) -> None:
        if await storage.put_if_absent(SHARD, FIRST, "MANIFEST", str(number).encode() * 100):
            made.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(make, number)
    assert len(made) == 1
    assert await storage.read_small(SHARD, FIRST, "MANIFEST") == str(made[0]).encode() * 100
    assert not await storage.put_if_absent(SHARD, FIRST, "MANIFEST", b"late")


async def test_a_name_is_claimed_once(storage: BackupStorage) -> None:
    await storage.start_backup(SHARD, FIRST)
    await storage.put(SHARD, FIRST, "data", pieces(b"data"))
    with pytest.raises(AlreadyExistsError):
        await storage.start_backup(SHARD, FIRST)


async def test_removing_takes_all_files_and_may_be_repeated(storage: BackupStorage) -> None:
    for file in ("MANIFEST", "0", "1"):
        await storage.put(SHARD, FIRST, file, pieces(b"data"))
    await storage.remove_backup(SHARD, FIRST)
    assert await storage.list_files(SHARD, FIRST) == []
    assert await storage.list_backups(SHARD) == []
    await storage.remove_backup(SHARD, FIRST)


async def test_a_missing_file_is_told_at_the_first_step(storage: BackupStorage) -> None:
    with pytest.raises(NotFoundError):
        await read_all(storage, SHARD, FIRST, "nothing")


async def test_small_reads_are_bounded(storage: BackupStorage) -> None:
    await storage.put(SHARD, FIRST, "data", pieces(b"x" * 100))
    assert await storage.read_small(SHARD, FIRST, "data", bytes_max=100) == b"x" * 100
    with pytest.raises(InputError):
        await storage.read_small(SHARD, FIRST, "data", bytes_max=99)


@pytest.mark.parametrize("name", ["", "..", "a/../b", "/etc", ".hidden", "a//b"])
async def test_paths_that_lead_elsewhere_are_refused(storage: BackupStorage, name: str) -> None:
    with pytest.raises(InputError):
        await storage.put(SHARD, name, "data", pieces(b"x"))
    with pytest.raises(InputError):
        await storage.remove_backup(SHARD, name)
    with pytest.raises(InputError):
        await storage.list_backups(name)


async def test_a_listing_goes_over_pages(storage: BackupStorage) -> None:
    """Object stores answer with a thousand keys at most."""
    names = [f"2020-08-12.04{n // 60:02}{n % 60:02}.zone1-{n:010}" for n in range(1030)]
    slots = anyio.Semaphore(16)

    async def make(name: str) -> None:
        async with slots:
            await storage.put_if_absent(SHARD, name, "MANIFEST", b"{}")

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(make, name)
    assert await storage.list_backups(SHARD) == sorted(names)
