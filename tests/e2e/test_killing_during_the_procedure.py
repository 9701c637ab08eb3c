"""kill -9 of each kind of process while the procedure goes on: it completes, nothing is lost.

A person who types a command that fails because something has just died types it again; so does
this test, within bounds. What was acknowledged before, between and after must be there at the end,
and a backup that did not finish must not be listed as complete.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from armillary.base.clock import utc_now
from armillary.cli.demo import steps
from armillary.cli.demo.outputs import CheckFailedError, parse_tablets
from armillary.cli.demo.walk import (
    Walk,
    ask,
    forward_to_vtctld,
    insert_user,
    is_listening,
    wait_until,
)
from tests.e2e.machine import Machine
from tests.e2e.writer import SteadyWriter

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def hurt() -> Iterator[Machine]:
    machine = Machine.fresh()
    machine.write_manifest()
    try:
        machine.up()
        yield machine
    finally:
        machine.remove()


def insist(walk: Walk, command: str) -> str:
    """Run a vtctlclient command until it works, renewing the port-forward when that died too."""
    answer: list[str] = []

    def works() -> bool:
        if walk.forward is None or walk.forward.poll() is not None or not is_listening(walk.port):
            walk.close()
            try:
                forward_to_vtctld(walk)
            except CheckFailedError:
                return False
        code, stdout, stderr = walk.shell.try_run(f"timeout 60 {walk.vtctlclient} {command}")
        walk.narrator.remark(f"{command}: {code} {stderr.strip()[-200:]}")
        answer[:] = [stdout]
        return code == 0

    wait_until(f"{command!r} to work", works, timeout_s=PATIENCE_S)
    return answer[0]


def serves(walk: Walk) -> bool:
    return walk.shell.try_run("armillary status")[0] == 0


def during(
    walk: Walk, command: str, ready: Callable[[], list[int]], kill: Callable[[list[int]], None]
) -> None:
    """Start a command, kill what `ready` finds as soon as it finds something."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec timeout 60 {walk.vtctlclient} {command}"],
        env=dict(walk.shell.env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found: list[int] = []
    while process.poll() is None and not found:
        found = ready()
        time.sleep(0.01)  # noqa: TID251 - a race is what is wanted here
    if found:
        kill(found)
    process.wait()


def test_the_procedure_survives_the_death_of_each_kind_of_process(hurt: Machine) -> None:
    walk = hurt.walk()
    try:
        steps.forward_a_port(walk)
        steps.list_the_tablets(walk)
        steps.apply_the_schema(walk)
        with SteadyWriter(hurt.paths.mysql_defaults) as writer:
            backups_with_deaths(hurt, walk)
            walk.snapshot_time = utc_now().replace(microsecond=0)
            wait_until(
                "a second", lambda: utc_now().timestamp() > snapshot_s(walk) + 1, timeout_s=5
            )
            insert_user(walk, 102)
            control_plane_deaths(hurt, walk)
            restore_with_deaths(hurt, walk)
        assert len(writer.acknowledged) > 100
        everything_is_there(walk, writer)
        no_unfinished_backup_is_complete(hurt, walk)
    finally:
        walk.close()


def snapshot_s(walk: Walk) -> float:
    assert walk.snapshot_time is not None
    return walk.snapshot_time.timestamp()


def backups_with_deaths(hurt: Machine, walk: Walk) -> None:
    """mysqld and vttablet die in the middle of a backup; the next try makes it."""
    for victim in ("mariadbd", "vttablet"):

        def find(victim: str = victim) -> list[int]:
            busy = hurt.pod_pids("mariadb-backup")
            pods = {
                marker.split("/pods/")[1].split("/")[0]
                for pid, marker, _ in hurt.pod_processes()
                if pid in busy
            }
            return [pid for pod in pods for pid in hurt.pod_pids(victim, pod=pod)]

        during(walk, "BackupShard main/-80", find, hurt.kill)
        wait_until("the shard to serve again", lambda: serves(walk), timeout_s=PATIENCE_S)
    for shard in ("-80", "80-"):
        insist(walk, f"BackupShard main/{shard}")


def control_plane_deaths(hurt: Machine, walk: Walk) -> None:
    """Each component dies once, and vtctld, vtgate and a lockserver member; then a backup."""
    for component in ("operator", "controllers", "kubelet", "apiserver", "etcd"):
        hurt.kill([hurt.component_pids()[component]])
        insist(walk, "ListAllTablets")
    for program in ("vtctld", "vtgate"):
        hurt.kill(hurt.pod_pids(program))
    hurt.kill(hurt.pod_pids("etcd")[:1])
    for shard in ("-80", "80-"):
        insist(walk, f"BackupShard main/{shard}")
    wait_until("everything to serve again", lambda: serves(walk), timeout_s=PATIENCE_S)


def restore_with_deaths(hurt: Machine, walk: Walk) -> None:
    """vttablet of one shard and mysqld of the other die while they restore."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(snapshot_s(walk)))
    insist(walk, "DeleteKeyspace -recursive restore")
    insist(
        walk,
        "CreateKeyspace -keyspace_type=SNAPSHOT -base_keyspace=main"
        f" -snapshot_time={stamp} restore",
    )
    walk.shell.run(f"{walk.kubectl} delete pod {' '.join(steps.RESTORE_PODS.values())}")
    victims = dict(zip(steps.RESTORE_TABLETS, ("vttablet", "mysqlctld"), strict=True))

    def all_masters() -> bool:
        tablets = {t.alias: t for t in parse_tablets(insist(walk, "ListAllTablets"))}
        for alias, program in list(victims.items()):
            if alias in tablets and tablets[alias].type == "restore":
                uid = pod_uid(walk, steps.RESTORE_PODS[alias])
                pids = hurt.pod_pids(program, pod=uid)
                if pids:
                    hurt.kill(pids)
                    del victims[alias]
        return all(a in tablets and tablets[a].type == "master" for a in steps.RESTORE_TABLETS)

    wait_until("restore to have masters", all_masters, timeout_s=2 * PATIENCE_S)


def pod_uid(walk: Walk, name: str) -> str:
    return walk.shell.run(
        f"{walk.kubectl} get pod {name} -o jsonpath='{{.metadata.uid}}'", quiet=True
    ).strip()


def everything_is_there(walk: Walk, writer: SteadyWriter) -> None:
    wait_until("everything to serve", lambda: serves(walk), timeout_s=PATIENCE_S)
    _, *rows = ask(walk, "use main; select user_id from users")
    found = {int(row[0]) for row in rows}
    assert set(writer.acknowledged) - found == set()
    assert {101, 102} <= found
    wait_until(
        "vtgate to serve restore",
        lambda: walk.shell.try_run(f"{walk.mysql} restore -e 'select 1 from users'")[0] == 0,
        timeout_s=PATIENCE_S,
    )
    _, *rows = ask(walk, "use restore; select user_id from users")
    old = {int(row[0]) for row in rows}
    assert 101 in old and 102 not in old


def no_unfinished_backup_is_complete(hurt: Machine, walk: Walk) -> None:
    def complete() -> list[dict[str, Any]]:
        listed = json.loads(walk.shell.run(f"{walk.kubectl} get vitessbackups -o json", quiet=True))
        return [b["status"] for b in listed["items"] if b["status"].get("complete")]

    # Storage is mirrored now and then, so the newest may take their time to appear.
    wait_until("8 complete backups", lambda: len(complete()) >= 8, timeout_s=PATIENCE_S)
    for status in complete():
        manifest = (
            hurt.paths.backups
            / "example"
            / status["storageDirectory"]
            / status["storageName"]
            / "MANIFEST"
        )
        assert json.loads(manifest.read_text())["FinishedTime"]
