"""vttablet is asked to end, or killed, in the middle of a backup, a restore or its own start."""

import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.storage.file import FileStorage
from armillary.base.errors import ArmillaryError
from armillary.model.tablet import TabletType
from armillary.topo import convert
from tests.integration.tablet.shard import Shard, TestTablet, running_shard
from tests.integration.tablet.shared import replicating_pair, wait_rows
from tests.integration.tablet.test_backup_and_restore import (
    RESTORING,
    back_up,
    keep_backups,
)

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

# One read and write a second: it takes minutes, and is the tool itself, not a stand-in.
SLOW = "--xtrabackup_backup_flags=--throttle=1"


@pytest.fixture
async def shard() -> AsyncIterator[Shard]:
    async with running_shard() as shard:
        keep_backups(shard)
        yield shard


def tools_of(shard: Shard) -> set[str]:
    """Return the backup tools that work on anything of the shard."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        is_tool = any(name in word for word in words[:2] for name in ("mariadb-backup", "mbstream"))
        if is_tool and any(str(shard.dir) in word for word in words):
            found.add(" ".join(words))
    return found


async def until_tools(shard: Shard, *, run: bool) -> None:
    with anyio.fail_after(30):
        while bool(tools_of(shard)) != run:  # noqa: ASYNC110  # processes tell nobody
            await anyio.sleep(0.05)


async def complete_backups(shard: Shard) -> list[str]:
    records = await read_catalog(FileStorage(shard.dir / "backups"), "commerce", "-80")
    return [record.raw_name for record in records if record.is_complete]


async def interrupt_backup(shard: Shard, tablet: TestTablet, number: int) -> str:
    """Send the signal amid a backup; return what the one who asked for the backup heard."""
    heard: list[str] = []

    async def ask() -> None:
        try:
            await back_up(shard, tablet)
        except ArmillaryError as error:
            heard.append(str(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await until_tools(shard, run=True)
        with anyio.fail_after(30):
            while not list((shard.dir / "backups/commerce/-80").glob("*/.armillary-*")):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.05)
        tablet.vttablet.signal(number)
        code = await tablet.vttablet.wait()
    assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    return "; ".join(heard)


async def test_a_backup_that_is_cut_short_leaves_nothing_that_counts(shard: Shard) -> None:
    """SIGTERM takes away what was stored; SIGKILL cannot, and what stays is incomplete."""
    _, first, second = await replicating_pair(shard)
    plain = list(second.vttablet.command)
    for number in (signal.SIGTERM, signal.SIGKILL):
        second.vttablet.end()
        second.vttablet.command = [*plain, SLOW]
        second.vttablet.start()
        await shard.wait_healthy(second)
        heard = await interrupt_backup(shard, second, number)
        assert heard, "the one who asked heard nothing"
        assert number == signal.SIGKILL or "the backup was broken off" in heard
        await until_tools(shard, run=False)
        assert await complete_backups(shard) == []
        left = list((shard.dir / "backups/commerce/-80").iterdir())
        assert len(left) == (0 if number == signal.SIGTERM else 1)
        second.vttablet.command = plain
        second.vttablet.start()
        await shard.wait_healthy(second)
        assert list((second.data_dir / "tmp").glob("backup-*")) == [], "a password lies about"
        assert await shard.type_of(second) == TabletType.REPLICA
    lines = await back_up(shard, second)
    assert "is complete at position" in lines[-1]
    assert len(await complete_backups(shard)) == 1
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)


def hold_unpacking(shard: Shard) -> tuple[str, Path]:
    """Return a flag for tools that wait before they unpack, while the returned file is there."""
    tools, gate = shard.dir / "tools", shard.dir / "tools" / "closed"
    tools.mkdir()
    gate.touch()
    (tools / "mariadb-backup").symlink_to("/usr/bin/mariadb-backup")
    (tools / "mbstream").write_text(
        f'#!/bin/bash\nwhile [ -e {gate} ]; do sleep 0.1; done\nexec /usr/bin/mbstream "$@"\n'
    )
    (tools / "mbstream").chmod(0o755)
    return f"--xtrabackup_root_path={tools}", gate


async def test_a_restore_that_is_cut_short_loses_nothing_and_is_made_up_for(shard: Shard) -> None:
    """One tablet is new and restores again; the other was asked to, and keeps what it has."""
    _, first, second = await replicating_pair(shard)
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)
    flag, gate = hold_unpacking(shard)
    third = shard.add_tablet(3, *RESTORING, flag)
    shard.start(third)
    await until_tools(shard, run=True)
    third.vttablet.signal(signal.SIGTERM)
    assert await third.vttablet.wait() == 0
    await until_tools(shard, run=False)
    assert not (third.data_dir / "restore-staging").exists()
    assert not (third.data_dir / "restore_in_progress").exists()

    second.vttablet.end()
    second.vttablet.command.append(flag)
    second.vttablet.start()
    await shard.wait_healthy(second)
    heard: list[str] = []

    async def ask() -> None:
        try:
            record = await shard.record(second)
            _ = [event async for event in shard.client.restore_from_backup(record)]
        except ArmillaryError as error:
            heard.append(str(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await until_tools(shard, run=True)
        second.vttablet.signal(signal.SIGTERM)
        assert await second.vttablet.wait() == 0
    assert "the restore was broken off" in heard[0]
    await until_tools(shard, run=False)
    assert second.scalar("SELECT COUNT(*) FROM vt_commerce.t") == 2

    gate.unlink()
    for tablet in (second, third):
        tablet.vttablet.start()
    await shard.wait_healthy(second, third)
    for tablet in (second, third):
        assert await shard.type_of(tablet) == TabletType.REPLICA
        await wait_rows(tablet, 2)


async def test_no_tool_outlives_a_vttablet_that_is_killed(shard: Shard) -> None:
    """It would go on writing where the next vttablet restores anew."""
    _, _, second = await replicating_pair(shard)
    await back_up(shard, second)
    flag, gate = hold_unpacking(shard)
    third = shard.add_tablet(3, *RESTORING, flag)
    shard.start(third)
    await until_tools(shard, run=True)
    await third.vttablet.kill()
    await until_tools(shard, run=False)
    gate.unlink()
    third.vttablet.start()
    await shard.wait_healthy(third)
    await wait_rows(third, 1)


async def test_a_primary_that_lost_its_data_gives_primaryship_up_before_it_restores(
    shard: Shard,
) -> None:
    """Killed right after its restore it would come up as the primary of old data."""
    _, first, second = await replicating_pair(shard)
    await back_up(shard, second)
    with first.sql(database="vt_commerce") as cursor:
        cursor.execute("INSERT INTO t VALUES (2)")
    await wait_rows(second, 2)
    first.vttablet.end()
    first.mysqlctld.end()
    shutil.rmtree(first.data_dir)
    flag, gate = hold_unpacking(shard)
    first.vttablet.command += [*RESTORING, flag]
    shard.start(first)
    await until_tools(shard, run=True)
    record = (await shard.topo.get_shard("commerce", "-80")).value
    assert convert.primary_alias_of(record) is None
    await shard.promote(second)
    gate.unlink()
    await shard.wait_healthy(first, second)
    assert await shard.type_of(first) == TabletType.REPLICA
    await wait_rows(first, 2)


async def test_a_record_that_is_deleted_during_an_end_makes_it_no_failure(shard: Shard) -> None:
    """It waits for mysqld when it is asked to end; the end is in order, and waits for nothing."""
    tablet = shard.add_tablet(1, "--shutdown_grace_period=1h")
    tablet.vttablet.start()
    with anyio.fail_after(40):
        while "mysqlctld has to be waited for" not in shard.logs(tablet):  # noqa: ASYNC110  # a log
            await anyio.sleep(0.05)
    tablet.vttablet.signal(signal.SIGTERM)
    await shard.wait_healthz(tablet, 500, "shutting down")
    await shard.topo.delete_tablet(tablet.alias)
    tablet.mysqlctld.start()
    assert await tablet.vttablet.wait() == 0, shard.logs(tablet)
