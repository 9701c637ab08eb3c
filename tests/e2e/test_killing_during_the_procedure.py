"""kill -9 of each kind of process while the procedure goes on: it completes, nothing is lost.

A person who types a command that fails because something has just died types it again; so does
this test, within bounds. What was acknowledged before, between and after must be there at the end,
and a backup that did not finish must not be listed as complete.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
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
from armillary.model.backup_name import BackupName
from tests.e2e.ambush import frozen, kill_surely, living
from tests.e2e.machine import Machine
from tests.e2e.writer import SteadyWriter

PATIENCE_S = 120.0
ATTEMPTS = 4


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


def test_the_procedure_survives_the_death_of_each_kind_of_process(hurt: Machine) -> None:
    walk = hurt.walk()
    try:
        steps.forward_a_port(walk)
        steps.list_the_tablets(walk)
        steps.apply_the_schema(walk)
        with SteadyWriter(hurt.paths.mysql_defaults) as writer:
            unfinished = backups_with_deaths(hurt, walk)
            walk.snapshot_time = utc_now().replace(microsecond=0)
            wait_until(
                "a second", lambda: utc_now().timestamp() > snapshot_s(walk) + 1, timeout_s=5
            )
            insert_user(walk, 102)
            control_plane_deaths(hurt, walk)
            restore_with_deaths(hurt, walk)
        assert len(writer.acknowledged) > 100
        everything_is_there(walk, writer)
        no_unfinished_backup_is_complete(hurt, walk, unfinished)
    finally:
        walk.close()


def strike_during_a_backup(
    hurt: Machine, walk: Walk, shard: str, find: Callable[[str], list[int]]
) -> Path:
    """Back a shard up, kill what `find` returns for the tablet at work; return the directory.

    The tablet has claimed the backup's name by then and cannot write the MANIFEST any more.
    """
    folder = hurt.paths.backups / "example" / "main" / shard
    for _ in range(ATTEMPTS):
        insist(walk, "ListAllTablets")
        known = set(folder.iterdir())
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec timeout 60 {walk.vtctlclient} BackupShard main/{shard}"],
            env=dict(walk.shell.env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            path = first_new(folder, known, process)
            if path is not None:
                alias = str(BackupName.parse(path.name).alias)
                with frozen(hurt.tablet_pids(alias)["vttablet"]):
                    victims = living(find(alias))
                    if victims and not (path / "MANIFEST").exists():
                        kill_surely(victims)
                        return path
        finally:
            process.wait()
    raise AssertionError(f"in {ATTEMPTS} backups of {shard} the moment to strike never came")


def first_new(folder: Path, known: set[Path], process: "subprocess.Popen[bytes]") -> Path | None:
    """Wait for a directory to appear; None when the process ends without one."""
    while not (new := set(folder.iterdir()) - known) and process.poll() is None:
        time.sleep(0.01)  # noqa: TID251 - a race is what is wanted here
    return min(new, default=None)


def of_the_tablet(hurt: Machine, program: str, alias: str) -> list[int]:
    return hurt.tablet_pids(alias)[program]


def of_the_control_plane(hurt: Machine, name: str, _alias: str) -> list[int]:
    return [hurt.component_pids()[name]]


def of_the_pods(hurt: Machine, name: str, _alias: str) -> list[int]:
    return hurt.pod_pids(name)[:1]


def snapshot_s(walk: Walk) -> float:
    assert walk.snapshot_time is not None
    return walk.snapshot_time.timestamp()


def backups_with_deaths(hurt: Machine, walk: Walk) -> list[str]:
    """mysqld and vttablet die in the middle of a backup; the next try makes it.

    Returns the names of the backups that were not finished.
    """
    unfinished = []
    for program in ("mariadbd", "vttablet"):
        for _ in range(ATTEMPTS):
            path = strike_during_a_backup(hurt, walk, "-80", partial(of_the_tablet, hurt, program))
            wait_until("the shard to serve again", lambda: serves(walk), timeout_s=PATIENCE_S)
            if not (path / "MANIFEST").exists():
                break  # else mysqld died when its last byte had been read
        else:
            raise AssertionError(f"{ATTEMPTS} backups ended well without their {program}")
        unfinished.append(path.name)
    for shard in ("-80", "80-"):
        insist(walk, f"BackupShard main/{shard}")
    return unfinished


def control_plane_deaths(hurt: Machine, walk: Walk) -> None:
    """Everything else dies once while a backup is under way; then backups are made."""
    for name in ("operator", "controllers", "kubelet", "apiserver", "etcd"):
        strike_during_a_backup(hurt, walk, "80-", partial(of_the_control_plane, hurt, name))
    for name in ("vtctld", "vtgate", "etcd"):  # of the lockserver, one member
        strike_during_a_backup(hurt, walk, "80-", partial(of_the_pods, hurt, name))
    for shard in ("-80", "80-"):
        insist(walk, f"BackupShard main/{shard}")
    wait_until("everything to serve again", lambda: serves(walk), timeout_s=PATIENCE_S)


def restore_with_deaths(hurt: Machine, walk: Walk) -> None:
    """vttablet of one shard and mysqld of the other die while they restore."""
    victims = dict(zip(steps.RESTORE_TABLETS, ("vttablet", "mariadbd"), strict=True))
    for _ in range(ATTEMPTS):
        begin_restore(walk)
        deadline_s = time.monotonic() + PATIENCE_S
        while not strike_restores(hurt, victims) and time.monotonic() < deadline_s:
            time.sleep(0.01)  # noqa: TID251 - a race is what is wanted here
        wait_until("restore to have masters", lambda: has_masters(walk), timeout_s=2 * PATIENCE_S)
        if not victims:
            return
    raise AssertionError(f"nobody died in the middle of {ATTEMPTS} restores: {victims}")


def begin_restore(walk: Walk) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(snapshot_s(walk)))
    insist(walk, "DeleteKeyspace -recursive restore")
    insist(
        walk,
        "CreateKeyspace -keyspace_type=SNAPSHOT -base_keyspace=main"
        f" -snapshot_time={stamp} restore",
    )
    walk.shell.run(f"{walk.kubectl} delete pod {' '.join(steps.RESTORE_PODS.values())}")


def strike_restores(hurt: Machine, victims: dict[str, str]) -> bool:
    """Kill the victim of each tablet that has given its data up; return whether all had theirs.

    The sentinel stands from before the old data goes until the restored server has its position.
    """
    for alias, program in list(victims.items()):
        sentinel = hurt.tablet_dir(alias) / "restore_in_progress"
        if not sentinel.exists():
            continue
        processes = hurt.tablet_pids(alias)
        with frozen(processes["vttablet"]):
            pids = living(hurt.tablet_pids(alias)[program])
            if processes["vttablet"] and pids and sentinel.exists():
                kill_surely(pids)
                del victims[alias]
    return not victims


def has_masters(walk: Walk) -> bool:
    tablets = {t.alias: t for t in parse_tablets(insist(walk, "ListAllTablets"))}
    return all(a in tablets and tablets[a].type == "master" for a in steps.RESTORE_TABLETS)


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


def no_unfinished_backup_is_complete(hurt: Machine, walk: Walk, unfinished: list[str]) -> None:
    def complete() -> list[dict[str, Any]]:
        listed = json.loads(walk.shell.run(f"{walk.kubectl} get vitessbackups -o json", quiet=True))
        return [b["status"] for b in listed["items"] if b["status"].get("complete")]

    # Storage is mirrored now and then, so the newest may take their time to appear.
    wait_until("8 complete backups", lambda: len(complete()) >= 8, timeout_s=PATIENCE_S)
    assert {status["storageName"] for status in complete()} & set(unfinished) == set()
    for status in complete():
        manifest = (
            hurt.paths.backups
            / "example"
            / status["storageDirectory"]
            / status["storageName"]
            / "MANIFEST"
        )
        assert json.loads(manifest.read_text())["FinishedTime"]
