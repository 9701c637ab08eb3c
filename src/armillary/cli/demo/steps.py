"""The procedure, one function a step; each acts with the real client and checks what it sees. I/O.

Both `./demo` and the e2e tests walk through these. A step takes the `Walk`, which carries what
earlier steps found out; a check that does not hold raises CheckFailedError.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from armillary.base.clock import utc_now
from armillary.cli.demo.outputs import (
    check_equal,
    check_tablets,
    parse_json,
    parse_table,
    parse_tablets,
)
from armillary.cli.demo.types_watch import TypesWatch
from armillary.cli.demo.walk import (
    Walk,
    ask,
    backup_both_shards,
    backup_rows,
    expect_backups,
    forward_to_vtctld,
    insert_user,
    wait_until,
)

BACKUP_OBJECT_S_MAX = 180.0  # "will take a minute or two, even if the shard is small"
RESTORE_S_MAX = 180.0
TABLETS_WANTED: Mapping[str, tuple[str, str]] = {
    "uscentral1a-0274179421": ("restore", "80-"),
    "uscentral1a-1579720563": ("main", "80-"),
    "uscentral1a-3642477526": ("restore", "-80"),
    "uscentral1a-3876690474": ("main", "-80"),
    "uscentral1c-2526979163": ("main", "80-"),
    "uscentral1c-3925422610": ("main", "-80"),
    "uscentral1f-0805900210": ("main", "80-"),
    "uscentral1f-2191363457": ("main", "-80"),
}
SHARDS = tuple(sorted(set(TABLETS_WANTED.values())))
RESTORE_TABLETS = ("uscentral1a-0274179421", "uscentral1a-3642477526")
RESTORE_PODS = {
    "uscentral1a-0274179421": "example-vttablet-uscentral1a-0274179421-446d19ea",
    "uscentral1a-3642477526": "example-vttablet-uscentral1a-3642477526-9ef49ae4",
}


Step = Callable[[Walk], None]


def all_pods_run(walk: Walk) -> None:
    """All pods are Running"""
    rows = parse_table(walk.shell.run(f"{walk.kubectl} get pods"))
    for row in rows:
        check_equal(f"status of {row['NAME']}", row["STATUS"] in ("Running", "Completed"), True)
        if "-vttablet-" in row["NAME"]:
            check_equal(f"containers of {row['NAME']}", row["READY"], "3/3")
    walk.narrator.held(f"{len(rows)} pods, each tablet 3/3")


def forward_a_port(walk: Walk) -> None:
    """Forward a port to vtctld"""
    forward_to_vtctld(walk)
    walk.narrator.held(f"localhost:{walk.port} reaches vtctld")


def list_the_tablets(walk: Walk) -> None:
    """List all tablets"""
    tablets = parse_tablets(walk.shell.run(f"{walk.vtctlclient} ListAllTablets"))
    check_tablets(tablets, TABLETS_WANTED)
    walk.narrator.held("8 tablets with the procedure's aliases, one master in each shard")


def see_the_initial_backups(walk: Walk) -> None:
    """Only the initial backups are there"""
    wait_until(
        "4 VitessBackups", lambda: len(backup_rows(walk)) >= 4, timeout_s=BACKUP_OBJECT_S_MAX
    )
    expect_backups(walk, {shard: 1 for shard in SHARDS})


def apply_the_schema(walk: Walk) -> None:
    """Apply a VSchema and a schema, and insert a row"""
    vschema, schema = walk.examples / "vschema.json", walk.examples / "schema.sql"
    walk.shell.run(f'{walk.vtctlclient} ApplyVSchema -vschema="$(cat {vschema})" main')
    walk.shell.run(f'{walk.vtctlclient} ApplySchema -sql="$(cat {schema})" main')
    wait_until(
        "vtgate to know the new tables",
        lambda: walk.shell.try_run(f"{walk.mysql} main -e 'select * from users'")[0] == 0,
        timeout_s=30,
    )
    insert_user(walk, 101)


def take_the_first_backups(walk: Walk) -> None:
    """Take a backup of each shard"""
    backup_both_shards(walk)
    # Times in backup names and in CreateKeyspace are whole seconds: leave one between the two
    # rounds, so that "after the first, before the second" exists.
    walk.snapshot_time = utc_now().replace(microsecond=0)
    later = walk.snapshot_time + timedelta(seconds=1)
    wait_until("the next second", lambda: utc_now() >= later, timeout_s=3)


def take_the_second_backups(walk: Walk) -> None:
    """Add data, and take a second backup of each shard"""
    insert_user(walk, 102)
    backup_both_shards(walk)


def see_all_backups(walk: Walk) -> None:
    """All backups appear as objects"""
    wanted = {shard: 3 if shard[0] == "main" else 1 for shard in SHARDS}
    wait_until(
        "8 VitessBackups",
        lambda: len(backup_rows(walk)) >= 8,
        timeout_s=BACKUP_OBJECT_S_MAX,
        tell=lambda: walk.narrator.remark(f"{len(backup_rows(walk))} of 8 so far"),
    )
    expect_backups(walk, wanted)


def recreate_the_keyspace(walk: Walk) -> None:
    """Delete the keyspace `restore` and make it anew as a snapshot of `main`"""
    assert walk.snapshot_time is not None
    stamp = walk.snapshot_time.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    walk.shell.run(f"{walk.vtctlclient} DeleteKeyspace -recursive restore")
    walk.shell.run(
        f"{walk.vtctlclient} CreateKeyspace -keyspace_type=SNAPSHOT -base_keyspace=main"
        f" -snapshot_time={stamp} restore"
    )
    walk.types = TypesWatch(f"localhost:{walk.port}", walk.shell.env, RESTORE_TABLETS)
    text = walk.shell.run(f"{walk.vtctlclient} GetKeyspace restore")
    wanted = {
        "sharding_column_name": "",
        "sharding_column_type": 0,
        "served_froms": [],
        "keyspace_type": 1,
        "base_keyspace": "main",
        "snapshot_time": {
            "seconds": str(int(walk.snapshot_time.timestamp())),
            "nanoseconds": 0,
        },
    }
    check_equal("keyspace record", parse_json("GetKeyspace", text), wanted)
    walk.narrator.held("the record says SNAPSHOT, its base and the time")


def delete_the_pods(walk: Walk) -> None:
    """Delete the pods of `restore`"""
    pattern = " ".join(f"-e {alias}" for alias in RESTORE_TABLETS)
    listed = walk.shell.run(f"{walk.kubectl} get pod | grep {pattern}")
    names = sorted(line.split()[0] for line in listed.splitlines())
    check_equal("pods of restore", names, sorted(RESTORE_PODS.values()))
    printed = walk.shell.run(f"{walk.kubectl} delete pod {' '.join(names)}")
    for name in names:
        # kubectl 1.37 adds the namespace; the words up to it are the procedure's.
        check_equal(f"{name} deleted", f'pod "{name}" deleted' in printed, True)


def watch_the_restore(walk: Walk) -> None:
    """The tablets restore, then become masters"""
    assert walk.types is not None
    told = dict.fromkeys(RESTORE_TABLETS, 0)

    def all_masters() -> bool:
        assert walk.types is not None
        histories = walk.types.histories
        for alias, types in histories.items():
            for now in types[told[alias] :]:
                walk.narrator.remark(f"{alias} is {now}")
            told[alias] = len(types)
        return all(types[-1:] == ("master",) for types in histories.values())

    wait_until("both tablets of restore to be masters", all_masters, timeout_s=RESTORE_S_MAX)
    for alias, types in walk.types.histories.items():
        check_equal(f"{alias} was seen restoring", "restore" in types, True)
    walk.types.close()
    tablets = parse_tablets(walk.shell.run(f"{walk.vtctlclient} ListAllTablets"))
    check_tablets(tablets, TABLETS_WANTED)
    walk.narrator.held("restore -> master, seen for both")


def compare_the_data(walk: Walk) -> None:
    """The two keyspaces differ by what was inserted between the backups"""
    wait_until(
        "vtgate to serve restore",
        lambda: walk.shell.try_run(f"{walk.mysql} restore -e 'select * from users'")[0] == 0,
        timeout_s=60,
    )
    databases = ask(walk, "show databases")
    check_equal("databases", databases, (("Databases",), ("main",), ("restore",)))
    tables = ask(walk, "use restore; show tables")
    check_equal("tables", tables, (("Tables_in_vt_main",), ("users",), ("users_name_idx",)))
    old = ask(walk, "use restore; select * from users")
    check_equal("users of restore", old, (("user_id", "name"), ("101", "Jacques")))
    header, *rows = ask(walk, "use main; select * from users")
    new = (header, *sorted(rows))  # which shard answers first is chance
    wanted = (("user_id", "name"), ("101", "Jacques"), ("102", "Jacques"))
    check_equal("users of main", new, wanted)
    walk.narrator.held("restore has the older data, main the newer")


PROCEDURE: tuple[Step, ...] = (
    all_pods_run,
    forward_a_port,
    list_the_tablets,
    see_the_initial_backups,
    apply_the_schema,
    take_the_first_backups,
    take_the_second_backups,
    see_all_backups,
    recreate_the_keyspace,
    delete_the_pods,
    watch_the_restore,
    compare_the_data,
)
