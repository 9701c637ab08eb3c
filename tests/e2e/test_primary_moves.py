"""The primary dies for good, or leaves with a scale-in: another takes over, and no row is lost.

Last, the whole keyspace leaves: under one policy it stays, under the other it goes at once.
"""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from armillary.cli.demo.walk import Walk, wait_until
from tests.e2e.machine import Machine
from tests.e2e.small_cluster import (
    SCHEMA,
    WAIT_S_MAX,
    Json,
    backups_in,
    insert,
    keyspace,
    small_walk,
    users_of,
    write_small_manifest,
)
from tests.e2e.writer import SteadyWriter

SHARD = "main/-"


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.fresh()


def main_keyspace(replicas: int) -> Json:
    found = keyspace("main", "-")
    (shard,) = found["partitionings"][0]["custom"]["shards"]
    shard["tabletPools"][0]["replicas"] = replicas
    shard["replication"] = {
        "enforceSemiSync": replicas > 1,
        "recoverDeadMaster": replicas > 1,
        "deadMasterThresholdSeconds": 2,
    }
    return found


@pytest.fixture(scope="module")
def walk(machine: Machine) -> Iterator[Walk]:
    write_small_manifest(machine, backups_in(machine.paths.backups), [main_keyspace(3)])
    with small_walk(machine) as walk:
        walk.shell.run(f'{walk.vtctlclient} ApplySchema -sql "{SCHEMA}" main')
        insert(walk, 1)
        yield walk


def shard_status(walk: Walk) -> Json:
    text = walk.shell.run(f"{walk.kubectl} get vts -o json", quiet=True)
    (shard,) = json.loads(text)["items"]
    status: Json = shard.get("status", {})
    return status


def primary_of(walk: Walk) -> str:
    return str(shard_status(walk).get("masterAlias", ""))


def semi_synced(walk: Walk) -> str:
    return str(shard_status(walk).get("semiSyncMaster", {}).get("alias", ""))


def tablet_count(walk: Walk) -> int:
    selector = "planetscale.com/component=vttablet"
    text = walk.shell.run(f"{walk.kubectl} get pod -l {selector} -o name", quiet=True)
    return len(text.split())


def insert_when_possible(walk: Walk, user_id: int) -> None:
    """Write once the gateway has found the new primary."""
    statement = f"insert into users (user_id, name) values ({user_id}, 'Ada')"
    wait_until(
        "writes to go on",
        lambda: walk.shell.try_run(f'{walk.mysql} main -e "{statement}"')[0] == 0,
        timeout_s=WAIT_S_MAX,
    )


def all_available(walk: Walk, count: int) -> bool:
    tablets = shard_status(walk).get("tablets", {}).values()
    return sum(1 for tablet in tablets if tablet.get("available") == "True") == count


def test_a_primary_that_is_dead_for_good_is_replaced_though_the_operator_died_with_it(
    machine: Machine, walk: Walk
) -> None:
    """Its mysqld is killed, who would start it again hangs, and the operator is another one.

    What the old operator saw of semi-sync is in the shard's status; the new one never hears the
    primary itself.
    """
    dead = primary_of(walk)
    wait_until("semi-sync to be seen", lambda: semi_synced(walk) == dead, timeout_s=WAIT_S_MAX)
    pids = machine.tablet_pids(dead)
    hung = [pid for program in ("vttablet", "mysqlctld") for pid in pids[program]]
    try:
        with SteadyWriter(machine.paths.mysql_defaults) as writer:
            wait_until("writes", lambda: len(writer.acknowledged) > 20, timeout_s=WAIT_S_MAX)
            for pid in hung:
                os.kill(pid, signal.SIGSTOP)
            machine.kill([*pids["mariadbd"], machine.component_pids()["operator"]])
            wait_until("another primary", lambda: primary_of(walk) not in ("", dead), timeout_s=90)
            before = len(writer.acknowledged)
            wait_until(
                "writes to go on",
                lambda: len(writer.acknowledged) > before + 5,
                timeout_s=WAIT_S_MAX,
            )
    finally:
        for pid in hung:
            os.kill(pid, signal.SIGCONT)
    assert set(writer.acknowledged) <= users_of(walk, "main")
    assert 1 in users_of(walk, "main")


def test_a_scale_in_moves_the_primary_to_the_tablet_that_stays(
    machine: Machine, walk: Walk
) -> None:
    wait_until("all to be available", lambda: all_available(walk, 3), timeout_s=WAIT_S_MAX)
    stays = next(
        alias for alias, tablet in shard_status(walk)["tablets"].items() if tablet["index"] == 1
    )
    leaves = next(
        alias for alias, tablet in shard_status(walk)["tablets"].items() if tablet["index"] == 3
    )
    # A tablet that was killed a moment ago may still count as available, and not answer yet.
    reparent = f"PlannedReparentShard -keyspace_shard={SHARD} -new_master={leaves}"
    wait_until(
        "all to answer",
        lambda: walk.shell.try_run(f"{walk.vtctlclient} {reparent}")[0] == 0,
        timeout_s=WAIT_S_MAX,
    )
    insert_when_possible(walk, 3)
    before = users_of(walk, "main")
    patch = json.dumps({"spec": {"keyspaces": [main_keyspace(1)]}})
    walk.shell.run(f"{walk.kubectl} patch psc small --type=merge -p '{patch}'")
    wait_until("one tablet to be left", lambda: tablet_count(walk) == 1, timeout_s=300)
    assert primary_of(walk) == stays
    insert_when_possible(walk, 4)
    assert users_of(walk, "main") == before | {4} >= {1, 3, 4}
    assert "orphanedTablets" not in shard_status(walk)


def set_keyspaces(walk: Walk, *keyspaces: Json) -> None:
    patch = json.dumps({"spec": {"keyspaces": list(keyspaces)}})
    walk.shell.run(f"{walk.kubectl} patch psc small --type=merge -p '{patch}'")

    def is_observed() -> bool:
        obj = json.loads(walk.shell.run(f"{walk.kubectl} get psc small -o json", quiet=True))
        return bool(obj["status"]["observedGeneration"] == obj["metadata"]["generation"])

    wait_until("the edit to be seen", is_observed, timeout_s=WAIT_S_MAX)


def turndown_blocked(walk: Walk) -> Json:
    cluster = json.loads(walk.shell.run(f"{walk.kubectl} get psc small -o json", quiet=True))
    conditions = cluster["status"]["conditions"]
    (found,) = (one for one in conditions if one["type"] == "TurndownBlocked")
    return dict(found)


def names_of(walk: Walk, kind: str) -> list[str]:
    selector = "planetscale.com/keyspace=main"
    return walk.shell.run(f"{walk.kubectl} get {kind} -l {selector} -o name", quiet=True).split()


def test_a_keyspace_that_leaves_the_spec_stays_until_idle_or_goes_at_once(walk: Walk) -> None:
    """RequireIdle holds what Immediate removes with its pods, claims and records."""
    main = main_keyspace(1)
    set_keyspaces(walk, main | {"turndownPolicy": "RequireIdle"})
    set_keyspaces(walk)
    wait_until(
        "it to be held", lambda: turndown_blocked(walk)["status"] == "True", timeout_s=WAIT_S_MAX
    )
    told = turndown_blocked(walk)
    assert told["reason"] == "NotIdle"
    assert "keyspace main" in told["message"] and "turndownPolicy" in told["message"]
    users = users_of(walk, "main")
    insert(walk, 5)
    assert users_of(walk, "main") == users | {5}, "what is held goes on serving"

    set_keyspaces(walk, main | {"turndownPolicy": "Immediate"})
    assert turndown_blocked(walk)["status"] == "False"
    assert users_of(walk, "main") == users | {5}
    set_keyspaces(walk)
    kinds = "vitesskeyspaces,vitessshards,pods,persistentvolumeclaims"
    wait_until("it to go", lambda: names_of(walk, kinds) == [], timeout_s=WAIT_S_MAX)
    wait_until(
        "the topology to forget it",
        lambda: walk.shell.run(f"{walk.vtctlclient} GetKeyspaces", quiet=True).split() == [],
        timeout_s=WAIT_S_MAX,
    )
    assert turndown_blocked(walk)["status"] == "False"
