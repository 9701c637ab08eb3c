"""The files of one backup: a writer that engines fill and a reader that they empty. I/O.

The writer keeps the chunk table of everything it stored; the reader holds what it fetches against
the stored table, or, for a backup of Vitess's, against what its format offers.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio

from armillary.backup.chunks import ChunkTable, encode_chunk_table, parse_chunk_table, summarise
from armillary.backup.errors import DamagedBackupError, ManifestError
from armillary.backup.manifest import Integrity, Manifest, StreamContent
from armillary.backup.pipeline.codec import Codec, codec_for, stream_decoder
from armillary.backup.pipeline.read import Pieces, Sink, join_stripes, read_chunks, read_unknown
from armillary.backup.pipeline.stripes import StripeLayout
from armillary.backup.pipeline.write import ROUND_BYTES, WrittenFile, write_stream
from armillary.backup.pipeline.xbstream import XbstreamCheck
from armillary.backup.progress import Meter
from armillary.backup.storage.contract import BackupStorage
from armillary.base.errors import UnavailableError, UnsupportedError

# Several files are copied at once, each with its own buffers.
FILE_ROUND_BYTES = 4 * 1024 * 1024
STREAM_MODE = "xbstream"
CHUNK_TABLE_BYTES_MAX = 256 * 1024 * 1024


def worker_limiter(workers_min: int = 2) -> anyio.CapacityLimiter:
    """Return the pool for compression: a thread for each core, at least `workers_min`."""
    return anyio.CapacityLimiter(max(workers_min, os.cpu_count() or 1))


class BackupWriter:
    """One backup that is being written."""

    def __init__(
        self,
        storage: BackupStorage,
        directory: str,
        name: str,
        *,
        codec: Codec,
        workers: anyio.CapacityLimiter,
        meter: Meter,
        round_bytes: int = ROUND_BYTES,
    ) -> None:
        self.codec = codec
        self.name = name
        self.meter = meter
        self._storage = storage
        self._directory = directory
        self._workers = workers
        self._round_bytes = round_bytes
        self._files: dict[str, WrittenFile] = {}

    async def write_stream(self, fd: int, names: tuple[str, ...], *, block_bytes: int) -> None:
        """Store all that comes from `fd`, spread over `names`. Raises: as pipeline.write."""
        layout = StripeLayout.fit(
            count=len(names), block_bytes=block_bytes, round_bytes=self._round_bytes
        )
        await self._write(fd, names, layout)

    async def write_file(self, stored_name: str, path: Path) -> WrittenFile:
        """Store a file of this machine. Nobody may change it meanwhile."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            round_bytes = min(FILE_ROUND_BYTES, self._round_bytes, max(os.fstat(fd).st_size, 1))
            layout = StripeLayout.fit(count=1, block_bytes=1, round_bytes=round_bytes)
            await self._write(fd, (stored_name,), layout)
        finally:
            os.close(fd)
        return self._files[stored_name]

    async def finish(self) -> Integrity:
        """Store the chunk table; return what the MANIFEST must say about it."""
        table: ChunkTable = {file: written.chunks for file, written in self._files.items()}
        encoded = encode_chunk_table(table)
        integrity = summarise(table, encoded)

        async def source() -> AsyncIterator[bytes]:
            yield encoded

        await self._storage.put(self._directory, self.name, integrity.chunk_table, source())
        return integrity

    async def expect_stored(self) -> None:
        """See that what was stored is there still: a backup takes long, and others may remove it.

        Raises:
            UnavailableError: a file is missing or has another size.
        """
        found = {
            file.name: file.stored_bytes
            for file in await self._storage.list_files(self._directory, self.name)
        }
        for name, written in self._files.items():
            wanted = sum(chunk.stored_bytes for chunk in written.chunks)
            if found.get(name) != wanted:
                size = f"has {found[name]} bytes" if name in found else "is gone"
                raise UnavailableError(
                    f"backup {self._directory}/{self.name}: file {name} {size}, wanted {wanted}: "
                    f"somebody removed or changed the backup while it was being made"
                )

    async def _write(self, fd: int, names: tuple[str, ...], layout: StripeLayout) -> None:
        async def put(file: str, source: AsyncIterator[bytes]) -> int:
            return await self._storage.put(self._directory, self.name, file, source)

        self._files |= await write_stream(
            fd,
            names,
            layout=layout,
            codec=self.codec,
            put=put,
            workers=self._workers,
            on_bytes=self.meter.add,
        )


class BackupReader:
    """One complete backup that is being read."""

    def __init__(
        self,
        storage: BackupStorage,
        directory: str,
        name: str,
        manifest: Manifest,
        *,
        workers: anyio.CapacityLimiter,
        meter: Meter,
    ) -> None:
        self.manifest = manifest
        self.meter = meter
        self.label = f"{directory}/{name}"
        self._storage = storage
        self._directory = directory
        self._name = name
        self._workers = workers
        self._table: ChunkTable | None = None

    async def load_table(self) -> ChunkTable | None:
        """Return the chunk table; None for a backup that has none, because Vitess took it.

        Raises:
            DamagedBackupError: the table is missing, or not the one that the MANIFEST vouches for.
        """
        integrity = self.manifest.integrity
        if integrity is None or self._table is not None:
            return self._table
        data = await self._storage.read_small(
            self._directory, self._name, integrity.chunk_table, bytes_max=CHUNK_TABLE_BYTES_MAX
        )
        if data is None:
            raise DamagedBackupError(self.label, integrity.chunk_table, "is missing")
        try:
            self._table = parse_chunk_table(data, integrity)
        except ManifestError as error:
            raise DamagedBackupError(self.label, integrity.chunk_table, str(error)) from None
        return self._table

    async def read_file(self, stored_name: str, *, crc32: str = "") -> Pieces:
        """Return the raw pieces of one stored file, checked as they come.

        `crc32` of the stored bytes is all there is to check a file of Vitess's builtin engine.
        """
        table = await self.load_table()
        manifest = self.manifest
        codec = codec_for(manifest.compression_engine, skip_compress=manifest.skip_compress)
        if table is not None and codec is not None:
            return read_chunks(
                self._storage,
                self._directory,
                self._name,
                stored_name,
                chunks=table.get(stored_name, ()),
                codec=codec,
                workers=self._workers,
            )
        if manifest.compression_engine == "external" or manifest.external_decompressor:
            raise UnsupportedError(
                f"backup {self.label} was compressed by an external program: "
                f"wanted zstd, pargzip or pgzip"
            )
        decoder = stream_decoder(manifest.compression_engine, skip_compress=manifest.skip_compress)
        return read_unknown(
            self._storage,
            self._directory,
            self._name,
            stored_name,
            decoder=decoder,
            crc32=crc32,
            workers=self._workers,
        )

    async def read_stream(
        self, content: StreamContent, sink: Sink, *, check_sums: bool = False
    ) -> int:
        """Give the whole stream, an xbstream, to `sink`, in order; return its length.

        Args:
            check_sums: check the sums in the stream even where the chunk table vouches for it.

        Raises:
            DamagedBackupError: what is stored is not what was written, or no whole xbstream; with a
                chunk table before the first wrong byte would have been given out.
            UnsupportedError: it is no xbstream but, say, a tar.
        """
        if content.stream_mode != STREAM_MODE:
            raise UnsupportedError(
                f"backup {self.label} is a {content.stream_mode} stream: wanted {STREAM_MODE}"
            )

        def damaged(reason: str) -> DamagedBackupError:
            return DamagedBackupError(self.label, content.file_name, reason)

        # Where there is a chunk table, it has vouched for the bytes already.
        check = XbstreamCheck(
            is_mariadb=self.manifest.is_mariadb,
            sums=self.manifest.integrity is None or check_sums,
        )

        async def metered(views: list[memoryview]) -> None:
            try:
                for view in views:
                    check.feed(view)
            except ValueError as error:
                raise damaged(str(error)) from None
            size = sum(len(view) for view in views)
            await sink(views)
            self.meter.add(size)

        names = content.stored_names
        layout = StripeLayout(
            len(names), max(content.stripe_block_bytes, 1), max(content.stripe_block_bytes, 1)
        )
        lanes = [await self.read_file(name) for name in names]
        total = await join_stripes(lanes, layout=layout, backup=self.label, sink=metered)
        integrity = self.manifest.integrity
        if integrity is not None and total != integrity.raw_bytes:
            raise damaged(f"holds {total} bytes, the manifest says {integrity.raw_bytes}")
        try:
            check.close()
        except ValueError as error:
            raise damaged(str(error)) from None
        return total
