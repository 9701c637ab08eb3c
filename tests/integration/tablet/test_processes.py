"""What the processes beside a mysqld show and cost."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.integration.tablet.shard import (
    BASIC,
    Process,
    Shard,
    TestTablet,
    program,
    running_shard,
)

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

STRANGER = "Host: x"


@pytest.fixture
async def shard() -> AsyncIterator[Shard]:
    async with running_shard() as shard:
        yield shard


@pytest.fixture
async def tablet(shard: Shard) -> TestTablet:
    tablet = shard.add_tablet(1)
    shard.start(tablet)
    await shard.wait_started(tablet)
    await shard.promote(tablet)
    await shard.wait_healthy(tablet)
    return tablet


@pytest.fixture
async def exporter(shard: Shard, tablet: TestTablet) -> AsyncIterator[Process]:
    process = Process(
        "exporter",
        [
            *program("mysqlctld.exporter"),
            f"--config.my-cnf={tablet.data_dir}/my.cnf",
            "--collect.info_schema.tables.databases=sys,_vt",
            f"--db-credentials-file={shard.dir}/db-credentials.json",
            "--db-config-dba-uname=vt_dba",
            f"--web.auth-static-file={shard.dir}/grpc-server.json",
        ],
        tablet.mysqlctld.env,
        shard.dir / "exporter.log",
    )
    process.start()
    try:
        yield process
    finally:
        process.end()


async def get(address: str, port: int, path: str, header: str = BASIC) -> tuple[int, str]:
    with anyio.fail_after(20):
        while True:
            try:
                stream = await anyio.connect_tcp(address, port)
                break
            except OSError:
                await anyio.sleep(0.1)
        async with stream:
            await stream.send(f"GET {path} HTTP/1.0\r\n{header}\r\n\r\n".encode())
            data = b""
            try:
                while True:
                    data += await stream.receive()
            except anyio.EndOfStream:
                pass
    head, _, body = data.decode().partition("\r\n\r\n")
    return int(head.split()[1]), body


def rss_mb(process: Process) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def what_ps_shows(pid: int) -> str:
    return "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "environ"))


async def test_the_exporter_tells_prometheus_of_mysqld(
    tablet: TestTablet, exporter: Process
) -> None:
    status, body = await get(tablet.address, 9104, "/metrics")
    lines = body.splitlines()
    assert status == 200
    assert "mysql_up 1" in lines
    assert "mysql_global_variables_read_only 0" in lines
    assert any(line.startswith("mysql_global_status_threads_connected ") for line in lines)
    assert any(
        line.startswith('mysql_global_status_commands_total{command="select"}') for line in lines
    )
    tablet.mysqlctld.end()
    assert "mysql_up 0" in (await get(tablet.address, 9104, "/metrics"))[1].splitlines()
    assert (await get(tablet.address, 9104, "/nothing"))[0] == 404
    assert await get(tablet.address, 9104, "/healthz", STRANGER) == (200, "ok\n")
    for path in ("/metrics", "/", "/nothing"):
        assert await get(tablet.address, 9104, path, STRANGER) == (401, "")


async def test_the_processes_stay_small(tablet: TestTablet, exporter: Process) -> None:
    """Eight tablets run on one machine; a library too many shows here."""
    await get(tablet.address, 9104, "/metrics")
    assert rss_mb(tablet.vttablet) < 60
    assert rss_mb(tablet.mysqlctld) < 48
    assert rss_mb(exporter) < 27


async def test_nothing_secret_is_in_arguments_logs_or_readable_files(
    shard: Shard, tablet: TestTablet, exporter: Process
) -> None:
    pids = [p.pid for p in (tablet.vttablet, tablet.mysqlctld, exporter)] + [tablet.mysqld_pid()]
    for pid in pids:
        assert "secret-of" not in what_ps_shows(pid)
    assert "secret-of" not in shard.logs(tablet)
    for path in tablet.data_dir.rglob("*"):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if path.is_file() and path.name in ("my.cnf", "init-accounts.sql"):
            assert mode == 0o600
    assert stat.S_IMODE(os.stat(tablet.data_dir).st_mode) == 0o700


async def test_the_web_pages_say_what_the_tablet_is(tablet: TestTablet) -> None:
    assert (await get(tablet.address, 15000, "/healthz"))[0] == 200
    assert "primary: serving" in (await get(tablet.address, 15000, "/debug/status"))[1]
    assert '"TabletStateName": "SERVING"' in (await get(tablet.address, 15000, "/debug/vars"))[1]
    assert (await get(tablet.address, 15000, "/etc/passwd"))[0] == 404
    for path in ("/healthz", "/debug/health", "/debug/status"):
        assert await get(tablet.address, 15000, path, STRANGER) == (200, "ok\n")
    for path in ("/debug/vars", "/", "/etc/passwd"):
        assert (await get(tablet.address, 15000, path, STRANGER))[0] == 401
