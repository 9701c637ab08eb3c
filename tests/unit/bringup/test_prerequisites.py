"""What a machine must have: MariaDB or MySQL, and what the backups of its clusters ask for."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from armillary.base.errors import InputError
from armillary.cli import prerequisites
from armillary.cli.bringup.flow import check_machine
from armillary.cli.prerequisites import inspect_machine, missing_packages
from armillary.kube.kinds import KubeObject

MARIADB = "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)"
MYSQL = "/usr/sbin/mysqld  Ver 8.0.46-0ubuntu0.24.04.5 for Linux on x86_64 ((Ubuntu))"
MARIADB_S = ("mariadbd", "mariadb-install-db", "mariadb-backup", "mbstream")


class Machine:
    """Programs that tell their versions, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.add("etcd Version: 3.4.30", "etcd", "bwrap", "setpriv", "mysql")

    def add(self, version: str, *programs: str) -> None:
        for program in programs:
            path = self.folder / program
            path.write_text(f"#!/bin/sh\necho '{version}'\n")
            path.chmod(0o755)

    def find(self, program: str) -> Path | None:
        path = self.folder / program
        return path if path.exists() else None


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(prerequisites, "find_program", machine.find)
    monkeypatch.setattr("armillary.cli.bringup.flow.ports_taken_everywhere", lambda: ())
    return machine


def fatal() -> list[str]:
    return [finding.prerequisite.program for finding in inspect_machine() if finding.is_fatal]


def cluster_with(engine: str) -> Sequence[KubeObject]:
    return ({"kind": "PlanetScaleCluster", "spec": {"backup": {"engine": engine}}},)


def test_a_machine_without_a_server_lacks_mariadb(machine: Machine) -> None:
    assert fatal() == [*MARIADB_S]
    assert missing_packages(inspect_machine()) == ("mariadb-server", "mariadb-backup")
    machine.add(MARIADB, "mysqld")  # a link to mariadbd, in older packages
    assert fatal() == [*MARIADB_S]
    machine.add(MARIADB, *MARIADB_S)
    assert fatal() == []
    check_machine(cluster_with("xtrabackup"))


def test_mysql_is_a_server_too(machine: Machine) -> None:
    machine.add(MYSQL, "mysqld")
    assert fatal() == []
    assert missing_packages(inspect_machine()) == ()
    found = {f.prerequisite.program: f.found for f in inspect_machine()}
    server = found["mysqld"]
    assert server is not None
    assert server.version == "8.0.46"
    assert "mariadbd" not in found
    check_machine(cluster_with("builtin"))
    check_machine(({"kind": "PlanetScaleCluster", "spec": {}},))


def test_online_backups_of_mysql_need_their_programs(machine: Machine) -> None:
    machine.add(MYSQL, "mysqld")
    with pytest.raises(InputError, match="xtrabackup, xbstream: not found, and a cluster's"):
        check_machine(cluster_with("xtrabackup"))
    machine.add("xtrabackup version 8.0.35", "xtrabackup", "xbstream")
    check_machine(cluster_with("xtrabackup"))
