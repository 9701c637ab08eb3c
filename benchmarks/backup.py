"""Time an online backup against the same tool piped into zstd by hand. I/O.

Prints the ratio of the two in the same run, in alternation, and the memory and CPU that our side
took. Absolute rates say little on a shared machine; the ratio should be 0.9 or more.

    python -m benchmarks.backup --rows 2000000 --rounds 3
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import anyio

from armillary.backup.engines.choose import engine_named
from armillary.backup.engines.contract import Server
from armillary.backup.storage.file import FileStorage
from armillary.backup.take import TakeRequest, take_backup
from armillary.base.errors import MysqlError
from armillary.model.tablet import TabletAlias
from armillary.mysqld.connection import connect
from armillary.mysqld.flavors.detect import detect_flavor
from armillary.mysqld.layout import TabletDir
from armillary.mysqld.process import MysqldProcess
from armillary.mysqld.spec import ServerSpec
from armillary.settings.backup import BackupFlags
from tests.addresses import host

TARGET = 0.9


async def fill(process: MysqldProcess, rows: int) -> None:
    """Make rows of random digits, as sysbench does: they compress about two to one."""
    digits = ", '-', ".join(["lpad(floor(rand() * 1e11), 11, '0')"] * 10)
    async with await connect(process.spec.dba_params()) as connection:
        await connection.execute("CREATE DATABASE IF NOT EXISTS bench")
        await connection.execute("USE bench")
        try:
            await connection.execute(
                "CREATE TABLE t (id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60))"
            )
        except MysqlError:
            return
        for start in range(0, rows, 100_000):
            await connection.execute(
                f"INSERT INTO t SELECT seq, floor(rand() * {rows}), concat({digits}), "
                f"concat(floor(rand() * 1e15), md5(rand())) "
                f"FROM seq_{start + 1}_to_{min(start + 100_000, rows)}"
            )


async def ours(server: Server, storage: FileStorage, stripes: int) -> tuple[float, int]:
    settings = BackupFlags(xtrabackup_stripes=stripes)
    started = time.perf_counter()
    manifest = await take_backup(
        TakeRequest(keyspace="bench", shard="-", alias=TabletAlias("bench", 1), server=server),
        engine=engine_named("xtrabackup", settings),
        storage=storage,
        settings=settings,
    )
    took_s = time.perf_counter() - started
    assert manifest.integrity is not None
    await storage.remove_backup("bench/-", manifest.backup_name)
    return took_s, manifest.integrity.raw_bytes


def by_hand(process: MysqldProcess, target: Path) -> float:
    spec = process.spec
    scratch = spec.tablet.tmp / "by-hand"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tool = (
        f"mariadb-backup --defaults-file={spec.tablet.my_cnf} --backup --stream=xbstream "
        f"--user={spec.accounts.dba} --socket={spec.socket} --target-dir={scratch} "
        f"--log-copy-interval=10 --parallel=2 2>{scratch}/log | zstd -q -1 -T2 > {target}"
    )
    started = time.perf_counter()
    subprocess.run(["bash", "-o", "pipefail", "-c", tool], check=True)
    subprocess.run(["sync", str(target)], check=True)
    took_s = time.perf_counter() - started
    target.unlink()
    return took_s


async def main(arguments: argparse.Namespace) -> None:
    root = Path(tempfile.mkdtemp(prefix="bench", dir=arguments.directory))
    spec = ServerSpec(
        tablet=TabletDir(root, 1),
        socket=root / "s.sock",
        bind_address=host(),
        extra_cnf=("innodb_buffer_pool_size=256M",),
    )
    process = MysqldProcess(await detect_flavor(), spec)
    try:
        await process.start()
        await fill(process, arguments.rows)
        server = Server(dirs=spec.tablet, params=spec.dba_params(), control=process)
        storage = FileStorage(root / "backups")
        ratios = []
        for number in range(arguments.rounds):
            hand_s = await anyio.to_thread.run_sync(by_hand, process, root / "hand.zst")
            cpu = time.process_time()
            ours_s, raw_bytes = await ours(server, storage, arguments.stripes)
            cpu_s = time.process_time() - cpu
            ratios.append(hand_s / ours_s)
            print(
                f"round {number + 1}: {raw_bytes / 1e6:.0f} MB; by hand {hand_s:.2f} s "
                f"({raw_bytes / 1e6 / hand_s:.0f} MB/s), ours {ours_s:.2f} s "
                f"({raw_bytes / 1e6 / ours_s:.0f} MB/s), "
                f"our CPU {cpu_s / raw_bytes * 1e9:.2f} s/GB, "
                f"ratio {ratios[-1]:.2f}; load {os.getloadavg()[0]:.1f}"
            )
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        median = statistics.median(ratios)
        verdict = "reached" if median >= TARGET else "missed"
        print(f"median ratio {median:.2f}, target {TARGET} {verdict}; peak memory {peak_mb:.0f} MB")
    finally:
        await process.shutdown()
        process.release()
        shutil.rmtree(root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stripes", type=int, default=8)
    parser.add_argument("--directory", default="/tmp")
    anyio.run(main, parser.parse_args())
