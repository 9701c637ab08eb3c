"""What must stay in one process when several share the tests."""

from pathlib import Path

from tests.scheduling import APART, LONGEST_FIRST, ONE_CLUSTER, TOGETHER, longest_first, scope_of

ROOT = Path(__file__).resolve().parents[2]


def test_files_that_share_servers_share_a_process() -> None:
    assert scope_of("tests/unit/a/test_b.py::test_c[x]") == "tests/unit/a/test_b.py"
    kubelet = "tests/integration/kubelet/"
    assert scope_of(f"{kubelet}test_a.py::test_b") == scope_of(f"{kubelet}test_c.py::test_d")
    gateway = "tests/integration/vtgate/test_a.py::test_b"
    assert scope_of(f"{gateway}[MariaDB-1]") != scope_of(f"{gateway}[MySQL-1]") in LONGEST_FIRST
    first, second = sorted(ONE_CLUSTER)[:2]
    assert scope_of(f"tests/e2e/test_{first}.py::test_a") == scope_of(
        f"tests/e2e/test_{second}.py::test_b[1]"
    )


def test_exactly_the_stories_of_the_shared_cluster_stay_together() -> None:
    sharing = {
        path.stem.removeprefix("test_")
        for path in (ROOT / "tests" / "e2e").glob("test_*.py")
        if "walked: Walk" in (text := path.read_text()) or "forwarded: Walk" in text
    }
    assert sharing == ONE_CLUSTER


def test_every_directory_and_file_named_is_there() -> None:
    paths = [name for name in LONGEST_FIRST if "/" in name]
    assert len(paths) == len(LONGEST_FIRST) - 2, (
        "the stories, and the gateway on MySQL, are no path"
    )
    assert [path for path in (*TOGETHER, *APART, *paths) if not (ROOT / path).exists()] == []


def test_what_takes_long_begins_first_and_the_rest_keeps_its_order() -> None:
    shared = [f"tests/e2e/test_{name}.py::test_a" for name in sorted(ONE_CLUSTER)[:2]]
    given = ["tests/unit/b.py::test", "tests/unit/a.py::test", f"{LONGEST_FIRST[1]}::t", *shared]
    assert longest_first(given) == [3, 4, 2, 0, 1]
