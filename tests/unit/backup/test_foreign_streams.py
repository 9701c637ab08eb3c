"""Good backups of Vitess's that we cannot check, or whose MANIFEST is old, are no damaged ones."""

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from armillary.backup.catalog import BackupRecord, read_catalog
from armillary.backup.manifest import StreamContent, encode_manifest
from armillary.backup.storage.file import FileStorage
from armillary.backup.verify import VerifyReport, verify_backup
from armillary.cli.verbs.verify_backup import _line
from armillary.cli.verify_backups import Verified

from .records import manifest_at, name_at

pytestmark = pytest.mark.anyio

PATH = b"t.ibd"


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return b"XBSTCK01" + struct.pack("<BcI", 0, kind, len(PATH)) + PATH + body


MARIADB_STREAM = (
    chunk(b"P", struct.pack("<QQI", 0, 0, 0)) + chunk(b"S", struct.pack("<Q", 8)) + chunk(b"E")
)


async def verified(root: Path, mode: str, version: str, data: bytes) -> VerifyReport:
    """Return what is said of a stream that Vitess stored as it is."""
    folder = root / "main" / "-80" / str(name_at(1))
    folder.mkdir(parents=True)
    (folder / "stream").write_bytes(data)
    content = StreamContent(file_name="stream", stream_mode=mode)
    manifest = replace(manifest_at(1, version=version), content=content, skip_compress=True)
    fields = json.loads(encode_manifest(manifest))
    if not mode:
        del fields["StreamMode"]
    (folder / "MANIFEST").write_text(json.dumps(fields))
    storage = FileStorage(root)
    (record,) = await read_catalog(storage, "main", "-80")
    assert isinstance(record, BackupRecord)
    return await verify_backup(storage, "main", "-80", record)


@pytest.mark.parametrize("mode", ["tar", ""])
async def test_a_tar_cannot_be_checked_and_is_not_called_damaged(tmp_path: Path, mode: str) -> None:
    report = await verified(tmp_path, mode, "mysqld  Ver 8.0.36", b"t.ibd\0" * 100)
    assert (report.problems, report.damaged_files, report.is_sound) == ((), (), False)
    assert "tar stream" in report.unsupported
    line = _line(Verified(location="", keyspace="main", shard="-80", report=report))
    assert "cannot be checked" in line and "DAMAGED" not in line


async def test_an_old_manifest_without_a_version_is_of_mariadb_by_its_position(
    tmp_path: Path,
) -> None:
    report = await verified(tmp_path, "xbstream", "", MARIADB_STREAM)
    assert report.problems == () and report.is_sound


async def test_a_sweep_passes_over_what_another_run_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".armillary-left").touch()
    looked, scandir = [], os.scandir

    def look(path: str) -> object:
        looked.append(str(path))
        if str(path).endswith("/a"):
            (tmp_path / "a").rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", look)
    assert await FileStorage(tmp_path).sweep_leftovers(older_than_s=0) == 1
    assert str(tmp_path / "a") in looked
