"""VitessBackups mirror a real directory: completeness, bad names, deletion on either side."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.storage.file import FileStorage
from armillary.kube import kinds
from armillary.kube.events import EventRecorder
from armillary.kube.kinds import KubeObject
from armillary.kube.objects import condition_of
from tests.integration.operator.running import NAMESPACE, Running, example, running_operator

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

NAME = "2020-08-12.043833.vtbackup-3784835146"
OBJECT = "example-main-x-80-20200812-043833-e198004a-f2e040fe"
SHARD = "example-main-x-80-84bc4397"
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

        # Half removed: whoever removes a backup takes its MANIFEST first.
        (directory / "MANIFEST").unlink()
        await running.eventually(look, lambda found: found == {OBJECT: False})
        status = (await running.get(kinds.VITESS_BACKUP, OBJECT))["status"]
        assert "position" not in status and "finishedTime" not in status
        store(backups)
        await running.eventually(look, lambda found: found == {OBJECT: True})

        # One way: deleting the object deletes nothing, and it comes back.
        await running.client.delete(kinds.VITESS_BACKUP, OBJECT, NAMESPACE)
        await running.eventually(look, lambda found: found == {OBJECT: True})

        storage = await running.get(kinds.VITESS_BACKUP_STORAGE, "example-90089e05")
        assert storage["status"]["totalBackupCount"] == 2
        condition = condition_of(storage, "Mirrored") or {}
        assert condition["status"] == "False" and "lost+found" in condition["message"]

        shutil.rmtree(directory)
        await running.eventually(look, lambda found: found == {})


async def test_a_location_that_is_not_there_hides_no_backup_until_a_person_says_so(
    tmp_path: Path,
) -> None:
    """As when its volume is not mounted, which an empty list would not tell from no backups."""
    backups = tmp_path / "b"
    store(backups)
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(backups))

        async def seen() -> tuple[dict[str, bool], str, str]:
            stores = (await running.client.list(kinds.VITESS_BACKUP_STORAGE, NAMESPACE)).items
            told = [condition_of(store, "Mirrored") or {} for store in stores] or [{}]
            return await mirrored(running), told[0].get("reason", ""), told[0].get("message", "")

        await running.eventually(seen, lambda found: found[:2] == ({OBJECT: True}, "Listed"))
        (backups / "example").rename(tmp_path / "unmounted")
        found = await running.eventually(seen, lambda found: found[1] == "LocationGone")
        assert found[0] == {OBJECT: True}
        assert f"the directory {backups}/example is not there, in which 1 backups were" in found[2]
        (tmp_path / "unmounted").rename(backups / "example")
        await running.eventually(seen, lambda found: found[:2] == ({OBJECT: True}, "Listed"))

        shutil.rmtree(backups / "example")
        await running.eventually(seen, lambda found: found[1] == "LocationGone")
        await running.client.delete(kinds.VITESS_BACKUP, OBJECT, NAMESPACE)
        none = "There is no backup in the location."
        await running.eventually(seen, lambda found: found == ({}, "Listed", none))


def store_hostile_things(directory: Path) -> dict[str, str]:
    """Fill a shard's directory with what a backup is not; return what must be said of each."""

    def make(name: str, manifest: bytes | None = None) -> Path:
        path = directory / name
        path.mkdir(parents=True)
        if manifest is not None:
            (path / "MANIFEST").write_bytes(manifest)
        return path

    os.mkdir(os.fsencode(directory) + b"/2020-08-12.043834.caf\xe9-0000000001")
    make("with\na line\x1b[31m break", b"{}")
    make("..2020-08-12.043833.zone1-0000000001", b"{}")
    make("0001-01-01.000000.zone1-0000000001", b"{}")
    make("9999-12-31.235959.zone1-0000000001", b"{}")
    make("x" * 255)
    make("2020-08-12.043835.zone1-0000000001", b"")
    make("2020-08-12.043836.zone1-0000000001", b"[" * 100_000)
    make("2020-08-12.043837.zone1-0000000001", b'{"BackupMethod": "' + b"x" * 50_000_000 + b'"}')
    make("2020-08-12.043838.zone1-0000000001").joinpath("MANIFEST").mkdir()
    os.mkfifo(make("2020-08-12.043839.zone1-0000000001") / "MANIFEST")
    (make("2020-08-12.043840.zone1-0000000001") / "MANIFEST").symlink_to("MANIFEST")
    (directory / "2020-08-12.043841.zone1-0000000001").write_bytes(b"a file, no directory")
    (directory / "2020-08-12.043842.zone1-0000000001").symlink_to("nowhere")
    make("2020-08-12.043833.vtbackup-03784835146", json.dumps(MANIFEST).encode())
    return {
        "043834": r"caf\udce9",
        "with": r"with\na line\x1b[31m break",
        "0001": "in that year",
        "9999": "in that year",
        "xxx": "wanted TIME.ALIAS",
        "043835": "not JSON",
        "043836": "nested too deep",
        "043837": "50000000 characters",
        "043838": "not a plain file",
        "043839": "not a plain file",
        "043840": "not a plain file",
        "03784835146": "means the same backup",
    }


async def test_hostile_things_in_a_location_hide_no_backup(tmp_path: Path) -> None:
    """Names and MANIFESTs of any kind beside sound ones, and a directory that cannot be listed."""
    backups = tmp_path / "b"
    store(backups)
    told = store_hostile_things(backups / "example" / "main" / "-80")
    (backups / "example" / "main" / "80-").write_bytes(b"a file where a directory belongs")
    (backups / "example" / "restore").symlink_to("restore")
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(backups))

        async def complete() -> set[str]:
            return {name for name, whole in (await mirrored(running)).items() if whole}

        async def message() -> str:
            storage = await running.get(kinds.VITESS_BACKUP_STORAGE, "example-90089e05")
            conditions = (storage.get("status") or {}).get("conditions") or [{}]
            return str(conditions[0].get("message"))

        await running.eventually(complete, lambda found: found == {OBJECT})
        text = await running.eventually(message, lambda found: "more)" in found)
        assert "All other backups are shown" in text

        async def untold() -> dict[str, str]:
            events = await running.client.list(kinds.EVENT, NAMESPACE)
            said = [e["message"] for e in events.items if e["reason"] == "InvalidBackup"]
            return {
                key: why
                for key, why in told.items()
                if not any(key in message and why in message for message in said)
            }

        await running.eventually(untold, lambda found: found == {})

        # It goes on: a new backup is seen, a removed one goes.
        store(backups, "2020-08-12.050000.zone1-0000000007")
        await running.eventually(complete, lambda found: len(found) == 2)
        shutil.rmtree(backups / "example" / "main" / "-80" / "2020-08-12.050000.zone1-0000000007")
        await running.eventually(complete, lambda found: found == {OBJECT})
    storage = FileStorage(backups / "example")
    records = await read_catalog(storage, "main", "-80")
    assert [record.raw_name for record in records if record.is_complete] == [
        "2020-08-12.043833.vtbackup-03784835146",
        NAME,
    ]


GCS = {"bucket": "b", "authSecret": {"name": "google", "key": "key.json"}}
S3 = {
    "region": "us-east-1",
    "bucket": "b",
    "endpoint": "http://127.0.0.1:1",
    "authSecret": {"name": "amazon", "key": "credentials"},
}


def secret(name: str, **data: str) -> KubeObject:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


async def test_a_location_that_stays_broken_is_told_once_and_wakes_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is none, and a port where nobody listens: the same Events count, one status."""
    monkeypatch.setitem(EventRecorder.__init__.__kwdefaults__ or {}, "resend_s", 0.0)
    monkeypatch.setattr("armillary.operator.backupstorage.tale._FAILING_PAUSE_S_MAX", 0.4)
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(secret("google", **{"key.json": "{}"}))
        keys = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n"
        await running.client.create(secret("amazon", credentials=keys))
        cluster = example(tmp_path / "b")
        cluster["spec"]["backup"]["locations"] = [{"gcs": GCS}, {"name": "closed", "s3": S3}]
        await running.client.create(cluster)

        async def told() -> dict[str, int]:
            events = (await running.client.list(kinds.EVENT, NAMESPACE)).items
            counts = [
                (event["message"], event["count"])
                for event in events
                if event["involvedObject"]["kind"] == "VitessBackupStorage"
                and event["reason"] in ("OpenFailed", "ListFailed")
            ]
            assert len(dict(counts)) == len(counts), counts
            return dict(counts)

        async def versions() -> dict[str, str]:
            stores = (await running.client.list(kinds.VITESS_BACKUP_STORAGE, NAMESPACE)).items
            assert all(len(store["status"]["conditions"]) == 2 for store in stores)
            return {s["metadata"]["name"]: s["metadata"]["resourceVersion"] for s in stores}

        wanted = "key file key.json of Secret google: wanted a service account's JSON key"
        found = await running.eventually(
            told, lambda found: len(found) == 5 and min(found.values()) >= 2
        )
        unlisted = sorted(message for message in found if message != wanted)
        assert wanted in found and len(unlisted) == 4, found
        assert unlisted[0] == (
            "cannot list main/-80: s3: example/main/-80/: GET http://127.0.0.1:1/b: "
            "HTTP error: error sending request: Connection refused"
        )
        before = await versions()
        most = max(found.values())
        await running.eventually(told, lambda found: min(found.values()) > most)
        assert await versions() == before and set(await told()) == set(found)


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


async def backups_current(running: Running) -> set[tuple[str, bool]]:
    """Return what the shard, the location and the cluster say, and whether the reason is there."""
    shard = await running.get(kinds.VITESS_SHARD, SHARD)
    conditions = [((shard.get("status") or {}).get("conditions") or {}).get("BackupsCurrent") or {}]
    for kind, name in (
        (kinds.VITESS_BACKUP_STORAGE, "example-90089e05"),
        (kinds.PLANETSCALE_CLUSTER, "example"),
    ):
        obj = await running.get(kind, name)
        conditions.append(dict(condition_of(obj, "BackupsCurrent") or {}))
    return {(c.get("status", ""), "no bucket" in c.get("message", "")) for c in conditions}


async def test_a_run_that_fails_is_told_at_every_level_until_a_backup_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armillary.operator.shard.overdue.FAILS_AFTER", timedelta(0))
    monkeypatch.setattr("armillary.operator.cluster.loop._RESYNC_S", 0.5)
    async with running_operator(tmp_path / "k") as running:
        await running.client.create(example(tmp_path / "b"))

        async def runs() -> set[str]:
            return {name for name in await running.names(kinds.POD) if "x-80-vtbackup-init" in name}

        found = await running.eventually(runs, lambda names: len(names) == 2)
        pod = next(name for name in found if "main" in name)
        line = "E0101 00:00:00.000001 armillary.settings.program] vtbackup failed reason=no bucket"
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": line}}
        status = {"containerStatuses": [{"name": "vtbackup", "lastState": ended}]}
        await running.client.patch_status(kinds.POD, pod, NAMESPACE, status)

        async def told() -> set[tuple[str, bool]]:
            return await backups_current(running)

        await running.eventually(told, lambda found: found == {("False", True)})

        async def events() -> set[str]:
            items = (await running.client.list(kinds.EVENT, NAMESPACE)).items
            return {
                str(event["involvedObject"]["kind"])
                for event in items
                if event["reason"] == "BackupOverdue" and "no bucket" in event["message"]
            }

        wanted = {"VitessShard", "VitessBackupStorage", "PlanetScaleCluster"}
        await running.eventually(events, lambda found: found == wanted)
        store(tmp_path / "b", f"{datetime.now(UTC):%Y-%m-%d.%H%M%S}.vtbackup-3784835146")
        await running.eventually(told, lambda found: found == {("True", False)})
