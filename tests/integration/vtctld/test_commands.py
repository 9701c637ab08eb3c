"""vtctlclient against vtctld: what users type, what they see, and what they are refused."""

import json
import logging
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import NotFoundError
from armillary.model.tablet import TabletAlias
from armillary.pb import topodata_pb2
from armillary.topo.convert import primary_alias_of
from tests.fakes.etcd_process import EtcdProcess
from tests.forked_program import Answer

from .conftest import CLOSED, HOST, Control

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

VSCHEMA = (
    '{"sharded":true,"vindexes":{"hash":{"type":"hash"}},'
    '"tables":{"users":{"column_vindexes":[{"column":"user_id","name":"hash"}]}}}'
)
SNAPSHOT = ("CreateKeyspace", "-keyspace_type=SNAPSHOT", "-base_keyspace=main")
TIME = "-snapshot_time=2020-08-12T04:41:15+00:00"
FIRST = TabletAlias("zone1", 1)
SECOND = TabletAlias("zone1", 2)


async def test_list_all_tablets(control: Control) -> None:
    lines = (await control.ok("ListAllTablets")).splitlines()
    assert len(lines) == 6
    assert lines[0] == (
        f"zone1-0000000001 main -80 master {HOST}:15000 {HOST}:3306 [] 2020-08-12T00:00:01Z"
    )
    assert lines[1].endswith(f" main -80 replica {HOST}:15000 {HOST}:3306 [] <null>")
    assert len((await control.ok("ListAllTablets", "zone2")).splitlines()) == 2
    assert len((await control.ok("ListAllTablets", "-tablet_type=master")).splitlines()) == 2
    assert len((await control.ok("ListShardTablets", "main/80-")).splitlines()) == 3


async def test_the_snapshot_keyspace_of_the_procedure(control: Control) -> None:
    await control.ok("ApplyVSchema", f"-vschema={VSCHEMA}", "main")
    await control.ok(*SNAPSHOT, TIME, "restore")
    shown = json.loads(await control.ok("GetKeyspace", "restore"))
    assert list(shown) == [
        "sharding_column_name",
        "sharding_column_type",
        "served_froms",
        "keyspace_type",
        "base_keyspace",
        "snapshot_time",
    ]
    assert shown["snapshot_time"] == {"seconds": "1597207275", "nanoseconds": 0}
    vschema = json.loads(await control.ok("GetVSchema", "restore"))
    assert vschema["requireExplicitRouting"] is True and "users" in vschema["tables"]
    served = (await control.topo.get_srv_vschema("zone2")).value
    assert served.keyspaces["restore"].require_explicit_routing
    await control.ok("DeleteKeyspace", "-recursive", "restore")
    assert list((await control.topo.get_srv_vschema("zone2")).value.keyspaces) == ["main"]


async def test_deleting_a_keyspace_takes_everything_with_it(control: Control) -> None:
    said = await control.refused("DeleteKeyspace", "main")
    assert "still has 2 shards (-80, 80-)" in said and "-recursive" in said
    await control.ok("DeleteKeyspace", "-recursive", "main")
    assert await control.topo.list_tablets() == []
    assert await control.topo.list_shards("main") == []
    with pytest.raises(NotFoundError):
        await control.topo.get_shard_replication("zone1", "main", "-80")
    assert await control.topo.list_srv_keyspaces("zone1") == []


RULES = '-rules={"rules":[{"from_table":"a","to_tables":["main.b"]}]}'
FUTURE = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ListAllTablet",), "unknown command 'ListAllTablet'; did you mean ListAllTablets"),
        (("GetKeyspace", "nope"), "keyspace nope doesn't exist"),
        (("GetKeyspace", "nope"), "keyspaces: main"),
        (("GetShard", "main/40-"), "shards of main: -80, 80-"),
        (("GetShard", "main"), "invalid shard path"),
        (("GetShard", "main/zz-"), "invalid key range"),
        (("GetTablet", "zone1-99"), "tablet zone1-0000000099 doesn't exist"),
        (("GetTablet", "zone7-99"), "zone7-0000000099 doesn't exist"),
        (("GetTablet", "zone1-99"), "tablets: zone1-0000000001, zone1-0000000002"),
        (("GetTablet", "zone1"), "invalid tablet alias: 'zone1'"),
        (("ListAllTablets", "mars"), "cell 'mars' doesn't exist; cells: zone1, zone2"),
        (("ListAllTablets", "-tablet_type=boss"), "unknown TabletType boss"),
        (("CreateKeyspace", "main"), "exists already"),
        (("CreateKeyspace", "a/b"), "invalid keyspace name"),
        (("CreateKeyspace", "-keyspace_type=SNAPSHOTS", "r"), "wanted NORMAL or SNAPSHOT"),
        (("CreateKeyspace", "-keyspace_type=SNAPSHOT", TIME, "r"), "-base_keyspace is required"),
        ((*SNAPSHOT, "r"), "-snapshot_time is required"),
        ((*SNAPSHOT, "-snapshot_time=yesterday", "r"), "wanted RFC 3339"),
        ((*SNAPSHOT, "-snapshot_time=2020-08-12", "r"), "wanted RFC 3339"),
        ((*SNAPSHOT, "-snapshot_time=2020-08-12T04:41:15", "r"), "wanted RFC 3339"),
        ((*SNAPSHOT, f"-snapshot_time={FUTURE}", "r"), "lies in the future"),
        ((*SNAPSHOT, "-snapshot_time=9999-12-31T23:59:59-23:00", "r"), "wanted RFC 3339"),
        ((*SNAPSHOT, "-snapshot_time=0001-01-01T00:00:00+14:00", "r"), "wanted RFC 3339"),
        (
            ("CreateKeyspace", "-keyspace_type=SNAPSHOT", "-base_keyspace=no", TIME, "r"),
            "Cannot find base_keyspace: no",
        ),
        ((*SNAPSHOT, TIME, "main"), "is the keyspace itself"),
        (("CreateKeyspace", TIME, "r"), "needs -keyspace_type=SNAPSHOT"),
        (("CreateShard", "nope/0"), "keyspace nope doesn't exist"),
        (("CreateShard", "main/-80"), "shard main/-80 exists already"),
        (("DeleteShard", "main/-80"), "still serving"),
        (("DeleteShard", "-even_if_serving", "main/-80"), "still has 3 tablets"),
        (("ApplyVSchema", "-vschema={", "main"), "wanted JSON"),
        (("ApplyVSchema", "main"), "exactly one of"),
        (("ApplyVSchema", "-vschema={}", "-cells=mars", "main"), "cell 'mars' doesn't exist"),
        (("ApplyRoutingRules", RULES, "-cells=mars"), "cell 'mars' doesn't exist"),
        (("ApplyVSchema", "-vschema={}", "nope"), "keyspace(nope) doesn't exist"),
        (("ApplyVSchema", '-vschema={"vindexes":{"a":{"type":"b"}}}', "main"), "b"),
        (("ApplySchema", "-sql=create tabel x", "main"), "near 'tabel'"),
        (("ApplySchema", "-sql=insert into x values (1)", "main"), "INSERT"),
        (("ApplySchema", "-sql=create table a (b int", "nope"), "keyspace nope doesn't exist"),
        (("ApplySchema", "main"), "exactly one of -sql"),
        (("ApplySchema", "-sql=drop database vt_main", "main"), "statement 1 is DROP DATABASE"),
        (("ApplySchema", "-sql=create user a", "main"), "are the operator's"),
        (("ChangeTabletType", "zone1-1", "replica"), "not an allowed transition"),
        (("ChangeTabletType", "zone1-2", "master"), "not an allowed transition"),
        (("DeleteTablet", "zone1-1"), "-allow_master"),
        (("PlannedReparentShard", "-new_master=zone1-2"), "-keyspace_shard"),
        (("PlannedReparentShard", "main/-80", "zone1-12"), "is not in shard main/-80"),
        (("InitShardMaster", "main/-80", "zone1-2"), "-force"),
        (("Backup", "zone1-1"), "-allow_master"),
        (("RemoveBackup", "main/-80", "x"), "backups: none"),
        (("RestoreFromBackup", "-backup_timestamp=x", "zone1-2"), "YYYY-MM-DD.HHMMSS"),
        (("RestoreFromBackup", "zone1-1"), "is the master"),
        (("DeleteCellInfo", "zone1"), "still serves keyspaces main"),
        (("AddCellInfo", "zone3"), "-root is required"),
        (("StopReplication", "zone1-1"), "is the master"),
        (("GetKeyspace", ""), "the keyspace's name is empty"),
        (("GetKeyspace", "größe"), "keyspace größe doesn't exist"),
        (("CreateKeyspace", "x" * 100_000), "characters left out"),
        (("CreateKeyspace", "ü" * 50_000), "characters left out"),
        (("CreateKeyspace", "-sidecar-db-name=x", "r"), "it can only be _vt"),
        (("ApplyVSchema", "-vschema=", "main"), "wanted JSON"),
        (("ApplyVSchema", f"-vschema={'[' * 20_000}", "main"), "nested too deep"),
        (("ApplyVSchema", "-vschema_file=/dev/zero", "main"), "is no plain file"),
        (("ApplySchema", "-sql-file=/nonexistent", "main"), 'sql="$(cat FILE)" sends it'),
        (("ListBackups", "nope/-80"), "keyspace nope doesn't exist"),
        (("ListBackups", "main/40-"), "shards of main: -80, 80-"),
        (("BackupShard", "-concurrency=0", "main/-80"), "wanted 1 to 2147483647"),
        (("BackupShard", "-concurrency=99999999999", "main/-80"), "wanted 1 to 2147483647"),
        (("BackupShard", "-mysql-shutdown-timeout=9999999h", "main/-80"), "wanted at most"),
        (("GetCellInfo", "mars"), "cell 'mars' doesn't exist; cells: zone1, zone2"),
    ],
)
async def test_bad_input_is_refused_by_name_and_changes_nothing(
    steady: Control, words: tuple[str, ...], said: str
) -> None:
    assert said in await steady.refused(*words)


async def test_a_schema_change_runs_on_the_primary_of_every_shard(control: Control) -> None:
    out = await control.ok(
        "ApplySchema", "-sql=create table a (b int); create table c (d text)", "main"
    )
    assert out == ""
    ran = {alias: tablet.statements for alias, tablet in control.tablets.items()}
    both = ["create table a (b int)", "create table c (d text)"]
    assert ran[TabletAlias("zone1", 1)] == both and ran[TabletAlias("zone1", 11)] == both
    assert ran[SECOND] == []


async def test_a_schema_change_that_fails_says_where_it_stands(control: Control) -> None:
    said = await control.refused("ApplySchema", "-sql=create table breaks (b int)", "main")
    assert "main/-80 (zone1-0000000001)" in said and "has applied nothing on any shard" in said
    assert "1050" in said and "ValidateSchemaKeyspace main tells where shards differ" in said


async def test_a_schema_change_that_fails_on_the_second_shard_says_that_it_is_half_applied(
    control: Control,
) -> None:
    control.tablets[TabletAlias("zone1", 11)].breaks_on = "second"
    sql = "create table first (b int); create table second (b int)"
    answer = await control.vtctl("ApplySchema", f"-sql={sql}", "main")
    assert answer.code == 1
    assert "statement 2 of 2 failed on main/80- (zone1-0000000011)" in answer.out
    assert "HALF APPLIED: all of it is applied on -80, on 80- statement 1 of 2 is" in answer.out


class LastWarning(logging.Handler):
    """Waits for what a logger has to warn of."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.WARNING)
        self.logger = logging.getLogger(name)
        self.told = anyio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.record = record
        self.told.set()

    def __enter__(self) -> "LastWarning":
        self.logger.addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        self.logger.removeHandler(self)


async def test_whoever_interrupts_a_schema_change_knows_how_far_it_came(control: Control) -> None:
    tablet = control.tablets[TabletAlias("zone1", 11)]
    words = control.client_words("ApplySchema", "-sql=create table hangs (b int)", "main")
    control.tablets[FIRST].hangs_on = "nothing"
    with LastWarning("armillary.vtctld.commands.schema") as warning:
        async with await anyio.open_process(words, stderr=subprocess.PIPE) as process:
            assert process.stderr is not None
            said = b""
            while b"main/80-: applying 1 statements (shard 2 of 2)" not in said:
                said += await process.stderr.receive()
            assert b"main/-80: 1 statements applied" in said
            with anyio.fail_after(40):
                await tablet.hanging.wait()
                process.send_signal(signal.SIGINT)
                assert await process.wait() == 130
                await warning.told.wait()
    stands = warning.record.__dict__["stands"]
    assert "all of it is applied on -80, whether statement 1 is applied on 80-" in stands


async def test_of_two_clients_that_create_a_keyspace_one_does(control: Control) -> None:
    answers: list[Answer] = []

    async def create() -> None:
        answers.append(await control.vtctl("CreateKeyspace", "fresh"))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(create)
    assert sorted(answer.code for answer in answers) == [0, 1, 1]
    assert all("exists already" in answer.out for answer in answers if answer.code)


async def test_an_etcd_that_is_away_is_an_error_within_seconds(
    control: Control, etcd: EtcdProcess
) -> None:
    etcd.send_signal(signal.SIGSTOP)
    try:
        with anyio.fail_after(30):
            answer = await control.vtctl("GetKeyspaces")
    finally:
        etcd.send_signal(signal.SIGCONT)
    assert answer.code == 1
    assert f"etcd at {etcd.address} did not answer in time" in answer.out


async def test_a_shard_without_primary_stops_a_schema_change_before_it_starts(
    control: Control,
) -> None:
    def clear(shard: topodata_pb2.Shard) -> None:
        shard.ClearField("primary_alias")

    await control.topo.update_shard("main", "80-", clear)
    said = await control.refused("ApplySchema", "-sql=create table a (b int)", "main")
    assert "shard main/80- has no master" in said
    assert control.tablets[FIRST].statements == []


async def test_a_planned_reparent_moves_the_primary(control: Control) -> None:
    answer = await control.vtctl("PlannedReparentShard", "-keyspace_shard=main/-80")
    assert answer.code == 0 and answer.out == ""
    assert f"hand over from {FIRST} to {SECOND}" in answer.err
    shard = (await control.topo.get_shard("main", "-80")).value
    assert primary_alias_of(shard) == SECOND
    lines = (await control.ok("ListShardTablets", "main/-80")).splitlines()
    assert [line.split()[3] for line in lines] == ["replica", "master", "replica"]


async def test_an_emergency_reparent_goes_on_without_the_primary(control: Control) -> None:
    control.shards["-80"].kill(FIRST)
    said = await control.refused("PlannedReparentShard", "-keyspace_shard=main/-80")
    assert "EmergencyReparentShard" in said
    await control.ok("EmergencyReparentShard", "-keyspace_shard=main/-80")
    assert control.shards["-80"].writable() == [SECOND]


async def test_init_shard_master_as_the_operator_asks_for_it(control: Control) -> None:
    await control.ok("InitShardMaster", "-force", "main/-80", "zone1-2")
    assert primary_alias_of((await control.topo.get_shard("main", "-80")).value) == SECOND


async def test_a_backup_that_storage_does_not_list_is_no_success(control: Control) -> None:
    said = await control.refused("BackupShard", "main/-80")
    assert "storage lists no backup of it" in said
    assert control.tablets[SECOND].backups == 1, "the replica with the first alias took it"


async def test_a_location_that_cannot_be_read_hides_no_other_and_is_no_success(
    control: Control, tmp_path: Path
) -> None:
    """The control's second location is a bucket behind a closed port."""
    name = "2020-08-12.043833.zone1-0000000002"
    (tmp_path / "backups" / "main" / "-80" / name).mkdir(parents=True)
    control.locations.append(CLOSED)
    answer = await control.vtctl("ListBackups", "main/-80")
    assert answer.code == 1 and "there may be more backups: location 'closed'" in answer.out
    assert name in answer.out.splitlines()
    said = await control.refused("BackupShard", "main/-80")
    assert "whether storage lists its backup is not known: location 'closed'" in said
    said = await control.refused("RemoveBackup", "main/-80", "x")
    assert name in said and "not looked into: location 'closed'" in said
    said = await control.refused("RemoveBackup", "main/-80", name)
    assert "could not be looked into" in said and "location 'closed'" in said
    await control.ok("RemoveBackup", f"-location={control.locations[0].name}", "main/-80", name)
    assert not (tmp_path / "backups" / "main" / "-80" / name).exists()


async def test_a_shard_without_a_fit_tablet_is_refused_at_once(control: Control) -> None:
    for alias in (SECOND, TabletAlias("zone2", 3)):
        control.shards["-80"].kill(alias)
    with anyio.fail_after(40):
        said = await control.refused("BackupShard", "main/-80")
    assert "no tablet available for backup of main/-80" in said and "connection refused" in said


async def test_an_interrupted_client_cancels_the_backup(control: Control) -> None:
    tablet = control.tablets[SECOND]
    tablet.hold_backup = anyio.Event()
    async with await anyio.open_process(
        control.client_words("BackupShard", "main/-80"), stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = b""
        while b"starting backup" not in said:
            said += await process.stderr.receive()
        process.send_signal(signal.SIGINT)
        with anyio.fail_after(40):
            assert await process.wait() == 130
    with anyio.fail_after(40):
        await tablet.cancelled.wait()
    assert tablet.backups == 0


async def test_a_stranger_is_refused(control: Control) -> None:
    process = await anyio.run_process(
        [*control.client_words()[:4], "GetKeyspaces"],
        check=False,
        env={"ARMILLARY_DIR": "/nonexistent"},
    )
    assert process.returncode == 1
    assert b"wrong or missing username and password" in process.stdout


async def test_validate_tells_what_is_wrong(control: Control) -> None:
    await control.ok("Validate", "-ping-tablets")
    await control.topo.remove_from_shard_replication("main", "-80", SECOND)
    said = await control.refused("ValidateShard", "main/-80")
    assert "tablet zone1-0000000002 of shard main/-80 is missing in its cell's list" in said


async def test_cells_and_the_serving_graph(control: Control) -> None:
    assert (await control.ok("GetCellInfoNames")).split() == ["zone1", "zone2"]
    assert (await control.ok("GetSrvKeyspaceNames", "zone1")).split() == ["main"]
    graph = json.loads(await control.ok("GetSrvKeyspace", "zone1", "main"))
    assert [part["served_type"] for part in graph["partitions"]] == [1, 2, 3]
    await control.ok("RebuildKeyspaceGraph", "main")
    await control.ok("RebuildVSchemaGraph")
    shards = json.loads(await control.ok("FindAllShardsInKeyspace", "main"))
    assert list(shards) == ["-80", "80-"]
    await control.ok("Help")
