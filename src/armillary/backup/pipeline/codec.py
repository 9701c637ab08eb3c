"""Compression of chunks. Each chunk is one zstd frame with its size and a checksum inside.

Frames one after the other are one valid zstd file, so `zstd -d` reads what we store.
"""

import threading
import zlib
from dataclasses import dataclass, field
from typing import Protocol

import zstandard

from armillary.base.errors import UnsupportedError

Buffer = bytes | bytearray | memoryview


class Codec(Protocol):
    """What is done to each chunk on its way into storage. Thread-safe."""

    engine_name: str  # CompressionEngine in the MANIFEST; empty when nothing is compressed
    extension: str

    def encode(self, raw: Buffer) -> bytes: ...

    def decode(self, stored: Buffer, raw_bytes: int) -> Buffer:
        """Raises ValueError if `stored` is not a chunk of `raw_bytes` bytes."""
        ...


@dataclass(slots=True)
class ZstdCodec:
    level: int = 1
    engine_name: str = field(default="zstd", init=False)
    extension: str = field(default=".zst", init=False)
    _local: threading.local = field(default_factory=threading.local, init=False, repr=False)

    def encode(self, raw: Buffer) -> bytes:
        # A compressor keeps its work memory; it may serve only one thread at a time.
        compressor = getattr(self._local, "compressor", None)
        if compressor is None:
            compressor = self._local.compressor = zstandard.ZstdCompressor(
                level=self.level, write_checksum=True, write_content_size=True
            )
        encoded: bytes = compressor.compress(raw)
        return encoded

    def decode(self, stored: Buffer, raw_bytes: int) -> Buffer:
        decompressor = getattr(self._local, "decompressor", None)
        if decompressor is None:
            decompressor = self._local.decompressor = zstandard.ZstdDecompressor()
        try:
            raw: bytes = decompressor.decompress(stored, max_output_size=raw_bytes)
        except zstandard.ZstdError as error:
            raise ValueError(f"zstd: {error}") from None
        return _of_size(raw, raw_bytes)


@dataclass(slots=True)
class PlainCodec:
    """Store as it is."""

    engine_name: str = ""
    extension: str = ""

    def encode(self, raw: Buffer) -> bytes:
        return bytes(raw)

    def decode(self, stored: Buffer, raw_bytes: int) -> Buffer:
        return _of_size(stored, raw_bytes)


class StreamDecoder(Protocol):
    """Decompression of a whole file of unknown chunks, piece by piece."""

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> None:
        """Raises ValueError when the file ended in the middle."""
        ...


class _Zstd:
    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor().decompressobj()
        self._started = False

    def feed(self, data: bytes) -> bytes:
        pieces = []
        while data:
            if self._decoder.eof:
                self._decoder = zstandard.ZstdDecompressor().decompressobj()
            self._started = True
            try:
                pieces.append(self._decoder.decompress(data))
            except zstandard.ZstdError as error:
                raise ValueError(f"zstd: {error}") from None
            data = self._decoder.unused_data if self._decoder.eof else b""
        return b"".join(pieces)

    def close(self) -> None:
        if self._started and not self._decoder.eof:
            raise ValueError("zstd: the file ends inside a frame")


class _Gzip:
    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self._started = False

    def feed(self, data: bytes) -> bytes:
        pieces = []
        while data:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(wbits=31)
            self._started = True
            try:
                pieces.append(self._decoder.decompress(data))
            except zlib.error as error:
                raise ValueError(f"gzip: {error}") from None
            data = self._decoder.unused_data
        return b"".join(pieces)

    def close(self) -> None:
        if self._started and not self._decoder.eof:
            raise ValueError("gzip: the file ends inside a member")


class _Plain:
    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> None:
        return None


def codec_for(engine_name: str, *, skip_compress: bool) -> Codec | None:
    """Return the codec for chunks of a backup of ours; None if none of our codecs wrote it."""
    if skip_compress:
        return PlainCodec()
    return ZstdCodec() if engine_name == "zstd" else None


def stream_decoder(engine_name: str, *, skip_compress: bool) -> StreamDecoder:
    """Return a decoder for a file that Vitess may have written.

    Raises:
        UnsupportedError: a compression that we do not read.
    """
    if skip_compress:
        return _Plain()
    match engine_name:
        case "zstd":
            return _Zstd()
        case "" | "pargzip" | "pgzip":
            return _Gzip()
        case other:
            raise UnsupportedError(
                f"compression engine {other!r} of the backup: wanted zstd, pargzip or pgzip"
            )


def _of_size(raw: Buffer, raw_bytes: int) -> Buffer:
    if len(raw) != raw_bytes:
        raise ValueError(f"chunk holds {len(raw)} bytes: the table says {raw_bytes}")
    return raw
