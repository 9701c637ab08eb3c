"""`armillary verify-backup` on stores of each kind, as a person runs it."""

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import anyio
import pytest

from armillary.backup.storage import open_storage
from armillary.backup.storage.file import FileStorage
from armillary.settings.backup import BackupFlags, BackupStorageSettings
from tests.fakes.object_stores import gcs_store, s3_store

from .servers import fill, running_box
from .test_take_and_restore import SETTINGS, take

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


def verify(settings: BackupStorageSettings, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and the JSON that the command prints."""
    flags = [
        f"--{field.name}={getattr(settings, field.name)}"
        for field in fields(BackupStorageSettings)
        if getattr(settings, field.name) != field.default
    ]
    command = [sys.executable, "-m", "armillary.cli.armillary", "verify-backup", "-o", "json"]
    done = subprocess.run(
        [*command, *flags, *arguments], capture_output=True, text=True, check=False
    )
    if not done.stdout:
        return done.returncode, [{"stderr": done.stderr}]
    return done.returncode, json.loads(done.stdout)


def in_directory(root: Path) -> BackupStorageSettings:
    return BackupStorageSettings(
        backup_storage_implementation="file", file_backup_storage_root=str(root)
    )


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def spoil_each(root: Path, names: list[str]) -> dict[str, str]:
    """Damage each backup in another way; return the object that the command must name for it."""
    folders = [root / "main/-80" / name for name in names]
    flip(folders[0] / "backup.xbstream.zst-003")
    (folders[1] / "backup.xbstream.zst-005").unlink()
    os.truncate(folders[2] / "backup.xbstream.zst-000", 100)
    flip(folders[3] / "CHUNKS")
    (folders[4] / "MANIFEST").write_text("{")
    manifest = json.loads((folders[5] / "MANIFEST").read_text())
    del manifest["Armillary"]
    (folders[5] / "MANIFEST").write_text(json.dumps(manifest))
    flip(folders[5] / "backup.xbstream")
    wanted = ["backup.xbstream.zst-003", "backup.xbstream.zst-005", "backup.xbstream.zst-000"]
    wanted += ["CHUNKS", "MANIFEST", "backup.xbstream"]
    return dict(zip(names, wanted, strict=True))


async def test_each_kind_of_damage_is_named(short_dir: Path, template_cache: Path) -> None:
    root = short_dir / "backups"
    storage = FileStorage(root)
    async with running_box(short_dir, 1, cache=template_cache) as box:
        await fill(box, rows=10)
        spoiled = [(await take(box, storage)).backup_name for _ in range(5)]
        plain = BackupFlags(backup_storage_compress=False)
        spoiled.append((await take(box, storage, settings=plain)).backup_name)
        sound = (await take(box, storage)).backup_name
        offline = (await take(box, storage, "builtin")).backup_name
    where = in_directory(root)

    def run() -> None:
        code, found = verify(where, "--all")
        assert code == 0 and all(row["sound"] and row["raw_bytes"] > 0 for row in found)
        wanted = spoil_each(root, spoiled)
        code, found = verify(where, "--all", "main")
        assert code == 1
        damaged = {row["backup"]: row["damaged_files"] for row in found if not row["sound"]}
        assert damaged == {name: [file] for name, file in wanted.items()}
        assert {row["backup"] for row in found if row["sound"]} == {sound, offline}
        # The newest of the shard alone; then one by name, with a file of somebody else beside.
        code, found = verify(where, "main/-80")
        assert (code, [row["backup"] for row in found]) == (0, [offline])
        (root / "main/-80" / sound / "notes.txt").touch()
        code, (row,) = verify(where, f"main/-80/{sound}")
        assert code == 0 and "notes.txt" in row["notes"][0]
        flip(root / "main/-80" / offline / "7")
        assert verify(where)[0] == 1
        assert verify(where, "main/80-")[0] == 2 == verify(where, "main/-80/nothing")[0]
        assert verify(where, "a/b/c/d")[0] == 2

    await anyio.to_thread.run_sync(run)


@pytest.mark.parametrize("kind", ["s3", "gcs"])
async def test_buckets_are_read_as_well(short_dir: Path, template_cache: Path, kind: str) -> None:
    with {"s3": s3_store, "gcs": gcs_store}[kind]() as where:
        async with (
            open_storage(where) as storage,
            running_box(short_dir, 1, cache=template_cache) as box,
        ):
            await fill(box, rows=10)
            name = (await take(box, storage, settings=SETTINGS)).backup_name
            code, rows = await anyio.to_thread.run_sync(verify, where)
            (row,) = rows
            assert (code, row["backup"], row["sound"]) == (0, name, True)
            data = bytearray()
            async for piece in storage.get("main/-80", name, "backup.xbstream.zst-001"):
                data += piece
            data[len(data) // 2] ^= 1

            async def changed() -> Any:
                yield bytes(data)

            await storage.put("main/-80", name, "backup.xbstream.zst-001", changed())
        code, rows = await anyio.to_thread.run_sync(verify, where)
        (row,) = rows
        assert (code, row["damaged_files"]) == (1, ["backup.xbstream.zst-001"])
