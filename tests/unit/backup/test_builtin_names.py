"""Where the offline engine puts what a MANIFEST names."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from armillary.backup.content import BackupReader
from armillary.backup.engines.builtin import BuiltinEngine
from armillary.backup.errors import DamagedBackupError
from armillary.backup.manifest import FileEntry, FilesContent
from armillary.backup.progress import Meter, ignore_progress
from armillary.backup.storage.memory import MemoryObjects, memory_storage
from armillary.settings.backup import BackupFlags
from tests.unit.backup.records import manifest_at

pytestmark = pytest.mark.anyio


def reader_of(content: FilesContent) -> BackupReader:
    manifest = replace(manifest_at(1), method="builtin", content=content, skip_compress=True)
    return BackupReader(
        memory_storage(MemoryObjects({"main/-/b/0": b"data"})),
        "main/-",
        "b",
        manifest,
        workers=anyio.CapacityLimiter(1),
        meter=Meter(ignore_progress),
    )


async def test_a_folder_without_a_file_is_there_again(tmp_path: Path) -> None:
    entry = FileEntry(base="Data", name="vt_main/t.ibd", hash="")
    content = FilesContent(entries=(entry,), empty_folders=("vt_empty",))
    engine = BuiltinEngine(BackupFlags())
    await engine.unpack(reader_of(content), tmp_path)
    assert (tmp_path / "Data/vt_main/t.ibd").read_bytes() == b"data"
    assert engine.databases(tmp_path) == {"vt_main", "vt_empty"}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/x", "a/../../x", "a\0b"])
async def test_no_name_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    for content in (
        FilesContent(entries=(FileEntry(base="Data", name=name, hash=""),)),
        FilesContent(entries=(), empty_folders=(name,)),
    ):
        with pytest.raises(DamagedBackupError, match="leads elsewhere"):
            await BuiltinEngine(BackupFlags()).unpack(reader_of(content), tmp_path)
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []
