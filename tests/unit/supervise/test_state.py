"""What a directory remembers, and how a process is told from a later one with its pid."""

import os
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from armillary.base.errors import IntegrityError, NotFoundError
from armillary.local.supervise.log_file import RotatingLog
from armillary.local.supervise.state import (
    LocalState,
    ProcessRecord,
    read_processes,
    read_state,
    write_processes,
    write_state,
)
from armillary.local.supervise.written import WrittenProcesses

STATE = LocalState(
    network="127.18.0.0/16",
    apiserver_port=20001,
    kubelet_port=20002,
    node_name="laptop",
    namespace="planetscale",
)


def test_a_state_comes_back_as_it_was_written_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, STATE)
    assert read_state(path) == STATE
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_directory_without_a_cluster_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="armillary up"):
        read_state(tmp_path / "run" / "state.json")


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_state(path, replace(STATE, version=99))
    with pytest.raises(IntegrityError, match="99"):
        read_state(path)


def test_a_process_is_alive_under_its_own_start_time_only(tmp_path: Path) -> None:
    me = ProcessRecord.of(os.getpid())
    assert me.is_alive()
    assert not replace(me, start_ticks=me.start_ticks - 1).is_alive()
    assert not replace(me, boot_id="another boot").is_alive()


def test_processes_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "processes.json"
    assert read_processes(path) == {}
    records = {"etcd": ProcessRecord.of(os.getpid(), ready=True, restarts=3)}
    write_processes(path, records)
    assert read_processes(path) == records


def test_a_log_is_rotated_before_it_outgrows_its_limit(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "x.log", bytes_max=10, kept=2)
    for number in range(5):
        log.write(b"%d234567\n" % number)
    log.close()
    texts = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert texts == {"x.log": b"4234567\n", "x.log.1": b"3234567\n", "x.log.2": b"2234567\n"}


def test_a_log_on_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "x.log").symlink_to("/dev/full")
    log = RotatingLog(tmp_path / "x.log", bytes_max=10, kept=2)
    log.write(b"lost\n")
    log.close()


def test_a_log_that_could_not_be_rotated_is_rotated_later(tmp_path: Path) -> None:
    path, in_the_way = tmp_path / "x.log", tmp_path / "x.log.1"
    log = RotatingLog(path, bytes_max=10, kept=1)
    log.write(b"1234567\n")
    in_the_way.mkdir()
    log.write(b"lost567\n")
    in_the_way.rmdir()
    log.write(b"3234567\n")
    log.close()
    assert (path.read_bytes(), in_the_way.read_bytes()) == (b"3234567\n", b"1234567\n")


@pytest.mark.anyio
async def test_what_could_not_be_written_down_is_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "run" / "processes.json"
    written = WrittenProcesses(path, [], retry_s=0)
    written.write()
    written.write()
    assert [r.message for r in caplog.records] == ["cannot write down what runs"]
    assert read_processes(path) == {} and not path.exists()
    path.parent.mkdir()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(written.make_up)
        await anyio.wait_all_tasks_blocked()
        assert path.exists()
        tasks.cancel_scope.cancel()
