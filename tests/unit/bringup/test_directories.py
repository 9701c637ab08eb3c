"""Which directories become a cluster's, and what is left when it is removed."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pytest

from armillary.base.errors import InputError
from armillary.cli.bringup.prepare import (
    one_at_a_time,
    prepare_directory,
    refuse_foreign,
    remove_directory,
)
from armillary.cli.options import directory_option
from armillary.settings.local import LocalPaths


@pytest.mark.parametrize("name", ["bin", "logs", "run", "pki", "etcd"])
def test_a_directory_that_holds_somebody_elses_files_is_left_alone(
    tmp_path: Path, name: str
) -> None:
    """`down --purge` would remove them."""
    (tmp_path / name).mkdir()
    refuse_foreign(tmp_path)  # as an `up` that was interrupted leaves it
    (tmp_path / name / "precious").touch()
    with pytest.raises(InputError, match=f"holds {name}, and no cluster"):
        refuse_foreign(tmp_path)


def test_what_a_killed_up_had_begun_to_write_is_no_strangers(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".state.json.4711").touch()
    refuse_foreign(tmp_path)


def test_a_second_up_waits_for_what_the_first_has_half_made() -> None:
    with (
        TemporaryDirectory(prefix="arp-", dir="/tmp") as short,  # pytest's own are too long
        ThreadPoolExecutor() as threads,
    ):
        home = Path(short)
        with one_at_a_time(home):
            (home / "run").mkdir()
            (home / "run" / "half").touch()
            second = threads.submit(prepare_directory, home, namespace="example")
            with pytest.raises(TimeoutError):
                second.result(timeout=0.2)
            (home / "run" / "half").unlink()
        assert second.result().namespace == "example"


def test_a_manifest_and_older_backups_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").touch()
    (tmp_path / "backups" / "example").mkdir(parents=True)
    refuse_foreign(tmp_path)


def test_what_all_share_and_a_home_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(InputError, match="another use"):
        refuse_foreign(shared)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match="another use"):
        refuse_foreign(tmp_path)


def test_a_removal_leaves_what_is_not_the_clusters_and_tells_what_it_could_not_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("run", "volumes", "backups"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "file").touch()
    (tmp_path / "cluster.yaml").touch()
    unlink = os.unlink

    def refuse(path: str, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None and "volumes" in os.readlink(f"/proc/self/fd/{dir_fd}"):
            raise PermissionError(1, "Operation not permitted", path)
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        problems = remove_directory(tmp_path)
    assert any("volumes" in problem and "not permitted" in problem for problem in problems)
    assert (tmp_path / "run" / "file").exists(), "the same command can be given again"
    assert remove_directory(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.yaml"]


def test_a_removal_knows_every_part_of_a_cluster(tmp_path: Path) -> None:
    directory = tmp_path / "cluster"
    paths = LocalPaths(directory)
    for name, member in vars(LocalPaths).items():
        if isinstance(member, property):
            path: Path = getattr(paths, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix or path == paths.kubeconfig else path.mkdir(exist_ok=True)
    assert remove_directory(directory) == []
    assert not directory.exists(), f"left: {list(directory.iterdir())}"


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    @click.command()
    @directory_option
    def verb(directory: Path) -> None:
        raise AssertionError(directory)

    (tmp_path / "file").touch()
    with pytest.raises(click.BadParameter, match="no directory"):
        verb.main(["--dir", str(tmp_path / "file")], standalone_mode=False)
