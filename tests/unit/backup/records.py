"""Backup records for tests of pure decisions."""

from datetime import UTC, datetime, timedelta

from armillary.backup.catalog import BackupRecord
from armillary.backup.manifest import Manifest, OtherContent, StreamContent
from armillary.model.backup_name import BackupName
from armillary.model.gtid import Position
from armillary.model.tablet import TabletAlias

START = datetime(2020, 8, 12, 4, 0, 0, tzinfo=UTC)
ALIAS = TabletAlias("zone1", 1)
MARIADB = "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"
MYSQL = "mysqld  Ver 8.0.36 for Linux on x86_64 (Source distribution)"


def name_at(hours: float, alias: TabletAlias = ALIAS) -> BackupName:
    return BackupName(START + timedelta(hours=hours), alias)


def manifest_at(
    hours: float,
    *,
    position: str = "MariaDB/0-1-2",
    version: str = MARIADB,
    method: str = "xtrabackup",
    incremental: bool = False,
) -> Manifest:
    at = START + timedelta(hours=hours)
    known = method in ("xtrabackup", "builtin")
    return Manifest(
        backup_name=str(name_at(hours)),
        method=method,
        position=Position.parse(position),
        purged_position=Position.parse(position),
        backup_time=at,
        finished_time=at + timedelta(minutes=1),
        server_uuid="",
        tablet_alias=str(ALIAS),
        keyspace="main",
        shard="-80",
        mysql_version=version,
        upgrade_safe=True,
        incremental=incremental,
        compression_engine="zstd",
        content=StreamContent(file_name="backup.xbstream.zst") if known else OtherContent(),
    )


def complete(hours: float, **more: object) -> BackupRecord:
    manifest = manifest_at(hours, **more)  # type: ignore[arg-type]
    return BackupRecord(raw_name=str(name_at(hours)), name=name_at(hours), manifest=manifest)


def incomplete(hours: float) -> BackupRecord:
    return BackupRecord(
        raw_name=str(name_at(hours)), name=name_at(hours), problem="has no MANIFEST: incomplete"
    )


def foreign(raw_name: str = "lost+found") -> BackupRecord:
    return BackupRecord(raw_name=raw_name, name=None, problem="invalid backup name")
