"""Clusters whose backups live in a bucket: the same stories in S3 and in Google's store."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from armillary.cli.demo.walk import Walk, wait_until
from tests.e2e.machine import Machine
from tests.e2e.small_cluster import (
    SCHEMA,
    WAIT_S_MAX,
    Json,
    backup_objects,
    insert,
    keyspace,
    make_snapshot,
    names_in_storage,
    small_walk,
    take_backup,
    time_after,
    wait_for_type,
    wait_for_users,
    write_small_manifest,
)
from tests.fakes.object_stores import BUCKET, gcs_store, s3_store


def test_backups_in_s3() -> None:
    with s3_store() as store:
        s3 = {
            "region": "us-east-1",
            "bucket": BUCKET,
            "endpoint": store.s3_backup_aws_endpoint,
            "keyPrefix": "a/prefix",
            "forcePathStyle": True,
            "authSecret": {"name": "bucket-keys", "key": "credentials"},
        }
        keys = Path(store.aws_shared_credentials_file).read_text()
        walk_through({"s3": s3}, secrets={"bucket-keys": {"credentials": keys}})


def test_backups_in_gcs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator asks for no key, so this key is only carried; S3's story proves that it is."""
    with gcs_store() as store:
        emulator = {"STORAGE_EMULATOR_HOST": store.gcs_backup_endpoint}
        # The operator looks into the bucket as well.
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", store.gcs_backup_endpoint)
        gcs = {
            "bucket": BUCKET,
            "keyPrefix": "a/prefix",
            "authSecret": {"name": "bucket-key", "key": "key.json"},
        }
        walk_through({"gcs": gcs}, secrets={"bucket-key": {"key.json": "{}"}}, env=emulator)


def walk_through(
    location: Json,
    *,
    secrets: Mapping[str, Mapping[str, str]],
    env: Mapping[str, str] | None = None,
) -> None:
    """Initial backups, BackupShard, ListBackups, snapshot restore, RemoveBackup."""
    machine = Machine.fresh()
    keyspaces = [
        keyspace("main", "-", env=env),
        keyspace("restore", "-", database="vt_main", env=env),
    ]
    write_small_manifest(machine, location, keyspaces, secrets=secrets, env=env)
    with small_walk(machine) as walk:
        see_the_initial_backups(walk)
        walk.shell.run(f'{walk.vtctlclient} ApplySchema -sql="{SCHEMA}" main')
        wait_for_users(walk, "main", set())
        insert(walk, 1)
        first = take_backup(walk, "main/-")
        at = time_after(first)
        insert(walk, 2)
        second = take_backup(walk, "main/-")
        assert names_in_storage(walk, "main/-")[1:] == [first, second]
        make_snapshot(walk, "restore", at)
        wait_for_type(walk, "restore", "-", "master")
        wait_for_users(walk, "restore", {1})
        # The operator looks from time to time: what it never saw would be gone at once.
        wait_until(
            "an object of both backups",
            lambda: (
                {first, second} <= {obj["status"]["storageName"] for obj in backup_objects(walk)}
            ),
            timeout_s=WAIT_S_MAX,
        )
        walk.shell.run(f"{walk.vtctlclient} RemoveBackup main/- {second}")
        wait_until(
            "the removed backup's object to go",
            lambda: second not in {obj["status"]["storageName"] for obj in backup_objects(walk)},
            timeout_s=WAIT_S_MAX,
        )
        assert first in {obj["status"]["storageName"] for obj in backup_objects(walk)}


def see_the_initial_backups(walk: Walk) -> None:
    wait_until(
        "a complete VitessBackup of each keyspace",
        lambda: [obj["status"]["complete"] for obj in backup_objects(walk)] == [True, True],
        timeout_s=WAIT_S_MAX,
    )
    stores = json.loads(walk.shell.run(f"{walk.kubectl} get vitessbackupstorages -o json"))
    conditions = stores["items"][0]["status"]["conditions"]
    assert {condition["status"] for condition in conditions} == {"True"}, conditions
