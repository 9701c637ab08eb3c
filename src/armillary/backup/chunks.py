"""The table of chunks: what every stored file of a backup is made of. Pure.

One line for each chunk, in the order in which the chunks stand in their file:
`<file> <raw bytes> <stored bytes> <XXH3-128 of the stored bytes>`. The root hash in the MANIFEST is
the XXH3-128 of the whole table, so it vouches for every byte, their number and their order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import xxhash

from armillary.backup.errors import ManifestError
from armillary.backup.manifest import Integrity

CHUNK_TABLE_FILE = "CHUNKS"


@dataclass(frozen=True, slots=True)
class Chunk:
    raw_bytes: int
    stored_bytes: int
    digest: str


ChunkTable = Mapping[str, Sequence[Chunk]]  # stored file -> its chunks in order


def chunk_digest(stored: bytes | bytearray | memoryview) -> str:
    return xxhash.xxh3_128_hexdigest(stored)


def encode_chunk_table(table: ChunkTable) -> bytes:
    lines = [
        f"{file} {chunk.raw_bytes} {chunk.stored_bytes} {chunk.digest}\n"
        for file in sorted(table)
        for chunk in table[file]
    ]
    return "".join(lines).encode()


def summarise(table: ChunkTable, encoded: bytes) -> Integrity:
    """Return what the MANIFEST says about `table`, whose stored form is `encoded`."""
    chunks = [chunk for chunks in table.values() for chunk in chunks]
    return Integrity(
        raw_bytes=sum(chunk.raw_bytes for chunk in chunks),
        stored_bytes=sum(chunk.stored_bytes for chunk in chunks),
        chunk_count=len(chunks),
        chunk_table=CHUNK_TABLE_FILE,
        root_hash=chunk_digest(encoded),
    )


def parse_chunk_table(data: bytes, integrity: Integrity) -> ChunkTable:
    """Read a stored table and hold it against the MANIFEST.

    Raises:
        ManifestError: it is not the table that the MANIFEST vouches for.
    """
    if chunk_digest(data) != integrity.root_hash:
        raise ManifestError(
            f"chunk table has hash {chunk_digest(data)}: the manifest says {integrity.root_hash}"
        )
    table = _parse_lines(data.decode().splitlines())
    found = summarise(table, data)
    if (found.raw_bytes, found.stored_bytes, found.chunk_count) != (
        integrity.raw_bytes,
        integrity.stored_bytes,
        integrity.chunk_count,
    ):
        raise ManifestError("chunk table does not add up to the manifest's sums")
    return table


def _parse_lines(lines: Iterable[str]) -> ChunkTable:
    table: dict[str, list[Chunk]] = {}
    for line in lines:
        try:
            file, raw, stored, digest = line.split(" ")
            table.setdefault(file, []).append(Chunk(int(raw), int(stored), digest))
        except ValueError:
            raise ManifestError(f"chunk table has the line {line!r}") from None
    return table
