"""Promises about the tree that no other tool keeps."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_pins_hold_names_versions_and_hashes_but_no_address() -> None:
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "tools" / "setup" / name).read_text()
        assert "://" not in text
        for line in text.splitlines():
            assert re.match(
                r"([a-z0-9.-]+==[\w.+]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?|#.*|)$", line
            )


def test_every_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pins = (ROOT / "tools" / "setup" / "test.txt").read_text()
    pinned = {line.partition("==")[0] for line in pins.splitlines() if "==" in line}
    names = {re.split(r"[<>=~!\[ ]", word)[0].lower().replace("_", "-") for word in wanted}
    assert names <= pinned


def test_the_generated_definitions_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generate_crds.py", "--check"], cwd=ROOT, check=False
    )
    assert done.returncode == 0


def test_no_unfinished_marks_are_left() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NOCOMMIT)\b(?!\(#\d+\))")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked_files()
        if path.suffix == ".py" and path != Path(__file__).resolve() and path.exists()
        for line in path.read_text().splitlines()
        if marks.search(line)
    ]
    assert found == []
