"""Restores that cannot be what was asked, and backups that come and go by themselves.

One small cluster serves all of it. Each story takes the backups that it needs.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from armillary.base.clock import utc_now
from armillary.cli.demo.walk import Walk, wait_until
from armillary.model.backup_name import BackupName
from tests.e2e.machine import Machine
from tests.e2e.small_cluster import (
    SCHEMA,
    WAIT_S_MAX,
    Json,
    backup_objects,
    backups_in,
    insert,
    keyspace,
    make_snapshot,
    names_in_storage,
    small_walk,
    tablet_pod,
    tablet_types,
    take_backup,
    time_after,
    wait_for_type,
    wait_for_users,
    write_small_manifest,
)

VSCHEMA = {
    "sharded": True,
    "vindexes": {"hash": {"type": "hash"}},
    "tables": {"users": {"column_vindexes": [{"column": "user_id", "name": "hash"}]}},
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# By the vindex `hash` these users live in -80 and in 80-.
LOW, HIGH = 1, 4


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.fresh()


@pytest.fixture(scope="module")
def walk(machine: Machine) -> Iterator[Walk]:
    keyspaces = [
        keyspace("main", "-80", "80-"),
        keyspace("restore", "-80", "80-", database="vt_main"),
        keyspace("wrong", "-80", "80-"),
    ]
    write_small_manifest(machine, backups_in(machine.paths.backups), keyspaces)
    with small_walk(machine) as walk:
        walk.shell.run(f"{walk.vtctlclient} ApplyVSchema -vschema='{json.dumps(VSCHEMA)}' main")
        walk.shell.run(f'{walk.vtctlclient} ApplySchema -sql="{SCHEMA}" main')
        wait_for_users(walk, "main", set())
        insert(walk, LOW)
        insert(walk, HIGH)
        yield walk


def shard_object(walk: Walk, keyspace: str, shard: str) -> Json:
    text = walk.shell.run(f"{walk.kubectl} get vitessshards -o json", quiet=True)
    (found,) = (
        obj
        for obj in json.loads(text)["items"]
        if obj["metadata"]["labels"]["planetscale.com/keyspace"] == keyspace
        and obj["spec"]["name"] == shard
    )
    return dict(found)


def condition_of(walk: Walk, keyspace: str, shard: str, kind: str) -> Json:
    conditions = shard_object(walk, keyspace, shard)["status"].get("conditions") or {}
    return dict(conditions.get(kind) or {})


def expect_told(walk: Walk, keyspace: str, shard: str, reason: str) -> None:
    """The tablet's log, its shard's condition and events of both say why it does not serve."""
    pod = tablet_pod(walk, keyspace, "x-80" if shard == "-80" else "80-x")
    events = f"{walk.kubectl} get events --field-selector reason=RestoreBlocked -o json"

    def is_told() -> bool:
        condition = condition_of(walk, keyspace, shard, "DataRestored")
        if condition.get("status") != "False" or reason not in str(condition.get("message")):
            return False
        found = json.loads(walk.shell.run(events, quiet=True))["items"]
        told = {
            (event["involvedObject"]["kind"], event["involvedObject"]["name"])
            for event in found
            if reason in event["message"]
        }
        name = shard_object(walk, keyspace, shard)["metadata"]["name"]
        return {("Pod", pod.removeprefix("pod/")), ("VitessShard", name)} <= told

    wait_until(f"condition and events that say {reason!r}", is_told, timeout_s=WAIT_S_MAX)
    assert reason in walk.shell.run(f"{walk.kubectl} logs {pod} -c vttablet", quiet=True)
    status = shard_object(walk, keyspace, shard)["status"]
    assert tablet_types(walk)[keyspace, shard] == "restore"
    assert status["hasMaster"] == "False" and status["servingWrites"] == "False"
    code, _, said = walk.shell.try_run(f"{walk.mysql} '{keyspace}:{shard}' -e 'select 1'")
    assert code != 0 and said, "a tablet without data must not serve"


def test_a_time_before_the_first_backup_and_a_database_that_is_not_in_it(walk: Walk) -> None:
    make_snapshot(walk, "restore", LONG_AGO)
    make_snapshot(walk, "wrong", utc_now())
    for shard in ("-80", "80-"):
        expect_told(walk, "restore", shard, "all complete backups are later")
    expect_told(walk, "wrong", "-80", "does not hold the database vt_wrong")
    log = walk.shell.run(f"{walk.kubectl} logs {tablet_pod(walk, 'wrong', 'x-80')} -c vttablet")
    assert "unpack" not in log, "what a backup holds is known before it is fetched"


def test_a_damaged_newest_backup_makes_room_for_the_next_older_one(
    machine: Machine, walk: Walk
) -> None:
    sound = take_backup(walk, "main/-80")
    time_after(sound)
    damaged = take_backup(walk, "main/-80")
    flip_a_bit(folder_of(machine, damaged) / "backup.xbstream.zst-002")
    pod = tablet_pod(walk, "main", "x-80")
    claim = pod.replace("pod/", "pvc/")
    walk.shell.run(f"{walk.kubectl} delete {claim} --wait=false")
    walk.shell.run(f"{walk.kubectl} delete {pod}")
    wait_until(
        "the shard to say which backup it took",
        lambda: condition_of(walk, "main", "-80", "NewestBackupUsed").get("status") == "False",
        timeout_s=WAIT_S_MAX,
    )
    message = condition_of(walk, "main", "-80", "NewestBackupUsed")["message"]
    assert f"restored from {sound}" in message and damaged in message
    log = walk.shell.run(f"{walk.kubectl} logs {pod} -c vttablet", quiet=True)
    assert "backup is damaged; trying the next older one" in log and damaged in log
    wait_for_type(walk, "main", "-80", "master")
    wait_for_users(walk, "main", {LOW, HIGH})
    events = walk.shell.run(
        f"{walk.kubectl} get events --field-selector reason=OlderBackupRestored -o name"
    )
    assert events.strip()


def test_backups_that_are_removed_for_one_shard_only(walk: Walk) -> None:
    """The other shard is restored and serves; this one says that it has nothing."""
    kept = take_backup(walk, "main/-80")
    at = time_after(kept)
    for name in names_in_storage(walk, "main/80-"):
        walk.shell.run(f"{walk.vtctlclient} RemoveBackup main/80- {name}")
    assert names_in_storage(walk, "main/80-") == []
    assert kept in names_in_storage(walk, "main/-80")
    make_snapshot(walk, "restore", at)
    wait_for_type(walk, "restore", "-80", "master")
    wait_for_users(walk, "restore:-80", {LOW})
    expect_told(walk, "restore", "80-", "nothing to restore from main/80-: no backups")
    directories = {obj["status"]["storageDirectory"] for obj in backup_objects(walk)}
    assert "main/-80" in directories and "main/80-" not in directories
    take_backup(walk, "main/80-")


def test_the_policy_makes_and_prunes_and_without_it_nothing_happens(
    machine: Machine, walk: Walk
) -> None:
    take_backup(walk, "main/-80")
    old = [age(machine, name) for name in names_in_storage(walk, "main/-80")]
    untouched = names_in_storage(walk, "main/80-")
    newest = BackupName.parse(old[-1]).started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    wait_until(
        "the shard to see that its newest backup is old",
        lambda: latest_backup(walk, "main", "-80") == newest,
        timeout_s=WAIT_S_MAX,
    )
    assert update_pods(walk) == [], "without a policy nobody makes backups"
    set_policy(walk, {})
    wait_until(
        "a new backup in the place of the old ones",
        lambda: not set(old) & set(names_in_storage(walk, "main/-80")),
        timeout_s=WAIT_S_MAX,
    )
    (made,) = names_in_storage(walk, "main/-80")
    assert ".vtbackup-" in made
    wait_until(
        "the objects to follow",
        lambda: objects_of(walk, "main/-80") == {made: True},
        timeout_s=WAIT_S_MAX,
    )
    assert names_in_storage(walk, "main/80-") == untouched
    set_policy(walk, None)
    wait_until("the run's pod to go", lambda: update_pods(walk) == [], timeout_s=WAIT_S_MAX)
    assert names_in_storage(walk, "main/-80") == [made]


def latest_backup(walk: Walk, keyspace: str, shard: str) -> str:
    (location,) = shard_object(walk, keyspace, shard)["status"]["backupLocations"]
    return str(location.get("latestCompleteBackupTime"))


def objects_of(walk: Walk, directory: str) -> dict[str, bool]:
    return {
        obj["status"]["storageName"]: obj["status"]["complete"]
        for obj in backup_objects(walk)
        if obj["status"]["storageDirectory"] == directory
    }


def update_pods(walk: Walk) -> list[str]:
    selector = "backup.planetscale.com/type=update"
    return walk.shell.run(f"{walk.kubectl} get pods -l {selector} -o name", quiet=True).split()


def set_policy(walk: Walk, policy: Json | None) -> None:
    patch = json.dumps({"spec": {"backup": {"policy": policy}}})
    walk.shell.run(f"{walk.kubectl} patch psc small --type merge -p '{patch}'")


def folder_of(machine: Machine, name: str) -> Path:
    return machine.paths.backups / "small" / "main" / "-80" / name


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def age(machine: Machine, name: str) -> str:
    """Make a backup of main/-80 look five days older; return its new name."""
    parsed = BackupName.parse(name)
    older = BackupName(parsed.started_at - timedelta(days=5), parsed.alias)
    folder = folder_of(machine, name)
    manifest = json.loads((folder / "MANIFEST").read_text())
    del manifest["Armillary"]["ManifestHash"]
    manifest["BackupName"] = str(older)
    manifest["BackupTime"] = older.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    (folder / "MANIFEST").write_text(json.dumps(manifest))
    os.rename(folder, folder.with_name(str(older)))
    return str(older)
