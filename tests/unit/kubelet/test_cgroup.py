"""Where memory limits go: cgroup version 1, version 2, and machines without either."""

from pathlib import Path

from armillary.local.kubelet.containers.cgroup import CgroupParent, candidates

V1 = "12:cpu,cpuacct:/\n4:memory:/user.slice\n0::/user.slice/session\n"
V2 = "0::/user.slice/user-1000.slice/session-1.scope\n"


def test_version_1_prefers_our_own_group_and_falls_back_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "memory" / "user.slice").mkdir(parents=True)
    assert candidates(V1, tmp_path)[:2] == [
        (1, tmp_path / "memory" / "user.slice"),
        (1, tmp_path / "memory"),
    ]


def test_version_2_goes_beside_us_because_processes_live_in_leaves(tmp_path: Path) -> None:
    own = tmp_path / "user.slice" / "user-1000.slice" / "session-1.scope"
    own.mkdir(parents=True)
    assert candidates(V2, tmp_path) == [(2, own.parent), (2, own)]
    assert candidates("0::/\n", tmp_path) == [(2, tmp_path)]


def test_a_machine_without_groups_has_no_candidate(tmp_path: Path) -> None:
    assert candidates("", tmp_path) == []
    assert candidates(V2, tmp_path / "not-mounted") == []
    assert candidates("3:cpu:/\n", tmp_path) == []


def test_the_limit_is_written_where_each_version_has_it(tmp_path: Path) -> None:
    for version, name in ((1, "memory.limit_in_bytes"), (2, "memory.max")):
        parent = CgroupParent(tmp_path, version)
        group = parent.create(f"pod{version}", 1 << 20)
        assert group is not None and (group.path / name).read_text() == str(1 << 20)


def test_a_kernel_that_refuses_means_no_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert CgroupParent(tmp_path / "file", 2).create("pod", 1 << 20) is None


def test_killed_processes_are_counted_in_either_version(tmp_path: Path) -> None:
    group = CgroupParent(tmp_path, 2).group("pod")
    assert group.oom_kill_count() == 0
    group.path.mkdir()
    (group.path / "memory.events").write_text("low 0\nhigh 0\noom 1\noom_kill 2\n")
    (group.path / "memory.oom_control").write_text("oom_kill_disable 0\noom_kill 3\n")
    assert group.oom_kill_count() == 2
    assert CgroupParent(tmp_path, 1).group("pod").oom_kill_count() == 3
    group.remove()  # a group that is not empty stays, without a word
    assert group.path.exists()
