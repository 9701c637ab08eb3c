"""The whole procedure by an ordinary user on a machine where bubblewrap may not be used."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.ordinary_user import OrdinaryUser, needs_another_user, ordinary_user

pytestmark = needs_another_user


@pytest.fixture(scope="module")
def user() -> Iterator[OrdinaryUser]:
    with ordinary_user(ARMILLARY_SANDBOX="none") as user:
        try:
            yield user
        finally:
            user.run("armillary", "down", "--purge", "--yes", "--dir", str(user.home / "c"))


def test_the_procedure_without_bubblewrap(user: OrdinaryUser) -> None:
    cluster = user.home / "c"
    done = user.run("python3", "-m", "armillary.cli.demo", "--dir", str(cluster))
    assert "Every check held" in done.stdout
    log = (cluster / "logs" / "kubelet.log").read_text()
    assert "sandbox=False" in log
    owners = {path.lstat().st_uid for path in cluster.rglob("*")}
    assert owners == {cluster.stat().st_uid} and 0 not in owners


def test_it_comes_back_after_everything_was_killed(user: OrdinaryUser) -> None:
    cluster = user.home / "c"
    pids = user.pids(cluster)
    assert len(pids) > 40
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    user.run("armillary", "up", "--dir", str(cluster))
    rows = ask(user, cluster, "use main; select name from users where user_id in (101, 102)")
    assert rows == ["name", "Jacques", "Jacques"]


def test_removing_it_leaves_nothing(user: OrdinaryUser) -> None:
    cluster = user.home / "c"
    user.run("python3", "-m", "armillary.cli.demo", "--down", "--dir", str(cluster))
    assert not cluster.exists()
    assert user.pids(cluster) == []


def ask(user: OrdinaryUser, cluster: Path, text: str) -> list[str]:
    link = user.home / "venv" / "bin" / "mysql"
    if not link.exists():
        link.symlink_to("/usr/bin/mysql")
    done = user.run("mysql", f"--defaults-file={cluster}/my.cnf", "-A", "-e", text)
    return done.stdout.split()
