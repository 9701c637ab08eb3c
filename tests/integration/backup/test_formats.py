"""docs/formats.md holds: its commands restore our backups, and what Vitess writes restores here."""

import gzip
import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from armillary.backup.restore import restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.settings.backup import BackupFlags

from .servers import running_box
from .test_take_and_restore import CHECK, fill, restore_request, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats.md"


def commands(after: str) -> str:
    """Return the block of commands that follows a line of the document."""
    text = DOCUMENT.read_text().split(after, 1)[1]
    found = re.search(r"\n\n((?:    .*\n|\n)+)", text)
    assert found is not None
    return "".join(line.removeprefix("    ") for line in found[1].splitlines(keepends=True))


@pytest.mark.parametrize(
    ("stripes", "heading"), [(0, "One file (NumStripes 0 or 1):"), (8, "Several files, here 8:")]
)
async def test_the_documents_commands_restore_a_backup(
    short_dir: Path, template_cache: Path, stripes: int, heading: str
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("the program zstd is not installed; the commands were not tried")
    settings = BackupFlags(xtrabackup_stripes=stripes)
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        manifest = await take(source, FileStorage(short_dir / "backups"), settings=settings)
        expected = await source.sql(CHECK)
    restored = short_dir / "restored"
    pieces = short_dir / "pieces"
    script = "set -eo pipefail\n" + commands(heading) + commands("Then, for both:").splitlines()[0]
    script = script.replace("/tmp/", f"{pieces}/").replace("-C /restore", f"-C {restored}")
    script = script.replace("=/restore", f"={restored}")

    def run() -> None:
        restored.mkdir()
        pieces.mkdir()
        folder = short_dir / "backups/main/-80" / manifest.backup_name
        subprocess.run(["bash", "-c", script], cwd=folder, check=True, capture_output=True)

    await anyio.to_thread.run_sync(run)
    async with running_box(short_dir, 2, start=False) as target:
        dirs = target.spec.tablet
        for folder in dirs.server_dirs():
            folder.mkdir(parents=True)
        await target.process.reinit_config()
        install = ["mariadb-backup", f"--defaults-file={dirs.my_cnf}", "--move-back"]
        await anyio.run_process([*install, f"--target-dir={restored}"])
        await target.process.start()
        assert await target.sql(CHECK) == expected


def as_vitess_would(folder: Path) -> None:
    """Rewrite a backup of ours into what Vitess stores: gzip, and nothing of our own."""
    manifest = json.loads((folder / "MANIFEST").read_text())
    del manifest["Armillary"]
    manifest["CompressionEngine"] = "pargzip"
    (folder / "CHUNKS").unlink()
    rename: Callable[[str], str] = lambda name: name.replace(".zst", ".gz")  # noqa: E731
    for path in sorted(folder.iterdir()):
        if path.name == "MANIFEST":
            continue
        raw = subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True).stdout
        # Several members in a row, as the parallel gzip writes them.
        middle = len(raw) // 2
        stored = gzip.compress(raw[:middle]) + gzip.compress(raw[middle:])
        path.unlink()
        (folder / rename(path.name)).write_bytes(stored)
        if "FileEntries" in manifest:
            manifest["FileEntries"][int(path.name)]["Hash"] = f"{zlib.crc32(stored):08x}"
    if "FileName" in manifest:
        manifest["FileName"] = rename(manifest["FileName"])
    (folder / "MANIFEST").write_text(json.dumps(manifest, indent=2))


@pytest.mark.parametrize("engine", ["xtrabackup", "builtin"])
async def test_a_backup_in_vitess_own_form_restores(
    short_dir: Path, template_cache: Path, engine: str
) -> None:
    if shutil.which("zstd") is None:
        pytest.skip("the program zstd is not installed; Vitess's form was not tried")
    settings = BackupFlags(xtrabackup_stripes=3)
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 1, cache=template_cache) as source:
        await fill(source)
        manifest = await take(source, storage, engine, settings)
        expected = await source.sql(CHECK)
    await anyio.to_thread.run_sync(
        as_vitess_would, short_dir / "backups/main/-80" / manifest.backup_name
    )
    async with running_box(short_dir, 2, cache=template_cache) as target:
        outcome = await restore_backup(
            restore_request(target, database="vt_main"), storage=storage, settings=settings
        )
        assert outcome.manifest.integrity is None
        assert outcome.position == manifest.position
        assert await target.sql(CHECK) == expected
