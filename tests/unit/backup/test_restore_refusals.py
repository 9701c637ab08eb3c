"""A restore that is refused again and again costs no more each time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from armillary.backup.catalog import shard_directory
from armillary.backup.errors import DamagedBackupError, RestoreMismatchError
from armillary.backup.manifest import encode_manifest
from armillary.backup.restore import RestoreRequest, restore_backup
from armillary.backup.restore_memory import Finding, RestoreMemory
from armillary.backup.storage.contract import MANIFEST_FILE
from armillary.backup.storage.file import FileStorage
from armillary.mysqld.flavors.flavor import ServerVersion
from armillary.settings.backup import BackupFlags

from .records import MARIADB, manifest_at

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "finding",
    [
        RestoreMismatchError("no such database"),
        DamagedBackupError("main/-80/b", "CHUNKS", "is missing"),
    ],
    ids=["mismatch", "damaged"],
)
async def test_the_traceback_of_a_known_finding_does_not_grow(
    tmp_path: Path, finding: Finding
) -> None:
    storage = FileStorage(tmp_path)
    manifest = manifest_at(0)
    directory, name = shard_directory("main", "-80"), manifest.backup_name
    await storage.start_backup(directory, name)
    await storage.put_if_absent(directory, name, MANIFEST_FILE, encode_manifest(manifest))
    memory = RestoreMemory()
    memory.note(directory, name, finding)
    flavor = SimpleNamespace(name="MariaDB", version=ServerVersion.parse(MARIADB))
    request = RestoreRequest(
        keyspace="main",
        shard="-80",
        server=cast(Any, None),  # nothing is asked of it
        flavor=cast(Any, flavor),
        fall_back=False,
    )
    depths = []
    for _ in range(3):
        with pytest.raises(type(finding)) as caught:
            await restore_backup(request, storage=storage, settings=BackupFlags(), memory=memory)
        assert caught.value is finding
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1, depths
