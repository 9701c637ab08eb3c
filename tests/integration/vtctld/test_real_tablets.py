"""vtctlclient, vtctld, vttablets and mysqlds together: reparents, schema changes, backups."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import anyio.to_thread
import pymysql
import pytest

from armillary.model.tablet import TabletType
from armillary.settings.backup import BACKUP_LOCATIONS, named_storages
from armillary.settings.vtctld import VtctldSettings
from armillary.vtctld.main import run
from tests.forked_program import Answer, ForkedProgram
from tests.integration.tablet.shard import Process, Shard, TestTablet, program, running_shard
from tests.integration.tablet.shared import SharedShard, by_role, shared_shard, wait_rows

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

PATH = "commerce/-80"


class Cluster:
    def __init__(self, shard: Shard, port: int, client: ForkedProgram) -> None:
        self.shard = shard
        self._server = f"{shard.network}.200:{port}"
        self._client = client

    async def vtctl(self, *words: str) -> Answer:
        flags = self.flags(self._server)
        return await anyio.to_thread.run_sync(self._client.run, *flags, *words)

    def client_words(self, server: str, *words: str) -> list[str]:
        return [*program("cli.vtctlclient"), *self.flags(server), *words]

    def flags(self, server: str) -> tuple[str, str]:
        credentials = f"{self.shard.dir}/grpc-client.json"
        return (f"-server={server}", f"-grpc_auth_static_client_creds={credentials}")

    async def ok(self, *words: str) -> str:
        code, out, err = await self.vtctl(*words)
        logs = "".join(self.shard.logs(tablet) for tablet in self.shard.tablets)
        assert code == 0, f"{words}\n{out}\n{err}\n{logs}"
        return out

    async def tablets(self) -> list[TestTablet]:
        """Return the primary and its replicas."""
        return await by_role(self.shard)

    async def start(self, count: int) -> list[TestTablet]:
        """Start tablets and make the first one primary, as the operator does."""
        tablets = [self.shard.add_tablet(uid) for uid in range(1, count + 1)]
        self.shard.start(*tablets)
        await self.shard.wait_started(*tablets, timeout_s=120)
        await self.ok("InitShardMaster", "-force", PATH, "zone1-1")
        await self.ok("ApplySchema", "-sql=create table t (id int primary key)", "commerce")
        insert(tablets[0], 1)
        for tablet in tablets:
            await wait_rows(tablet, 1)
        return tablets


def keep_backups(shard: Shard) -> None:
    shard.extra_flags = (
        "--backup_storage_implementation=file",
        f"--file_backup_storage_root={shard.dir}/backups-b",
        "--xtrabackup_user=vt_dba",
        "--backup_engine_implementation=xtrabackup",
    )


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[SharedShard]:
    async with shared_shard(keep_backups, count=3) as shared:
        yield shared


@pytest.fixture
async def cluster(shared: SharedShard, vtctlclient: ForkedProgram) -> AsyncIterator[Cluster]:
    """For tests that leave a primary and two replicas behind, whichever is which."""
    shard = await shared.settled()
    async with serving_vtctld(shard) as port:
        yield Cluster(shard, port, vtctlclient)


@pytest.fixture
async def empty_cluster(vtctlclient: ForkedProgram) -> AsyncIterator[Cluster]:
    """For tests that begin with no tablet, or leave ruins."""
    async with running_shard() as shard, serving_vtctld(shard) as port:
        yield Cluster(shard, port, vtctlclient)


@asynccontextmanager
async def serving_vtctld(shard: Shard) -> AsyncIterator[int]:
    settings = VtctldSettings(
        topo_global_server_address=f"{shard.network}.250:2379",
        topo_global_root="/vitess/global",
        bind_address=f"{shard.network}.200",
        port=0,
        grpc_port=0,
        grpc_auth_mode="static",
        grpc_auth_static_password_file=f"{shard.dir}/grpc-server.json",
        grpc_auth_static_client_creds=f"{shard.dir}/grpc-client.json",
    )
    # The tablets store in the second location, and vtctld is told of both as the operator does it.
    described = [
        {
            "name": name,
            "flags": {
                "backup_storage_implementation": "file",
                "file_backup_storage_root": f"{shard.dir}/backups{suffix}",
            },
        }
        for name, suffix in (("", ""), ("b", "-b"))
    ]
    locations = named_storages(settings, {BACKUP_LOCATIONS: json.dumps(described)})

    async def serve(*, task_status: anyio.abc.TaskStatus[int]) -> None:
        await run(settings, locations=locations, task_status=task_status)

    async with anyio.create_task_group() as tasks:
        yield await tasks.start(serve)
        tasks.cancel_scope.cancel()


def insert(tablet: TestTablet, row: int) -> None:
    with tablet.sql("vt_app", database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (%s)", (row,))


async def test_a_planned_reparent_under_writes_loses_none(cluster: Cluster) -> None:
    first, second, third = await cluster.tablets()
    acknowledged = [1]
    done = anyio.Event()

    async def write() -> None:
        row = 2
        while not done.is_set():
            for tablet in (first, second, third):
                try:
                    await anyio.to_thread.run_sync(insert, tablet, row)
                    acknowledged.append(row)
                    break
                except pymysql.MySQLError:
                    continue
            row += 1
            await anyio.sleep(0.01)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        await anyio.sleep(0.5)
        for words in (f"-new_master={second.alias}", f"-avoid_master={second.alias}"):
            await cluster.ok("PlannedReparentShard", f"-keyspace_shard={PATH}", words)
        await anyio.sleep(0.5)
        done.set()
    assert len(acknowledged) > 20
    for tablet in (first, second, third):
        await wait_rows(tablet, len(acknowledged))
    lines = [line.split() for line in (await cluster.ok("ListAllTablets")).splitlines()]
    types = {words[0]: words[3] for words in lines}
    least = min(str(first.alias), str(third.alias))
    assert types.pop(least) == "master", "the least lagged, of equals the first"
    assert list(types.values()) == ["replica", "replica"]
    await cluster.ok("ValidateShard", PATH)


async def test_a_killed_primary_is_replaced_and_comes_back_as_replica(cluster: Cluster) -> None:
    first, second, third = await cluster.tablets()
    await first.vttablet.kill()
    await first.mysqlctld.kill()
    os.kill(first.mysqld_pid(), signal.SIGKILL)
    code, out, _ = await cluster.vtctl("PlannedReparentShard", f"-keyspace_shard={PATH}")
    assert code == 1 and "EmergencyReparentShard" in out
    await cluster.ok("EmergencyReparentShard", f"-keyspace_shard={PATH}")
    shard = (await cluster.shard.topo.get_shard("commerce", "-80")).value
    new = second if shard.primary_alias.uid == second.alias.uid else third
    insert(new, 2)
    for tablet in (second, third):
        await wait_rows(tablet, 2)
    cluster.shard.start(first)
    await cluster.shard.wait_healthy(first, timeout_s=120)
    await wait_rows(first, 2)
    assert await cluster.shard.type_of(first) is TabletType.REPLICA


async def test_a_vtctld_killed_within_a_reparent_leaves_nothing_that_the_next_cannot_mend(
    empty_cluster: Cluster,
) -> None:
    cluster = empty_cluster
    first, second = await cluster.start(2)
    async with other_vtctld(cluster.shard) as (vtctld, server):
        with first.sql(database="vt_commerce") as cursor:
            cursor.execute("LOCK TABLES t WRITE")  # the demotion waits for this
            words = cluster.client_words(
                server, "PlannedReparentShard", f"-keyspace_shard={PATH}", "-new_master=zone1-2"
            )
            async with await anyio.open_process(words, stderr=subprocess.PIPE) as client:
                assert client.stderr is not None
                said = b""
                with anyio.fail_after(60):
                    while b"stops writing" not in said:
                        said += await client.stderr.receive()
                await vtctld.kill()
                assert await client.wait() == 1
    # Or it died a moment later:
    await cluster.shard.client.demote_primary(await cluster.shard.record(first))
    # The dead one's lock goes with its lease, while this one waits.
    await cluster.ok("PlannedReparentShard", f"-keyspace_shard={PATH}", "-new_master=zone1-2")
    insert(second, 2)
    await wait_rows(first, 2)
    await cluster.shard.wait_healthy(first, second)

    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (100)")  # vt_dba may, though read-only
    code, out, _ = await cluster.vtctl(
        "PlannedReparentShard", f"-keyspace_shard={PATH}", "-new_master=zone1-1"
    )
    assert code == 1 and "errant GTID detected" in out
    insert(second, 3)
    assert second.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 3


@asynccontextmanager
async def other_vtctld(shard: Shard) -> AsyncIterator[tuple[Process, str]]:
    """Run a second vtctld as a process that can be killed."""
    host = f"{shard.network}.201"
    process = Process(
        "vtctld",
        [
            *program("vtctld.main"),
            *shard.topo_flags,
            "--topo_etcd_lease_ttl=5",
            f"--bind-address={host}",
            "--grpc_auth_mode=static",
            f"--grpc_auth_static_password_file={shard.dir}/grpc-server.json",
            f"--grpc_auth_static_client_creds={shard.dir}/grpc-client.json",
        ],
        dict(os.environ),
        shard.dir / "vtctld.log",
    )
    process.start()
    try:
        with anyio.fail_after(60):
            while "gRPC server listens" not in process.log.read_text():  # noqa: ASYNC110
                await anyio.sleep(0.1)
        yield process, f"{host}:15999"
    finally:
        process.end()


async def test_broken_sql_reaches_no_mysqld(cluster: Cluster) -> None:
    first, *_ = await cluster.tablets()
    for sql in (
        "create table a (b int); create tabel c (d int)",
        "create table a (b int); alter table t add column",
    ):
        code, out, _ = await cluster.vtctl("ApplySchema", f"-sql={sql}", "commerce")
        assert code == 1 and "nothing was changed: statement 2 of 2" in out, out
    code, out, _ = await cluster.vtctl("ApplySchema", "-sql=create table t (id int)", "commerce")
    assert code == 1 and "1050" in out and PATH in out
    shown = await cluster.ok("GetSchema", "-table_names_only", str(first.alias))
    assert shown.split() == ["t"]
    drawn = await cluster.ok("ExecuteFetchAsDba", str(first.alias), "select * from t")
    assert "| 1  |" in drawn


async def test_schema_changes_go_on_beside_broken_views_and_say_what_a_failed_drop_did(
    empty_cluster: Cluster,
) -> None:
    cluster = empty_cluster
    (first,) = await cluster.start(1)
    await cluster.ok("ApplySchema", "-sql=create table gone (id int primary key)", "commerce")
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("CREATE VIEW tableless AS SELECT id FROM gone")
        cursor.execute("CREATE DEFINER = 'left'@'localhost' VIEW ownerless AS SELECT id FROM t")
    await cluster.ok("ApplySchema", "-sql=drop table gone", "commerce")
    await cluster.ok("ApplySchema", "-sql=alter table t add column note text", "commerce")
    body = "begin set new.note = 'a'; set new.note = concat(new.note, 'b'); end"
    trigger = f"create trigger noted before insert on t for each row {body}"
    await cluster.ok("ApplySchema", f"-sql={trigger}; alter table t add index (id)", "commerce")
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t (id) VALUES (7)")
    assert first.scalar("SELECT note FROM vt_commerce.t WHERE id = 7") == "ab"
    shown = await cluster.ok("GetSchema", "-include-views", "zone1-1")
    assert all(name in shown for name in ("tableless", "ownerless", "note"))

    code, out, _ = await cluster.vtctl("ApplySchema", "-sql=drop table nowhere, t", "commerce")
    assert code == 1 and "1051" in out and "or a part of it, is not known" in out, out
    names = await cluster.ok("GetSchema", "-table_names_only", str(first.alias))
    assert "t" not in names.split(), "MariaDB dropped the one that it could"


async def test_a_backup_is_taken_by_a_replica_listed_and_removed(cluster: Cluster) -> None:
    _, *replicas = await cluster.tablets()
    # What is wrong with another backup is no business of this one.
    unreadable = cluster.shard.dir / "backups-b" / PATH / "2020-01-01.000000.zone1-0000000099"
    unreadable.mkdir(parents=True)
    (unreadable / "MANIFEST").symlink_to(f"{__file__}/under-a-file")
    code, out, err = await cluster.vtctl("BackupShard", PATH)
    assert code == 0 and out == "", f"{out}\n{err}"
    assert "is listed and complete" in err
    shutil.rmtree(unreadable)
    (name,) = (await cluster.ok("ListBackups", PATH)).split()
    assert name.endswith(tuple(str(replica.alias) for replica in replicas))
    first_place, second_place = (
        cluster.shard.dir / folder / PATH / name for folder in ("backups", "backups-b")
    )
    assert second_place.is_dir() and not first_place.exists()

    # A copy that somebody made elsewhere is not removed with it, unless they say so.
    shutil.copytree(second_place, first_place)
    assert (await cluster.ok("ListBackups", PATH)).split() == [name]
    code, out, _ = await cluster.vtctl("RemoveBackup", PATH, name)
    assert code == 1 and "the location without a name and in location 'b'" in out, out
    assert first_place.is_dir() and second_place.is_dir()
    code, out, _ = await cluster.vtctl("RemoveBackup", "-location=c", PATH, name)
    assert code == 1 and "locations: '', 'b'" in out, out
    await cluster.ok("RemoveBackup", "-location=", PATH, name)
    assert second_place.is_dir() and not first_place.exists()
    await cluster.ok("RemoveBackup", PATH, name)
    assert await cluster.ok("ListBackups", PATH) == ""


async def test_tablets_and_shards_are_shown_backed_up_restored_and_deleted(
    cluster: Cluster,
) -> None:
    first, second, _ = await cluster.tablets()
    primary, replica = str(first.alias), str(second.alias)
    shown = json.loads(await cluster.ok("GetTablet", primary))
    assert shown["alias"] == {"cell": "zone1", "uid": first.alias.uid} and shown["type"] == 1
    assert int(shown["master_term_start_time"]["seconds"]) > 0
    assert not shown.keys() & {"primary_term_start_time", "default_conn_collation"}
    shard = json.loads(await cluster.ok("GetShard", PATH))
    assert shard["master_alias"] == shown["alias"] and shard["is_master_serving"] is True
    words = [
        line.split() for line in (await cluster.ok("ListTablets", primary, replica)).splitlines()
    ]
    assert [(w[0], w[3]) for w in words] == [(primary, "master"), (replica, "replica")]

    code, out, err = await cluster.vtctl("Backup", replica)
    assert code == 0 and "is listed and complete" in err, out + err
    (name,) = (await cluster.ok("ListBackups", PATH)).split()
    await cluster.ok("StopSlave", replica)
    with second.sql(database="vt_commerce") as cursor:
        cursor.execute("SET sql_log_bin = 0")
        cursor.execute("DELETE FROM t")
    insert(first, 2)
    await cluster.ok("RestoreFromBackup", replica)
    await wait_rows(second, 2)
    await cluster.ok("RemoveBackup", PATH, name)

    await cluster.ok("CreateShard", "commerce/80-")
    assert json.loads(await cluster.ok("GetShard", "commerce/80-"))["master_alias"] is None
    await cluster.ok("DeleteShard", "commerce/80-")
    code, out, _ = await cluster.vtctl("GetShard", "commerce/80-")
    assert code == 1 and "shards of commerce: -80" in out
    await second.vttablet.kill()
    await cluster.ok("DeleteTablet", replica)
    listed = (await cluster.ok("ListAllTablets")).splitlines()
    assert len(listed) == 2 and replica not in [line.split()[0] for line in listed]
    second.vttablet.start()
    await cluster.shard.wait_healthy(second)
    assert len((await cluster.ok("ListAllTablets")).splitlines()) == 3


async def test_types_change_and_replication_stops_and_starts(cluster: Cluster) -> None:
    first, second, _ = await cluster.tablets()
    alias = str(second.alias)
    out = await cluster.ok("ChangeTabletType", "-dry-run", alias, "rdonly")
    assert out.startswith(f"- {alias}") and "rdonly" in out.splitlines()[1]
    await cluster.ok("ChangeTabletType", alias, "rdonly")
    assert await cluster.shard.type_of(second) is TabletType.RDONLY
    await cluster.ok("StopSlave", alias)
    insert(first, 2)
    await anyio.sleep(0.5)
    await wait_rows(second, 1)
    await cluster.ok("StartSlave", alias)
    await wait_rows(second, 2)
    for command in ("Ping", "RefreshState", "ReloadSchema", "SetReadOnly"):
        await cluster.ok(command, alias)
    assert "0-" in await cluster.ok("ShardReplicationPositions", PATH)
    await cluster.ok("ChangeTabletType", alias, "replica")
    assert await cluster.shard.type_of(second) is TabletType.REPLICA
