"""Runs of vtbackup against real servers; the topology is in memory."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.restore import RestoreRequest, restore_backup
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import InputError, PreconditionError
from armillary.model.gtid import MariadbGtidSet, Position
from armillary.model.tablet import TabletAlias, TabletType
from armillary.pb import topodata_pb2
from armillary.settings.vtbackup import VtbackupSettings
from armillary.topo import convert
from armillary.topo.server import TopoServer
from armillary.vtbackup.main import World, back_up_and_prune
from tests.addresses import host

from .servers import PASSWORD, Box, running_box

pytestmark = [pytest.mark.anyio, pytest.mark.integration]

ALIAS = TabletAlias("zone1", 7)


class OnePrimary:
    """Answers for the primary, which runs here."""

    def __init__(self, box: Box | None = None) -> None:
        self.box = box

    async def primary_position(self, tablet: topodata_pb2.Tablet) -> str:
        assert self.box is not None
        text = (await self.box.sql("SELECT @@gtid_binlog_pos"))[0][0]
        return str(Position(MariadbGtidSet.parse(text)))


def settings_in(root: Path, cache: Path, *, initial: bool = True) -> VtbackupSettings:
    credentials = root / "credentials.json"
    if not credentials.exists():
        import json

        credentials.write_text(json.dumps({"vt_dba": [PASSWORD], "vt_repl": [PASSWORD]}))
    return VtbackupSettings(
        topo_global_server_address="unused",
        topo_global_root="/global",
        init_keyspace="main",
        init_shard="-80",
        init_db_name_override="vt_main",
        initial_backup=initial,
        backup_engine_implementation="xtrabackup",
        xtrabackup_stripes=8,
        vtdataroot=str(root / "data"),
        mysql_socket=str(root / "b.sock"),
        mysql_port=3306,
        bind_address=host(),
        db_credentials_file=str(credentials),
        template_cache_dir=str(cache),
        replication_timeout=timedelta(seconds=30),
    )


async def topology(primary: Box | None = None) -> TopoServer:
    topo = await TopoServer.in_memory("zone1")
    await topo.create_keyspace("main", topodata_pb2.Keyspace())
    await topo.create_shard("main", "-80")
    if primary is not None:
        tablet = topodata_pb2.Tablet(
            alias=convert.alias_to_pb(ALIAS),
            keyspace="main",
            shard="-80",
            type=convert.type_to_pb(TabletType.PRIMARY),
            mysql_hostname=primary.spec.bind_address,
            mysql_port=primary.spec.port,
        )
        await topo.create_tablet(tablet)

        def set_primary(shard: topodata_pb2.Shard) -> None:
            shard.primary_alias.CopyFrom(tablet.alias)

        await topo.update_shard("main", "-80", set_primary)
    return topo


async def test_an_initial_backup_is_made_once_and_holds_the_database(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    world = World(storage, await topology(), OnePrimary())
    settings = settings_in(short_dir, template_cache)
    await back_up_and_prune(settings, {}, world)
    await back_up_and_prune(settings, {}, world)
    (record,) = await read_catalog(storage, "main", "-80")
    assert record.name is not None and record.name.alias.cell == "vtbackup"
    assert record.manifest is not None and record.manifest.position.gtids
    assert list((short_dir / "data").iterdir()) == []
    async with running_box(short_dir, 2, cache=template_cache) as target:
        await restore_backup(
            RestoreRequest(
                keyspace="main",
                shard="-80",
                server=target.server,
                flavor=target.flavor,
                database="vt_main",
            ),
            storage=storage,
            settings=settings,
        )
        databases = {row[0] for row in await target.sql("SHOW DATABASES")}
        assert {"vt_main", "_vt"} <= databases


async def test_options_of_the_pod_reach_the_server_that_is_backed_up(
    short_dir: Path, template_cache: Path
) -> None:
    """As with mysqlctld: files in EXTRA_MY_CNF, server groups only."""
    options = [short_dir / "one.cnf", short_dir / "two.cnf"]
    options[0].write_text("[client]\nuser=nobody\n[mysqld]\n# ours\ncollation_server=latin1_bin\n")
    options[1].write_text("character_set_server=latin1\n")
    environ = {"EXTRA_MY_CNF": ":".join(map(str, options))}
    storage = FileStorage(short_dir / "backups")
    settings = settings_in(short_dir, template_cache)
    await back_up_and_prune(settings, environ, World(storage, await topology(), OnePrimary()))
    async with running_box(short_dir, 2, cache=template_cache) as target:
        await restore_backup(
            RestoreRequest(
                keyspace="main", shard="-80", server=target.server, flavor=target.flavor
            ),
            storage=storage,
            settings=settings,
        )
        ((_, statement),) = await target.sql("SHOW CREATE DATABASE vt_main")
        assert "latin1_bin" in statement
    with pytest.raises(InputError, match="EXTRA_MY_CNF"):
        await back_up_and_prune(
            replace(settings, init_shard="80-"),
            {"EXTRA_MY_CNF": "/nowhere/my.cnf"},
            World(storage, await topology(), OnePrimary()),
        )


async def test_an_initial_backup_is_refused_while_a_tablet_serves(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with running_box(short_dir, 7, start=False) as primary:
        world = World(storage, await topology(primary), OnePrimary())
        with pytest.raises(PreconditionError, match="zone1-0000000007"):
            await back_up_and_prune(settings_in(short_dir, template_cache), {}, world)
    assert await storage.list_backups("main/-80") == []


async def test_an_update_run_contains_what_the_primary_had(
    short_dir: Path, template_cache: Path
) -> None:
    storage = FileStorage(short_dir / "backups")
    world = World(storage, await topology(), OnePrimary())
    await back_up_and_prune(settings_in(short_dir, template_cache), {}, world)
    async with running_box(short_dir, 7, cache=template_cache) as primary:
        settings = settings_in(short_dir, template_cache, initial=False)
        await restore_backup(
            RestoreRequest(
                keyspace="main", shard="-80", server=primary.server, flavor=primary.flavor
            ),
            storage=storage,
            settings=settings,
        )
        await primary.sql(
            "CREATE TABLE vt_main.users (id INT PRIMARY KEY)",
            "INSERT INTO vt_main.users VALUES (1), (2)",
        )
        world = World(storage, await topology(primary), OnePrimary(primary))
        await back_up_and_prune(settings, {}, world)
        goal = await OnePrimary(primary).primary_position(topodata_pb2.Tablet())
    first, second = await read_catalog(storage, "main", "-80")
    assert second.manifest is not None and str(second.manifest.position) == goal
    assert first.manifest is not None
    assert second.manifest.backup_time > first.manifest.backup_time
