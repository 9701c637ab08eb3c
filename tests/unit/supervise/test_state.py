"""What a directory remembers, and how a process is told from a later one with its pid."""

import os
from dataclasses import replace
from pathlib import Path

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
