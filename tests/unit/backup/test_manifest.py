"""The MANIFEST: what we write is fixed to the byte, what Vitess writes is read."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from armillary.backup.chunks import Chunk, encode_chunk_table, parse_chunk_table, summarise
from armillary.backup.errors import ManifestError
from armillary.backup.manifest import (
    FileEntry,
    FilesContent,
    Integrity,
    OtherContent,
    StreamContent,
    encode_manifest,
    parse_manifest,
)

from .records import manifest_at

GOLDEN = """{
  "BackupName": "2020-08-12.050000.zone1-0000000001",
  "BackupMethod": "xtrabackup",
  "Position": "MariaDB/0-1-2",
  "PurgedPosition": "MariaDB/0-1-2",
  "FromPosition": "",
  "FromBackup": "",
  "Incremental": false,
  "BackupTime": "2020-08-12T05:00:00Z",
  "FinishedTime": "2020-08-12T05:01:00Z",
  "ServerUUID": "",
  "TabletAlias": "zone1-0000000001",
  "Keyspace": "main",
  "Shard": "-80",
  "MySQLVersion": "mysqld  Ver 8.0.36",
  "UpgradeSafe": true,
  "IncrementalDetails": null,
  "CompressionEngine": "zstd",
  "FileName": "backup.xbstream.zst",
  "ExtraCommandLineParams": "--parallel=1",
  "StreamMode": "xbstream",
  "NumStripes": 8,
  "StripeBlockSize": 102400,
  "SkipCompress": false,
  "ExternalDecompressor": "",
  "Armillary": {
    "ManifestHash": "64b06ad20bcbcce8a2b7aebe64654e93",
    "FormatVersion": 1,
    "RawBytes": 20,
    "StoredBytes": 10,
    "ChunkCount": 2,
    "ChunkTable": "CHUNKS",
    "RootHash": "00112233445566778899aabbccddeeff",
    "Databases": [
      "mysql",
      "vt_main"
    ]
  }
}
"""
PLAIN = "".join(line for line in GOLDEN.splitlines(keepends=True) if "ManifestHash" not in line)
STREAM = StreamContent(file_name="backup.xbstream.zst", stripe_count=8, extra_params="--parallel=1")
INTEGRITY = Integrity(
    raw_bytes=20,
    stored_bytes=10,
    chunk_count=2,
    chunk_table="CHUNKS",
    root_hash="00112233445566778899aabbccddeeff",
)
OURS = replace(
    manifest_at(1, version="mysqld  Ver 8.0.36"),
    content=STREAM,
    integrity=INTEGRITY,
    databases=("mysql", "vt_main"),
)

# As Vitess 7 wrote it: no BackupName, no compression engine.
VITESS_2020 = """{
  "BackupMethod": "builtin",
  "Position": "MySQL56/16b1039f-22b6-11ed-b765-0a43f95f28a3:1-615",
  "BackupTime": "2020-08-12T04:38:18Z",
  "FinishedTime": "2020-08-12T04:38:21Z",
  "FileEntries": [
    {"Base": "InnoDBData", "Name": "ibdata1", "Hash": "9b0d9e8f"},
    {"Base": "Data", "Name": "vt_main/users.ibd", "Hash": "00c0ffee"}
  ],
  "TransformHook": "",
  "SkipCompress": false
}"""


def test_what_we_write_is_fixed_to_the_byte() -> None:
    assert encode_manifest(OURS).decode() == GOLDEN


def test_what_we_write_is_read_back() -> None:
    assert parse_manifest(GOLDEN.encode()) == OURS
    assert parse_manifest(PLAIN.encode()) == OURS, "one that says no hash"


def test_any_changed_byte_is_noticed() -> None:
    data = GOLDEN.encode()
    unnoticed = []
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            found = parse_manifest(bytes(changed))
        except ManifestError:
            continue
        if found != OURS:
            unnoticed.append(data[place - 20 : place + 1])
    assert not unnoticed


def test_a_builtin_manifest_is_read_back() -> None:
    entry = FileEntry(base="Data", name="vt_main/users.ibd", hash="00c0ffee")
    manifest = replace(OURS, method="builtin", content=FilesContent(entries=(entry,)))
    assert parse_manifest(encode_manifest(manifest)) == manifest


def test_folders_without_a_file_are_written_and_read_back() -> None:
    content = FilesContent(entries=(), empty_folders=("vt_a@002db", "vt_b"))
    manifest = replace(OURS, method="builtin", content=content)
    assert b'"EmptyFolders": [' in encode_manifest(manifest)
    assert parse_manifest(encode_manifest(manifest)) == manifest


def test_a_manifest_of_2020_is_read() -> None:
    manifest = parse_manifest(VITESS_2020.encode())
    assert isinstance(manifest.content, FilesContent)
    assert [entry.name for entry in manifest.content.entries] == ["ibdata1", "vt_main/users.ibd"]
    assert manifest.compression_engine == "" and not manifest.skip_compress
    assert manifest.integrity is None
    assert manifest.backup_time == datetime(2020, 8, 12, 4, 38, 18, tzinfo=UTC)


def test_an_unknown_method_is_read_as_something_that_cannot_be_restored() -> None:
    text = PLAIN.replace('"xtrabackup"', '"mysqlshell"')
    assert parse_manifest(text.encode()).content == OtherContent()


def test_an_incremental_is_known_by_its_from_position() -> None:
    text = PLAIN.replace('"FromPosition": ""', '"FromPosition": "MariaDB/0-1-1"')
    assert parse_manifest(text.encode()).incremental


@pytest.mark.parametrize("count", [0, 1])
def test_one_stripe_or_none_is_the_file_itself(count: int) -> None:
    assert replace(STREAM, stripe_count=count).stored_names == ("backup.xbstream.zst",)


def test_stripes_are_numbered_with_three_digits() -> None:
    names = replace(STREAM, stripe_count=12).stored_names
    assert names[0] == "backup.xbstream.zst-000" and names[-1] == "backup.xbstream.zst-011"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\xff",
        PLAIN[:-20],
        PLAIN.replace("2020-08-12T05:00:00Z", "yesterday"),
        PLAIN.replace("2020-08-12T05:00:00Z", "2020-08-12T05:00:00"),
        PLAIN.replace('"BackupTime"', '"Backup_Time"'),
        PLAIN.replace("MariaDB/0-1-2", "MariaDB/0-1"),
        PLAIN.replace('"NumStripes": 8', '"NumStripes": -8'),
        PLAIN.replace('"NumStripes": 8', '"NumStripes": "8"'),
        PLAIN.replace('"FormatVersion": 1', '"FormatVersion": 2'),
        PLAIN.replace('"UpgradeSafe": true', '"UpgradeSafe": "yes"'),
        VITESS_2020.replace(
            '{"Base": "Data", "Name": "vt_main/users.ibd", "Hash": "00c0ffee"}', "7"
        ),
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(text.encode("latin-1"))


def test_keys_are_read_in_any_case_as_go_reads_them() -> None:
    fields = {key.lower(): value for key, value in json.loads(VITESS_2020).items()}
    assert parse_manifest(json.dumps(fields).encode()) == parse_manifest(VITESS_2020.encode())


def test_a_manifest_from_before_databases_were_named_is_read() -> None:
    fields = json.loads(PLAIN)
    del fields["Armillary"]["Databases"]
    assert parse_manifest(json.dumps(fields).encode()) == replace(OURS, databases=None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"[" * 200_000,
        b'{"a":' * 200_000,
        PLAIN.replace("2020-08-12T05:00:00Z", "0001-01-01T00:00:00+23:59").encode(),
        PLAIN.replace('"NumStripes": 8', '"NumStripes": 1000000000000').encode(),
        PLAIN.replace('"StripeBlockSize": 102400', '"StripeBlockSize": 1e3').encode(),
        PLAIN.replace('["', '[["').replace('"vt_main"', "7").encode(),
        PLAIN.replace('"vt_main"', '"\\ud800"').encode(),
        PLAIN.replace("8.0.36", "\ud800").encode("utf-8", "surrogatepass"),
        PLAIN.replace('"xtrabackup"', '"' + "x" * 100_000 + '"').encode(),
    ],
)
def test_whatever_else_is_called_manifest_is_refused_as_one(data: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(data)


TABLE = {"b": (Chunk(10, 5, "0" * 32),), "a": (Chunk(6, 3, "1" * 32), Chunk(4, 2, "2" * 32))}


def test_a_chunk_table_is_fixed_to_the_byte_and_read_back() -> None:
    encoded = encode_chunk_table(TABLE)
    assert encoded.decode() == f"a 6 3 {'1' * 32}\na 4 2 {'2' * 32}\nb 10 5 {'0' * 32}\n"
    assert parse_chunk_table(encoded, summarise(TABLE, encoded)) == {
        file: list(chunks) for file, chunks in TABLE.items()
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: data.replace(b"a 6", b"a 7"),
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
    ],
)
def test_a_changed_chunk_table_is_refused(change: "object") -> None:
    encoded = encode_chunk_table(TABLE)
    with pytest.raises(ManifestError):
        parse_chunk_table(change(encoded), summarise(TABLE, encoded))  # type: ignore[operator]


def test_sums_that_do_not_fit_the_table_are_refused() -> None:
    encoded = encode_chunk_table(TABLE)
    honest = summarise(TABLE, encoded)
    for wrong in (
        replace(honest, raw_bytes=honest.raw_bytes + 1),
        replace(honest, stored_bytes=honest.stored_bytes + 1),
        replace(honest, chunk_count=honest.chunk_count + 1),
    ):
        with pytest.raises(ManifestError, match="add up"):
            parse_chunk_table(encoded, wrong)
