"""A stream comes back as it went in, whatever its length, stripes and chunks; damage is told.

Blocks and rounds are a few bytes, so that every edge is met.
"""

import os
import threading
from collections.abc import AsyncIterator

import anyio
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from armillary.backup.chunks import Chunk
from armillary.backup.errors import DamagedBackupError
from armillary.backup.pipeline.codec import PlainCodec, ZstdCodec, stream_decoder
from armillary.backup.pipeline.read import join_stripes, read_chunks, read_unknown
from armillary.backup.pipeline.stripes import StripeLayout
from armillary.backup.pipeline.write import WrittenFile, write_stream
from armillary.backup.storage.memory import MemoryObjects, memory_storage
from armillary.backup.storage.objects import ObjectStorage

layouts = st.builds(
    lambda count, block, round_bytes: StripeLayout.fit(
        count=count, block_bytes=block, round_bytes=round_bytes
    ),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 40),
)
WHERE = ("main/-80", "backup")


def names(layout: StripeLayout) -> tuple[str, ...]:
    return tuple(f"file-{index:03}" for index in range(layout.count))


async def write(
    data: bytes, layout: StripeLayout, storage: ObjectStorage, *, plain: bool = False
) -> dict[str, WrittenFile]:
    read_fd, write_fd = os.pipe()
    os.set_blocking(read_fd, False)

    def feed() -> None:
        with os.fdopen(write_fd, "wb", buffering=0) as pipe:
            for start in range(0, len(data), 7):
                pipe.write(data[start : start + 7])

    async def put(file: str, source: AsyncIterator[bytes]) -> int:
        return await storage.put(*WHERE, file, source)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        return await write_stream(
            read_fd,
            names(layout),
            layout=layout,
            codec=PlainCodec() if plain else ZstdCodec(),
            put=put,
            workers=anyio.CapacityLimiter(2),
        )
    finally:
        feeder.join()
        os.close(read_fd)


async def read(
    storage: ObjectStorage, layout: StripeLayout, written: dict[str, WrittenFile] | None
) -> bytes:
    """Read back with our chunk table, or without it, as Vitess would."""
    found = bytearray()

    async def sink(views: list[memoryview]) -> None:
        for view in views:
            found.extend(view)

    workers = anyio.CapacityLimiter(2)
    lanes = [
        read_chunks(
            storage, *WHERE, name, chunks=written[name].chunks, codec=ZstdCodec(), workers=workers
        )
        if written is not None
        else read_unknown(
            storage,
            *WHERE,
            name,
            decoder=stream_decoder("zstd", skip_compress=False),
            workers=workers,
        )
        for name in names(layout)
    ]
    total = await join_stripes(lanes, layout=layout, backup="backup", sink=sink)
    assert total == len(found)
    return bytes(found)


@settings(max_examples=60)
@given(st.binary(max_size=200), layouts)
def test_what_goes_in_comes_out(data: bytes, layout: StripeLayout) -> None:
    async def check() -> None:
        storage = memory_storage()
        written = await write(data, layout, storage)
        assert await read(storage, layout, written) == data
        assert await read(storage, layout, None) == data
        raw = sum(chunk.raw_bytes for file in written.values() for chunk in file.chunks)
        assert raw == len(data)

    anyio.run(check)


@settings(max_examples=60)
@given(st.binary(max_size=120), layouts)
def test_stripes_are_laid_out_as_vitess_lays_them(data: bytes, layout: StripeLayout) -> None:
    """Blocks go to the files in turn; with one file it is the stream."""

    async def check() -> None:
        objects = MemoryObjects()
        await write(data, layout, memory_storage(objects), plain=True)
        expected = [bytearray() for _ in range(layout.count)]
        if layout.count == 1:
            expected[0] += data
        else:
            for turn, start in enumerate(range(0, len(data), layout.block_bytes)):
                expected[turn % layout.count] += data[start : start + layout.block_bytes]
        found = [objects.objects[f"{'/'.join(WHERE)}/{name}"] for name in names(layout)]
        assert found == expected

    anyio.run(check)


@settings(max_examples=60)
@given(st.binary(min_size=30, max_size=120), layouts, st.data())
def test_any_damage_to_a_stored_file_is_told(
    data: bytes, layout: StripeLayout, choices: st.DataObject
) -> None:
    async def check() -> None:
        objects = MemoryObjects()
        storage = memory_storage(objects)
        written = await write(data, layout, storage)
        key = choices.draw(st.sampled_from(sorted(k for k, v in objects.objects.items() if v)))
        stored = bytearray(objects.objects[key])
        place = choices.draw(st.integers(0, len(stored) - 1))
        match choices.draw(st.sampled_from(["flip", "cut", "grow", "lose", "twice"])):
            case "flip":
                stored[place] ^= choices.draw(st.integers(1, 255))
            case "cut":
                del stored[place:]
            case "grow":
                stored += b"\x00"
            case "twice":
                stored *= 2
            case "lose":
                del objects.objects[key]
        if key in objects.objects:
            objects.objects[key] = bytes(stored)
        with pytest.raises(DamagedBackupError):
            await read(storage, layout, written)

    anyio.run(check)


def test_a_stripe_that_is_short_by_whole_blocks_is_told() -> None:
    """Without a table only the lengths can tell; a missing tail of one stripe must not pass."""

    async def check() -> None:
        objects = MemoryObjects()
        storage = memory_storage(objects)
        layout = StripeLayout(2, 4, 4)
        await write(bytes(range(32)), layout, storage)
        key = "main/-80/backup/file-000"
        objects.objects[key] = zstandard.ZstdCompressor().compress(bytes(range(4)))
        with pytest.raises(DamagedBackupError, match="goes on"):
            await read(storage, layout, None)

    anyio.run(check)


def test_one_stored_file_is_one_valid_zstd_file() -> None:
    async def check() -> None:
        objects = MemoryObjects()
        data = os.urandom(1000)
        await write(data, StripeLayout(1, 1, 64), memory_storage(objects))
        stored = objects.objects["main/-80/backup/file-000"]
        reader = zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=True)
        assert reader.read() == data

    anyio.run(check)


def test_slow_storage_makes_the_source_wait() -> None:
    """Back-pressure: while storage stands still, only so much of the stream is taken."""

    async def check() -> None:
        layout = StripeLayout(2, 1024, 2048)
        read_fd, write_fd = os.pipe()
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        go_on = anyio.Event()
        taken = 0

        async def put(file: str, source: AsyncIterator[bytes]) -> int:
            await go_on.wait()
            return sum([len(piece) async for piece in source])

        async def feed() -> None:
            nonlocal taken
            for _ in range(2000):
                await anyio.wait_writable(write_fd)
                taken += os.write(write_fd, bytes(1024))
            os.close(write_fd)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(feed)
            with anyio.move_on_after(0.5):
                await write_stream(
                    read_fd,
                    names(layout),
                    layout=layout,
                    codec=ZstdCodec(),
                    put=put,
                    workers=anyio.CapacityLimiter(2),
                )
            assert taken < 200 * 1024
            tasks.cancel_scope.cancel()
        os.close(read_fd)
        os.close(write_fd)

    anyio.run(check)


def test_unknown_chunks_are_compared_with_the_manifests_crc() -> None:
    async def check() -> None:
        objects = MemoryObjects({"main/-80/backup/0": b"stored as it is"})
        decoder = stream_decoder("", skip_compress=True)
        with pytest.raises(DamagedBackupError, match="CRC-32"):
            async for _ in read_unknown(
                memory_storage(objects),
                *WHERE,
                "0",
                decoder=decoder,
                crc32="00000000",
                workers=anyio.CapacityLimiter(1),
            ):
                pass

    anyio.run(check)


def test_a_chunk_of_another_size_than_the_table_says_is_told() -> None:
    codec = ZstdCodec()
    stored = codec.encode(b"twelve bytes")
    assert bytes(codec.decode(stored, 12)) == b"twelve bytes"
    for wrong in (11, 13):
        with pytest.raises(ValueError, match=r"bytes|size"):
            codec.decode(stored, wrong)
    assert Chunk(12, len(stored), "") != Chunk(13, len(stored), "")
