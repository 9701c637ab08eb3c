"""The other way to restore: delete the cluster, create it again on the same backups."""

from armillary.cli.demo.walk import Walk, ask, forward_to_vtctld, wait_until
from tests.e2e.machine import Machine


def test_every_shard_comes_back_from_its_newest_backup(machine: Machine, walked: Walk) -> None:
    """User 103 is in a backup, user 104 in none: the first comes back, the second does not."""
    walk = machine.walk()
    forward_to_vtctld(walk)
    insert = "insert into users (user_id, name) values ({}, 'Ada')"
    walk.shell.run(f'{walk.mysql} main -e "{insert.format(103)}"')
    for shard in ("-80", "80-"):
        walk.shell.run(f"{walk.vtctlclient} BackupShard main/{shard}")
    walk.shell.run(f'{walk.mysql} main -e "{insert.format(104)}"')
    walk.close()

    walk.shell.run(f"{walk.kubectl} delete psc example")
    wait_until("all pods to be gone", lambda: no_objects(walk, "pods"), timeout_s=120)
    wait_until("all claims to be gone", lambda: no_objects(walk, "pvc"), timeout_s=60)
    machine.up()

    # The topology went with the cluster, and the VSchema with it.
    again = machine.walk()
    try:
        forward_to_vtctld(again)
        vschema = again.examples / "vschema.json"
        again.shell.run(f'{again.vtctlclient} ApplyVSchema -vschema="$(cat {vschema})" main')
        wait_until(
            "vtgate to serve main",
            lambda: again.shell.try_run(f"{again.mysql} main -e 'select * from users'")[0] == 0,
            timeout_s=60,
        )
        _, *rows = ask(again, "use main; select * from users")
        assert sorted(rows) == [("101", "Jacques"), ("102", "Jacques"), ("103", "Ada")]
    finally:
        again.close()


def no_objects(walk: Walk, kind: str) -> bool:
    return not walk.shell.run(f"{walk.kubectl} get {kind} -o name", quiet=True).strip()
