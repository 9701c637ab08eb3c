"""VitessBackups mirror a real directory: completeness, bad names, deletion on either side."""

import json
import shutil
from pathlib import Path

import pytest

from armillary.kube import kinds
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

NAME = "2020-08-12.043833.vtbackup-3784835146"
OBJECT = "example-main-x-80-20200812-043833-e198004a-f2e040fe"
MANIFEST = {
    "BackupMethod": "xtrabackup",
    "Position": "MariaDB/0-1-7",
    "BackupTime": "2020-08-12T04:38:33Z",
    "FinishedTime": "2020-08-12T04:38:40Z",
    "FileName": "backup.xbstream",
}


def store(backups: Path, name: str = NAME, *, complete: bool = True) -> Path:
    directory = backups / "example" / "main" / "-80" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "backup.xbstream").write_bytes(b"x")
    if complete:
        (directory / "MANIFEST").write_text(json.dumps(MANIFEST))
    return directory


async def mirrored(running: Running) -> dict[str, bool]:
    """Return the VitessBackups and whether each is complete."""
    found = (await running.client.list(kinds.VITESS_BACKUP, NAMESPACE)).items
    return {obj["metadata"]["name"]: obj["status"]["complete"] for obj in found}


async def test_the_mirror_follows_storage(tmp_path: Path) -> None:
    backups = tmp_path / "b"
    directory = store(backups, complete=False)
    (backups / "example" / "main" / "-80" / "lost+found").mkdir()
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(backups))

        async def look() -> dict[str, bool]:
            return await mirrored(running)

        await running.eventually(look, lambda found: found == {OBJECT: False})
        store(backups)
        await running.eventually(look, lambda found: found == {OBJECT: True})
        status = (await running.get(kinds.VITESS_BACKUP, OBJECT))["status"]
        assert status["position"] == "MariaDB/0-1-7"
        assert status["finishedTime"] == "2020-08-12T04:38:40Z"
        assert status["engine"] == "xtrabackup"
        assert status["storageName"] == NAME

        # One way: deleting the object deletes nothing, and it comes back.
        await running.client.delete(kinds.VITESS_BACKUP, OBJECT, NAMESPACE)
        await running.eventually(look, lambda found: found == {OBJECT: True})

        storage = await running.get(kinds.VITESS_BACKUP_STORAGE, "example-90089e05")
        assert storage["status"]["totalBackupCount"] == 2
        (condition,) = storage["status"]["conditions"]
        assert condition["status"] == "False" and "lost+found" in condition["message"]

        shutil.rmtree(directory)
        await running.eventually(look, lambda found: found == {})


async def test_a_shard_with_a_complete_backup_gets_no_first_backup(tmp_path: Path) -> None:
    """Its vtbackup pod goes as soon as the backup is seen, and does not come back."""
    backups = tmp_path / "b"
    store(backups)
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(backups))

        async def init_pods() -> set[str]:
            pods = await running.names(kinds.POD)
            return {name for name in pods if "vtbackup-init" in name}

        await running.eventually(
            init_pods,
            lambda found: (
                len(found) == 3 and "example-main-x-80-vtbackup-init-6f097fa4" not in found
            ),
        )
