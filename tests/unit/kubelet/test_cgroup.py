"""Where limits go: cgroup version 1, version 2, and machines without either."""

from pathlib import Path

import pytest

from armillary.local.kubelet.containers.cgroup import (
    CPU,
    MEMORY,
    CgroupParent,
    Group,
    candidates,
)

V1 = "12:cpu,cpuacct:/\n4:memory:/user.slice\n0::/user.slice/session\n"
V2 = "0::/user.slice/user-1000.slice/session-1.scope\n"


def test_version_1_prefers_our_own_group_and_falls_back_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "memory" / "user.slice").mkdir(parents=True)
    assert candidates(V1, MEMORY, tmp_path)[:2] == [
        (1, tmp_path / "memory" / "user.slice"),
        (1, tmp_path / "memory"),
    ]


def test_version_2_goes_beside_us_because_processes_live_in_leaves(tmp_path: Path) -> None:
    own = tmp_path / "user.slice" / "user-1000.slice" / "session-1.scope"
    own.mkdir(parents=True)
    assert candidates(V2, MEMORY, tmp_path) == [(2, own.parent), (2, own)]
    assert candidates("0::/\n", MEMORY, tmp_path) == [(2, tmp_path)]


def test_a_machine_without_groups_has_no_candidate(tmp_path: Path) -> None:
    assert candidates("", MEMORY, tmp_path) == []
    assert candidates(V2, MEMORY, tmp_path / "not-mounted") == []
    assert candidates("3:cpu:/\n", MEMORY, tmp_path) == []


def parent(path: Path, version: int) -> CgroupParent:
    return CgroupParent(tuple(Group(each, path, version) for each in (MEMORY, CPU)))


def test_each_controller_is_looked_for_where_it_is(tmp_path: Path) -> None:
    for name in ("cpu", "memory/user.slice"):
        (tmp_path / name).mkdir(parents=True)
    assert candidates(V1, CPU, tmp_path)[0] == (1, tmp_path / "cpu")
    assert candidates(V1, MEMORY, tmp_path)[0] == (1, tmp_path / "memory" / "user.slice")


def test_limits_are_written_where_each_version_has_them(tmp_path: Path) -> None:
    amounts = {MEMORY: float(1 << 20), CPU: 0.25}
    for version, files in (
        (1, {"memory.limit_in_bytes": "1048576", "cpu.cfs_quota_us": "25000"}),
        (2, {"memory.max": "1048576", "cpu.max": "25000 100000"}),
    ):
        group = parent(tmp_path, version).create(f"pod{version}", amounts)
        for name, text in files.items():
            assert (tmp_path / f"pod{version}" / name).read_text() == text
        assert group.procs == (tmp_path / f"pod{version}" / "cgroup.procs",)
    assert parent(tmp_path, 2).create("free", {}).procs == ()
    assert not (tmp_path / "free").exists()


def test_a_limit_of_next_to_nothing_is_the_least_that_the_kernel_takes(tmp_path: Path) -> None:
    parent(tmp_path, 2).create("pod", {CPU: 0.001})
    assert (tmp_path / "pod" / "cpu.max").read_text() == "1000 100000"


def test_a_kernel_that_refuses_means_no_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert parent(tmp_path / "file", 2).create("pod", {MEMORY: 1.0, CPU: 1.0}).procs == ()


@pytest.mark.anyio
async def test_killed_processes_are_counted_in_either_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armillary.local.kubelet.containers.cgroup._REMOVE_TRIES", 2)
    group = parent(tmp_path, 2).group("pod")
    assert group.oom_kill_count() == 0
    path = tmp_path / "pod"
    path.mkdir()
    (path / "memory.events").write_text("low 0\nhigh 0\noom 1\noom_kill 2\n")
    (path / "memory.oom_control").write_text("oom_kill_disable 0\noom_kill 3\n")
    assert group.oom_kill_count() == 2
    assert parent(tmp_path, 1).group("pod").oom_kill_count() == 3
    await group.remove()  # a group that is not empty stays, without a word
    assert path.exists()


def test_a_kubelets_groups_go_once_nothing_is_in_them(tmp_path: Path) -> None:
    of_kubelet = CgroupParent((Group(MEMORY, tmp_path / "k", 1), Group(CPU, tmp_path / "c", 1)))
    for path in ("k/one", "k/two", "c/one"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "k/two/process").write_text("")  # as the kernel refuses while one is there
    for _ in range(2):
        of_kubelet.remove()
        assert sorted(p.name for p in tmp_path.rglob("*")) == ["k", "process", "two"]
