"""The tool that prepares a backup keeps within the machine and within its container's limit."""

from pathlib import Path

import pytest

from armillary.backup.engines.memory import MIB, container_room, prepare_memory

UNLIMITED_V1 = 9223372036854771712
GROUP = "kubepods/pod1/vttablet"
LARGE = 1 << 40


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def machine(root: Path, groups: str = "", *, free_mib: int = 16384) -> Path:
    put(root / "proc/meminfo", f"MemTotal: 1 kB\nMemAvailable:   {free_mib * 1024} kB\n")
    put(root / "proc/self/cgroup", groups)
    return root


def limit_v2(root: Path, group: str, limit: str, *, taken: int = 0) -> None:
    put(root / "sys/fs/cgroup" / group / "memory.max", f"{limit}\n")
    put(root / "sys/fs/cgroup" / group / "memory.stat", f"anon {taken}\nfile 999999999\n")


def test_without_a_limit_it_is_a_part_of_what_the_machine_has_free(tmp_path: Path) -> None:
    machine(tmp_path, f"0::/{GROUP}\n")
    limit_v2(tmp_path, GROUP, "max")
    assert container_room(tmp_path) is None
    assert prepare_memory(LARGE, tmp_path) == 2048 * MIB
    assert prepare_memory(100 * MIB, tmp_path) == 100 * MIB
    assert prepare_memory(1, tmp_path) == 64 * MIB


def test_the_containers_limit_counts_what_is_taken_but_not_the_page_cache(tmp_path: Path) -> None:
    machine(tmp_path, f"0::/{GROUP}\n")
    limit_v2(tmp_path, GROUP, str(512 * MIB), taken=112 * MIB)
    assert container_room(tmp_path) == 400 * MIB
    assert prepare_memory(LARGE, tmp_path) == 200 * MIB


def test_the_tightest_group_around_it_decides(tmp_path: Path) -> None:
    machine(tmp_path, f"0::/{GROUP}\n")
    limit_v2(tmp_path, GROUP, "max")
    limit_v2(tmp_path, "kubepods/pod1", str(300 * MIB), taken=100 * MIB)
    limit_v2(tmp_path, "kubepods", str(900 * MIB))
    assert prepare_memory(LARGE, tmp_path) == 100 * MIB


def test_a_container_that_sees_its_own_group_as_the_topmost(tmp_path: Path) -> None:
    machine(tmp_path, "0::/\n")
    limit_v2(tmp_path, ".", str(256 * MIB), taken=56 * MIB)
    assert prepare_memory(LARGE, tmp_path) == 100 * MIB


@pytest.mark.parametrize("seen", [GROUP, "."])
def test_the_older_control_groups(tmp_path: Path, seen: str) -> None:
    machine(tmp_path, f"5:cpu:/other\n4:memory:/{GROUP}\n0::/\n")
    folder = tmp_path / "sys/fs/cgroup/memory"
    put(folder / "memory.limit_in_bytes", f"{UNLIMITED_V1}\n")
    put(folder / seen / "memory.limit_in_bytes", f"{224 * MIB}\n")
    put(folder / seen / "memory.stat", f"cache 5\nrss 1\ntotal_rss {124 * MIB}\n")
    assert prepare_memory(LARGE, tmp_path) == 50 * MIB


def test_where_hardly_anything_is_left_it_takes_what_recovery_needs(tmp_path: Path) -> None:
    machine(tmp_path, f"0::/{GROUP}\n")
    limit_v2(tmp_path, GROUP, str(128 * MIB), taken=200 * MIB)
    assert prepare_memory(LARGE, tmp_path) == 32 * MIB


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert prepare_memory(LARGE, tmp_path) == 64 * MIB
