"""The program itself, with a real etcd: flags, exit codes, kill -9."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from armillary.backup.catalog import read_catalog
from armillary.backup.storage.file import FileStorage
from tests.addresses import host
from tests.fakes.etcd_process import EtcdProcess, etcd_process

from .servers import PASSWORD

pytestmark = [pytest.mark.anyio, pytest.mark.integration]


@pytest.fixture
def etcd() -> Iterator[EtcdProcess]:
    with etcd_process() as process:
        yield process


def command(root: Path, cache: Path, etcd: EtcdProcess, *more: str) -> list[str]:
    credentials = root / "credentials.json"
    credentials.write_text(json.dumps({"vt_dba": [PASSWORD], "vt_repl": [PASSWORD]}))
    return [
        str(Path(sys.executable).parent / "vtbackup"),
        "--topo_implementation=etcd2",
        f"--topo_global_server_address={etcd.address}",
        "--topo_global_root=/global",
        "--init_keyspace=main",
        "--init_shard=-80",
        "--initial_backup=true",
        "--backup_engine_implementation=xtrabackup",
        "--xtrabackup_stripes=8",
        "--xtrabackup_backup_flags=--parallel=1",
        "--xbstream_restore_flags=--parallel=1",
        "--backup_storage_implementation=file",
        f"--file_backup_storage_root={root / 'backups'}",
        f"--db-credentials-file={credentials}",
        f"--mysql_socket={root / 'b.sock'}",
        "--mysql_port=3306",
        f"--bind-address={host()}",
        f"--vtdataroot={root / 'data'}",
        f"--template_cache_dir={cache}",
        *more,
    ]


async def backup_begins(storage: FileStorage) -> None:
    while not await storage.list_backups("main/-80"):  # noqa: ASYNC110 (another process)
        await anyio.sleep(0.005)


async def test_the_program_makes_the_first_backup_and_then_has_nothing_to_do(
    short_dir: Path, template_cache: Path, etcd: EtcdProcess
) -> None:
    storage = FileStorage(short_dir / "backups")
    for _ in range(2):
        done = await anyio.run_process(
            command(short_dir, template_cache, etcd), check=False, stderr=subprocess.PIPE
        )
        assert done.returncode == 0, done.stderr.decode()
        assert PASSWORD not in done.stderr.decode()
        (record,) = await read_catalog(storage, "main", "-80")
        assert record.is_complete


async def test_wrong_flags_and_refusals_have_their_own_exit_codes(
    short_dir: Path, template_cache: Path, etcd: EtcdProcess
) -> None:
    wrong = await anyio.run_process(
        command(short_dir, template_cache, etcd, "--timeout=soon"), check=False
    )
    assert wrong.returncode == 2 and b"--timeout" in wrong.stderr
    refused = await anyio.run_process(
        command(short_dir, template_cache, etcd, "--initial_backup=false"), check=False
    )
    assert refused.returncode == 1 and b"no complete backup to start from" in refused.stderr


async def test_a_killed_run_is_followed_by_one_that_works(
    short_dir: Path, template_cache: Path, etcd: EtcdProcess
) -> None:
    """kill -9 as soon as bytes are stored; the next run cleans up and makes the backup."""
    storage = FileStorage(short_dir / "backups")
    async with await anyio.open_process(
        command(short_dir, template_cache, etcd), stdout=None, stderr=None
    ) as run:
        with anyio.fail_after(40):
            await backup_begins(storage)
        os.kill(run.pid, signal.SIGKILL)
        await run.wait()
    assert not any(r.is_complete for r in await read_catalog(storage, "main", "-80"))
    done = await anyio.run_process(
        command(short_dir, template_cache, etcd), check=False, stderr=subprocess.PIPE
    )
    assert done.returncode == 0, done.stderr.decode()
    assert len([r for r in await read_catalog(storage, "main", "-80") if r.is_complete]) == 1
    assert os.listdir(short_dir / "data") == []


async def test_a_run_that_is_asked_to_end_leaves_no_backup_and_no_server(
    short_dir: Path, template_cache: Path, etcd: EtcdProcess
) -> None:
    storage = FileStorage(short_dir / "backups")
    async with await anyio.open_process(
        command(short_dir, template_cache, etcd), stdout=None, stderr=None
    ) as run:
        with anyio.fail_after(40):
            await backup_begins(storage)
        run.terminate()
        with anyio.fail_after(30):
            assert await run.wait() == 1
    assert await storage.list_backups("main/-80") == []
    assert os.listdir(short_dir / "data") == []
