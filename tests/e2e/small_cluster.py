"""Manifests of small clusters for stories of backups: one cell, one tablet a shard."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from armillary.base.clock import utc_now
from armillary.cli.demo.walk import Walk, forward_to_vtctld, wait_until
from armillary.model.backup_name import BackupName
from tests.e2e.machine import NAMESPACE, Machine

Json = dict[str, Any]

CELL = "uscentral1a"
SCHEMA = "create table users (user_id bigint not null primary key, name varchar(64))"
WAIT_S_MAX = 120


def keyspace(
    name: str,
    *shards: str,
    database: str = "",
    env: Mapping[str, str] | None = None,
) -> Json:
    """Return a keyspace of one tablet a shard; `-` is the one shard of an unsharded one."""
    pool: Json = {
        "cell": CELL,
        "type": "replica",
        "replicas": 1,
        "vttablet": {},
        "mysqld": {},
        "dataVolumeClaimTemplate": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "extraEnv": [{"name": key, "value": value} for key, value in (env or {}).items()],
    }
    ranges = [dict(zip(("start", "end"), shard.split("-"), strict=True)) for shard in shards]
    found: Json = {
        "name": name,
        "turndownPolicy": "Immediate",
        "partitionings": [
            {"custom": {"shards": [{"keyRange": r, "tabletPools": [pool]} for r in ranges]}}
        ],
    }
    return found | ({"databaseName": database} if database else {})


def backups_in(folder: Path) -> Json:
    """Return a location of backups."""
    return {"volume": {"hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}}}


def write_small_manifest(
    machine: Machine,
    location: Json,
    keyspaces: Sequence[Json],
    *,
    name: str = "small",
    secrets: Mapping[str, Mapping[str, str]] | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Write a cluster of one cell with one vtgate and one vtctld."""
    users = '{"user": [{"UserData": "user", "Password": "password"}]}'
    cluster = {
        "apiVersion": "planetscale.com/v2",
        "kind": "PlanetScaleCluster",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "backup": {"locations": [location], "engine": "xtrabackup"},
            "updateStrategy": {"type": "Immediate"},
            "globalLockserver": {"etcd": {}},
            "vitessDashboard": {
                "cells": [CELL],
                "extraEnv": [{"name": key, "value": value} for key, value in (env or {}).items()],
            },
            "cells": [
                {
                    "name": CELL,
                    "gateway": {
                        "replicas": 1,
                        "authentication": {
                            "static": {"secret": {"name": "users", "key": "users.json"}}
                        },
                    },
                }
            ],
            "keyspaces": list(keyspaces),
        },
    }
    objects = [cluster, _secret("users", {"users.json": users})]
    objects += [_secret(secret, files) for secret, files in (secrets or {}).items()]
    machine.manifest.write_text(yaml.safe_dump_all(objects))


def _secret(name: str, files: Mapping[str, str]) -> Json:
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in files.items()}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}


# --- what stories ask a small cluster


def backup_objects(walk: Walk) -> list[Json]:
    """Return the VitessBackups, oldest first."""
    text = walk.shell.run(f"{walk.kubectl} get vitessbackups -o json", quiet=True)
    found: list[Json] = json.loads(text)["items"]
    return sorted(found, key=lambda obj: str(obj["status"]["startTime"]))


def names_in_storage(walk: Walk, shard: str) -> list[str]:
    return walk.shell.run(f"{walk.vtctlclient} ListBackups {shard}", quiet=True).split()


def insert(walk: Walk, user_id: int, *, keyspace: str = "main") -> None:
    statement = f"insert into users (user_id, name) values ({user_id}, 'Ada')"
    walk.shell.run(f'{walk.mysql} {keyspace} -e "{statement}"')


def users_of(walk: Walk, target: str) -> set[int]:
    """Return the ids of the users in a keyspace or shard, such as `main` or `main:-80`."""
    text = walk.shell.run(f"{walk.mysql} '{target}' -N -e 'select user_id from users'", quiet=True)
    return {int(line) for line in text.split()}


def take_backup(walk: Walk, shard: str) -> str:
    """Let the only tablet, which is the primary, back its shard up; return the backup's name."""
    before = set(names_in_storage(walk, shard))
    walk.shell.run(f"{walk.vtctlclient} BackupShard -allow_master {shard}")
    (name,) = set(names_in_storage(walk, shard)) - before
    return name


def time_after(name: str) -> datetime:
    """Return a time after a backup began, and let it pass: the next one begins later."""
    at = BackupName.parse(name).started_at + timedelta(seconds=1)
    wait_until("the next second", lambda: utc_now() > at + timedelta(seconds=1), timeout_s=5)
    return at


def make_snapshot(walk: Walk, keyspace: str, at: datetime, *, base: str = "main") -> None:
    """Make a keyspace a snapshot of `base`, and its tablets anew, as the procedure does."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    walk.shell.run(f"{walk.vtctlclient} DeleteKeyspace -recursive {keyspace}")
    walk.shell.run(
        f"{walk.vtctlclient} CreateKeyspace -keyspace_type=SNAPSHOT -base_keyspace={base}"
        f" -snapshot_time={stamp} {keyspace}"
    )
    selector = f"planetscale.com/keyspace={keyspace},planetscale.com/component=vttablet"
    walk.shell.run(f"{walk.kubectl} delete pod -l {selector}")


def tablet_pod(walk: Walk, keyspace: str, shard: str = "x-x") -> str:
    """Return the pod of a shard's only tablet; `shard` as labels have it, such as x-80."""
    selector = (
        f"planetscale.com/component=vttablet,planetscale.com/keyspace={keyspace},"
        f"planetscale.com/shard={shard}"
    )
    (name,) = walk.shell.run(f"{walk.kubectl} get pod -l {selector} -o name", quiet=True).split()
    return name


def tablet_types(walk: Walk) -> dict[tuple[str, str], str]:
    """Return the type of each shard's tablet by keyspace and shard."""
    lines = walk.shell.run(f"{walk.vtctlclient} ListAllTablets", quiet=True).splitlines()
    return {(words[1], words[2]): words[3] for words in map(str.split, lines)}


def wait_for_type(walk: Walk, keyspace: str, shard: str, wanted: str) -> None:
    wait_until(
        f"the tablet of {keyspace}/{shard} to be {wanted}",
        lambda: tablet_types(walk).get((keyspace, shard)) == wanted,
        timeout_s=WAIT_S_MAX,
    )


@contextmanager
def small_walk(machine: Machine) -> Iterator[Walk]:
    """Bring the cluster up and yield a walk with a working port-forward; remove all afterwards."""
    walk: Walk | None = None
    try:
        machine.up()
        walk = machine.walk()
        forward_to_vtctld(walk)
        yield walk
    finally:
        if walk is not None:
            walk.close()
        machine.remove()


def wait_for_users(walk: Walk, target: str, wanted: set[int]) -> None:
    """Wait until vtgate answers for `target` at all; then the users must be those wanted."""
    wait_until(
        f"vtgate to serve {target}",
        lambda: (
            walk.shell.try_run(f"{walk.mysql} '{target}' -e 'select count(*) from users'")[0] == 0
        ),
        timeout_s=WAIT_S_MAX,
    )
    assert users_of(walk, target) == wanted
