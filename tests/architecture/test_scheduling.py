"""What must stay in one process when several share the tests."""

from pathlib import Path

from tests.scheduling import ONE_CLUSTER, TOGETHER, scope_of

ROOT = Path(__file__).resolve().parents[2]


def test_files_that_share_servers_share_a_process() -> None:
    assert scope_of("tests/unit/a/test_b.py::test_c[x]") == "tests/unit/a/test_b.py"
    kubelet = "tests/integration/kubelet/"
    assert scope_of(f"{kubelet}test_a.py::test_b") == scope_of(f"{kubelet}test_c.py::test_d")
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


def test_every_directory_named_is_there() -> None:
    assert [path for path in TOGETHER if not (ROOT / path).is_dir()] == []
