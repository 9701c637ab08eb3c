"""The MANIFEST of a backup: Vitess's JSON, read and written. Pure.

Keys, their order and their spelling are Vitess's, so that it restores what we took and the
reverse. Our one extra key, `Armillary`, describes how to check every stored byte, those of the
MANIFEST too, and names the databases inside and what is left of those without a file; Vitess
ignores it. Byte by byte in docs/formats.md.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import xxhash

from armillary.backup.errors import ManifestError
from armillary.base.errors import InputError
from armillary.model.gtid import MariadbGtidSet, Position

BUILTIN = "builtin"
XTRABACKUP = "xtrabackup"
FORMAT_VERSION = 1
METHOD_CHARS_MAX = 64
HASH_KEY = "ManifestHash"  # XXH3-128 of the MANIFEST without the line of this key, lower hex
_HASH_LINE_MARK = f'"{HASH_KEY}"'.encode()
_HASH_LINE = re.compile(rb'    "%s": "([0-9a-f]{32})",\n' % HASH_KEY.encode())
STRIPES_MAX = 4096  # nobody has more files; a number in a damaged file may be anything


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a builtin backup; it is stored under its index in the list."""

    base: str  # InnoDBData, InnoDBLog, BinLog or Data
    name: str  # relative to the base
    hash: str  # CRC-32 (IEEE) of the stored bytes, lower hex, 8 digits
    parent_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesContent:
    """A builtin backup: one stored file for each file of the server."""

    entries: tuple[FileEntry, ...]
    empty_folders: tuple[str, ...] = ()  # of databases without a file; Vitess's forget them


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamContent:
    """An xtrabackup backup: one stream, perhaps spread over stripes."""

    file_name: str
    stream_mode: str = "xbstream"
    stripe_count: int = 0  # 0 and 1: the file itself, without a number
    stripe_block_bytes: int = 102400
    extra_params: str = ""

    @property
    def stored_names(self) -> tuple[str, ...]:
        if self.stripe_count <= 1:
            return (self.file_name,)
        return tuple(f"{self.file_name}-{index:03d}" for index in range(self.stripe_count))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherContent:
    """A method that we can list but not restore."""


Content = FilesContent | StreamContent | OtherContent


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """Our extra key: what the stored files must add up to."""

    format_version: int = FORMAT_VERSION
    raw_bytes: int
    stored_bytes: int
    chunk_count: int
    chunk_table: str  # name of the stored file that lists the chunks
    root_hash: str  # XXH3-128 of that file, lower hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    backup_name: str
    method: str
    position: Position
    purged_position: Position
    backup_time: datetime
    finished_time: datetime
    server_uuid: str
    tablet_alias: str
    keyspace: str
    shard: str
    mysql_version: str
    upgrade_safe: bool
    incremental: bool = False
    compression_engine: str = ""
    skip_compress: bool = False
    external_decompressor: str = ""
    content: Content
    integrity: Integrity | None = None
    databases: tuple[str, ...] | None = None  # what the backup holds; None: it does not say

    @property
    def is_mariadb(self) -> bool:
        """Whether MariaDB made it. Old ones do not say the version; their position tells."""
        if self.mysql_version:
            return "mariadb" in self.mysql_version.lower()
        return isinstance(self.position.gtids, MariadbGtidSet)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the bytes to store: JSON with two spaces, keys in Vitess's order."""
    fields: dict[str, object] = {
        "BackupName": manifest.backup_name,
        "BackupMethod": manifest.method,
        "Position": str(manifest.position),
        "PurgedPosition": str(manifest.purged_position),
        "FromPosition": "",
        "FromBackup": "",
        "Incremental": manifest.incremental,
        "BackupTime": _time_text(manifest.backup_time),
        "FinishedTime": _time_text(manifest.finished_time),
        "ServerUUID": manifest.server_uuid,
        "TabletAlias": manifest.tablet_alias,
        "Keyspace": manifest.keyspace,
        "Shard": manifest.shard,
        "MySQLVersion": manifest.mysql_version,
        "UpgradeSafe": manifest.upgrade_safe,
        "IncrementalDetails": None,
    }
    fields.update(_content_fields(manifest))
    if manifest.integrity is None:
        return _text(fields)
    ours = _integrity_fields(manifest.integrity) | _names_fields(manifest)
    own_hash = xxhash.xxh3_128_hexdigest(_text(fields | {"Armillary": ours}))
    return _text(fields | {"Armillary": {HASH_KEY: own_hash} | ours})


def _text(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, indent=2).encode() + b"\n"


def _expect_own_hash(data: bytes) -> None:
    """See that the bytes are those that were written, if they say which; Vitess's do not.

    A changed digit in a position or a time is JSON like the right one.
    """
    lines = data.splitlines(keepends=True)
    told = [line for line in lines if _HASH_LINE_MARK in line]
    if not told:
        return
    found = xxhash.xxh3_128_hexdigest(b"".join(line for line in lines if line not in told))
    match = _HASH_LINE.fullmatch(told[0])
    if len(told) > 1 or match is None or match[1].decode() != found:
        raise ManifestError(
            f"manifest was changed after it was written: without the line {HASH_KEY} it has the "
            f"hash {found} (who changes it on purpose takes that line out)"
        )


def parse_manifest(data: bytes) -> Manifest:
    """Read a MANIFEST of ours or of Vitess.

    Raises:
        ManifestError: no JSON object, or a key that every complete backup has is missing or wrong;
            or one of ours that was changed after it was written.
    """
    try:
        fields = json.loads(data)
    except ValueError as error:
        raise ManifestError(f"manifest is not JSON: {error}") from None
    except RecursionError:
        raise ManifestError(
            "manifest is not JSON that anybody would write: nested too deep"
        ) from None
    if not isinstance(fields, dict):
        raise ManifestError("manifest is not a JSON object")
    _expect_own_hash(data)
    reader = _Reader(fields)
    method = reader.text("BackupMethod") or BUILTIN
    if len(method) > METHOD_CHARS_MAX:
        raise ManifestError(f"manifest key BackupMethod has {len(method)} characters")
    return Manifest(
        backup_name=reader.text("BackupName"),
        method=method,
        position=reader.position("Position"),
        purged_position=reader.position("PurgedPosition"),
        backup_time=reader.time("BackupTime"),
        finished_time=reader.time("FinishedTime"),
        server_uuid=reader.text("ServerUUID"),
        tablet_alias=reader.text("TabletAlias"),
        keyspace=reader.text("Keyspace"),
        shard=reader.text("Shard"),
        mysql_version=reader.text("MySQLVersion"),
        upgrade_safe=reader.flag("UpgradeSafe"),
        incremental=reader.flag("Incremental") or bool(reader.text("FromPosition")),
        # An empty name means gzip: Vitess's pargzip was once the only engine.
        compression_engine=reader.text("CompressionEngine"),
        skip_compress=reader.flag("SkipCompress"),
        external_decompressor=reader.text("ExternalDecompressor"),
        content=_parse_content(method, reader, _parse_names(fields, "EmptyFolders") or ()),
        integrity=_parse_integrity(fields),
        databases=_parse_names(fields, "Databases"),
    )


def _content_fields(manifest: Manifest) -> dict[str, object]:
    compression: dict[str, object] = {}
    if manifest.compression_engine:
        compression["CompressionEngine"] = manifest.compression_engine
    tail = {
        "SkipCompress": manifest.skip_compress,
        "ExternalDecompressor": manifest.external_decompressor,
    }
    match manifest.content:
        case FilesContent(entries=entries):
            listed = [
                {"Base": e.base, "Name": e.name, "Hash": e.hash, "ParentPath": e.parent_path}
                for e in entries
            ]
            return compression | {"FileEntries": listed} | tail
        case StreamContent() as stream:
            return (
                compression
                | {
                    "FileName": stream.file_name,
                    "ExtraCommandLineParams": stream.extra_params,
                    "StreamMode": stream.stream_mode,
                    "NumStripes": stream.stripe_count,
                    "StripeBlockSize": stream.stripe_block_bytes,
                }
                | tail
            )
        case OtherContent():
            raise InputError(f"cannot write a manifest of method {manifest.method!r}")


def _integrity_fields(integrity: Integrity) -> dict[str, object]:
    return {
        "FormatVersion": integrity.format_version,
        "RawBytes": integrity.raw_bytes,
        "StoredBytes": integrity.stored_bytes,
        "ChunkCount": integrity.chunk_count,
        "ChunkTable": integrity.chunk_table,
        "RootHash": integrity.root_hash,
    }


def _names_fields(manifest: Manifest) -> dict[str, object]:
    fields: dict[str, object] = {}
    if manifest.databases is not None:
        fields["Databases"] = sorted(manifest.databases)
    if isinstance(manifest.content, FilesContent) and manifest.content.empty_folders:
        fields["EmptyFolders"] = sorted(manifest.content.empty_folders)
    return fields


class _Reader:
    """Typed reads from a JSON object; keys in any case, as Go reads them."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = {key.lower(): value for key, value in fields.items()}

    def text(self, key: str) -> str:
        return _unicode(key, self._get(key, str, ""))

    def flag(self, key: str) -> bool:
        value: bool = self._get(key, bool, False)
        return value

    def number(self, key: str) -> int:
        value = self._fields.get(key.lower())
        if isinstance(value, bool) or not isinstance(value, int | None) or (value or 0) < 0:
            raise ManifestError(f"manifest key {key} is {value!r}: wanted a count")
        return value or 0

    def items(self, key: str) -> list[Any]:
        value: list[Any] = self._get(key, list, [])
        return value

    def position(self, key: str) -> Position:
        try:
            return Position.parse(self.text(key))
        except InputError as error:
            raise ManifestError(f"manifest key {key}: {error}") from None

    def time(self, key: str) -> datetime:
        text = self.text(key)
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ManifestError(
                f"manifest key {key} is {text!r}: wanted an RFC 3339 time"
            ) from None
        raise ManifestError(f"manifest key {key} is {text!r}: wanted a time zone")

    def _get(self, key: str, kind: type[Any], default: Any) -> Any:
        value = self._fields.get(key.lower())
        if value is None:
            return default
        if not isinstance(value, kind):
            raise ManifestError(f"manifest key {key} is {value!r}: wanted {kind.__name__}")
        return value


def _parse_content(method: str, reader: _Reader, empty_folders: tuple[str, ...]) -> Content:
    if method == BUILTIN:
        return FilesContent(
            entries=tuple(_parse_entry(item) for item in reader.items("FileEntries")),
            empty_folders=empty_folders,
        )
    if method == XTRABACKUP:
        if reader.number("NumStripes") > STRIPES_MAX:
            raise ManifestError(f"manifest key NumStripes is above {STRIPES_MAX}")
        return StreamContent(
            file_name=reader.text("FileName"),
            stream_mode=reader.text("StreamMode") or "tar",
            stripe_count=reader.number("NumStripes"),
            stripe_block_bytes=reader.number("StripeBlockSize"),
            extra_params=reader.text("ExtraCommandLineParams"),
        )
    return OtherContent()


def _parse_entry(item: object) -> FileEntry:
    if not isinstance(item, dict):
        raise ManifestError(f"manifest has a file entry {item!r}: wanted an object")
    reader = _Reader(item)
    return FileEntry(
        base=reader.text("Base"),
        name=reader.text("Name"),
        hash=reader.text("Hash"),
        parent_path=reader.text("ParentPath"),
    )


def _parse_integrity(fields: Mapping[str, Any]) -> Integrity | None:
    ours = fields.get("Armillary")
    if ours is None:
        return None
    if not isinstance(ours, dict):
        raise ManifestError(f"manifest key Armillary is {ours!r}: wanted an object")
    reader = _Reader(ours)
    version = reader.number("FormatVersion")
    if version > FORMAT_VERSION:
        raise ManifestError(
            f"manifest format is version {version}: this program knows up to {FORMAT_VERSION}"
        )
    return Integrity(
        format_version=version,
        raw_bytes=reader.number("RawBytes"),
        stored_bytes=reader.number("StoredBytes"),
        chunk_count=reader.number("ChunkCount"),
        chunk_table=reader.text("ChunkTable"),
        root_hash=reader.text("RootHash"),
    )


def _parse_names(fields: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """Return a list of names of ours; None when the backup does not say."""
    ours = fields.get("Armillary")
    if not isinstance(ours, dict) or ours.get(key) is None:
        return None
    names = ours[key]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ManifestError(f"manifest key {key} is {names!r}: wanted a list of names")
    return tuple(_unicode(key, name) for name in names)


def _unicode(key: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ManifestError(f"manifest key {key} is {text!r:.80}: not Unicode") from None
    return text


def _time_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
